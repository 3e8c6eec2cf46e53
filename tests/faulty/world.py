"""A world to misbehave in: one memory core, a plain handle and a faulty one, virtual time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from attrs import frozen

from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.faulty.store import FaultyRecordStore
from turnkeep_adapters.memory.database import MemoryCore
from turnkeep_adapters.memory.store import MemoryRecordStore
from turnkeep_adapters.virtual.clock import VirtualClock
from turnkeep_domain.keys import Address, Index
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_ports.clock import Deadline
from turnkeep_ports.scans import InScope, Page
from turnkeep_ports.store import (
    ABSENT,
    START,
    Cell,
    CommitId,
    Committed,
    CursorLost,
    Entry,
    EventDraft,
    EventPage,
    EventQuery,
    Expectation,
    Late,
    Put,
    RecordStore,
    Stale,
)

SCOPE = Scope.of("acme", "ada")
EVERYBODY = ScopePrefix(scope=SCOPE, depth=0)


def at(id: str, collection: str = "note") -> Address:
    return Address(collection, SCOPE, id)


def commit_id(number: int) -> CommitId:
    return CommitId(number.to_bytes(16, "big"))


def put(id: str, body: bytes, expect: Expectation = ABSENT, collection: str = "note") -> Put:
    index = Index(state="live", due_at=None, sort=id)
    return Put(at(id, collection), expect, Entry(body=body, index=index))


@frozen
class World:
    """The stores, and short ways to ask them."""

    clock: VirtualClock
    plain: MemoryRecordStore
    faulty: FaultyRecordStore

    def deadline(self) -> Deadline:
        return Deadline.after(self.clock, 15.0)

    def event(self, id: str, collection: str = "note") -> EventDraft:
        return EventDraft(
            address=at(id, collection),
            kind=f"{collection}.written",
            at=self.clock.utc_now(),
            body=b"told",
        )

    async def commit(
        self,
        number: int,
        *writes: Put,
        events: tuple[EventDraft, ...] = (),
        valid_until: datetime | None = None,
        by: RecordStore | None = None,
    ) -> Committed | Stale | Late:
        return await (by or self.faulty).commit(
            commit_id(number), writes, events, valid_until=valid_until, deadline=self.deadline()
        )

    async def load(
        self, id: str = "a", collection: str = "note", *, by: RecordStore | None = None
    ) -> Cell | None:
        key = at(id, collection)
        loaded = await (by or self.faulty).load([key], deadline=self.deadline())
        return loaded.cells.get(key)

    async def stored(self, id: str = "a", collection: str = "note") -> Cell | None:
        """What is really there."""
        return await self.load(id, collection, by=self.plain)

    async def scan(self, collection: str = "note") -> Page:
        query = InScope(collection=collection, prefix=EVERYBODY)
        return await self.faulty.scan(query, after=None, limit=100, deadline=self.deadline())

    async def events(
        self, *collections: str, by: RecordStore | None = None
    ) -> EventPage | CursorLost:
        query = EventQuery(collections=frozenset(collections) or None, prefix=EVERYBODY)
        return await (by or self.faulty).events(
            query, after=START, limit=100, deadline=self.deadline()
        )


@asynccontextmanager
async def opened(clock: VirtualClock, script: str = "") -> AsyncIterator[World]:
    """A world of its own, open."""
    core = MemoryCore(store_id=bytes(16), wall_clock=clock.utc_now)
    plain = MemoryRecordStore(core=core, clock=clock)
    faulty = FaultyRecordStore(
        MemoryRecordStore(core=core, clock=clock), script=Script.parse(script), clock=clock
    )
    async with plain, faulty:
        yield World(clock, plain, faulty)
