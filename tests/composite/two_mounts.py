"""Two mounts in memory, each on a clock and behind a script of its own, behind one store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

from attrs import define, field

from turnkeep.testing.caller import Caller
from turnkeep.testing.specimens import NOON, address
from turnkeep_adapters.composite.mounts import Mount
from turnkeep_adapters.composite.store import CompositeRecordStore
from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.faulty.store import FaultyRecordStore
from turnkeep_adapters.memory.database import MemoryCore
from turnkeep_adapters.memory.store import MemoryRecordStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_domain.keys import Address

FAR: Final = frozenset({"far", "farther"})


def near(id: str) -> Address:
    """A cell of the rest."""
    return address(id, collection="near")


def far(id: str) -> Address:
    """A cell of the mount."""
    return address(id, collection="far")


@define(eq=False)
class Side:
    """One mount: its data, its time and what goes wrong with it."""

    name: bytes
    now: datetime = NOON
    core: MemoryCore = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.core = MemoryCore(store_id=self.name * 16, wall_clock=lambda: self.now)

    def pass_seconds(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def handle(self) -> MemoryRecordStore:
        """A handle beside the composite store."""
        return MemoryRecordStore(core=self.core, clock=SystemClock())

    def faulty(self) -> FaultyRecordStore:
        return FaultyRecordStore(self.handle(), script=Script.parse(""), clock=SystemClock())


@define(eq=False)
class Pair:
    """Both sides, and the store over them."""

    rest: Side = field(factory=lambda: Side(b"n"))
    mount: Side = field(factory=lambda: Side(b"f"))
    rest_store: FaultyRecordStore = field(init=False)
    mount_store: FaultyRecordStore = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.rest_store, self.mount_store = self.rest.faulty(), self.mount.faulty()

    def store(self, *, named: frozenset[str] = FAR) -> CompositeRecordStore:
        mount = Mount(name="away", store=self.mount_store, collections=named)
        return CompositeRecordStore(self.rest_store, [mount])

    @asynccontextmanager
    async def calling(self) -> AsyncIterator[Caller]:
        async with self.store() as store:
            yield Caller(store)


@asynccontextmanager
async def beside(side: Side) -> AsyncIterator[Caller]:
    """Whoever uses one of the stores by itself."""
    async with side.handle() as store:
        yield Caller(store)
