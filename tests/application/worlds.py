"""A world: one store in virtual time, with several hosts on it, and everything in it to be read.

What is a law of storage is written once and holds on every store: in memory, in files on a
simulated disk, and in PostgreSQL, whose clock is told the virtual time.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from attrs import define, field, frozen
from dependency_injector import providers

from tests.files.simulated_disk import SimulatedDisk
from tests.postgres.outside import OutsideStore
from turnkeep import Container, Keep, Settings
from turnkeep_adapters.codec.formats import EVENTS, KEPT, RECORDS, VARIANTS
from turnkeep_adapters.codec.json_codec import JsonCodec
from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.faulty.store import FaultyRecordStore
from turnkeep_adapters.files.settings import FilesSettings
from turnkeep_adapters.files.store import FilesRecordStore
from turnkeep_adapters.memory.database import MemoryCore
from turnkeep_adapters.memory.store import MemoryRecordStore
from turnkeep_adapters.virtual.clock import VirtualClock
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Address
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_ports.clock import Deadline
from turnkeep_ports.scans import InScope
from turnkeep_ports.store import (
    START,
    Cell,
    CommitId,
    Committed,
    Entry,
    EventPage,
    EventQuery,
    Put,
    RecordStore,
    StoredEvent,
)

SCOPE: Final = Scope.of("acme", "ada", agent="scout", project="site", mission="m1", thread="t1")
EVERYTHING: Final = ScopePrefix(scope=SCOPE, depth=0)
# Composing its shapes takes longer than most tests.
CODEC: Final = JsonCodec(records=RECORDS, events=EVENTS, variants=VARIANTS, kept=KEPT)

Handles: TypeAlias = Callable[[], RecordStore]
"""One more handle on the same store, as a further process would open it."""


def memory(clock: VirtualClock) -> Handles:
    core = MemoryCore(store_id=b"s" * 16, wall_clock=clock.utc_now)
    return lambda: MemoryRecordStore(core=core, clock=clock)


def files(clock: VirtualClock) -> Handles:
    disk = SimulatedDisk()
    settings = FilesSettings(bucket_segments=8, compaction_bytes=4_096)
    return lambda: FilesRecordStore(
        "/store", clock=clock, wall_clock=clock.utc_now, settings=settings, disk=disk
    )


def postgres(clock: VirtualClock) -> Handles:
    """The one store that all hosts share; what they know of its cells they learn from it alone."""
    store = OutsideStore(clock)
    return lambda: store


STORES: Final[dict[str, Callable[[VirtualClock], Handles]]] = {
    "memory": memory,
    "files": files,
    "postgres": postgres,
}


def rid(text: str) -> RequestId:
    return RequestId(text)


class SeededRandom:
    def __init__(self) -> None:
        self._random = random.Random(7)

    def below(self, bound: float) -> float:
        return self._random.random() * bound


class CountedIds:
    def __init__(self) -> None:
        self._minted = 0

    def commit_id(self) -> CommitId:
        self._minted += 1
        return CommitId(self._minted.to_bytes(16, "big"))


@frozen
class Snapshot:
    """Everything that a store holds: to be compared, when nothing may have been written."""

    cells: tuple[Cell, ...]
    events: tuple[StoredEvent, ...]


@define
class World:
    """One store with two hosts: `keep` and, in another process, `rival`."""

    make: Callable[[VirtualClock], Handles]
    settings: Settings = field(factory=Settings)
    override: Callable[[Container], None] = field(default=lambda _: None)
    collections: tuple[str, ...] = ("lease",)
    clock: VirtualClock = field(factory=VirtualClock)
    handles: Handles = field(init=False)
    store: RecordStore = field(init=False)
    beside: RecordStore = field(init=False)
    keep: Keep = field(init=False)
    rival: Keep = field(init=False)
    ids: CountedIds = field(factory=CountedIds)

    def __attrs_post_init__(self) -> None:
        self.handles = self.make(self.clock)
        self.store, self.beside = self.handles(), self.handles()
        self.keep, self.rival = self.host(self.store), self.host(self.beside)

    def host(
        self,
        store: RecordStore,
        settings: Settings | None = None,
        override: Callable[[Container], None] | None = None,
    ) -> Keep:
        """A host's services over a handle."""
        container = Container()
        container.settings.override(providers.Object(settings or self.settings))
        container.clock.override(providers.Object(self.clock))
        container.random.override(providers.Object(SeededRandom()))
        container.ids.override(providers.Object(self.ids))
        container.codec.override(providers.Object(CODEC))
        container.store.override(providers.Object(store))
        (override or self.override)(container)
        return container.keep()

    def now(self) -> datetime:
        return self.clock.utc_now()

    def in_seconds(self, seconds: float) -> datetime:
        return self.now() + timedelta(seconds=seconds)

    def run(self, scenario: Callable[[], Awaitable[None]]) -> None:
        """Runs a scenario over open stores in virtual time."""

        async def main() -> None:
            async with self.store, self.beside:
                await scenario()

        self.clock.run(main())

    @asynccontextmanager
    async def suffering(self, script: str) -> AsyncIterator[tuple[Keep, FaultyRecordStore]]:
        """A third host, whose store follows a script of misfortunes."""
        faulty = FaultyRecordStore(self.handles(), script=Script.parse(script), clock=self.clock)
        async with faulty:
            yield self.host(faulty), faulty

    async def let_pass_until(self, moment: datetime) -> None:
        """Returns when it is exactly that time by the store's clock."""
        await self.clock.advance((moment - self.now()).total_seconds())
        assert self.now() == moment

    async def write(self, address: Address, body: bytes, like: Cell) -> None:
        """Overwrites a record with bytes, past every codec; its index stays."""
        writes = [Put(address, like.revision, Entry(body=body, index=like.entry.index))]
        answer = await self.store.commit(
            self.ids.commit_id(), writes, (), valid_until=None, deadline=self.deadline()
        )
        assert isinstance(answer, Committed)

    # ---- what tests read ------------------------------------------------------------------------

    async def cells(self) -> tuple[Cell, ...]:
        found: list[Cell] = []
        for collection in self.collections:
            query = InScope(collection=collection, prefix=EVERYTHING)
            page = await self.store.scan(query, after=None, limit=500, deadline=self.deadline())
            assert page.next is None
            found += page.cells
        return tuple(found)

    async def cell(self, collection: str, id: str | None = None) -> Cell:
        (found,) = (
            cell
            for cell in await self.cells()
            if cell.address.collection == collection and id in (None, cell.address.id)
        )
        return found

    async def snapshot(self) -> Snapshot:
        return Snapshot(await self.cells(), await self.stored_events())

    async def stored_events(self) -> tuple[StoredEvent, ...]:
        query = EventQuery(collections=None, prefix=EVERYTHING)
        page = await self.store.events(query, after=START, limit=500, deadline=self.deadline())
        assert isinstance(page, EventPage)
        return page.events

    async def events(self) -> list[Event]:
        return [CODEC.decode_event(stored) for stored in await self.stored_events()]

    async def kinds(self) -> list[str]:
        return [event.kind for event in await self.stored_events()]

    def deadline(self) -> Deadline:
        return Deadline.after(self.clock, 5)
