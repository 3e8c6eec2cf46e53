"""A till: a record that exists for benchmarks alone, and that many writers book on at once.

Its body has about 600 bytes, and each booking tells an event. A booking under a request id is
remembered by it; one without an id is told from its repeat by nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar, Final, TypeAlias, TypeVar

import orjson
from attrs import evolve, frozen

from turnkeep import RequestId, Scope
from turnkeep_application.records import Records
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Address, Collection, Identity, Index, Key, key
from turnkeep_domain.request_ids import (
    MARKS_MAX,
    Digest,
    Mark,
    Marks,
    RequestIdReused,
    digest_of,
    remember,
)
from turnkeep_ports.errors import Corrupt
from turnkeep_ports.store import StoredEvent

T = TypeVar("T")

SCOPE: Final = Scope.of("acme", "ann")
PADDING: Final = "x" * 560

Booking: TypeAlias = Callable[[Records, datetime], Decision[Records, int, RequestIdReused]]


@frozen(kw_only=True)
class Booked(Event):
    """An amount was booked."""

    kind: ClassVar[str] = "till.booked"
    total: int


@frozen(kw_only=True)
class Till:
    """A total."""

    scope: Scope
    id: str
    total: int
    marks: Marks[int]

    def book(
        self, amount: int, at: Address, now: datetime, request_id: RequestId | None
    ) -> Decision[Till, int, RequestIdReused]:
        """Books, once for each request id; answers the total after it."""
        total, marks = self.total + amount, self.marks
        if request_id is not None:
            arguments = digest_of("book", amount)
            match marks.recall(request_id, arguments):
                case Mark(outcome=outcome):
                    return Unchanged(outcome)
                case RequestIdReused() as reused:
                    return Refused(reused)
                case None:
                    pass
            marks = remember(marks, Mark(request_id, arguments, total), bound=MARKS_MAX)
        event = Booked(address=at, at=now, total=total)
        return Changed(evolve(self, total=total, marks=marks), total, (event,))


TILLS: Final[Collection[Till]] = Collection(
    name="till",
    members=(Till,),
    permanent=True,
    index=lambda till: Index(state="open", due_at=None, sort=till.id),
    identity=lambda till: Identity(till.scope, till.id),
    marks=lambda till: till.marks,
)


def till_key(id: str) -> Key[Till]:
    """Where a till is."""
    return key(TILLS, SCOPE, id)


def booking(where: Key[Till], request_id: RequestId | None) -> Booking:
    """The command that opens a till where there is none, and books 1 on it."""

    def decide(records: Records, now: datetime) -> Decision[Records, int, RequestIdReused]:
        at = where.address
        till = records[where] or Till(scope=SCOPE, id=at.id, total=0, marks=Marks.none())
        return records.adopt(where, till.book(1, at, now, request_id))

    return decide


def body_of(id: str, total: int, marks: Marks[int]) -> bytes:
    """A till as it is stored, whoever stores it."""
    known = [(mark.request_id, mark.arguments.hex(), mark.outcome) for mark in marks.entries]
    return orjson.dumps([id, total, known, marks.dropped, PADDING])


def total_of(body: bytes) -> int:
    """What is in a stored till."""
    total = orjson.loads(body)[1]
    assert isinstance(total, int)
    return total


class TillCodec:
    """Tills as plain JSON."""

    def encode(self, record: object) -> bytes:
        """The body of a till."""
        assert isinstance(record, Till)
        return body_of(record.id, record.total, record.marks)

    def decode(self, of: Collection[T], address: Address, body: bytes) -> T:
        """The till of a body."""
        try:
            id, total, known, dropped, _ = orjson.loads(body)
        except ValueError as error:
            raise Corrupt("no till", address) from error
        entries = tuple(Mark(RequestId(r), Digest(bytes.fromhex(d)), o) for r, d, o in known)
        marks = Marks(entries, dropped)
        return of.member(Till(scope=address.scope, id=id, total=total, marks=marks))

    def encode_event(self, event: Event) -> bytes:
        """The body of a booking."""
        assert isinstance(event, Booked)
        return str(event.total).encode()

    def decode_event(self, stored: StoredEvent) -> Event:
        """The booking that a store has told."""
        return Booked(address=stored.address, at=stored.at, total=int(stored.body))
