"""The stores that machines run over: one line a store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from turnkeep_adapters.memory.database import MemoryCore
from turnkeep_adapters.memory.store import MemoryRecordStore
from turnkeep_adapters.virtual.clock import VirtualClock
from turnkeep_ports.store import RecordStore


def memory(clock: VirtualClock) -> RecordStore:
    core = MemoryCore(store_id=b"m" * 16, wall_clock=clock.utc_now)
    return MemoryRecordStore(core=core, clock=clock)


STORES: Final[dict[str, Callable[[VirtualClock], RecordStore]]] = {
    "memory": memory,
}
