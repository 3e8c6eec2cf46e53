"""The record store: cells, conditional commits, scans and events. The only way to storage.

The module is long because the contract of a store stands in one place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from types import TracebackType
from typing import Final, Literal, NewType, Protocol, Self, TypeAlias

from attrs import field, frozen
from attrs.validators import instance_of

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.instants import instant
from turnkeep_domain.keys import Address, Index
from turnkeep_domain.scope import ScopePrefix
from turnkeep_ports.clock import Deadline
from turnkeep_ports.scans import Page, Position, Query

Revision = NewType("Revision", bytes)
"""16 opaque bytes: a number from the store's one sequence, then the first 8 of the commit id."""
CommitId = NewType("CommitId", bytes)
"""16 bytes, minted by the caller for one commit."""
Cursor = NewType("Cursor", bytes)
"""A place in the event log of one store."""
Mark = NewType("Mark", bytes)
"""How much of a store's changes a waiter has seen."""

START: Final = Cursor(b"")
"""The floor of the event log, wherever it is."""

COMMIT_ID_BYTES: Final = 16


class Absent(Enum):
    """The expectation that a cell is absent."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT
Expectation: TypeAlias = Revision | Literal[Absent.ABSENT]


class Atomicity(Enum):
    """How much of a commit happens together. Turnkeep needs `MULTI`."""

    NONE = "none"
    SINGLE = "single"
    MULTI = "multi"


class Durability(Enum):
    """What a committed write survives: nothing, the process, or a power cut."""

    VOLATILE = "volatile"
    PROCESS = "process"
    POWER = "power"


class Notification(Enum):
    """How `changed` learns of commits by other processes."""

    POLL = "poll"
    PUSH = "push"


@frozen(kw_only=True)
class Capabilities:
    """What a store promises; every store declares it, and a wrapper never claims more.

    Attributes:
        writes_max: Writes a commit may have here, at most `limits.WRITES_MAX`.
        apart: Collections that are kept apart from all others, in disjoint sets; what no set names
            is one more. A commit stays within one, and so does one moment. None where everything
            is together, as in every store that is not made of others.
    """

    atomicity: Atomicity = field(validator=instance_of(Atomicity))
    durability: Durability = field(validator=instance_of(Durability))
    notification: Notification = field(validator=instance_of(Notification))
    writes_max: int = field(validator=instance_of(int))
    apart: tuple[frozenset[str], ...] = field(default=())

    @apart.validator
    def _disjoint(self, _: object, apart: tuple[frozenset[str], ...]) -> None:
        if not all(apart) or len(frozenset[str]().union(*apart)) != sum(map(len, apart)):
            raise InvalidValue("apart", "must be of disjoint sets that name something")

    def part_of(self, collection: str) -> int:
        """Which part a collection is in: the number of its set, from 1 on, or 0 for the rest."""
        return next((n for n, names in enumerate(self.apart, 1) if collection in names), 0)

    def together(self, collections: Iterable[str]) -> bool:
        """Whether one commit may write, or check, records of all these collections."""
        return not self.apart or len({self.part_of(name) for name in collections}) <= 1


@frozen(kw_only=True)
class Entry:
    """What a cell holds: bytes that stores never parse, and the index they are searched by."""

    body: bytes = field(validator=instance_of(bytes), repr=False)
    index: Index = field(validator=instance_of(Index))


@frozen(kw_only=True)
class Cell:
    """A present cell: its entry at a revision, and the commit that wrote it."""

    address: Address
    entry: Entry
    revision: Revision
    written_by: CommitId


@frozen(kw_only=True)
class Loaded:
    """The cells of one moment; absent ones are missing.

    Attributes:
        now: The store's clock at that moment, UTC; never decreases per store object.
    """

    now: datetime = field(validator=instant)
    cells: Mapping[Address, Cell]


@frozen
class Put:
    """Writes an entry where the expectation holds."""

    address: Address
    expect: Expectation
    entry: Entry


@frozen
class Delete:
    """Deletes a cell that is at a revision."""

    address: Address
    expect: Revision


@frozen
class Check:
    """Demands that the expectation holds, and writes nothing."""

    address: Address
    expect: Expectation


Write: TypeAlias = Put | Delete | Check


@frozen(kw_only=True)
class EventDraft:
    """An event as a commit carries it."""

    address: Address
    kind: str
    at: datetime = field(validator=instant)
    body: bytes = field(validator=instance_of(bytes), repr=False)


@frozen
class Committed:
    """Everything was written. Tells the new revision of every put cell."""

    revisions: Mapping[Address, Revision]


@frozen
class Stale:
    """A race was lost; nothing was written.

    Attributes:
        keys: Every cell whose expectation did not hold; none when `busy`.
        busy: The store could not compare in time (a lock, a serialization failure).
    """

    keys: frozenset[Address]
    busy: bool


@frozen
class Late:
    """`valid_until` had come when the write was judged; nothing was written."""


@frozen(kw_only=True)
class EventQuery:
    """Which events a reader wants.

    Attributes:
        collections: Names, or None for all.
        prefix: Whose; depth 0 for everybody's.
    """

    collections: frozenset[str] | None = field()
    prefix: ScopePrefix = field(validator=instance_of(ScopePrefix))

    @collections.validator
    def _not_empty(self, _: object, collections: frozenset[str] | None) -> None:
        if collections is not None and not collections:
            raise InvalidValue("collections", "must name one at least, or be None")

    def wants(self, address: Address) -> bool:
        """Whether an event of this record is asked for."""
        named = self.collections is None or address.collection in self.collections
        return named and self.prefix.covers(address.scope)


@frozen(kw_only=True)
class StoredEvent:
    """An event as the log has it; `cursor` continues after it."""

    cursor: Cursor
    address: Address
    kind: str
    at: datetime = field(validator=instant)
    commit_id: CommitId
    body: bytes = field(repr=False)


@frozen
class EventPage:
    """Events in order.

    Attributes:
        events: At most the limit asked for.
        next: How far the log was examined, events of others included: continue there.
    """

    events: tuple[StoredEvent, ...]
    next: Cursor


@frozen
class CursorLost:
    """The cursor is below the floor, beyond the head or of another store.

    Attributes:
        floor: Re-read the records, then continue here.
    """

    floor: Cursor


@frozen(kw_only=True)
class Interest:
    """Whose changes a waiter wants to hear of; a hint for the store, which may tell more."""

    collection: str
    prefix: ScopePrefix


class RecordStore(Protocol):
    """Cells under compare-and-swap, several at once, with the events that changes cause.

    A store is an async context manager; every operation is async and may be called by many tasks
    at once. `deadline` is the caller's one deadline: the store gives up by itself when it comes.
    Limits (`turnkeep_ports.limits`) are checked before any I/O. Adapters never retry a commit.

    Errors, wherever an operation names none of its own: `Unavailable` (not served, and nothing
    was written), `Unsupported`, `ValueError` (the call itself is wrong; nothing was written).
    """

    @property
    def capabilities(self) -> Capabilities:
        """What this store promises; the same value for its whole life."""
        ...

    async def load(self, keys: Sequence[Address], *, deadline: Deadline) -> Loaded:
        """Reads cells, all at one moment.

        Args:
            keys: 1 to 1,024 distinct addresses.
            deadline: When to give up.

        Promises: one moment for all keys; sees every earlier `Committed` of any process; `now`
        never decreases per store object. Not promised: that it is still true.

        Cancellation has no effect on what is stored.
        """
        ...

    async def commit(
        self,
        commit_id: CommitId,
        writes: Sequence[Write],
        events: Sequence[EventDraft],
        *,
        valid_until: datetime | None,
        deadline: Deadline,
    ) -> Committed | Stale | Late:
        """Writes all or nothing, events included; compares inside the write.

        Args:
            commit_id: 16 bytes that no other commit has. It is kept by each put cell and each
                event; a store need not recognise a repeated one.
            writes: 1 to 1,024, of distinct addresses, a `Put` or `Delete` among them. There is
                no unconditional write.
            events: At most 1,024, appended in this order.
            valid_until: The instant from which the store must answer `Late`, by its own clock
                at the moment of judging; None for no such instant.
            deadline: When to give up.

        Returns:
            `Committed`; `Stale`, naming every stale key (none when busy); or `Late`.

        Raises:
            OutcomeUnknown: It landed, may land, or never will.
            Unavailable: It is proven that nothing was or will be written.
            PayloadTooLarge: A limit is exceeded; nothing was written.
            ValueError: The writes break a rule above; nothing was written.

        Cancellation: a commit that was not handed over never runs; one that was finishes
        unobserved, all or nothing. Any other exception proves nothing.
        """
        ...

    async def scan(
        self, query: Query, *, after: Position | None, limit: int, deadline: Deadline
    ) -> Page:
        """Finds cells by their index, one page at a time.

        Args:
            query: `Due`, `Sorted` or `InScope`, each with its own order (bytewise).
            after: A page's `next`, or any `position` of the same query, whether or not a cell
                stands there; None for the first page.
            limit: 1 to 500 cells.
            deadline: When to give up.

        Promises: a scan sees every commit before it; a cell that does not change while paging
        appears exactly once. Not promised: one moment across pages; re-load before acting.
        """
        ...

    async def events(
        self, query: EventQuery, *, after: Cursor, limit: int, deadline: Deadline
    ) -> EventPage | CursorLost:
        """Reads the event log in order, without gaps.

        Args:
            query: Which events.
            after: `START`, or a cursor from this store.
            limit: 1 to 500 events.
            deadline: When to give up.

        Promises: order as given within a commit, and after every commit the writer could see;
        nothing ever appears at or below a cursor that was handed out. Not promised: promptness.
        """
        ...

    async def trim(self, before: Cursor, *, deadline: Deadline) -> Cursor | CursorLost:
        """Forgets the events up to and including `before`; keeps all after it.

        Returns:
            The new floor, durable before anything is deleted; never lower than the old one.
        """
        ...

    async def scrub(self, *, deadline: Deadline) -> None:
        """Makes sure that what was deleted or overwritten before is in no file of the store.

        Not promised for a database server's own files and logs, nor for backups.
        """
        ...

    async def changed(
        self, since: Mark | None, *, interest: Interest | None, timeout_seconds: float
    ) -> Mark:
        """Waits until something was committed after `since`, or the timeout has passed.

        Args:
            since: A mark of this store; None answers the present mark at once.
            interest: What the waiter cares for; the store may wake it for other changes too.
            timeout_seconds: How long to wait at most, 0 for no waiting.

        Returns:
            A mark to wait from next. A hint only: take a mark, then read, then wait from it.
        """
        ...

    async def __aenter__(self) -> Self:
        """Opens the store."""
        ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Closes the store; operations afterwards raise `Unavailable`."""
        ...
