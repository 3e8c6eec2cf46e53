"""A fence: a stand-in for whoever schedules runs, kept beside the threads in the same store.

It is a header of a thread of its own: archived means closed, its goal's statement is the run that
is active, and its count of refinements the fence that a run must know.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from attrs import frozen

from tests.application.threads.world import OWNER, World
from turnkeep_application.records import Records
from turnkeep_application.thread_keys import header_key
from turnkeep_domain.decisions import Changed, Refused
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Address, Key, ReadKey
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.threads.addresses import ThreadAddress
from turnkeep_domain.threads.headers import ThreadHeader
from turnkeep_domain.turns.names import RunId


@frozen
class Fenced:
    """Refusal: another runner has the thread."""

    code: ClassVar[str] = "lease_lost"


def fence_key(thread: ThreadAddress) -> Key[ThreadHeader]:
    return header_key(thread.beside(f"fence of {thread.thread_id}"))


@frozen
class Fences:
    """The runs of threads, as the fences beside them tell."""

    def keys(self, thread: ThreadAddress) -> Sequence[ReadKey[object]]:
        return (fence_key(thread),)

    def active_run(self, records: Records, thread: ThreadAddress) -> RunId | None:
        fence = records[fence_key(thread)]
        goal = None if fence is None else fence.goal
        return None if goal is None or goal.statement == "none" else RunId(goal.statement)

    def writes_on(self, records: Records, thread: ThreadAddress, run_id: RunId) -> bool:
        return self.active_run(records, thread) == run_id

    def may_lack(self, records: Records, thread: ThreadAddress) -> Sequence[Address]:
        return ()

    def closed(
        self, records: Records, thread: ThreadAddress, now: datetime, *, lacking: bool
    ) -> tuple[Records, Sequence[Event]]:
        fence = records[fence_key(thread)]
        if fence is None:
            return records, ()
        closed = fence.archive(request_id=RequestId("closed"), now=now)
        assert isinstance(closed, Changed)
        return records.put(fence_key(thread), closed.state), closed.events


@frozen(kw_only=True)
class Lease:
    """A runner's right to write: the fence that it knows, and until when it holds."""

    thread: ThreadAddress
    fence: int
    until: datetime

    @property
    def keys(self) -> Sequence[ReadKey[object]]:
        return (fence_key(self.thread),)

    def judged(self, records: Records, now: datetime) -> datetime | Refused[Fenced]:
        fence = records[fence_key(self.thread)]
        holds = fence is not None and fence.refinement_count == self.fence and now < self.until
        return self.until if holds else Refused(Fenced())


def address(thread_id: str = "t1") -> ThreadAddress:
    thread = ThreadAddress.of(OWNER, thread_id)
    assert isinstance(thread, ThreadAddress)
    return thread


async def claim(
    world: World, run: str, *, fence: int, thread: str = "t1", seconds: float = 60
) -> Lease:
    """A run takes the thread: the fence rises, and it holds for a while."""
    beside = f"fence of {thread}"
    await world.threads.ensure_thread(OWNER, beside, created_by="scheduler")
    answer = await world.threads.set_goal(
        OWNER, beside, run, expected=fence - 1, request_id=RequestId(f"fence {fence}")
    )
    assert not isinstance(answer, Refused), answer
    until = world.clock.utc_now() + timedelta(seconds=seconds)
    return Lease(thread=address(thread), fence=fence, until=until)
