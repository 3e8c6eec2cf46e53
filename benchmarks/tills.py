"""A till: a record that exists for benchmarks alone, and that many writers book on at once.

Its body has about 600 bytes, and each booking tells an event. A booking is not idempotent: who
asks what became of one counts.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar, Final, TypeAlias, TypeVar

import orjson
from attrs import evolve, frozen

from turnkeep import Scope
from turnkeep_application.records import Records
from turnkeep_domain.decisions import Changed, Decision
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Address, Collection, Identity, Index, Key, key
from turnkeep_ports.errors import Corrupt
from turnkeep_ports.store import StoredEvent

T = TypeVar("T")

SCOPE: Final = Scope.of("acme", "ann")
PADDING: Final = "x" * 560

Booking: TypeAlias = Callable[[Records, datetime], Decision[Records, int, object]]


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

    def book(self, amount: int, at: Address, now: datetime) -> Changed[Till, int]:
        """Books; answers the total after it."""
        total = self.total + amount
        return Changed(evolve(self, total=total), total, (Booked(address=at, at=now, total=total),))


TILLS: Final[Collection[Till]] = Collection(
    name="till",
    members=(Till,),
    permanent=True,
    index=lambda till: Index(state="open", due_at=None, sort=till.id),
    identity=lambda till: Identity(till.scope, till.id),
    marks=lambda _: None,
)


def till_key(id: str) -> Key[Till]:
    """Where a till is."""
    return key(TILLS, SCOPE, id)


def booking(where: Key[Till]) -> Booking:
    """The command that opens a till where there is none, and books 1 on it."""

    def decide(records: Records, now: datetime) -> Decision[Records, int, object]:
        at = where.address
        till = records[where] or Till(scope=SCOPE, id=at.id, total=0)
        return records.adopt(where, till.book(1, at, now))

    return decide


def body_of(id: str, total: int) -> bytes:
    """A till as it is stored, whoever stores it."""
    return orjson.dumps([id, total, PADDING])


def total_of(body: bytes) -> int:
    """What is in a stored till."""
    _, total, _ = orjson.loads(body)
    assert isinstance(total, int)
    return total


class TillCodec:
    """Tills as plain JSON."""

    def encode(self, record: object) -> bytes:
        """The body of a till."""
        assert isinstance(record, Till)
        return body_of(record.id, record.total)

    def decode(self, of: Collection[T], address: Address, body: bytes) -> T:
        """The till of a body."""
        try:
            total = total_of(body)
        except ValueError as error:
            raise Corrupt("no till", address) from error
        return of.member(Till(scope=address.scope, id=address.id, total=total))

    def encode_event(self, event: Event) -> bytes:
        """The body of a booking."""
        assert isinstance(event, Booked)
        return str(event.total).encode()

    def decode_event(self, stored: StoredEvent) -> Event:
        """The booking that a store has told."""
        return Booked(address=stored.address, at=stored.at, total=int(stored.body))
