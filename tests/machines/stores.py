"""The stores that machines run over, one line a store; and how fast a host goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.files.simulated_disk import SimulatedDisk
from tests.postgres.outside import OutsideStore
from turnkeep import LastSeenSettings, RoundSettings, Settings
from turnkeep_adapters.files.settings import FilesSettings
from turnkeep_adapters.files.store import FilesRecordStore
from turnkeep_adapters.memory.database import MemoryCore
from turnkeep_adapters.memory.store import MemoryRecordStore
from turnkeep_adapters.virtual.clock import VirtualClock
from turnkeep_ports.store import RecordStore


def memory(clock: VirtualClock) -> RecordStore:
    core = MemoryCore(store_id=b"m" * 16, wall_clock=clock.utc_now)
    return MemoryRecordStore(core=core, clock=clock)


def files(clock: VirtualClock) -> RecordStore:
    """On a simulated disk, so that thousands of histories need no files."""
    settings = FilesSettings(bucket_segments=4, compaction_bytes=2_048)
    disk = SimulatedDisk()
    return FilesRecordStore(
        "/store", clock=clock, wall_clock=clock.utc_now, settings=settings, disk=disk
    )


STORES: Final[dict[str, Callable[[VirtualClock], RecordStore]]] = {
    "memory": memory,
    "files": files,
    "postgres": OutsideStore,
}
EXAMPLES: Final = {"postgres": 30}
"""How many histories are played where each call takes real time."""


def settings_of(*, together: bool, remembers: bool) -> Settings:
    """A host whose updates go in rounds or not, on what was last seen or not."""
    return Settings(
        rounds=RoundSettings(together=together), last_seen=LastSeenSettings(remembers=remembers)
    )
