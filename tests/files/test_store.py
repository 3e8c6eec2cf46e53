"""The store's shell: threads, event loops, deadlines, waiting, opening and closing."""

from __future__ import annotations

import asyncio
import errno
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.files.actors import NOON, SCOPE, Actor, address, commit_of
from tests.files.scripted_disk import ScriptedDisk, no_script
from tests.files.simulated_disk import SimulatedDisk
from turnkeep_adapters.files.desk import Reading
from turnkeep_adapters.files.disk import Disk
from turnkeep_adapters.files.settings import FilesSettings
from turnkeep_adapters.files.store import FilesRecordStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_adapters.virtual.clock import VirtualClock
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.scope import ScopePrefix
from turnkeep_ports.clock import Clock, Deadline
from turnkeep_ports.errors import OutcomeUnknown, Unavailable, Unsupported
from turnkeep_ports.store import (
    Committed,
    Durability,
    EventDraft,
    Interest,
    Late,
    Loaded,
    Mark,
    Stale,
)

T = TypeVar("T")
CLOCK = SystemClock()
FOREVER = 3_600.0


def store_on(
    disk: Disk | SimulatedDisk,
    *,
    clock: Clock = CLOCK,
    settings: FilesSettings | None = None,
    path: str | Path = "/store",
) -> FilesRecordStore:
    return FilesRecordStore(
        path, clock=clock, wall_clock=lambda: NOON, settings=settings, disk=disk
    )


def soon(clock: Clock = CLOCK, seconds: float = 30.0) -> Deadline:
    return Deadline.after(clock, seconds)


async def put(
    store: FilesRecordStore, id: str, *, deadline: Deadline | None = None
) -> Committed | Stale | Late:
    commit = commit_of(address(id))
    return await store.commit(
        commit.commit_id,
        commit.writes,
        commit.events,
        valid_until=None,
        deadline=soon() if deadline is None else deadline,
    )


async def load(store: FilesRecordStore, id: str, *, deadline: Deadline | None = None) -> Loaded:
    return await store.load([address(id)], deadline=soon() if deadline is None else deadline)


class Gate:
    """A script that, once armed, holds the disk's caller at a step until it is opened."""

    def __init__(self, step: str, *, armed: bool = False) -> None:
        self.step = step
        self.armed = armed
        self.reached = threading.Event()
        self.opened = threading.Event()

    def __call__(self, step: str) -> None:
        if self.armed and step.startswith(self.step) and not self.opened.is_set():
            self.reached.set()
            assert self.opened.wait(30)

    async def wait(self) -> None:
        await asyncio.to_thread(self.reached.wait, 30)


async def test_a_handle_may_be_opened_again_and_not_twice() -> None:
    store = store_on(SimulatedDisk())
    async with store:
        await put(store, "a")
        with pytest.raises(RuntimeError, match="open already"):
            await store.__aenter__()
    with pytest.raises(Unavailable, match="not open"):
        await load(store, "a")
    async with store:
        assert address("a") in (await load(store, "a")).cells
    assert store.trouble is None


async def test_closing_leaves_no_thread_and_no_handle() -> None:
    disk = SimulatedDisk()
    before = set(threading.enumerate())
    async with store_on(disk) as store:
        await put(store, "a")
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive()
    assert disk.open_handles == 0


async def test_an_opening_that_fails_leaves_no_thread_and_no_handle() -> None:
    disk = SimulatedDisk()
    async with store_on(disk):
        pass
    disk.node("/store/FORMAT").data = b"nothing"
    before = set(threading.enumerate())
    with pytest.raises(Exception, match="FORMAT"):
        await store_on(disk).__aenter__()
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive()
    assert disk.open_handles == 0


async def test_a_cancelled_opening_closes_what_it_has_opened() -> None:
    disk = SimulatedDisk()
    async with store_on(disk):
        pass
    gate = Gate("read FORMAT", armed=True)
    store = store_on(ScriptedDisk(disk, gate))
    opening = asyncio.ensure_future(store.__aenter__())
    await gate.wait()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    threads = {t for t in threading.enumerate() if t.name.startswith("turnkeep-files")}
    gate.opened.set()
    for thread in threads:
        await asyncio.to_thread(thread.join, 10)
    assert disk.open_handles == 0
    async with store:
        await put(store, "a")


async def test_a_commit_that_was_not_handed_over_by_its_deadline_never_runs() -> None:
    disk = SimulatedDisk()
    gate = Gate("read 0000")
    async with store_on(ScriptedDisk(disk, gate)) as store:
        gate.armed = True
        reading = asyncio.ensure_future(load(store, "a"))
        await gate.wait()
        with pytest.raises(Unavailable, match="deadline"):
            await put(store, "late", deadline=soon(seconds=0.02))
        gate.opened.set()
        await reading
        assert (await load(store, "late")).cells == {}


async def test_a_commit_that_was_handed_over_is_unknown_at_its_deadline_and_finishes() -> None:
    disk = SimulatedDisk()
    gate = Gate("link 0000")
    async with store_on(ScriptedDisk(disk, gate)) as store:
        gate.armed = True
        with pytest.raises(OutcomeUnknown, match="deadline"):
            await put(store, "late", deadline=soon(seconds=0.05))
        assert gate.reached.is_set()
        gate.opened.set()
        assert address("late") in (await load(store, "late")).cells


async def test_a_read_that_hangs_ends_at_its_deadline() -> None:
    gate = Gate("read 0000")
    async with store_on(ScriptedDisk(SimulatedDisk(), gate)) as store:
        gate.armed = True
        with pytest.raises(Unavailable, match="deadline"):
            await load(store, "a", deadline=soon(seconds=0.02))
        gate.opened.set()
        await load(store, "a")


async def test_a_cancelled_commit_that_was_not_handed_over_never_runs() -> None:
    gate = Gate("read 0000")
    async with store_on(ScriptedDisk(SimulatedDisk(), gate)) as store:
        gate.armed = True
        reading = asyncio.ensure_future(load(store, "a"))
        await gate.wait()
        commit = asyncio.ensure_future(put(store, "cancelled"))
        await asyncio.sleep(0)
        commit.cancel()
        await asyncio.sleep(0)
        gate.opened.set()
        await asyncio.gather(reading, commit, return_exceptions=True)
        assert commit.cancelled()
        assert (await load(store, "cancelled")).cells == {}


async def test_closing_finishes_what_was_handed_over() -> None:
    disk = SimulatedDisk()
    gate = Gate("link 0000")
    store = await store_on(ScriptedDisk(disk, gate)).__aenter__()
    gate.armed = True
    commit = asyncio.ensure_future(put(store, "a"))
    await gate.wait()
    closing = asyncio.ensure_future(store.__aexit__(None, None, None))
    await asyncio.sleep(0)
    gate.opened.set()
    await closing
    assert isinstance(await commit, Committed)
    assert Actor(disk).body("a") == b"body"


async def test_many_tasks_share_segments() -> None:
    """Commits that arrive while others are written are written together."""
    disk = SimulatedDisk()
    gate = Gate("link 0000")
    async with store_on(ScriptedDisk(disk, gate)) as store:
        gate.armed = True
        first = asyncio.ensure_future(put(store, "first"))
        await gate.wait()
        others = [asyncio.ensure_future(put(store, f"a{number}")) for number in range(64)]
        await asyncio.sleep(0)
        gate.opened.set()
        answers = await asyncio.gather(first, *others)
        assert all(isinstance(answer, Committed) for answer in answers)
    assert Actor(disk).view.head.number == 2


async def test_what_a_loop_leaves_in_one_turn_shares_a_segment() -> None:
    """Also where each task of the turn works for longer than a thread waits for its turn."""
    disk = SimulatedDisk()

    async def work_and_put(number: int) -> None:
        time.sleep(0.02)  # noqa: ASYNC251 - the turn is what takes long
        await put(store, f"a{number}")

    async with store_on(disk) as store:
        await asyncio.gather(*map(work_and_put, range(8)))
    assert Actor(disk).view.head.number == 1


async def test_what_was_left_in_the_turn_in_which_the_store_closes_is_served() -> None:
    disk = SimulatedDisk()
    store = await store_on(disk).__aenter__()
    left = asyncio.ensure_future(put(store, "a"))
    await asyncio.gather(asyncio.sleep(0), store.__aexit__(None, None, None))
    assert isinstance(await left, Committed)
    assert Actor(disk).body("a") == b"body"


async def test_what_another_loop_leaves_after_the_end_is_refused() -> None:
    """It may have found the store open just before; its handles may be another file's by now."""
    store = await store_on(SimulatedDisk()).__aenter__()
    session = store._session
    assert session is not None
    await store.__aexit__(None, None, None)
    with pytest.raises(Unavailable, match="not open") as raised:
        await session.ask(Reading(deadline=None, ask=lambda view, now: now))
    assert not raised.value.retryable


async def test_event_loops_of_several_threads_share_a_handle() -> None:
    store = store_on(SimulatedDisk())
    async with store:

        def elsewhere(number: int) -> None:
            async def work() -> None:
                for step in range(10):
                    await put(store, f"{number}-{step}")

            asyncio.run(work())

        await asyncio.gather(*(asyncio.to_thread(elsewhere, number) for number in range(4)))
        ids = [f"{number}-{step}" for number in range(4) for step in range(10)]
        loaded = await store.load([address(id) for id in ids], deadline=soon())
        assert len(loaded.cells) == 40


async def test_a_loop_that_has_ended_is_not_missed() -> None:
    """A caller's loop may be closed while its commit is written."""
    gate = Gate("link 0000")
    async with store_on(ScriptedDisk(SimulatedDisk(), gate)) as store:
        gate.armed = True

        def begin_and_leave() -> None:
            loop = asyncio.new_event_loop()
            task = loop.create_task(put(store, "left"))
            loop.run_until_complete(asyncio.sleep(0))
            gate.reached.wait(30)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                loop.run_until_complete(task)
            loop.close()

        await asyncio.to_thread(begin_and_leave)
        gate.opened.set()
        assert address("left") in (await load(store, "left")).cells


# ---- waiting ------------------------------------------------------------------------------------


def in_virtual_time(test: Callable[[VirtualClock], Coroutine[Any, Any, T]]) -> T:
    clock = VirtualClock()
    return clock.run(test(clock))


def test_another_process_is_heard_of_within_a_poll() -> None:
    async def main(clock: VirtualClock) -> float:
        disk = SimulatedDisk()
        other = Actor(disk)
        settings = FilesSettings(poll_seconds=0.5)
        async with store_on(disk, clock=clock, settings=settings) as store:
            mark = await store.changed(None, interest=None, timeout_seconds=0)
            waiting = asyncio.ensure_future(
                store.changed(mark, interest=None, timeout_seconds=FOREVER)
            )
            await clock.sleep(10.2)
            assert not waiting.done()
            other.put("a")
            assert await waiting != mark
            return clock.monotonic()

    assert in_virtual_time(main) <= 10.7


def test_a_commit_of_this_handle_is_heard_of_at_once() -> None:
    async def main(clock: VirtualClock) -> float:
        settings = FilesSettings(poll_seconds=100.0)
        async with store_on(SimulatedDisk(), clock=clock, settings=settings) as store:
            mark = await store.changed(None, interest=None, timeout_seconds=0)
            waiting = asyncio.ensure_future(
                store.changed(mark, interest=None, timeout_seconds=FOREVER)
            )
            await asyncio.sleep(0)
            await put(store, "a", deadline=soon(clock))
            await waiting
            return clock.monotonic()

    assert in_virtual_time(main) < 1.0


def test_who_waits_for_something_else_sleeps_on() -> None:
    async def main(clock: VirtualClock) -> float:
        disk = SimulatedDisk()
        elsewhere = Interest(collection="other", prefix=ScopePrefix.exactly(SCOPE))
        async with store_on(disk, clock=clock) as store:
            mark = await store.changed(None, interest=None, timeout_seconds=0)
            waiting = asyncio.ensure_future(
                store.changed(mark, interest=elsewhere, timeout_seconds=5.0)
            )
            await clock.sleep(1.0)
            Actor(disk).put("a")
            await put(store, "b", deadline=soon(clock))
            await waiting
            return clock.monotonic()

    assert in_virtual_time(main) >= 5.0


def test_marks_are_numbers_of_the_log_and_hold_between_handles() -> None:
    async def main(clock: VirtualClock) -> None:
        disk = SimulatedDisk()
        async with store_on(disk, clock=clock) as one, store_on(disk, clock=clock) as two:
            await put(one, "a", deadline=soon(clock))
            mark = await two.changed(None, interest=None, timeout_seconds=0)
            assert mark == await one.changed(None, interest=None, timeout_seconds=0)
            await put(two, "b", deadline=soon(clock))
            assert await one.changed(mark, interest=None, timeout_seconds=FOREVER) > mark
            with pytest.raises(InvalidValue):
                await one.changed(Mark(b"?"), interest=None, timeout_seconds=0)

    in_virtual_time(main)


def test_a_waiter_that_slept_through_a_compaction_is_woken() -> None:
    async def main(clock: VirtualClock) -> float:
        disk = SimulatedDisk()
        other = Actor(disk)
        elsewhere = Interest(collection="other", prefix=ScopePrefix.exactly(SCOPE))
        async with store_on(disk, clock=clock) as store:
            mark = await store.changed(None, interest=None, timeout_seconds=0)
            waiting = asyncio.ensure_future(
                store.changed(mark, interest=elsewhere, timeout_seconds=FOREVER)
            )
            await clock.sleep(1.0)
            for number in range(8):
                other.put(f"a{number}")
                other.compact()
            # What the checkpoint has swallowed may have concerned it.
            await waiting
            return clock.monotonic()

    assert in_virtual_time(main) < 10.0


def test_nothing_polls_when_nobody_waits() -> None:
    async def main(clock: VirtualClock) -> None:
        disk = ScriptedDisk(SimulatedDisk())
        async with store_on(disk, clock=clock) as store:
            mark = await store.changed(None, interest=None, timeout_seconds=0)
            await store.changed(mark, interest=None, timeout_seconds=3.0)
            steps = len(disk.steps)
            await clock.sleep(1_000.0)
            assert len(disk.steps) == steps

    in_virtual_time(main)


async def test_closing_ends_the_waiting() -> None:
    store = await store_on(SimulatedDisk()).__aenter__()
    mark = await store.changed(None, interest=None, timeout_seconds=0)
    waiting = asyncio.ensure_future(store.changed(mark, interest=None, timeout_seconds=FOREVER))
    # The wait begins when the look before it was answered.
    await load(store, "a")
    await asyncio.sleep(0)
    await store.__aexit__(None, None, None)
    with pytest.raises(Unavailable, match="not open"):
        await waiting


async def test_who_would_wait_while_the_store_is_closed_does_not() -> None:
    """The look before the wait is under way when the store is closed."""
    gate = Gate("read 0000")
    store = await store_on(ScriptedDisk(SimulatedDisk(), gate)).__aenter__()
    mark = await store.changed(None, interest=None, timeout_seconds=0)
    gate.armed = True
    waiting = asyncio.ensure_future(store.changed(mark, interest=None, timeout_seconds=FOREVER))
    await gate.wait()
    closing = asyncio.ensure_future(store.__aexit__(None, None, None))
    await asyncio.sleep(0)
    gate.opened.set()
    with pytest.raises(Unavailable, match="not open"):
        await waiting
    await closing


# ---- the rest -----------------------------------------------------------------------------------


async def test_a_scrub_ends_at_its_deadline() -> None:
    gate = Gate("rename")
    async with store_on(ScriptedDisk(SimulatedDisk(), gate)) as store:
        gate.armed = True
        await put(store, "a")
        with pytest.raises(OutcomeUnknown, match="deadline"):
            await store.scrub(deadline=soon(seconds=0.1))
        gate.opened.set()
        await store.scrub(deadline=soon())


async def test_a_store_without_syncs_calls_none_and_says_so(tmp_path: Path) -> None:
    settings = FilesSettings(durability=Durability.PROCESS)
    disk = ScriptedDisk(SimulatedDisk())
    async with store_on(disk, settings=settings) as store:
        assert store.capabilities.durability is Durability.PROCESS
        await put(store, "a")
        await store.scrub(deadline=soon())
    assert [step for step in disk.steps if step.startswith("sync")] == []
    assert store_on(disk).capabilities.durability is Durability.POWER


async def test_a_failed_compaction_is_told_and_tried_again() -> None:
    disk = ScriptedDisk(SimulatedDisk())

    def full(step: str) -> None:
        if step.startswith("link 0000") and "/" not in step:
            raise OSError(errno.ENOSPC, "scripted")

    disk.script = full
    settings = FilesSettings(compaction_bytes=1_000)
    async with store_on(disk, settings=settings) as store:
        ids = (f"a{number}" for number in count())
        await put_until(store, ids, lambda trouble: trouble is not None)
        assert store.trouble == "compacting the log failed (ENOSPC)"
        disk.script = no_script
        await put_until(store, ids, lambda trouble: trouble is None)
    assert len(disk.disk.node("/store/checkpoints").names) > 0  # type: ignore[attr-defined]


async def put_until(
    store: FilesRecordStore, ids: Iterator[str], enough: Callable[[str | None], bool]
) -> None:
    for id in ids:
        await put(store, id)
        if enough(store.trouble):
            return


@pytest.mark.parametrize(
    "wrong",
    [
        {"group_bytes_max": 0},
        {"group_bytes_max": (16 << 20) + 1},
        {"bucket_segments": 0},
        {"compaction_bytes": -1},
        {"memory_bytes_max": 1.5},
        {"poll_seconds": 0.0},
        {"poll_seconds": float("inf")},
        {"durability": Durability.VOLATILE},
    ],
)
def test_settings_out_of_bounds_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        FilesSettings(**wrong)


async def test_an_event_kind_that_cannot_be_stored_is_refused_alone() -> None:
    async with store_on(SimulatedDisk()) as store:
        for kind in ("k" * 1_025, "\ud800"):
            commit = commit_of(address("a"))
            draft = EventDraft(address=address("a"), kind=kind, at=NOON, body=b"")
            with pytest.raises(InvalidValue):
                await store.commit(
                    commit.commit_id, commit.writes, [draft], valid_until=None, deadline=soon()
                )
        assert (await load(store, "a")).cells == {}


async def test_opening_where_no_store_may_be_says_so_without_the_path(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    store = FilesRecordStore(tmp_path, clock=CLOCK, wall_clock=CLOCK.utc_now)
    with pytest.raises(Unsupported) as caught:
        await store.__aenter__()
    assert str(tmp_path) not in f"{caught.value}{caught.value!r}{caught.value.__cause__}"


async def test_a_bug_below_is_told_to_everybody_and_poisons() -> None:
    """An error that nobody foresaw proves nothing about a write, and the view is not trusted."""
    disk = ScriptedDisk(SimulatedDisk())
    handled: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, told: handled.append(told))
    async with store_on(disk) as store:

        def bug(step: str) -> None:
            if step.startswith("link 0000"):
                raise ZeroDivisionError

        disk.script = bug
        with pytest.raises(OutcomeUnknown, match="unforeseen"):
            await put(store, "a")
        disk.script = no_script
        with pytest.raises(Unavailable) as caught:
            await load(store, "a")
        assert not caught.value.retryable
    async with store:
        await put(store, "a")


async def test_a_change_of_the_working_directory_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = FilesRecordStore("store", clock=CLOCK, wall_clock=CLOCK.utc_now)
    monkeypatch.chdir("/")
    async with store:
        await put(store, "a")
    assert (tmp_path / "store" / "FORMAT").is_file()
