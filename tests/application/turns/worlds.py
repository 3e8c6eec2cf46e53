"""Worlds: the stores that the laws of turns are tried over, each with the time that it has."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Final, TypeAlias

from attrs import frozen

from tests.files.simulated_disk import SimulatedDisk
from tests.postgres.databases import shared
from tests.postgres.outside import OutsideStore
from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.faulty.store import FaultyRecordStore
from turnkeep_adapters.files.settings import FilesSettings
from turnkeep_adapters.files.store import FilesRecordStore
from turnkeep_adapters.memory.database import MemoryCore
from turnkeep_adapters.memory.store import MemoryRecordStore
from turnkeep_adapters.postgres.settings import PostgresSettings
from turnkeep_adapters.postgres.store import PostgresRecordStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_adapters.virtual.clock import VirtualClock
from turnkeep_ports.clock import Clock
from turnkeep_ports.store import RecordStore

Handles: TypeAlias = Callable[[], RecordStore]
"""Opens one more handle on the same store, as a further process would."""


@frozen(kw_only=True)
class World:
    """A store and its time.

    Attributes:
        virtual: The clock by which time is made to pass; None where it passes by itself.
    """

    handles: Handles
    clock: Clock
    virtual: VirtualClock | None
    close: Callable[[], None]

    def run(self, scenario: Callable[[], Coroutine[object, object, None]]) -> None:
        """Runs a scenario to its end."""
        if self.virtual is None:
            asyncio.run(scenario())
        else:
            self.virtual.run(scenario())


def _nothing() -> None:
    """A world in memory leaves nothing."""


def memory() -> World:
    clock = VirtualClock()
    core = MemoryCore(store_id=b"s" * 16, wall_clock=clock.wall(0))
    return World(
        handles=lambda: MemoryRecordStore(core=core, clock=clock),
        clock=clock,
        virtual=clock,
        close=_nothing,
    )


def faultless() -> World:
    clock = VirtualClock()
    core = MemoryCore(store_id=b"s" * 16, wall_clock=clock.wall(0))

    def handle() -> RecordStore:
        inner = MemoryRecordStore(core=core, clock=clock)
        return FaultyRecordStore(inner, script=Script.parse(""), clock=clock)

    return World(handles=handle, clock=clock, virtual=clock, close=_nothing)


def files() -> World:
    clock = VirtualClock()
    disk, wall = SimulatedDisk(), clock.wall(0)
    settings = FilesSettings(bucket_segments=8, compaction_bytes=65_536)
    return World(
        handles=lambda: FilesRecordStore(
            "/store", clock=clock, wall_clock=wall, settings=settings, disk=disk
        ),
        clock=clock,
        virtual=clock,
        close=_nothing,
    )


def postgres() -> World:
    clock = SystemClock()
    databases = shared()[1]
    url = databases.clone()
    settings = PostgresSettings(pool_max=4, notification=False)
    return World(
        handles=lambda: PostgresRecordStore(url, pool=None, clock=clock, settings=settings),
        clock=clock,
        virtual=None,
        close=databases.drop,
    )


def postgres_in_virtual_time() -> World:
    """A database that is told the time by the test; every handle is the one store."""
    clock = VirtualClock()
    store = OutsideStore(clock)
    return World(handles=lambda: store, clock=clock, virtual=clock, close=_nothing)


_EMBEDDED: Final[dict[str, Callable[[], World]]] = {
    "memory": memory,
    "faultless": faultless,
    "files": files,
}
VIRTUAL: Final[dict[str, Callable[[], World]]] = {
    **_EMBEDDED,
    "postgres": postgres_in_virtual_time,
}
"""Worlds in which a test says how time passes."""

WORLDS: Final[dict[str, Callable[[], World]]] = {**_EMBEDDED, "postgres": postgres}
