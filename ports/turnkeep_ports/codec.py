"""A codec: records and events as bytes, equal bytes for equal records."""

from __future__ import annotations

from typing import Protocol, TypeVar

from turnkeep_domain.events import Event
from turnkeep_domain.keys import Address, Collection
from turnkeep_ports.store import StoredEvent

T = TypeVar("T")


class Codec(Protocol):
    """Turns records and events into bytes and back. Stores never parse bodies; the loop does.

    Encoding is deterministic and injective per collection: equal records give equal bytes, other
    records other bytes. Decoding fills nothing in and drops nothing.
    """

    def encode(self, record: object) -> bytes:
        """The record's body, in the newest schema.

        Raises:
            TypeError: The record is of no known class.
            InvalidValue: It holds what could not be read back as itself; nothing was written.
        """
        ...

    def decode(self, of: Collection[T], address: Address, body: bytes) -> T:
        """The record of a body that was read at an address.

        Raises:
            Corrupt: The bytes are no record of the collection, break an invariant, or carry
                another scope or id than the address.
            SchemaTooNew: A newer release wrote them.
            InvalidValue: The address is of another collection.
        """
        ...

    def encode_event(self, event: Event) -> bytes:
        """The body of an event: its own fields, without address, kind and time.

        Raises:
            TypeError: The event is of no known class.
            InvalidValue: It holds what could not be read back as itself; nothing was written.
        """
        ...

    def decode_event(self, stored: StoredEvent) -> Event:
        """The event that a store has handed out.

        Raises:
            Corrupt: The bytes are no event of that kind.
            SchemaTooNew: A newer release wrote them.
        """
        ...
