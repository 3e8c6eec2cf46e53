"""The memory store beyond the laws of every store: what it holds on to, and when it answers."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier, Thread
from typing import Any

import pytest

from tests.memory.handles import CLOCK, at_once, core, loaded, logged, opened, past, soon
from tests.memory.samples import (
    ALL_EVENTS,
    EVERYBODY,
    NOON,
    address,
    after,
    commit_id,
    entry,
    event,
    put,
)
from turnkeep_adapters.memory.database import MemoryCore
from turnkeep_adapters.memory.store import MemoryRecordStore
from turnkeep_domain.errors import InvalidValue
from turnkeep_ports.clock import Deadline
from turnkeep_ports.errors import Unavailable
from turnkeep_ports.limits import WRITES_MAX
from turnkeep_ports.scans import InScope
from turnkeep_ports.store import (
    ABSENT,
    START,
    Atomicity,
    Capabilities,
    Committed,
    Delete,
    Durability,
    EventDraft,
    Late,
    Notification,
    Put,
    RecordStore,
    Stale,
    Write,
)

ONE = address("one")
EVERYTHING = InScope(collection="note", prefix=EVERYBODY)


def commit(
    store: RecordStore,
    *writes: Write,
    number: int = 1,
    valid_until: datetime | None = None,
) -> Committed | Stale | Late:
    return at_once(
        store.commit(commit_id(number), writes, [], valid_until=valid_until, deadline=soon())
    )


def test_it_is_a_record_store() -> None:
    store: RecordStore = MemoryRecordStore(core=core(), clock=CLOCK)
    assert store.capabilities == Capabilities(
        atomicity=Atomicity.MULTI,
        durability=Durability.VOLATILE,
        notification=Notification.PUSH,
        writes_max=WRITES_MAX,
    )


# ---- what it holds on to --------------------------------------------------------------------


def deface(value: object, name: str, new: object) -> None:
    """Changes a frozen value in place, as no caller should and some will."""
    object.__setattr__(value, name, new)


def test_what_was_handed_in_is_not_what_is_stored() -> None:
    store = opened()
    written, fact = put(ONE), event(ONE)
    writes, facts = [written], [fact]
    at_once(store.commit(commit_id(1), writes, facts, valid_until=None, deadline=soon()))
    writes.clear()
    facts.clear()
    deface(written.entry, "body", b"defaced")
    deface(written.entry.index, "state", "defaced")
    deface(fact, "body", b"defaced")
    cell = loaded(store, ONE).cells[ONE]
    assert (cell.entry.body, cell.entry.index.state) == (b"body", "open")
    assert [stored.body for stored in logged(store).events] == [b"fact"]


def test_what_was_handed_out_is_not_what_is_stored() -> None:
    store = opened()
    facts = [event(ONE)]
    at_once(store.commit(commit_id(1), [put(ONE)], facts, valid_until=None, deadline=soon()))
    scanned = at_once(store.scan(EVERYTHING, after=None, limit=1, deadline=soon())).cells
    stored = logged(store).events[0]
    for cell in (loaded(store, ONE).cells[ONE], *scanned):
        deface(cell.entry, "body", b"defaced")
        deface(cell.entry.index, "sort", "defaced")
        deface(cell, "revision", b"defaced")
    deface(stored, "body", b"defaced")
    deface(stored.address, "id", "defaced")
    cell = loaded(store, ONE).cells[ONE]
    assert (cell.entry, cell.revision[8:]) == (entry(), commit_id(1)[:8])
    assert [each.address for each in logged(store).events] == [ONE]
    assert [each.body for each in logged(store).events] == [b"fact"]


def test_a_mapping_that_was_handed_out_is_the_callers_own() -> None:
    store = opened()
    answer = commit(store, put(ONE))
    assert isinstance(answer, Committed)
    cells = loaded(store, ONE).cells
    for mapping in (cells, answer.revisions):
        assert isinstance(mapping, dict)
        mapping.clear()
    assert ONE in loaded(store, ONE).cells


class MutableBytes(bytes):
    """Bytes with room for surprises."""


def test_bytes_of_a_callers_own_class_become_bytes() -> None:
    store = opened()
    odd = MutableBytes(b"body")
    draft = EventDraft(address=ONE, kind="note.written", at=NOON, body=odd)
    writes = [Put(ONE, ABSENT, entry(odd))]
    at_once(store.commit(commit_id(1), writes, [draft], valid_until=None, deadline=soon()))
    assert type(loaded(store, ONE).cells[ONE].entry.body) is bytes
    assert type(logged(store).events[0].body) is bytes


def test_handles_on_one_core_are_one_store() -> None:
    shared = core()
    first, second = opened(shared), opened(shared)
    commit(first, put(ONE))
    assert loaded(second, ONE) == loaded(first, ONE)
    assert commit(second, put(ONE), number=2) == Stale(frozenset({ONE}), busy=False)


def test_a_core_keeps_its_data_when_a_handle_closes() -> None:
    shared = core()
    store = opened(shared)
    commit(store, put(ONE))
    at_once(store.__aexit__(None, None, None))
    assert ONE in loaded(at_once(store.__aenter__()), ONE).cells


# ---- when it answers ------------------------------------------------------------------------


def operations(
    store: RecordStore, deadline: Deadline
) -> dict[str, Callable[[], Coroutine[Any, Any, object]]]:
    return {
        "load": lambda: store.load([ONE], deadline=deadline),
        "commit": lambda: store.commit(
            commit_id(1), [put(ONE)], [event(ONE)], valid_until=None, deadline=deadline
        ),
        "scan": lambda: store.scan(EVERYTHING, after=None, limit=1, deadline=deadline),
        "events": lambda: store.events(ALL_EVENTS, after=START, limit=1, deadline=deadline),
        "trim": lambda: store.trim(START, deadline=deadline),
        "scrub": lambda: store.scrub(deadline=deadline),
        "changed": lambda: store.changed(None, interest=None, timeout_seconds=0.0),
    }


SERVED = ["load", "commit", "scan", "events", "trim", "scrub"]
UNTIMED = ["changed"]


@pytest.mark.parametrize("name", SERVED + UNTIMED)
def test_an_operation_answers_without_suspending(name: str) -> None:
    at_once(operations(opened(), soon())[name]())


@pytest.mark.parametrize("name", SERVED)
def test_nothing_is_served_once_the_deadline_has_come(name: str) -> None:
    store = opened()
    with pytest.raises(Unavailable) as refused:
        at_once(operations(store, past())[name]())
    assert refused.value.retryable
    assert loaded(store, ONE).cells == {}
    assert logged(store).events == ()


@pytest.mark.parametrize("name", SERVED + UNTIMED)
@pytest.mark.parametrize("closed", [False, True], ids=["never opened", "closed"])
def test_nothing_is_served_while_not_open(name: str, *, closed: bool) -> None:
    shared = core()
    store = MemoryRecordStore(core=shared, clock=CLOCK)
    if closed:
        at_once(store.__aenter__())
        at_once(store.__aexit__(None, None, None))
    with pytest.raises(Unavailable) as refused:
        at_once(operations(store, soon())[name]())
    assert not refused.value.retryable
    assert loaded(opened(shared), ONE).cells == {}


def test_a_handle_is_not_opened_twice() -> None:
    store = opened()
    with pytest.raises(RuntimeError):
        at_once(store.__aenter__())


def test_an_error_in_the_callers_block_passes() -> None:
    async def fail() -> None:
        async with MemoryRecordStore(core=core(), clock=CLOCK):
            raise KeyError("the caller's own")

    with pytest.raises(KeyError):
        at_once(fail())


# ---- time -----------------------------------------------------------------------------------


def test_time_stands_still_for_every_handle_while_the_wall_clock_goes_back() -> None:
    times = iter([after(5), after(1), after(2), after(7)])
    shared = core(lambda: next(times))
    first, second = opened(shared), opened(shared)
    seen = [loaded(store, ONE).now for store in (first, second)]
    seen.append(at_once(first.scan(EVERYTHING, after=None, limit=1, deadline=soon())).now)
    seen.append(loaded(second, ONE).now)
    assert seen == [after(5), after(5), after(5), after(7)]


def test_a_commit_is_late_by_the_latest_time_that_was_told() -> None:
    times = iter([after(5), after(1)])
    store = opened(core(lambda: next(times)))
    loaded(store, ONE)
    assert commit(store, put(ONE), valid_until=after(3)) == Late()


def test_a_time_told_by_a_commit_is_not_taken_back() -> None:
    times = iter([after(5), after(1)])
    store = opened(core(lambda: next(times)))
    commit(store, put(ONE))
    assert loaded(store, ONE).now == after(5)


@pytest.mark.parametrize("name", ["load", "commit", "scan"])
def test_a_wall_clock_without_a_zone_is_refused_and_nothing_written(name: str) -> None:
    times = iter([datetime(2031, 5, 1), NOON])  # noqa: DTZ001 (what is refused)
    store = opened(core(lambda: next(times)))
    with pytest.raises(InvalidValue):
        at_once(operations(store, soon())[name]())
    assert loaded(store, ONE).cells == {}


def test_a_valid_until_without_a_zone_is_refused_and_nothing_written() -> None:
    store = opened()
    naive = datetime(2031, 5, 1)  # noqa: DTZ001 (what is refused)
    with pytest.raises(InvalidValue):
        commit(store, put(ONE), valid_until=naive)
    assert loaded(store, ONE).cells == {}


def test_a_store_id_of_another_length_is_refused() -> None:
    with pytest.raises(InvalidValue):
        MemoryCore(store_id=bytes(8), wall_clock=lambda: NOON)


# ---- threads --------------------------------------------------------------------------------


def test_handles_in_many_threads_lose_no_update() -> None:
    shared, threads, rounds = core(), 8, 50
    start = Barrier(threads)
    commit(opened(shared), Put(ONE, ABSENT, entry(b"0")))

    def increment(thread: int) -> None:
        store = opened(shared)
        start.wait(timeout=60)
        done = 0
        while done < rounds:
            cell = loaded(store, ONE).cells[ONE]
            more = entry(str(int(cell.entry.body) + 1).encode())
            done += isinstance(
                commit(store, Put(ONE, cell.revision, more), number=thread), Committed
            )

    with ThreadPoolExecutor(threads) as pool:
        for finished in [pool.submit(increment, number) for number in range(threads)]:
            finished.result(timeout=60)
    assert loaded(opened(shared), ONE).cells[ONE].entry.body == b"400"


def test_a_load_under_threads_is_of_one_moment() -> None:
    shared = core()
    pair = [address("left"), address("right")]
    commit(opened(shared), *(Put(at, ABSENT, entry(b"0")) for at in pair))
    torn: list[object] = []

    def write() -> None:
        store = opened(shared)
        for number in range(300):
            cells = loaded(store, *pair).cells
            new = entry(str(number).encode())
            commit(store, *(Put(at, cells[at].revision, new) for at in pair), number=number)

    writer = Thread(target=write)
    writer.start()
    reader = opened(shared)
    while writer.is_alive():
        bodies = {cell.entry.body for cell in loaded(reader, *pair).cells.values()}
        torn.extend([bodies] if len(bodies) > 1 else [])
    writer.join()
    assert torn == []


def test_a_wait_that_the_garbage_collector_ends_inside_a_call_holds_nothing_up() -> None:
    def end_a_wait() -> datetime:
        # The collector runs anywhere, so also where the core computes under its lock.
        cores[0].waiting()
        return NOON

    cores: list[MemoryCore] = []
    cores.append(core(end_a_wait))
    call = Thread(target=lambda: loaded(opened(cores[0]), ONE), daemon=True)
    call.start()
    call.join(timeout=20)
    assert not call.is_alive()


def test_a_cancelled_commit_has_not_begun() -> None:
    async def cancel() -> None:
        store = opened(shared)
        task = asyncio.create_task(
            store.commit(commit_id(1), [put(ONE)], [], valid_until=None, deadline=soon())
        )
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    shared = core()
    asyncio.run(cancel())
    assert loaded(opened(shared), ONE).cells == {}


def test_deleting_and_making_anew_gives_another_revision() -> None:
    store = opened()
    seen = set()
    for _ in range(3):
        commit(store, put(ONE))
        seen.add(loaded(store, ONE).cells[ONE].revision)
        commit(store, Delete(ONE, loaded(store, ONE).cells[ONE].revision))
    assert len(seen) == 3
