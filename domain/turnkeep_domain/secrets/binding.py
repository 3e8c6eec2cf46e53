"""A binding: the bytes that say to which record, and to all of it, an envelope or a seal belongs.

Each part is its length, in 8 bytes big-endian, and then its bytes, so that no two lists of parts
run together into the same bytes. What may be absent has a byte for its presence first; instants
are whole microseconds since 1970. Every record lists its own parts by hand, in an order that never
changes under one purpose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol, TypeVar

from attrs import field, frozen

from turnkeep_domain.keys import Address
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.request_ids import Marks
from turnkeep_domain.scope import Scope

T = TypeVar("T")

_LENGTH_BYTES: Final = 8
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_ABSENT: Final = b"\x00"
_PRESENT: Final = b"\x01"


@frozen
class Binding:
    """Which record, and what it says.

    Attributes:
        purpose: What the bytes are for, with the version of the list of parts.
        address: Where the record is kept.
        parts: Everything else that it says, encoded.
    """

    purpose: str = field(validator=of_kind(str))
    address: Address = field(validator=of_kind(Address))
    parts: bytes = field(validator=of_kind(bytes), repr=False)

    @classmethod
    def of(cls, purpose: str, address: Address, *parts: bytes) -> Binding:
        """The binding of a record that lists these parts."""
        return cls(purpose, address, b"".join(parts))

    def encoded(self) -> bytes:
        """All of it as bytes; equal only for the same purpose, address and parts."""
        return b"".join(
            (text(self.purpose), place(self.address), raw(self.parts)),
        )


class Bound(Protocol):
    """A record that ends with a seal, and may hold an envelope."""

    @property
    def seal(self) -> bytes:
        """Proves that nobody without a key has changed the record."""
        ...

    @property
    def envelope(self) -> bytes:
        """What is encrypted in it; empty where nothing is."""
        ...

    def binding(self) -> Binding:
        """Everything that the record says, but for its seal and envelope."""
        ...


def raw(value: bytes) -> bytes:
    """One part."""
    return len(value).to_bytes(_LENGTH_BYTES, "big") + value


def text(value: str) -> bytes:
    """A text, as UTF-8."""
    return raw(value.encode())


def number(value: int) -> bytes:
    """A whole number of 64 bits, its sign included."""
    return raw(value.to_bytes(_LENGTH_BYTES, "big", signed=True))


def moment(value: datetime) -> bytes:
    """An instant, in microseconds since 1970."""
    return number((value - _EPOCH) // _MICROSECOND)


def optional(value: T | None, encode: Callable[[T], bytes]) -> bytes:
    """What may be absent."""
    return raw(_ABSENT if value is None else _PRESENT + encode(value))


def several(values: Iterable[T], encode: Callable[[T], bytes]) -> bytes:
    """A row of values, in their order."""
    encoded = [encode(value) for value in values]
    return raw(number(len(encoded)) + b"".join(map(raw, encoded)))


def scoped(scope: Scope) -> bytes:
    """A scope: its six components."""
    return b"".join(optional(component, text) for component in scope.components())


def place(address: Address) -> bytes:
    """An address: collection, scope and id."""
    return text(address.collection) + scoped(address.scope) + text(address.id)


def marked(marks: Marks[T], outcome: Callable[[T], bytes]) -> bytes:
    """The request ids that a record remembers, with what each was answered."""
    entries = several(
        marks.entries,
        lambda mark: text(mark.request_id) + raw(mark.arguments) + raw(outcome(mark.outcome)),
    )
    return number(marks.dropped) + entries
