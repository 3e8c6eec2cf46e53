"""A runner: whoever presents the claim that holds a run, before its deadline.

The checks of everything that a runner does, in their order: the run exists; no end of this claim is
recorded; the claim is the one that holds it; its deadline has not come. What the run's state allows
is judged by each command, last.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.request_ids import Digest
from turnkeep_domain.turns.active import Active
from turnkeep_domain.turns.checkpoint import Checkpoint, CheckpointKind
from turnkeep_domain.turns.claim_ending import ClaimEnding
from turnkeep_domain.turns.claims import (
    Claim,
    ClaimEnd,
    EndOperation,
    Heartbeat,
    RunLease,
    RunStanding,
)
from turnkeep_domain.turns.ended import EndedRun, RunRecord
from turnkeep_domain.turns.events import RunRouted, told_of
from turnkeep_domain.turns.moved import Moved
from turnkeep_domain.turns.refusals import (
    ClaimEnded,
    ClaimRefusal,
    LeaseExpired,
    LeaseLost,
    NotFound,
    RouteFixed,
    RouteRefusal,
    WrongState,
)
from turnkeep_domain.turns.route import Route
from turnkeep_domain.turns.run import Run
from turnkeep_domain.turns.run_states import Running

if TYPE_CHECKING:
    from datetime import timedelta

    from turnkeep_domain.turns.turn_state import TurnState


@frozen(kw_only=True)
class Runner:
    """The holder of a live claim, and what it may do without ending it."""

    active: Active = field()
    lease: RunLease = field()

    @classmethod
    def of(
        cls, state: TurnState, claim: Claim, *, ended: RunRecord | None, now: datetime
    ) -> Runner | Refused[ClaimRefusal]:
        """The runner, if the claim passes all checks."""
        active = Active.of(state, claim.run.id, now)
        if active is None and not _is_of(ended, claim):
            return Refused(NotFound(claim.run.id))
        end = _end_of(claim, state, ended)
        if end is not None:
            return Refused(ClaimEnded(end))
        lease = None if active is None else active.run.lease
        if active is None or lease is None:
            return Refused(LeaseLost())
        if (active.run.epoch, lease.token) != (claim.epoch, claim.digest):
            return Refused(LeaseLost())
        if lease.tenure.is_over(now):
            return Refused(LeaseExpired(lease.tenure.until))
        return cls(active=active, lease=lease)

    @classmethod
    def ending(
        cls,
        state: TurnState,
        claim: Claim,
        *,
        by: EndOperation,
        arguments: Digest,
        ended: RunRecord | None,
        now: datetime,
    ) -> Runner | Unchanged[RunStanding] | Refused[ClaimRefusal]:
        """The runner that is about to end its claim, or what it was answered when it did."""
        runner = cls.of(state, claim, ended=ended, now=now)
        match runner:
            case Refused(ClaimEnded(end)) if (end.operation, end.arguments) == (by, arguments):
                return Unchanged(end.outcome)
            case _:
                return runner

    def end(self, by: EndOperation, arguments: Digest) -> ClaimEnding:
        """The ending of its claim, before the deadline."""
        return ClaimEnding(
            active=self.active,
            lease=self.lease,
            operation=by,
            arguments=arguments,
            valid_until=self.lease.tenure.until,
        )

    def heartbeat(self, *, ttl: timedelta) -> Decision[Moved, Heartbeat, ClaimRefusal]:
        """Its claim lasts longer: never past `cancel_by`, never shorter. No version, no event."""
        active, lease = self.active, self.lease
        tenure = lease.tenure.renewed(ttl=ttl, now=active.now, at_most=lease.cancel_by)
        told = Heartbeat(until=tenure.until, cancel_by=lease.cancel_by, at=active.now)
        if tenure == lease.tenure:
            return Unchanged(told)
        run = evolve(active.run, lease=evolve(lease, tenure=tenure))
        moved = Moved(state=evolve(active.state, active=run), ended=None, effects=())
        return Changed(moved, told, (), lease.tenure.until)

    def start(self) -> Decision[Moved, RunStanding, ClaimRefusal]:
        """Its handler is about to be called; noted where a second call might repeat something."""
        run, lease = self.active.run, self.lease
        if lease.started or run.policy.journaled:
            return Unchanged(run.standing)
        if not isinstance(run.state, Running):
            return Refused(WrongState(run.status))
        run = self.active.stored(evolve(run, lease=evolve(lease, started=True)))
        return Changed(self.active.moved(run), run.standing, (), lease.tenure.until)

    def checkpoint(
        self,
        *,
        kind: CheckpointKind,
        schema: int,
        payload: bytes,
        ordinals: tuple[tuple[str, int], ...],
    ) -> Decision[Moved, Checkpoint, ClaimRefusal]:
        """The handler saves its own state."""
        run, now = self.active.run, self.active.now
        if not isinstance(run.state, Running):
            return Refused(WrongState(run.status))
        saved = Checkpoint(
            scope=run.scope,
            run=run.id,
            sequence=run.counters.checkpoint + 1,
            kind=kind,
            schema=schema,
            ordinals=ordinals,
            payload=payload,
            saved_at=now,
        )
        counters = evolve(run.counters, checkpoint=saved.sequence)
        run = self.active.stored(evolve(run, counters=counters))
        return Changed(self.active.moved(run), saved, (), self.lease.tenure.until)

    def set_route(self, route: Route) -> Decision[Moved, RunStanding, RouteRefusal]:
        """It was decided which model serves the run: once."""
        run = self.active.run
        if not isinstance(run.state, Running):
            return Refused(WrongState(run.status))
        if run.route is not None:
            same = run.route == route
            return Unchanged(run.standing) if same else Refused(RouteFixed())
        run = self.active.stored(evolve(run, route=route))
        event = RunRouted(**told_of(run, self.active.now), route=route)
        return Changed(self.active.moved(run), run.standing, (event,), self.lease.tenure.until)


def held_by(
    state: TurnState, claim: Claim, *, ended: RunRecord | None, now: datetime
) -> Run | Refused[ClaimRefusal]:
    """The run that the claim holds."""
    runner = Runner.of(state, claim, ended=ended, now=now)
    return runner.active.run if isinstance(runner, Runner) else runner


def _is_of(ended: RunRecord | None, claim: Claim) -> bool:
    return isinstance(ended, EndedRun) and ended.run.id == claim.run.id


def _end_of(claim: Claim, state: TurnState, ended: RunRecord | None) -> ClaimEnd | None:
    recorded: Iterable[ClaimEnd] = state.ends
    if isinstance(ended, EndedRun):
        recorded = (*state.ends, *ended.ends)
    sought = (claim.run.id, claim.epoch, claim.digest)
    for end in recorded:
        if (end.run, end.epoch, end.token) == sought:
            return end
    return None
