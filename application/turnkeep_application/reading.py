"""Reading: records as they are stored, asked for under one deadline, and never changed."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
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
from turnkeep_ports.store import (
    ABSENT,
    Cell,
    Cursor,
    CursorLost,
    EventPage,
    EventQuery,
    Expectation,
    RecordStore,
)

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


@frozen
class Moment:
    """Records of several cells, all at one moment.

    Attributes:
        now: The store's clock at that moment.
    """

    records: Records
    now: datetime


@frozen
class Legible:
    """Records of several cells at one moment, of which some may be unreadable.

    Attributes:
        now: The store's clock at that moment.
    """

    _found: Mapping[Address, tuple[object, Expectation]] = field(repr=False)
    now: datetime

    def record(self, key: ReadKey[T]) -> T | Unreadable | None:
        """The record under the key, or why it cannot be read; None where the cell was absent."""
        record, _ = self._found[key.address]
        if record is None or isinstance(record, Unreadable):
            return record
        return key.collection.member(record)

    def revision(self, key: ReadKey[object]) -> Expectation:
        """The revision at which the cell was read."""
        return self._found[key.address][1]


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

    async def moment(
        self, keys: Sequence[ReadKey[object]], *, deadline: Deadline | None = None
    ) -> Moment:
        """The records under some keys, 1 to 1,024, all at one moment.

        Args:
            keys: Which; a repeated one counts once.
            deadline: That of several reads; None for one of its own.

        Raises:
            Unavailable: The store did not serve.
            Corrupt, SchemaTooNew: A record is unreadable.
        """
        until = self.deadline() if deadline is None else deadline
        by_address = {key.address: key for key in keys}
        loaded = await _served(self.store.load(tuple(by_address), deadline=until), until)
        held: dict[Address, object | None] = {}
        for address, key in by_address.items():
            cell = loaded.cells.get(address)
            held[address] = cell and self.codec.decode(key.collection, address, cell.entry.body)
        return Moment(Records(held), loaded.now)

    async def legible(
        self, keys: Sequence[ReadKey[object]], *, deadline: Deadline | None = None
    ) -> Legible:
        """As `moment`, but one record that is unreadable hides no other.

        Raises:
            Unavailable: The store did not serve.
        """
        until = self.deadline() if deadline is None else deadline
        by_address = {key.address: key for key in keys}
        loaded = await _served(self.store.load(tuple(by_address), deadline=until), until)
        found: dict[Address, tuple[object, Expectation]] = {}
        for address, key in by_address.items():
            cell = loaded.cells.get(address)
            if cell is None:
                found[address] = (None, ABSENT)
            else:
                found[address] = (self.decoded(key.collection, cell), cell.revision)
        return Legible(found, loaded.now)

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
