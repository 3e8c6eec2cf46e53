"""Broken stores whose commits end wrongly: too late, cancelled, or in doubt."""

# typing.override is not in Python 3.11's library.
# mypy: disable-error-code="explicit-override"

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import datetime

from tests.contract.breaking import breaks
from tests.contract.reference_store import ReferenceStore
from turnkeep_ports.clock import Deadline
from turnkeep_ports.limits import check_commit
from turnkeep_ports.store import (
    CommitId,
    Committed,
    EventDraft,
    Late,
    Stale,
    Write,
)


@breaks("P19", "a_commit_at_its_valid_until_is_late", "a_commit_becomes_late_as_time_passes")
@breaks("P19", "every_kind_of_write_can_be_late")
class IgnoresValidUntil(ReferenceStore):
    """Writes however late it is."""

    def is_late(self, valid_until: datetime | None) -> bool:
        return False


@breaks("P19", "a_commit_at_its_valid_until_is_late")
class LateOneTickLater(ReferenceStore):
    """Takes the instant itself for in time."""

    def is_late(self, valid_until: datetime | None) -> bool:
        return valid_until is not None and valid_until < self.time()


@breaks("P19", "a_commit_in_its_time_is_written")
class AlwaysLate(ReferenceStore):
    """Takes any commit for late that has a `valid_until`."""

    def is_late(self, valid_until: datetime | None) -> bool:
        return valid_until is not None


@breaks("P19", "a_commit_on_its_way_is_judged_once")
class LateAfterWriting(ReferenceStore):
    """Looks at the time once more after it has written."""

    async def commit(
        self,
        commit_id: CommitId,
        writes: Sequence[Write],
        events: Sequence[EventDraft],
        *,
        valid_until: datetime | None,
        deadline: Deadline,
    ) -> Committed | Stale | Late:
        answer = await super().commit(
            commit_id, writes, events, valid_until=valid_until, deadline=deadline
        )
        return Late() if self.is_late(valid_until) else answer


@breaks("P1", "an_unavailable_commit_writes_no_cell_and_no_event")
class UnavailableAfterLanding(ReferenceStore):
    """Notices that its deadline has come after it has written, and says `Unavailable`."""

    async def commit(
        self,
        commit_id: CommitId,
        writes: Sequence[Write],
        events: Sequence[EventDraft],
        *,
        valid_until: datetime | None,
        deadline: Deadline,
    ) -> Committed | Stale | Late:
        answer = await super().commit(
            commit_id, writes, events, valid_until=valid_until, deadline=deadline
        )
        self.require_open(deadline)
        return answer


@breaks("P17", "cancelling_a_commit_leaves_all_or_nothing")
class TornByCancellation(ReferenceStore):
    """Writes one cell after another, and may be cancelled between them."""

    async def commit(
        self,
        commit_id: CommitId,
        writes: Sequence[Write],
        events: Sequence[EventDraft],
        *,
        valid_until: datetime | None,
        deadline: Deadline,
    ) -> Committed | Stale | Late:
        refused = self.judge(writes, valid_until)
        if refused is not None:
            return refused
        revisions = {}
        for write in writes:
            revisions.update(self.apply(commit_id, [write]))
            await self.suspend()
        self.tell(commit_id, events)
        return Committed(revisions)


@breaks("P17", "many_cancellations_leave_a_store_working")
class LosesConnections(ReferenceStore):
    """Never gives a connection back whose commit was cancelled."""

    hang_seconds = 1.0

    async def commit(
        self,
        commit_id: CommitId,
        writes: Sequence[Write],
        events: Sequence[EventDraft],
        *,
        valid_until: datetime | None,
        deadline: Deadline,
    ) -> Committed | Stale | Late:
        connections = self.__dict__.setdefault("connections", asyncio.Semaphore(16))
        await connections.acquire()
        answer = await super().commit(
            commit_id, writes, events, valid_until=valid_until, deadline=deadline
        )
        connections.release()
        return answer


@breaks("P1", "a_store_goes_on_after_a_deadline")
class LosesConnectionsToDeadlines(ReferenceStore):
    """Never gives a connection back whose deadline has come."""

    hang_seconds = 1.0

    async def commit(
        self,
        commit_id: CommitId,
        writes: Sequence[Write],
        events: Sequence[EventDraft],
        *,
        valid_until: datetime | None,
        deadline: Deadline,
    ) -> Committed | Stale | Late:
        connections = self.__dict__.setdefault("connections", asyncio.Semaphore(2))
        await connections.acquire()
        for _ in range(4):
            self.require_open(deadline)
        answer = await super().commit(
            commit_id, writes, events, valid_until=valid_until, deadline=deadline
        )
        connections.release()
        return answer


@breaks("P17", "a_commit_that_never_began_never_runs")
class WritesWhenCalled(ReferenceStore):
    """Writes as soon as it is called, before anybody awaits it."""

    def commit(
        self,
        commit_id: CommitId,
        writes: Sequence[Write],
        events: Sequence[EventDraft],
        *,
        valid_until: datetime | None,
        deadline: Deadline,
    ) -> Coroutine[object, object, Committed | Stale | Late]:
        check_commit(commit_id, writes, events)
        refused = self.judge(writes, valid_until)
        if refused is None:
            revisions = self.apply(commit_id, writes)
            self.tell(commit_id, events)
            return _answered(Committed(revisions))
        return _answered(refused)


async def _answered(answer: Committed | Stale | Late) -> Committed | Stale | Late:
    return answer
