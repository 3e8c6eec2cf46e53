"""A claim's ending: whatever ends it, the fence rises, and what the run becomes follows one order.

A cancel that was asked for wins; then steps that may have happened go to an operator; then the
bounds of the run's policy are judged; only then does it wait for a worker again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from attrs import evolve, field, frozen

from turnkeep_domain.decisions import Changed, Refused
from turnkeep_domain.request_ids import Digest
from turnkeep_domain.turns.active import Active
from turnkeep_domain.turns.backoff import Backoff
from turnkeep_domain.turns.claims import (
    ClaimEnd,
    EndOperation,
    Relinquishment,
    RunLease,
    RunStanding,
)
from turnkeep_domain.turns.effect import RunEffect
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.events import (
    RunBlocked,
    RunCancelled,
    RunCompleted,
    RunEvent,
    RunFailed,
    RunNeedsOperator,
    RunRequeued,
    told_of,
)
from turnkeep_domain.turns.gates import Gate
from turnkeep_domain.turns.moved import Moved
from turnkeep_domain.turns.names import Category, Ref
from turnkeep_domain.turns.refusals import EffectsOpen
from turnkeep_domain.turns.run import Run, RunApproval, RunCounters
from turnkeep_domain.turns.run_states import (
    Blocked,
    Cancelled,
    CancelRequested,
    Completed,
    Failed,
    NeedsOperator,
    Queued,
)

ATTEMPTS_EXHAUSTED: Final = Category("attempts_exhausted")
EXPIRED: Final = Category("expired")

Ending: TypeAlias = Changed[Moved, RunStanding]


@frozen(kw_only=True)
class ClaimEnding:
    """The end of the claim that holds a run.

    Attributes:
        operation: What ends it.
        arguments: What tells a repeat of it from another end.
        valid_until: The claim's deadline; None where that has come.
    """

    active: Active = field()
    lease: RunLease = field()
    operation: EndOperation = field()
    arguments: Digest = field(repr=False)
    valid_until: datetime | None = field()

    def complete(self, result_ref: Ref | None) -> Ending | Refused[EffectsOpen]:
        """The run was carried out."""
        run = self.active.run
        if isinstance(run.state, CancelRequested):
            return self._cancelled(run.state, result_ref)
        if run.open:
            return Refused(EffectsOpen(run.open))
        run = self.active.stored(evolve(run, state=Completed(result_ref=result_ref), lease=None))
        return self._ending(
            run, RunCompleted(**told_of(run, self.active.now), result_ref=result_ref)
        )

    def fail(self, category: Category, effect: EffectId | None) -> Ending:
        """Its handler gives it up."""
        run = self.active.run
        if isinstance(run.state, CancelRequested):
            return self._cancelled(run.state, None)
        if run.open:
            return self._for_an_operator(run, category)
        return self._failed(run, category, effect)

    def block(
        self,
        gate: Gate,
        *,
        until: datetime | None,
        approvals: tuple[RunApproval, ...],
        effects: int,
    ) -> Ending | Refused[EffectsOpen]:
        """Its handler waits at a gate; `effects` is how many entries the journal has but that."""
        run = self.active.run
        if isinstance(run.state, CancelRequested):
            return self._cancelled(run.state, None)
        if run.open:
            return Refused(EffectsOpen(run.open))
        blocked = Blocked(gate=gate, since=self.active.now, until=until)
        run = self.active.stored(
            evolve(
                run,
                state=blocked,
                lease=None,
                approvals=approvals,
                counters=evolve(run.counters, effects=effects),
            )
        )
        return self._ending(
            run, RunBlocked(**told_of(run, self.active.now), gate=gate.kind, until=until)
        )

    def relinquish(
        self, reason: Relinquishment, *, redo: RunEffect | None, backoff: Backoff
    ) -> Ending:
        """Its worker gives it back.

        Args:
            reason: A drain is due at once; an error counts as a loss.
            redo: The journal entry whose failure ended the claim.
            backoff: How long a run rests after a loss.
        """
        counters = self.active.run.counters
        category, rest = Category(reason.value), timedelta(0)
        if reason is Relinquishment.DRAIN:
            counters = evolve(counters, returned=counters.returned + 1)
        else:
            counters = evolve(counters, lost=counters.lost + 1)
            rest = backoff.after(counters.lost)
        return self._returned(counters, category, rest=rest, redo=redo)

    def expire(self, backoff: Backoff) -> Ending:
        """Its deadline has come."""
        counters = self.active.run.counters
        counters = evolve(counters, lost=counters.lost + 1)
        return self._returned(counters, EXPIRED, rest=backoff.after(counters.lost), redo=None)

    def _returned(
        self, counters: RunCounters, category: Category, *, rest: timedelta, redo: RunEffect | None
    ) -> Ending:
        run, policy = self.active.run, self.active.run.policy
        effects = () if redo is None else (redo.redone(),)
        if isinstance(run.state, CancelRequested):
            # A retry that is called off is followed by another, on the same journal.
            return self._cancelled(run.state, None, effects)
        run = evolve(run, counters=counters)
        if run.open or (self.lease.started and not policy.journaled):
            return self._for_an_operator(run, category, effects)
        if counters.lost > policy.lost_max or counters.returned > policy.returned_max:
            return self._failed(run, ATTEMPTS_EXHAUSTED, None if redo is None else redo.id, effects)
        queued = Queued(due_at=self.active.now + rest, outside=False)
        run = self.active.stored(evolve(run, state=queued, lease=None))
        event = RunRequeued(
            **told_of(run, self.active.now), category=category, due_at=queued.due_at
        )
        return self._ending(run, event, effects)

    def _cancelled(
        self,
        asked: CancelRequested,
        result_ref: Ref | None,
        effects: Sequence[RunEffect] = (),
    ) -> Ending:
        run = self.active.run
        cancelled = Cancelled(
            reason=asked.reason, by=asked.by, result_ref=result_ref, uncertain=len(run.open)
        )
        run = self.active.stored(evolve(run, state=cancelled, lease=None))
        event = RunCancelled(
            **told_of(run, self.active.now),
            reason=cancelled.reason,
            actor=cancelled.by,
            uncertain=cancelled.uncertain,
        )
        return self._ending(run, event, effects)

    def _failed(
        self,
        run: Run,
        category: Category,
        effect: EffectId | None,
        effects: Sequence[RunEffect] = (),
    ) -> Ending:
        run = self.active.stored(
            evolve(run, state=Failed(category=category, effect=effect), lease=None)
        )
        return self._ending(
            run, RunFailed(**told_of(run, self.active.now), category=category), effects
        )

    def _for_an_operator(
        self, run: Run, category: Category, effects: Sequence[RunEffect] = ()
    ) -> Ending:
        waiting = NeedsOperator(category=category, since=self.active.now)
        run = self.active.stored(evolve(run, state=waiting, lease=None))
        event = RunNeedsOperator(
            **told_of(run, self.active.now), category=category, uncertain=len(run.open)
        )
        return self._ending(run, event, effects)

    def _ending(self, run: Run, event: RunEvent, effects: Sequence[RunEffect] = ()) -> Ending:
        end = ClaimEnd(
            run=run.id,
            epoch=run.epoch,
            token=self.lease.token,
            operation=self.operation,
            arguments=self.arguments,
            outcome=run.standing,
        )
        fence = self.active.state.fence + 1
        moved = self.active.moved(run, fence=fence, end=end, effects=effects)
        return Changed(moved, run.standing, (event,), self.valid_until)
