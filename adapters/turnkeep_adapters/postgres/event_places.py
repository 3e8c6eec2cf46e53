"""An event place: where in the log a cursor stands, and how it is told.

A cursor is the store's id, then epoch, transaction, number in it, and the beginning of the commit
id, so that cursors of one store order as bytes. It always stands at an event that was handed out,
or at the floor; the commit id tells a log that lost its end, and grew another.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from attrs import frozen

from turnkeep_adapters.postgres.connections import Row
from turnkeep_adapters.postgres.reading import instant_of
from turnkeep_ports.key_bytes import address_of, prefix_bytes
from turnkeep_ports.store import (
    START,
    CommitId,
    Cursor,
    CursorLost,
    EventPage,
    EventQuery,
    StoredEvent,
)

_PLACE: Final = struct.Struct(">iqi8s")
_TAG_BYTES: Final = 8
_COMPONENT_END: Final = b"\x00"
_ANY_COLLECTION: Final = "any"


@frozen
class EventPlace:
    """The place of one event, or the floor's."""

    epoch: int
    xid: int
    seq: int
    tag: bytes

    def cursor(self, store_id: bytes) -> Cursor:
        """The opaque form."""
        return Cursor(store_id + _PLACE.pack(self.epoch, self.xid, self.seq, self.tag))


def place_of(cursor: Cursor, store_id: bytes) -> tuple[object, ...] | None:
    """A cursor as parameters, all None for `START`; None if it is of no event of this store."""
    if cursor == START:
        return (None, None, None, None)
    if len(cursor) != len(store_id) + _PLACE.size or not cursor.startswith(store_id):
        return None
    epoch, xid, seq, tag = _PLACE.unpack(cursor[len(store_id) :])
    return (epoch, xid, seq, tag) if min(epoch, xid, seq) >= 0 else None


def begins_of(query: EventQuery) -> tuple[list[bytes] | None, bytes]:
    """What wanted keys begin with; for every collection, what follows the collection in them."""
    if query.collections is not None:
        return [prefix_bytes(name, query.prefix) for name in sorted(query.collections)], b""
    begins = prefix_bytes(_ANY_COLLECTION, query.prefix)
    return None, begins[begins.index(_COMPONENT_END) + 1 :]


def page_of(rows: Sequence[Row], store_id: bytes) -> EventPage | CursorLost:
    """The server's rows as a page."""
    events: list[StoredEvent] = []
    for what, epoch, xid, seq, commit_id, key, kind, at, body in rows:
        cursor = EventPlace(epoch, xid, seq, commit_id[:_TAG_BYTES]).cursor(store_id)
        match what:
            case "event":
                event = StoredEvent(
                    cursor=cursor,
                    address=address_of(key),
                    kind=kind,
                    at=instant_of(at),
                    commit_id=CommitId(commit_id),
                    body=body,
                )
                events.append(event)
            case "next":
                return EventPage(tuple(events), cursor)
            case _:
                return CursorLost(cursor)
    raise AssertionError("the last row of a page of events tells where it ends")
