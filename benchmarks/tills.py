"""A till: a record that exists for benchmarks alone, and that many writers book on at once.

It has what a real aggregate has: a bounded list of request ids, an outcome for each, an event, and
a body of about 600 bytes.
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

MARKS_KEPT: Final = 4
SCOPE: Final = Scope.of("acme", "ann")

Booking: TypeAlias = Callable[[Records, datetime], Decision[Records, int, RequestIdReused]]


@frozen(kw_only=True)
class Booked(Event):
    """An amount was booked."""

    kind: ClassVar[str] = "till.booked"
    total: int


@frozen(kw_only=True)
class Till:
    """A total, and who has booked on it last."""

    scope: Scope
    id: str
    total: int
    marks: Marks[int]

    def book(
        self, amount: int, request_id: RequestId, at: Address, now: datetime
    ) -> Decision[Till, int, RequestIdReused]:
        """Books once for each request id; answers the total after it."""
        arguments = digest_of("book", amount)
        match self.marks.recall(request_id, arguments):
            case Mark(outcome=outcome):
                return Unchanged(outcome)
            case RequestIdReused() as reused:
                return Refused(reused)
            case None:
                pass
        total = self.total + amount
        marks = remember(self.marks, Mark(request_id, arguments, total), bound=MARKS_KEPT)
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


def booking(where: Key[Till], request: str) -> Booking:
    """The command that opens a till where there is none, and books 1 on it."""

    def decide(records: Records, now: datetime) -> Decision[Records, int, RequestIdReused]:
        at = where.address
        till = records[where] or Till(scope=SCOPE, id=at.id, total=0, marks=Marks.none())
        return records.adopt(where, till.book(1, RequestId(request), at, now))

    return decide


class TillCodec:
    """Tills as plain JSON."""

    def encode(self, record: object) -> bytes:
        """The body of a till."""
        assert isinstance(record, Till)
        return body_of(
            record.id,
            record.total,
            [(m.request_id, m.arguments.hex(), m.outcome) for m in record.marks.entries],
            record.marks.dropped,
        )

    def decode(self, of: Collection[T], address: Address, body: bytes) -> T:
        """The till of a body."""
        try:
            id, total, marks, dropped, _ = orjson.loads(body)
        except ValueError as error:
            raise Corrupt("no till", address) from error
        entries = tuple(Mark(RequestId(r), Digest(bytes.fromhex(d)), o) for r, d, o in marks)
        till = Till(scope=address.scope, id=id, total=total, marks=Marks(entries, dropped))
        return of.member(till)

    def encode_event(self, event: Event) -> bytes:
        """The body of a booking."""
        assert isinstance(event, Booked)
        return str(event.total).encode()

    def decode_event(self, stored: StoredEvent) -> Event:
        """The booking that a store has told."""
        return Booked(address=stored.address, at=stored.at, total=int(stored.body))


def body_of(id: str, total: int, marks: list[tuple[str, str, int]], dropped: int) -> bytes:
    """About 600 bytes, whoever writes them."""
    return orjson.dumps([id, total, marks, dropped, _PADDING])


_PADDING: Final = "x" * 200
