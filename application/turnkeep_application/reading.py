"""Reading: records as they are stored, asked for under one deadline, and never changed."""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import datetime
from typing import Generic, TypeVar

from attrs import field, frozen
from attrs.validators import gt, le

from turnkeep_application.bounded import DeadlinePassed, bounded
from turnkeep_application.records import Records
from turnkeep_domain.keys import Address, Collection, ReadKey
from turnkeep_ports.clock import Clock, Deadline
from turnkeep_ports.codec import Codec
from turnkeep_ports.errors import Corrupt, SchemaTooNew, Unavailable
from turnkeep_ports.scans import Page, Position, Query
from turnkeep_ports.store import Cell, Cursor, CursorLost, EventPage, EventQuery, RecordStore

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@frozen
class Seen(Generic[T_co]):
    """A record at one moment; None where the cell was absent.

    Attributes:
        now: The store's clock at that moment.
    """

    record: T_co | None
    now: datetime


@frozen
class Unreadable:
    """A record that a listing came upon and could not read; it was left untouched.

    Attributes:
        address: Which one.
        code: Why: ``"corrupt"``, or ``"schema_too_new"``.
    """

    address: Address
    code: str


@frozen(kw_only=True)
class Reading:
    """The one way to read without deciding anything.

    Whatever the store does, a read ends within `deadline_seconds`; who reads several pages takes
    one `deadline` for them all. Every method raises `Unavailable` where the store did not serve,
    retryable if it did not answer in time.
    """

    store: RecordStore
    codec: Codec
    clock: Clock
    deadline_seconds: float = field(validator=[gt(0), le(3_600)])

    async def record(self, key: ReadKey[T]) -> Seen[T]:
        """The record under a key, and the moment in which it was read.

        Raises:
            Unavailable: The store did not serve.
            Corrupt, SchemaTooNew: The record is unreadable.
        """
        deadline = self.deadline()
        loaded = await _served(self.store.load((key.address,), deadline=deadline), deadline)
        cell = loaded.cells.get(key.address)
        if cell is None:
            return Seen(None, loaded.now)
        record = self.codec.decode(key.collection, key.address, cell.entry.body)
        return Seen(record, loaded.now)

    async def together(self, *keys: ReadKey[object]) -> tuple[Records, datetime]:
        """Several records as they stood at one moment, and that moment.

        Raises:
            Unavailable: The store did not serve.
            Corrupt, SchemaTooNew: One of them is unreadable.
        """
        deadline = self.deadline()
        addresses = [key.address for key in keys]
        loaded = await _served(self.store.load(addresses, deadline=deadline), deadline)
        held: dict[Address, object | None] = {}
        for key in keys:
            cell = loaded.cells.get(key.address)
            decode = self.codec.decode
            held[key.address] = cell and decode(key.collection, key.address, cell.entry.body)
        return Records(held), loaded.now

    def deadline(self) -> Deadline:
        """The one deadline of several reads that begin now."""
        return Deadline.after(self.clock, self.deadline_seconds)

    async def page(
        self, query: Query, *, after: Position | None, limit: int, deadline: Deadline
    ) -> Page:
        """Cells by their index, bodies unread.

        Raises:
            Unavailable: The store did not serve.
            InvalidValue: The limit is not 1 to 500, or the position of another query.
        """
        call = self.store.scan(query, after=after, limit=limit, deadline=deadline)
        return await _served(call, deadline)

    def decoded(self, of: Collection[T], cell: Cell) -> T | Unreadable:
        """The record of a cell that a page holds; one that is unreadable hides no other."""
        try:
            return self.codec.decode(of, cell.address, cell.entry.body)
        except (Corrupt, SchemaTooNew) as error:
            return Unreadable(cell.address, error.code)

    async def events(
        self, query: EventQuery, *, after: Cursor, limit: int
    ) -> EventPage | CursorLost:
        """Events in order, bodies unread.

        Raises:
            Unavailable: The store did not serve.
            InvalidValue: The limit is not 1 to 500.
        """
        deadline = self.deadline()
        call = self.store.events(query, after=after, limit=limit, deadline=deadline)
        return await _served(call, deadline)


async def _served(call: Coroutine[object, object, T], deadline: Deadline) -> T:
    try:
        return await bounded(call, deadline)
    except DeadlinePassed:
        raise Unavailable("it did not answer before the deadline") from None
