"""A reference store: the store port in its simplest words, searched from end to end.

It suspends once before it serves a call and once before it answers, as a store behind a network
does. Its parts are small methods, so that a broken store differs from it by one of them; that is
why they stand together, in a module that is longer than others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import ClassVar, Final, Self

from tests.contract.shelf import NAME_BYTES, Row, Shelf, Told
from turnkeep_domain.keys import Address, Index
from turnkeep_ports.clock import Deadline
from turnkeep_ports.errors import Unavailable
from turnkeep_ports.key_bytes import key_bytes
from turnkeep_ports.limits import WRITES_MAX, check_commit, check_load, check_page
from turnkeep_ports.scans import (
    Due,
    InScope,
    Page,
    Place,
    Position,
    Query,
    Sorted,
    place,
    place_of,
    position,
)
from turnkeep_ports.store import (
    ABSENT,
    START,
    Atomicity,
    Capabilities,
    Cell,
    Check,
    CommitId,
    Committed,
    Cursor,
    CursorLost,
    Delete,
    Durability,
    Entry,
    EventDraft,
    EventPage,
    EventQuery,
    Interest,
    Late,
    Loaded,
    Mark,
    Notification,
    Put,
    Revision,
    Stale,
    StoredEvent,
    Write,
)

NUMBER_BYTES: Final = 8
CAPABILITIES: Final = Capabilities(
    atomicity=Atomicity.MULTI,
    durability=Durability.VOLATILE,
    notification=Notification.PUSH,
    writes_max=WRITES_MAX,
)


class ReferenceStore:
    """A handle on a shelf."""

    declared: ClassVar[Capabilities] = CAPABILITIES
    hang_seconds: ClassVar[float] = 60.0

    def __init__(self, shelf: Shelf, wall: Callable[[], datetime]) -> None:
        self.shelf = shelf
        self.wall = wall
        self.opened = False

    @property
    def capabilities(self) -> Capabilities:
        return self.declared

    @classmethod
    def new_shelf(cls) -> Shelf:
        """The data of a harness."""
        return Shelf()

    async def load(self, keys: Sequence[Address], *, deadline: Deadline) -> Loaded:
        self.require_open(deadline)
        check_load(keys)
        await self.suspend()
        return Loaded(now=self.time(), cells=self.cells(keys))

    async def commit(
        self,
        commit_id: CommitId,
        writes: Sequence[Write],
        events: Sequence[EventDraft],
        *,
        valid_until: datetime | None,
        deadline: Deadline,
    ) -> Committed | Stale | Late:
        self.require_open(deadline)
        check_commit(commit_id, writes, events)
        writes, events = tuple(writes), tuple(events)
        await self.suspend()
        refused = self.judge(writes, valid_until)
        if refused is not None:
            return refused
        revisions = self.apply(commit_id, writes)
        self.tell(commit_id, events)
        self.wake()
        await self.suspend()
        return Committed(revisions)

    async def scan(
        self, query: Query, *, after: Position | None, limit: int, deadline: Deadline
    ) -> Page:
        self.require_open(deadline)
        check_page(limit)
        begin = None if after is None else place_of(query, after)
        await self.suspend()
        found = [(at, address) for at, address in self.found(query) if begin is None or at > begin]
        cells = tuple(self.shelf.rows[address].cell(address) for _, address in found[:limit])
        more = len(found) > limit
        return Page(
            now=self.time(),
            cells=cells,
            next=position(query, found[limit - 1][0]) if more else None,
        )

    async def events(
        self, query: EventQuery, *, after: Cursor, limit: int, deadline: Deadline
    ) -> EventPage | CursorLost:
        self.require_open(deadline)
        check_page(limit)
        await self.suspend()
        begin = self.number(after)
        if begin is None or not self.shelf.floor <= begin <= self.shelf.head:
            return CursorLost(self.cursor(self.shelf.floor))
        found = [told for told in self.shelf.log if told.number > begin and self.wants(query, told)]
        events = tuple(self.stored(told) for told in found[:limit])
        full = len(found) > limit
        return EventPage(events, events[-1].cursor if full else self.cursor(self.shelf.head))

    async def trim(self, before: Cursor, *, deadline: Deadline) -> Cursor | CursorLost:
        self.require_open(deadline)
        await self.suspend()
        number = self.number(before)
        if number is None or number > self.shelf.head:
            return CursorLost(self.cursor(self.shelf.floor))
        self.raise_floor(max(number, self.shelf.floor))
        return self.cursor(self.shelf.floor)

    async def scrub(self, *, deadline: Deadline) -> None:
        self.require_open(deadline)
        await self.suspend()

    async def changed(
        self, since: Mark | None, *, interest: Interest | None, timeout_seconds: float
    ) -> Mark:
        self.require_open(None)
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout_seconds
        while since == self.mark() and loop.time() < end:  # noqa: ASYNC110 - handles tell nobody
            await asyncio.sleep(min(0.002, timeout_seconds))
        return self.mark()

    async def __aenter__(self) -> Self:
        self.opened = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        self.opened = False

    # ---- parts -------------------------------------------------------------------------------

    def require_open(self, deadline: Deadline | None) -> None:
        if not self.opened:
            raise Unavailable("the store is closed", retryable=False)
        if deadline is not None and deadline.remaining_seconds() <= 0:
            raise Unavailable("the deadline had come")

    async def suspend(self) -> None:
        await asyncio.sleep(0)

    def time(self) -> datetime:
        self.shelf.now = max(self.shelf.now, self.wall())
        return self.shelf.now

    def cells(self, keys: Sequence[Address]) -> Mapping[Address, Cell]:
        rows = self.shelf.rows
        return {address: rows[address].cell(address) for address in keys if address in rows}

    def judge(self, writes: Sequence[Write], valid_until: datetime | None) -> Stale | Late | None:
        if self.is_late(valid_until):
            return Late()
        stale = frozenset(write.address for write in writes if not self.holds(write))
        return Stale(stale, busy=False) if stale else None

    def is_late(self, valid_until: datetime | None) -> bool:
        return valid_until is not None and valid_until <= self.time()

    def holds(self, write: Write) -> bool:
        row = self.shelf.rows.get(write.address)
        if write.expect is ABSENT:
            return row is None
        return row is not None and row.revision == write.expect

    def apply(self, commit_id: CommitId, writes: Sequence[Write]) -> dict[Address, Revision]:
        revisions = {}
        for write in writes:
            match write:
                case Put(address=address, entry=entry):
                    row = self.row(commit_id, address, entry)
                    self.shelf.rows[address] = row
                    revisions[address] = row.revision
                case Delete(address=address):
                    del self.shelf.rows[address]
                case Check():
                    pass
        return revisions

    def row(self, commit_id: CommitId, address: Address, entry: Entry) -> Row:
        return Row(
            body=bytes(entry.body),
            state=entry.index.state,
            due_at=entry.index.due_at,
            sort=entry.index.sort,
            revision=self.revision(commit_id, address),
            written_by=commit_id,
        )

    def revision(self, commit_id: CommitId, address: Address) -> Revision:
        self.shelf.sequence += 1
        return Revision(self.shelf.sequence.to_bytes(NUMBER_BYTES, "big") + commit_id[:8])

    def tell(self, commit_id: CommitId, events: Sequence[EventDraft]) -> None:
        for event in events:
            self.shelf.head += 1
            self.shelf.log.append(self.told(self.shelf.head, commit_id, event))

    def told(self, number: int, commit_id: CommitId, event: EventDraft) -> Told:
        return Told(
            number=number,
            address=event.address,
            kind=event.kind,
            at=event.at,
            body=bytes(event.body),
            commit_id=commit_id,
        )

    def stored(self, told: Told) -> StoredEvent:
        return StoredEvent(
            cursor=self.cursor(told.number),
            address=told.address,
            kind=told.kind,
            at=told.at,
            commit_id=told.commit_id,
            body=told.body,
        )

    def wants(self, query: EventQuery, told: Told) -> bool:
        return query.wants(told.address)

    def found(self, query: Query) -> list[tuple[Place, Address]]:
        """The answers of a query, in its order."""
        found = [
            (self.place(query, index, address), address)
            for address, index in self.indexes()
            if address.collection == query.collection and self.asks_for(query, address, index)
        ]
        return sorted(found, key=lambda answer: answer[0])

    def indexes(self) -> Iterator[tuple[Address, Index]]:
        """What scans search."""
        for address, row in self.shelf.rows.items():
            yield address, row.index

    def asks_for(self, query: Query, address: Address, index: Index) -> bool:
        match query:
            case Due(states=states, by=by):
                return index.state in states and index.due_at is not None and index.due_at <= by
            case Sorted(prefix=prefix, state=state):
                return prefix.covers(address.scope) and state in (None, index.state)
            case InScope(prefix=prefix):
                return prefix.covers(address.scope)

    def place(self, query: Query, index: Index, address: Address) -> Place:
        return place(query, index, key_bytes(address))

    def cursor(self, number: int) -> Cursor:
        return Cursor(self.shelf.name + number.to_bytes(NUMBER_BYTES, "big"))

    def number(self, cursor: Cursor) -> int | None:
        """The number that a cursor stands behind; None where it is of no store or another one."""
        if cursor == START:
            return self.shelf.floor
        name, number = cursor[:NAME_BYTES], cursor[NAME_BYTES:]
        if name != self.shelf.name or len(number) != NUMBER_BYTES:
            return None
        return int.from_bytes(number, "big")

    def raise_floor(self, to: int) -> None:
        self.shelf.floor = to
        self.shelf.log = [told for told in self.shelf.log if told.number > to]

    def wake(self) -> None:
        self.shelf.commits += 1

    def mark(self) -> Mark:
        return Mark(self.shelf.commits.to_bytes(NUMBER_BYTES, "big"))
