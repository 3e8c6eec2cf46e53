"""A release: a gate lets a blocked run go, and it waits for a worker again."""

from __future__ import annotations

from attrs import evolve, field, frozen

from turnkeep_domain.decisions import Changed, Refused, Unchanged
from turnkeep_domain.turns.active import Active, Request
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.claims import RunStanding
from turnkeep_domain.turns.effect import Done
from turnkeep_domain.turns.events import RunResumed, told_of
from turnkeep_domain.turns.gates import Disposition, GateKind
from turnkeep_domain.turns.journal import entered
from turnkeep_domain.turns.moved import Moved
from turnkeep_domain.turns.names import Ref
from turnkeep_domain.turns.parking import call_at
from turnkeep_domain.turns.refusals import GateMismatch, RunNotDue, WrongState
from turnkeep_domain.turns.run import Run, RunApproval
from turnkeep_domain.turns.run_states import Blocked, Queued


@frozen(kw_only=True)
class Release:
    """What may be done with a run that is blocked."""

    active: Active = field()
    blocked: Blocked = field()

    @classmethod
    def at(cls, active: Active, kind: GateKind | None = None) -> Release | Refused[WrongState]:
        """The release of a run that is blocked, at a gate of this kind where one is named."""
        blocked = active.run.state
        if not isinstance(blocked, Blocked) or kind not in (None, blocked.gate.kind):
            return Refused(WrongState(active.run.status))
        return cls(active=active, blocked=blocked)

    @property
    def is_overdue(self) -> bool:
        """Whether the wait has elapsed, whether or not that was noted."""
        until = self.blocked.until
        return until is not None and until <= self.active.now

    def mismatch(self, ref: Ref) -> Refused[GateMismatch] | None:
        """A refusal, if the run waits at another gate than this."""
        return None if self.blocked.gate.ref == ref else Refused(GateMismatch())

    def go(
        self, disposition: Disposition, *, by: Actor, request: Request | None = None
    ) -> Changed[Moved, RunStanding]:
        """The gate ends, or has elapsed: then that is what it ends as."""
        gate, now = self.blocked.gate, self.active.now
        disposition = Disposition.ELAPSED if self.is_overdue else disposition
        run = self._queued(disposition)
        done = Done(output=b"", disposition=disposition)
        entry = entered(run, call_at(gate), done, now)
        event = RunResumed(**told_of(run, now), gate=gate.kind, disposition=disposition, actor=by)
        moved = self.active.moved(run, request=request, effects=(entry,))
        until = None if self.is_overdue else self.blocked.until
        return Changed(moved, run.standing, (event,), until)

    def elapse(self, *, by: Actor) -> Changed[Moved, RunStanding] | Refused[WrongState | RunNotDue]:
        """The wait is over, if its time has come."""
        if self.is_overdue:
            return self.go(Disposition.ELAPSED, by=by)
        until = self.blocked.until
        return Refused(WrongState(self.active.run.status) if until is None else RunNotDue(until))

    def without(
        self, child: RunAddress, *, by: Actor
    ) -> Changed[Moved, RunStanding | None] | Unchanged[RunStanding | None]:
        """An awaited run has ended; the last one lets the run go."""
        gate = self.blocked.gate
        if child not in gate.awaited:
            return Unchanged(None)
        awaited = tuple(run for run in gate.awaited if run != child)
        if not awaited or self.is_overdue:
            return self.go(Disposition.GRANTED, by=by)
        state = evolve(self.blocked, gate=evolve(gate, awaited=awaited))
        run = self.active.stored(evolve(self.active.run, state=state))
        return Changed(self.active.moved(run), run.standing, (), self.blocked.until)

    def _queued(self, disposition: Disposition) -> Run:
        run, counters = self.active.run, self.active.run.counters
        approvals = run.approvals
        if self.blocked.gate.kind is GateKind.APPROVAL:
            granted = disposition is Disposition.GRANTED
            approvals = without_open(run, self.blocked.gate.ref, approved=granted)
        return self.active.stored(
            evolve(
                run,
                state=Queued(due_at=self.active.now, outside=False),
                approvals=approvals,
                counters=evolve(counters, lost=0, returned=0, effects=counters.effects + 1),
            )
        )


def without_open(run: Run, approval: str, *, approved: bool) -> tuple[RunApproval, ...]:
    """The run's approvals once this one is decided: a yes stays listed, unspent; else it goes."""
    if not approved:
        return tuple(entry for entry in run.approvals if entry.id != approval)
    return tuple(
        evolve(entry, open=False) if entry.id == approval else entry for entry in run.approvals
    )
