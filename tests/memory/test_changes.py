"""Waiting: who is woken by a commit, who is not, and that nobody is left behind."""

import asyncio
import gc
import math
from collections.abc import Callable
from threading import Event, Thread

import pytest
from attrs import field, frozen

from tests.memory.handles import at_once, core, opened, soon
from tests.memory.samples import address, commit_id, event, put
from turnkeep_adapters.memory.changes import SCOPES_REMEMBERED, Wait
from turnkeep_adapters.memory.store import MemoryRecordStore
from turnkeep_adapters.virtual.clock import VirtualClock
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Address
from turnkeep_domain.scope import ScopePrefix
from turnkeep_ports.errors import Unavailable
from turnkeep_ports.store import EventDraft, Interest, Mark

MINE = address("one", user="me", thread="h")
THEIRS = address("one", user="them", thread="h")
OTHER_KIND = address("one", collection="notebook", user="me", thread="h")
FOR_ME = Interest(collection="note", prefix=ScopePrefix.owner(MINE.scope))
FOR_EVER = math.inf


def write(store: MemoryRecordStore, at: Address, *, events: tuple[EventDraft, ...] = ()) -> None:
    """Changes a cell, whatever it is now."""
    cells = at_once(store.load([at], deadline=soon())).cells
    change = put(at, cells[at].revision) if at in cells else put(at)
    at_once(store.commit(commit_id(1), [change], events, valid_until=None, deadline=soon()))


def mark(store: MemoryRecordStore) -> Mark:
    return at_once(store.changed(None, interest=None, timeout_seconds=0))


def answers_at_once(store: MemoryRecordStore, since: Mark, interest: Interest | None) -> bool:
    """Whether a wait sees that it missed something; without a loop no other can be made."""

    async def ask() -> bool:
        waiting = asyncio.create_task(
            store.changed(since, interest=interest, timeout_seconds=FOR_EVER)
        )
        await asyncio.sleep(0)
        missed = waiting.done()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        return missed

    return asyncio.run(ask())


@frozen
class SetTimer:
    """A timer that was asked for."""

    when: float
    cancelled: list[bool] = field(factory=list)

    def cancel(self) -> None:
        self.cancelled.append(True)


@frozen
class StoppedClock:
    """A clock that stands still and keeps the timers that were asked for."""

    timers: list[SetTimer] = field(factory=list)

    def monotonic(self) -> float:
        return 100.0

    def call_at(self, when: float, callback: Callable[[], None]) -> SetTimer:
        self.timers.append(SetTimer(when))
        return self.timers[-1]

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here sleeps")


def test_no_mark_is_answered_at_once_with_the_present_one() -> None:
    store = opened()
    first = mark(store)
    assert mark(store) == first
    write(store, MINE)
    assert mark(store) > first


@pytest.mark.parametrize(
    ("changed", "interest", "concerned"),
    [
        (MINE, FOR_ME, True),
        (MINE, None, True),
        (THEIRS, None, True),
        (THEIRS, FOR_ME, False),
        (OTHER_KIND, FOR_ME, False),
        (MINE, Interest(collection="note", prefix=ScopePrefix.exactly(MINE.scope)), True),
        (MINE, Interest(collection="note", prefix=ScopePrefix(scope=MINE.scope, depth=0)), True),
        (THEIRS, Interest(collection="note", prefix=ScopePrefix(scope=MINE.scope, depth=1)), True),
    ],
)
def test_a_commit_wakes_those_whom_it_concerns(
    changed: Address, interest: Interest | None, *, concerned: bool
) -> None:
    async def wake() -> bool:
        store = opened(shared)
        since = mark(store)
        waiting = asyncio.create_task(
            store.changed(since, interest=interest, timeout_seconds=FOR_EVER)
        )
        await asyncio.sleep(0)
        write(opened(shared), changed)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        woken = waiting.done()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        return woken

    shared = core()
    assert asyncio.run(wake()) == concerned


@pytest.mark.parametrize(
    ("changed", "interest", "concerned"),
    [
        (MINE, FOR_ME, True),
        (THEIRS, FOR_ME, False),
        (OTHER_KIND, FOR_ME, False),
        (THEIRS, None, True),
    ],
)
def test_a_commit_between_mark_and_wait_is_not_missed(
    changed: Address, interest: Interest | None, *, concerned: bool
) -> None:
    store = opened()
    since = mark(store)
    write(store, changed)
    assert answers_at_once(store, since, interest) == concerned
    assert not answers_at_once(store, mark(store), interest)


def test_an_event_about_another_record_wakes_that_records_waiters() -> None:
    store = opened()
    since = mark(store)
    write(store, THEIRS, events=(event(MINE),))
    assert answers_at_once(store, since, FOR_ME)


def test_a_stale_commit_wakes_nobody() -> None:
    store = opened()
    write(store, MINE)
    since = mark(store)
    stale = store.commit(commit_id(2), [put(MINE)], [], valid_until=None, deadline=soon())
    at_once(stale)
    assert mark(store) == since
    assert not answers_at_once(store, since, None)


def test_a_mark_older_than_what_is_remembered_is_answered_at_once() -> None:
    store = opened()
    since = mark(store)
    for _ in range(SCOPES_REMEMBERED):
        write(store, THEIRS)
    assert not answers_at_once(store, since, FOR_ME)
    write(store, THEIRS)
    assert answers_at_once(store, since, FOR_ME)


def test_a_mark_from_the_future_is_answered_at_once() -> None:
    store = opened()
    assert answers_at_once(store, Mark((9).to_bytes(8, "big")), FOR_ME)


def test_what_is_no_mark_is_refused() -> None:
    async def ask() -> None:
        await opened().changed(Mark(b"odd"), interest=None, timeout_seconds=FOR_EVER)

    with pytest.raises(InvalidValue):
        asyncio.run(ask())


# ---- time -----------------------------------------------------------------------------------


def test_a_wait_ends_with_its_timeout() -> None:
    async def wait() -> None:
        store = opened(shared, clock=clock)
        since = mark(store)
        assert await store.changed(since, interest=None, timeout_seconds=30.0) == since

    shared, clock = core(), VirtualClock()
    clock.run(wait())
    assert clock.monotonic() == 30.0
    assert shared.waiting() == 0


def test_a_timeout_answers_the_present_mark() -> None:
    async def wait() -> Mark:
        store = opened(shared, clock=clock)
        waiting = asyncio.create_task(
            store.changed(mark(store), interest=FOR_ME, timeout_seconds=30.0)
        )
        await clock.sleep(10.0)
        write(store, THEIRS)
        return await waiting

    shared, clock = core(), VirtualClock()
    assert clock.run(wait()) == mark(opened(shared))
    assert clock.monotonic() == 30.0


def test_a_woken_wait_takes_no_time() -> None:
    async def wait() -> None:
        store = opened(shared, clock=clock)
        waiting = asyncio.create_task(
            store.changed(mark(store), interest=FOR_ME, timeout_seconds=30.0)
        )
        await clock.settle()
        write(store, MINE)
        await waiting
        assert clock.monotonic() == 0.0

    shared, clock = core(), VirtualClock()
    clock.run_by_hand(wait())
    assert shared.waiting() == 0


def test_a_wait_that_is_over_leaves_no_timer() -> None:
    async def wait() -> None:
        store = opened(clock=clock)
        waiting = asyncio.create_task(
            store.changed(mark(store), interest=None, timeout_seconds=30.0)
        )
        await asyncio.sleep(0)
        write(store, MINE)
        await waiting

    clock = StoppedClock()
    asyncio.run(wait())
    assert clock.timers == [SetTimer(130.0, [True])]


def test_a_wait_for_ever_sets_no_timer() -> None:
    async def wait() -> None:
        store = opened(clock=clock)
        waiting = asyncio.create_task(
            store.changed(mark(store), interest=None, timeout_seconds=FOR_EVER)
        )
        await asyncio.sleep(0)
        write(store, MINE)
        await waiting

    clock = StoppedClock()
    asyncio.run(wait())
    assert clock.timers == []


@pytest.mark.parametrize("timeout_seconds", [0.0, -1.0])
def test_without_a_timeout_nothing_waits(timeout_seconds: float) -> None:
    async def ask() -> Mark:
        store = opened(shared)
        ask = store.changed(mark(store), interest=FOR_ME, timeout_seconds=timeout_seconds)
        return at_once(ask)

    shared = core()
    assert asyncio.run(ask()) == mark(opened(shared))
    assert shared.waiting() == 0


# ---- nobody is left behind ------------------------------------------------------------------


@pytest.mark.parametrize("timeout_seconds", [30.0, FOR_EVER])
def test_a_cancelled_wait_leaves_no_subscription(timeout_seconds: float) -> None:
    async def cancel() -> None:
        store = opened(shared, clock=clock)
        waiting = asyncio.create_task(
            store.changed(mark(store), interest=FOR_ME, timeout_seconds=timeout_seconds)
        )
        await clock.settle()
        assert shared.waiting() == 1
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert shared.waiting() == 0

    shared, clock = core(), VirtualClock()
    clock.run_by_hand(cancel())


def test_closing_a_handle_ends_its_own_waits_as_unavailable() -> None:
    async def close() -> None:
        mine, other = opened(shared), opened(shared)
        waits = [
            asyncio.create_task(store.changed(mark(store), interest=None, timeout_seconds=FOR_EVER))
            for store in (mine, other)
        ]
        await asyncio.sleep(0)
        await mine.__aexit__(None, None, None)
        async with asyncio.timeout(20):
            with pytest.raises(Unavailable):
                await waits[0]
        assert not waits[1].done()
        write(other, MINE)
        await waits[1]

    shared = core()
    asyncio.run(close())
    assert shared.waiting() == 0


def test_a_wait_that_missed_something_leaves_no_subscription() -> None:
    shared = core()
    store = opened(shared)
    since = mark(store)
    write(store, MINE)

    async def ask() -> None:
        at_once(store.changed(since, interest=FOR_ME, timeout_seconds=FOR_EVER))

    asyncio.run(ask())
    assert shared.waiting() == 0


def test_a_wait_that_is_over_is_kept_by_nobody() -> None:
    async def wait() -> None:
        await store.changed(mark(store), interest=None, timeout_seconds=30.0)

    def kept() -> int:
        gc.collect()
        return sum(isinstance(each, Wait) for each in gc.get_objects())

    clock = VirtualClock()
    store, before = opened(clock=clock), kept()
    clock.run(wait())
    assert kept() == before


def test_waits_of_the_same_interest_end_together() -> None:
    async def wake() -> None:
        store = opened(shared)
        waits = [
            store.changed(mark(store), interest=FOR_ME, timeout_seconds=FOR_EVER) for _ in range(20)
        ]
        together = asyncio.gather(*waits)
        await asyncio.sleep(0)
        write(store, MINE)
        write(store, MINE)
        assert len(await together) == 20

    shared = core()
    asyncio.run(wake())
    assert shared.waiting() == 0


def test_a_waiter_in_another_thread_is_woken() -> None:
    async def wait() -> None:
        store = opened(shared)
        waiting = asyncio.create_task(
            store.changed(mark(store), interest=FOR_ME, timeout_seconds=FOR_EVER)
        )
        await asyncio.sleep(0)
        begun.set()
        async with asyncio.timeout(20):
            await waiting
        ended.append(True)

    shared, begun, ended = core(), Event(), list[bool]()
    thread = Thread(target=lambda: asyncio.run(wait()))
    thread.start()
    assert begun.wait(timeout=60)
    write(opened(shared), MINE)
    thread.join(timeout=60)
    assert ended == [True]
    assert shared.waiting() == 0


def test_a_waiter_whose_loop_is_gone_hinders_no_commit() -> None:
    shared = core()
    store = opened(shared)
    loop = asyncio.new_event_loop()
    waiting = store.changed(mark(store), interest=None, timeout_seconds=FOR_EVER)

    async def begin() -> None:
        waiting.send(None)

    loop.run_until_complete(begin())
    loop.close()
    write(store, MINE)
    assert len(at_once(store.load([MINE], deadline=soon())).cells) == 1
    waiting.close()
    assert shared.waiting() == 0
