"""Broken stores that wake wrongly, or wait for the wrong thing."""

# typing.override is not in Python 3.11's library.
# mypy: disable-error-code="explicit-override"

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from tests.contract.breaking import breaks
from tests.contract.reference_store import ReferenceStore
from turnkeep_domain.keys import Address
from turnkeep_ports.clock import Deadline
from turnkeep_ports.store import (
    ABSENT,
    CommitId,
    Committed,
    EventDraft,
    Interest,
    Late,
    Mark,
    Put,
    Revision,
    Stale,
    Write,
)

HANGING_SECONDS: Final = 0.5


@breaks("Port", "no_mark_answers_the_present_one_at_once")
class WaitsForTheFirst(ReferenceStore):
    """Waits for a commit before it answers its first mark."""

    hang_seconds = HANGING_SECONDS

    async def changed(
        self, since: Mark | None, *, interest: Interest | None, timeout_seconds: float
    ) -> Mark:
        begin = self.mark() if since is None else since
        return await super().changed(begin, interest=interest, timeout_seconds=timeout_seconds)


@breaks("Port", "a_commit_after_the_mark_ends_a_later_wait")
@breaks("Port", "a_wait_goes_on_from_the_mark_that_the_last_answered")
class WakesOnlyWhoWaits(ReferenceStore):
    """Wakes those who wait when it happens; whoever comes later has missed it."""

    hang_seconds = HANGING_SECONDS

    async def changed(
        self, since: Mark | None, *, interest: Interest | None, timeout_seconds: float
    ) -> Mark:
        begin = None if since is None else self.mark()
        return await super().changed(begin, interest=interest, timeout_seconds=timeout_seconds)


@breaks("Port", "a_commit_wakes_those_who_wait")
class WakesNobody(ReferenceStore):
    """Lets everybody wait for the timeout."""

    hang_seconds = HANGING_SECONDS

    async def changed(
        self, since: Mark | None, *, interest: Interest | None, timeout_seconds: float
    ) -> Mark:
        if since is not None:
            await asyncio.sleep(timeout_seconds)
        return self.mark()


@breaks("Port", "each_kind_of_write_wakes")
class WakesForTheNew(ReferenceStore):
    """Wakes for cells that are made, and for no other change."""

    hang_seconds = HANGING_SECONDS

    def apply(self, commit_id: CommitId, writes: Sequence[Write]) -> dict[Address, Revision]:
        if not any(isinstance(write, Put) and write.expect is ABSENT for write in writes):
            self.shelf.commits -= 1
        return super().apply(commit_id, writes)


@breaks("Port", "a_timeout_ends_a_wait")
class NeverWaits(ReferenceStore):
    """Answers at once, whether or not anything has happened."""

    async def changed(
        self, since: Mark | None, *, interest: Interest | None, timeout_seconds: float
    ) -> Mark:
        return self.mark()


@breaks("Port", "a_timeout_ends_a_wait")
class WaitsForEver(ReferenceStore):
    """Waits for a commit, however long it takes."""

    hang_seconds = HANGING_SECONDS

    async def changed(
        self, since: Mark | None, *, interest: Interest | None, timeout_seconds: float
    ) -> Mark:
        return await super().changed(since, interest=interest, timeout_seconds=1e9)


@breaks("Port", "a_cancelled_wait_leaves_nothing_behind")
class LeavesTasks(ReferenceStore):
    """Lets a task wait for each waiter, and does not end it with its waiter."""

    async def changed(
        self, since: Mark | None, *, interest: Interest | None, timeout_seconds: float
    ) -> Mark:
        wait = super().changed(since, interest=interest, timeout_seconds=timeout_seconds)
        return await asyncio.shield(asyncio.ensure_future(wait))


@breaks("Port", "waiters_hold_up_no_commit")
class WaitsUnderALock(ReferenceStore):
    """Holds the lock that commits need while it waits for one."""

    hang_seconds = HANGING_SECONDS

    async def changed(
        self, since: Mark | None, *, interest: Interest | None, timeout_seconds: float
    ) -> Mark:
        async with self.__dict__.setdefault("lock", asyncio.Lock()):
            return await super().changed(since, interest=interest, timeout_seconds=timeout_seconds)

    async def commit(
        self,
        commit_id: CommitId,
        writes: Sequence[Write],
        events: Sequence[EventDraft],
        *,
        valid_until: datetime | None,
        deadline: Deadline,
    ) -> Committed | Stale | Late:
        async with self.__dict__.setdefault("lock", asyncio.Lock()):
            return await super().commit(
                commit_id, writes, events, valid_until=valid_until, deadline=deadline
            )


@breaks("Port", "a_pushed_commit_wakes_promptly")
class PollsSlowly(ReferenceStore):
    """Declares PUSH, and looks every five seconds."""

    async def changed(
        self, since: Mark | None, *, interest: Interest | None, timeout_seconds: float
    ) -> Mark:
        while since == self.mark():  # noqa: ASYNC110 - nobody tells it
            await asyncio.sleep(min(5.0, timeout_seconds))
        return self.mark()
