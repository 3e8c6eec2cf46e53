"""Calling off: the end of a queued run that a claim meets and nobody is to begin any more."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from turnkeep_application.records import Need, Records
from turnkeep_application.turns.cancelling import ANCESTOR, CASCADE
from turnkeep_application.turns.cells import tree_key
from turnkeep_application.turns.run_commands import Found, RunCommands
from turnkeep_application.turns.serving import is_called_off
from turnkeep_application.turns.turn_settings import TurnSettings
from turnkeep_application.updates import Updates
from turnkeep_domain.decisions import Decision, Refused, Unchanged
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.claims import RunStanding
from turnkeep_domain.turns.names import Ref
from turnkeep_domain.turns.refusals import NotFound
from turnkeep_domain.turns.run_states import Queued

THREAD_DELETED: Final = Ref("thread_deleted")
"""Why a run is called off whose thread was deleted."""

TURNS: Final = Actor.system("turnkeep.turns")
"""Who calls it off."""


@frozen(kw_only=True)
class CallingOff:
    """Ends runs whose thread was deleted, or whose root or parent was called off."""

    updates: Updates
    settings: TurnSettings

    async def end(self, run: RunAddress) -> RunStanding | Refused[NotFound]:
        """Ends one of them as cancelled, in a commit of its own; `NotFound` where it is none."""

        def answer(found: Found) -> Decision[Records, RunStanding, NotFound] | Need:
            state = found.state
            active = state.active
            if active is None or active.id != run.id:
                return Refused(NotFound(run.id))
            if not isinstance(active.state, Queued):
                return Unchanged(active.standing)
            if active.lineage.root is not None and tree_key(active.root) not in found.records:
                return Need([tree_key(active.root)])
            if not is_called_off(found.records, state, active):
                return Unchanged(active.standing)
            decision = state.call_off(
                run=run.id,
                reason=THREAD_DELETED if state.closed else ANCESTOR,
                by=TURNS if state.closed else CASCADE,
                grace=self.settings.cancel_grace,
                now=found.now,
            )
            return found.carried_out(decision)

        return await RunCommands(self.updates).decide(run, answer, ends=True)
