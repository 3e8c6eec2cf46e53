"""A repair: an operator decides about a run that nobody else may let go on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final, TypeAlias

from attrs import evolve, field, frozen

from turnkeep_domain.decisions import Changed, Refused, Unchanged
from turnkeep_domain.turns.active import Active, Request
from turnkeep_domain.turns.actors import Actor, Role
from turnkeep_domain.turns.asked import Asked
from turnkeep_domain.turns.claims import RunStanding
from turnkeep_domain.turns.effect import RunEffect
from turnkeep_domain.turns.ended import EndedRun, RunRecord
from turnkeep_domain.turns.events import RunEvent, RunFailed, RunRequeued, told_of
from turnkeep_domain.turns.journal import told_of_entry
from turnkeep_domain.turns.moved import Moved
from turnkeep_domain.turns.names import Category, RunId
from turnkeep_domain.turns.refusals import (
    EffectsUnsettled,
    NotPermitted,
    OperatorRefusal,
    WrongState,
)
from turnkeep_domain.turns.run import Run
from turnkeep_domain.turns.run_states import Failed, NeedsOperator, Queued
from turnkeep_domain.turns.settlements import Settlements

if TYPE_CHECKING:
    from turnkeep_domain.turns.turn_state import TurnState

RETRY: Final = Category("retry")

Repaired: TypeAlias = Changed[Moved, RunStanding] | Refused[EffectsUnsettled]


@frozen(kw_only=True)
class Repair:
    """A run that waits for an operator, and the request of one."""

    active: Active = field()
    request: Request = field()

    @classmethod
    def of(
        cls,
        state: TurnState,
        run: RunId,
        *,
        request: Request,
        actor: Actor,
        ended: RunRecord | None,
        now: datetime,
    ) -> Repair | Unchanged[RunStanding] | Refused[OperatorRefusal]:
        """The repair, once it is known to be asked by an operator, and of a run that waits."""
        asked = Asked.of(state, run, request=request, ended=ended, now=now)
        if isinstance(asked, Refused):
            return asked
        if asked.answered is not None:
            return asked.answered
        if actor.role is not Role.OPERATOR:
            return Refused(NotPermitted())
        found = asked.found
        if isinstance(found, EndedRun) or not isinstance(found.run.state, NeedsOperator):
            return Refused(WrongState(asked.standing.status))
        return cls(active=found, request=request)

    def retry(self, settlements: Settlements, effects: Sequence[RunEffect]) -> Repaired:
        """The run waits for a worker again, with nothing left uncertain."""
        settled = settlements.of_all(self.active.run, effects)
        if isinstance(settled, Refused):
            return settled
        run, now = self.active.run, self.active.now
        queued = Queued(due_at=now, outside=False)
        counters = evolve(run.counters, lost=0, returned=0)
        run = self.active.stored(evolve(run, state=queued, open=(), counters=counters))
        event = RunRequeued(**told_of(run, now), category=RETRY, due_at=now)
        return self._repaired(run, event, settled)

    def give_up(
        self, settlements: Settlements, effects: Sequence[RunEffect], category: Category
    ) -> Repaired:
        """The run fails; what was not settled stays uncertain."""
        settled = settlements.of_some(self.active.run, effects)
        if isinstance(settled, Refused):
            return settled
        run = self.active.run
        failed = Failed(category=category, effect=None)
        run = self.active.stored(evolve(run, state=failed, open=settlements.left(run)))
        event = RunFailed(**told_of(run, self.active.now), category=category)
        return self._repaired(run, event, settled)

    def _repaired(
        self, run: Run, event: RunEvent, settled: tuple[RunEffect, ...]
    ) -> Changed[Moved, RunStanding]:
        moved = self.active.moved(run, request=self.request, effects=settled)
        told = [e for effect in settled for e in told_of_entry(run, effect, self.active.now)]
        return Changed(moved, run.standing, (*told, event))
