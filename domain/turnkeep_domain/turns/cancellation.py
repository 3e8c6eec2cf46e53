"""A cancellation: a run is called off, at once where nobody holds it."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve, field, frozen

from turnkeep_domain.decisions import Changed, Unchanged
from turnkeep_domain.turns.active import Active, Request
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.claims import RunLease, RunStanding
from turnkeep_domain.turns.events import RunCancelled, RunCancelRequested, told_of
from turnkeep_domain.turns.moved import Moved
from turnkeep_domain.turns.names import Ref
from turnkeep_domain.turns.run_states import Cancelled, CancelRequested


@frozen(kw_only=True)
class Cancellation:
    """Who calls a run off, why, and how long its worker may take to end it."""

    reason: Ref = field()
    by: Actor = field()
    grace: timedelta = field()

    def of(
        self, active: Active, request: Request | None = None
    ) -> Changed[Moved, RunStanding] | Unchanged[RunStanding]:
        """The run ends, or its worker is told to end it, or was told before."""
        run = active.run
        if isinstance(run.state, CancelRequested):
            return Unchanged(run.standing)
        if run.lease is not None:
            return self._announced(active, run.lease, request)
        cancelled = Cancelled(
            reason=self.reason, by=self.by, result_ref=None, uncertain=len(run.open)
        )
        run = active.stored(evolve(run, state=cancelled))
        event = RunCancelled(
            **told_of(run, active.now),
            reason=self.reason,
            actor=self.by,
            uncertain=cancelled.uncertain,
        )
        return Changed(active.moved(run, request=request), run.standing, (event,))

    def _announced(
        self, active: Active, lease: RunLease, request: Request | None
    ) -> Changed[Moved, RunStanding]:
        cancel_by = active.now + self.grace
        asked = CancelRequested(reason=self.reason, by=self.by, cancel_by=cancel_by)
        run = active.stored(
            evolve(active.run, state=asked, lease=evolve(lease, cancel_by=cancel_by))
        )
        event = RunCancelRequested(
            **told_of(run, active.now), reason=self.reason, actor=self.by, cancel_by=cancel_by
        )
        return Changed(active.moved(run, request=request), run.standing, (event,))
