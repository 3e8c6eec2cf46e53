"""A world of threads: a store in virtual time, hosts over it, and all that is stored to be read.

What happens in it is the same on every store. The postgres store works in real time, but asks
what time it is where the test does.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import psycopg
from attrs import define, field, frozen

from tests.application.approvals.keep import CountedIds, SeededRandom
from tests.files.simulated_disk import Node, SimulatedDisk
from tests.postgres.outside import OutsideStore, outside
from turnkeep_adapters.codec.formats import EVENTS, KEPT, RECORDS, VARIANTS
from turnkeep_adapters.codec.json_codec import JsonCodec
from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.faulty.store import FaultyRecordStore
from turnkeep_adapters.files.settings import FilesSettings
from turnkeep_adapters.files.store import FilesRecordStore
from turnkeep_adapters.memory.database import MemoryCore
from turnkeep_adapters.memory.store import MemoryRecordStore
from turnkeep_adapters.telemetry.silent import SilentTelemetry
from turnkeep_adapters.virtual.clock import VirtualClock
from turnkeep_application.errors import Contended
from turnkeep_application.reading import Reading
from turnkeep_application.thread_runs import NoRuns, ThreadRuns
from turnkeep_application.thread_settings import ThreadSettings
from turnkeep_application.thread_views import HistoryPage, ThreadReceipt
from turnkeep_application.threads import Threads
from turnkeep_application.update_loop import UpdateLoop
from turnkeep_domain.decisions import Refused
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Collection
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_domain.threads.claims import INBOUND
from turnkeep_domain.threads.content import Content
from turnkeep_domain.threads.families import FAMILIES
from turnkeep_domain.threads.headers import THREADS
from turnkeep_domain.threads.message_id import InboundEvent
from turnkeep_domain.threads.message_views import MessageReceipt, MessageView
from turnkeep_domain.threads.messages import MESSAGES
from turnkeep_domain.threads.summary_set import SUMMARIES
from turnkeep_ports.clock import Deadline
from turnkeep_ports.scans import InScope, Position
from turnkeep_ports.store import (
    START,
    Cell,
    CommitId,
    Committed,
    Cursor,
    Delete,
    EventPage,
    EventQuery,
    RecordStore,
    StoredEvent,
)

T = TypeVar("T")

OWNER: Final = Scope.of("acme", "ada", agent="scout", project="site")
EVERYTHING: Final = ScopePrefix(scope=OWNER, depth=0)
COLLECTIONS: Final[tuple[Collection[object], ...]] = (
    THREADS,
    MESSAGES,
    INBOUND,
    SUMMARIES,
    FAMILIES,
)

# Composing its shapes takes longer than most tests.
CODEC: Final = JsonCodec(records=RECORDS, events=EVENTS, variants=VARIANTS, kept=KEPT)


@frozen
class Place:
    """A store, as several processes may open it.

    Attributes:
        open: Makes one more handle, as a further process would.
        beneath: Every byte of its files, or of its tables.
    """

    open: Callable[[], RecordStore]
    beneath: Callable[[], bytes]


def memory(clock: VirtualClock) -> Place:
    core = MemoryCore(store_id=b"t" * 16, wall_clock=clock.utc_now)
    return Place(lambda: MemoryRecordStore(core=core, clock=clock), lambda: b"")


def files(clock: VirtualClock) -> Place:
    disk = SimulatedDisk()
    settings = FilesSettings(bucket_segments=8, compaction_bytes=64 << 10)

    def handle() -> FilesRecordStore:
        return FilesRecordStore(
            "/store", clock=clock, wall_clock=clock.utc_now, settings=settings, disk=disk
        )

    return Place(handle, lambda: _files(disk.node("/store")))


def postgres(clock: VirtualClock) -> Place:
    store = OutsideStore(clock)
    return Place(lambda: store, _tables)


STORES: Final[dict[str, Callable[[VirtualClock], Place]]] = {
    "memory": memory,
    "files": files,
    "postgres": postgres,
}


def _files(node: Node) -> bytes:
    names = b"".join(name.encode() + _files(inner) for name, inner in node.names.items())
    return node.data + node.durable_data + names


def _tables() -> bytes:
    with psycopg.connect(outside().url) as connection:
        found = b""
        for table in (b"cell", b"event", b"meta"):
            rows = connection.execute(b"SELECT * FROM turnkeep." + table).fetchall()
            for row in rows:
                found += b"".join(
                    bytes(value) if isinstance(value, bytes) else repr(value).encode()
                    for value in row
                )
        return found


@frozen
class Snapshot:
    """Everything that a store holds: to be compared, when nothing may have been written."""

    cells: tuple[Cell, ...]
    events: tuple[StoredEvent, ...]


@define
class World:
    """One store with two hosts: `threads` and, in another process, `rival`."""

    make: Callable[[VirtualClock], Place]
    clock: VirtualClock = field(factory=VirtualClock)
    place: Place = field(init=False)
    store: RecordStore = field(init=False)
    threads: Threads = field(init=False)
    rival: Threads = field(init=False)
    _ids: CountedIds = field(factory=CountedIds)
    _beside: RecordStore = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.place = self.make(self.clock)
        self.store, self._beside = self.place.open(), self.place.open()
        self.threads, self.rival = self.host(self.store), self.host(self._beside)

    def host(
        self,
        store: RecordStore,
        settings: ThreadSettings | None = None,
        runs: ThreadRuns | None = None,
    ) -> Threads:
        """A host's threads over a handle."""
        loop = UpdateLoop(
            store=store,
            codec=CODEC,
            clock=self.clock,
            random=SeededRandom(),
            ids=self._ids,
            telemetry=SilentTelemetry(),
        )
        reading = Reading(store=store, codec=CODEC, clock=self.clock, deadline_seconds=15.0)
        return Threads(
            updates=loop,
            reading=reading,
            store=store,
            codec=CODEC,
            clock=self.clock,
            runs=NoRuns() if runs is None else runs,
            settings=ThreadSettings() if settings is None else settings,
        )

    def with_settings(self, settings: ThreadSettings, runs: ThreadRuns | None = None) -> Threads:
        """The first host with other settings."""
        return self.host(self.store, settings, runs)

    def run(self, scenario: Callable[[], Awaitable[None]]) -> None:
        """Runs a scenario over open stores in virtual time."""

        async def main() -> None:
            async with self.store, self._beside:
                await scenario()

        self.clock.run(main())

    @asynccontextmanager
    async def suffering(
        self, script: str, settings: ThreadSettings | None = None
    ) -> AsyncIterator[tuple[Threads, FaultyRecordStore]]:
        """A third host, whose store follows a script of misfortunes."""
        faulty = FaultyRecordStore(self.place.open(), script=Script.parse(script), clock=self.clock)
        async with faulty:
            yield self.host(faulty, settings), faulty

    # ---- what tests do --------------------------------------------------------------------------

    async def thread(self, thread_id: str = "t1", *, scope: Scope = OWNER) -> None:
        """A thread that is there."""
        receipt = await self.threads.ensure_thread(scope, thread_id, created_by="ada")
        assert isinstance(receipt, ThreadReceipt)

    async def say(
        self,
        text: str | Content,
        *,
        event: str | None = None,
        thread: str = "t1",
        on: Threads | None = None,
        scope: Scope = OWNER,
        actor: str | None = "ada",
    ) -> MessageReceipt:
        """A user's message, which is accepted."""
        answer = await self.try_say(
            text, event=event, thread=thread, on=on, scope=scope, actor=actor
        )
        assert isinstance(answer, MessageReceipt), answer
        return answer

    async def try_say(
        self,
        text: str | Content,
        *,
        event: str | None = None,
        thread: str = "t1",
        on: Threads | None = None,
        scope: Scope = OWNER,
        actor: str | None = "ada",
    ) -> MessageReceipt | Refused[object]:
        """A user's message, whatever comes of it."""
        content = Content.of(text) if isinstance(text, str) else text
        name = event_of(text) if event is None else event
        identity = InboundEvent(source_binding="web", event_id=name)
        return await (on or self.threads).accept_inbound(
            scope, thread, identity, content, actor=actor
        )

    async def says(
        self,
        text: str,
        *,
        run: str = "r1",
        slot: int = 0,
        thread: str = "t1",
        on: Threads | None = None,
    ) -> MessageReceipt:
        """An assistant's message."""
        answer = await (on or self.threads).append_assistant(
            OWNER, thread, run_id=run, slot=slot, content=Content.of(text)
        )
        assert isinstance(answer, MessageReceipt), answer
        return answer

    async def insist(self, call: Callable[[], Awaitable[T]]) -> T:
        """A call that is repeated as long as it only loses races."""
        while True:
            try:
                return await call()
            except Contended:
                continue

    # ---- what tests read ------------------------------------------------------------------------

    async def messages(
        self, thread: str = "t1", *, scope: Scope = OWNER
    ) -> tuple[MessageView, ...]:
        """All messages of a thread, in order."""
        found: list[MessageView] = []
        after: int | None = 0
        while after is not None:
            page = await self.threads.history(scope, thread, after=after, limit=1_000)
            assert isinstance(page, HistoryPage), page
            found += page.messages
            after = page.next
        return tuple(found)

    async def texts(self, thread: str = "t1") -> list[str | None]:
        """What all messages of a thread say, in order; None for placeholders and the like."""
        return [view.content.first_line for view in await self.messages(thread)]

    async def cells(self, of: Collection[object] | None = None) -> list[Cell]:
        """Every cell of a collection, or of all that belong to threads."""
        found: list[Cell] = []
        for collection in COLLECTIONS if of is None else (of,):
            query = InScope(collection=collection.name, prefix=EVERYTHING)
            after: Position | None = None
            while True:
                page = await self.store.scan(
                    query, after=after, limit=500, deadline=self.deadline()
                )
                found += page.cells
                after = page.next
                if after is None:
                    break
        return found

    async def records(self, of: Collection[T]) -> list[T]:
        """Every record of a collection."""
        return [CODEC.decode(of, c.address, c.entry.body) for c in await self.cells(of)]

    async def snapshot(self) -> Snapshot:
        return Snapshot(tuple(await self.cells()), tuple(await self.stored_events()))

    async def stored_events(self) -> list[StoredEvent]:
        query = EventQuery(collections=None, prefix=EVERYTHING)
        found: list[StoredEvent] = []
        after: Cursor = START
        while True:
            page = await self.store.events(query, after=after, limit=500, deadline=self.deadline())
            assert isinstance(page, EventPage)
            found += page.events
            if page.next == after:
                return found
            after = page.next

    async def events(self) -> list[Event]:
        return [CODEC.decode_event(stored) for stored in await self.stored_events()]

    async def kinds(self) -> list[str]:
        return [event.kind for event in await self.stored_events()]

    def commit_id(self) -> CommitId:
        return self._ids.commit_id()

    async def delete(self, cell: Cell) -> None:
        """Deletes a cell, past every rule."""
        answer = await self.store.commit(
            self.commit_id(),
            [Delete(cell.address, cell.revision)],
            (),
            valid_until=None,
            deadline=self.deadline(),
        )
        assert isinstance(answer, Committed)

    def deadline(self) -> Deadline:
        return Deadline.after(self.clock, 30)


def event_of(text: str | Content) -> str:
    """The event as which a text comes, the same in every process."""
    return f"event {hashlib.sha256(repr(text).encode()).hexdigest()[:12]}"


def codes(answers: Sequence[object]) -> list[str]:
    """The codes of what was refused among some answers."""
    return [answer.reason.code for answer in answers if isinstance(answer, Refused)]


def code(answer: object) -> str:
    """The code of what was refused."""
    assert isinstance(answer, Refused), answer
    reason: object = answer.reason
    assert hasattr(reason, "code")
    return str(reason.code)
