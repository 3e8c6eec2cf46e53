"""Cancelling: a run is called off, and then, one by one, whatever descends from it."""

from __future__ import annotations

from functools import partial
from typing import Final

from attrs import Factory, field, frozen

from turnkeep_application.reading import Reading, Unreadable
from turnkeep_application.records import Need, Records
from turnkeep_application.turns.cells import tree_key, turn_state_key
from turnkeep_application.turns.due import DueRecords, tidied
from turnkeep_application.turns.run_commands import Found, RunCommands
from turnkeep_application.turns.swept import Swept
from turnkeep_application.turns.turn_settings import TurnSettings
from turnkeep_application.updates import Updates
from turnkeep_domain.decisions import Changed, Decision, Refused
from turnkeep_domain.identifiers import require_identifier
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.claims import RunStanding
from turnkeep_domain.turns.limits import TREE_DEPTH_MAX
from turnkeep_domain.turns.names import Ref, require_ref
from turnkeep_domain.turns.refusals import CancelRefusal, NotFound
from turnkeep_domain.turns.run_states import RunStatus
from turnkeep_domain.turns.spawn_tree import SPAWN_TREES, Member, SpawnTree
from turnkeep_ports.errors import Corrupt, SchemaTooNew, Unavailable

CASCADE: Final = Actor.system("turnkeep.cascade")
"""Who calls off what descends from a run that was called off."""

ANCESTOR: Final = Ref("ancestor_cancelled")
"""Why."""

CANCELLING: Final = frozenset({"cancelling"})
_CALLED_OFF: Final = frozenset({RunStatus.CANCEL_REQUESTED, RunStatus.CANCELLED})


@frozen(kw_only=True)
class Cancelling:
    """The use case of calling off, as `Turns` promises it, and its part of the sweep."""

    updates: Updates
    reading: Reading
    settings: TurnSettings
    _commands: RunCommands = field(
        init=False, default=Factory(lambda self: RunCommands(self.updates), takes_self=True)
    )

    async def request_cancel(
        self, run: RunAddress, *, reason: Ref, actor: Actor, request_id: RequestId
    ) -> RunStanding | Refused[CancelRefusal]:
        """As `Turns.request_cancel` promises."""
        require_kind("run", run, RunAddress)
        require_ref("reason", reason)
        require_kind("actor", actor, Actor)
        require_identifier("request_id", request_id)
        roots: list[RunAddress] = []

        def answer(found: Found) -> Decision[Records, RunStanding, CancelRefusal] | Need:
            called = found.run(run)
            roots[:] = [] if called is None else [called.root]
            decision = found.state.request_cancel(
                run=run.id,
                reason=reason,
                actor=actor,
                request_id=request_id,
                grace=self.settings.cancel_grace,
                ended=found.ended,
                now=found.now,
            )
            return found.carried_out(decision)

        standing = await self._commands.decide(run, answer, ends=True)
        if isinstance(standing, RunStanding) and standing.status in _CALLED_OFF and roots:
            await self._descend_from(roots[0])
        return standing

    async def go_on(self, *, limit: int) -> Swept:
        """Calls off what a canceller has not got to."""
        due = DueRecords(self.reading)
        swept, after = Swept(), None
        while swept.cancelled < limit:
            left = limit - swept.cancelled
            page = await due.of(SPAWN_TREES, CANCELLING, limit=left, after=after)
            swept += Swept(unreadable=page.unreadable)
            for tree in page.records:
                swept += await self._level(tree)
            after = page.next
            if after is None:
                break
        return swept

    async def _descend_from(self, root: RunAddress) -> None:
        """Level by level, until nobody is left or something has to wait for the sweep."""
        for _ in range(TREE_DEPTH_MAX + 1):
            try:
                tree = (await self.reading.record(tree_key(root))).record
            except (Corrupt, SchemaTooNew, Unavailable):
                return  # the run itself was called off; the sweep tells of its tree
            if tree is None or not (await self._level(tree)).cancelled:
                return

    async def _level(self, tree: SpawnTree) -> Swept:
        lost: list[Unreadable] = []
        done, unreadable = await tidied(
            tree.called_off(),
            partial(self._call_off, lost=lost),
            lambda member: turn_state_key(member.run).address,
        )
        return Swept(cancelled=done, unreadable=(*unreadable, *lost))

    async def _call_off(self, member: Member, *, lost: list[Unreadable]) -> bool:
        changes: list[bool] = []

        def answer(found: Found) -> Decision[Records, RunStanding, NotFound] | Need:
            decision = found.state.call_off(
                run=member.run.id,
                reason=ANCESTOR,
                by=CASCADE,
                grace=self.settings.cancel_grace,
                now=found.now,
            )
            changes[:] = [isinstance(decision, Changed)]
            return found.carried_out(decision)

        await self._commands.decide(member.run, answer, ends=True, lost=lost)
        return any(changes)
