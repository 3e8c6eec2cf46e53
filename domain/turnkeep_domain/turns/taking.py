"""A taking: a worker takes a queued run, under a fence that no claim had before."""

from __future__ import annotations

from datetime import timedelta

from attrs import evolve, field, frozen

from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.leases.tenure import Tenure
from turnkeep_domain.request_ids import Digest
from turnkeep_domain.turns.active import Active
from turnkeep_domain.turns.claims import RunLease
from turnkeep_domain.turns.events import RunClaimed, told_of
from turnkeep_domain.turns.lane import Granted
from turnkeep_domain.turns.moved import Moved
from turnkeep_domain.turns.refusals import (
    ClaimEnded,
    GrantRefusal,
    RunNotDue,
    ThreadDeleted,
    WrongState,
)
from turnkeep_domain.turns.run_states import Queued, Running


@frozen(kw_only=True)
class Taking:
    """A worker that takes a run.

    Attributes:
        token: The digest of the token that it minted for this pass over the lanes.
        ttl: How long the claim lasts, unless its worker says that it is alive.
    """

    active: Active = field()
    holder: str = field()
    token: Digest = field(repr=False)
    ttl: timedelta = field()

    def take(self) -> Decision[Moved, Granted, GrantRefusal]:
        """The run is the worker's. In this order: repeat, state, deleted, due."""
        answer = self._repeat()
        if answer is not None:
            return answer
        state, run, now = self.active.state, self.active.run, self.active.now
        # One outside its lane stands in no queue that a claim could have read.
        if not isinstance(run.state, Queued) or run.state.outside:
            return Refused(WrongState(run.status))
        if state.closed:
            return Refused(ThreadDeleted())
        if run.state.due_at > now:
            return Refused(RunNotDue(run.state.due_at))
        fence = state.fence + 1
        lease = RunLease(
            tenure=Tenure.begun(holder=self.holder, ttl=self.ttl, now=now),
            token=self.token,
            cancel_by=None,
            started=False,
        )
        run = self.active.stored(evolve(run, state=Running(since=now), epoch=fence, lease=lease))
        event = RunClaimed(**told_of(run, now), holder=self.holder, epoch=fence)
        granted = Granted(run=run.address, epoch=fence)
        return Changed(self.active.moved(run, fence=fence), granted, (event,))

    def _repeat(self) -> Unchanged[Granted] | Refused[ClaimEnded] | None:
        run, lease = self.active.run, self.active.run.lease
        if lease is not None and lease.token == self.token:
            is_live = not lease.tenure.is_over(self.active.now)
            return Unchanged(Granted(run=run.address, epoch=run.epoch)) if is_live else None
        for end in self.active.state.ends:
            if (end.run, end.token) == (run.id, self.token):
                return Refused(ClaimEnded(end))
        return None
