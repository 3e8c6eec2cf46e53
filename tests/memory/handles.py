"""Handles on a memory core, and a way to run what must answer at once."""

from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, Final, TypeVar

from tests.memory.samples import ALL_EVENTS, NOON, STORE_ID
from turnkeep_adapters.memory.database import MemoryCore
from turnkeep_adapters.memory.store import MemoryRecordStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_domain.keys import Address
from turnkeep_ports.clock import Clock, Deadline
from turnkeep_ports.store import START, EventPage, Loaded, RecordStore

T = TypeVar("T")

CLOCK: Final = SystemClock()


def soon() -> Deadline:
    return Deadline.after(CLOCK, 60.0)


def past() -> Deadline:
    return Deadline.after(CLOCK, 0.0)


def at_once(operation: Coroutine[Any, Any, T]) -> T:
    """Runs an operation that must answer without ever suspending."""
    try:
        operation.send(None)
    except StopIteration as answered:
        answer: T = answered.value
        return answer
    operation.close()
    raise AssertionError("the operation suspended")


def core(wall_clock: Callable[[], datetime] = lambda: NOON) -> MemoryCore:
    return MemoryCore(store_id=STORE_ID, wall_clock=wall_clock)


def opened(on: MemoryCore | None = None, *, clock: Clock = CLOCK) -> MemoryRecordStore:
    store = MemoryRecordStore(core=core() if on is None else on, clock=clock)
    return at_once(store.__aenter__())


def loaded(store: RecordStore, *addresses: Address) -> Loaded:
    return at_once(store.load(addresses, deadline=soon()))


def logged(store: RecordStore) -> EventPage:
    page = at_once(store.events(ALL_EVENTS, after=START, limit=500, deadline=soon()))
    assert isinstance(page, EventPage)
    return page
