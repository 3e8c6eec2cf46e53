"""An event reader: a name under which a store remembers how far somebody has dealt with its events.

What a reader has still to read is never trimmed. So a reader that nobody uses any more must be
forgotten, or the log grows for ever.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, NewType, Self

from attrs import evolve, field, frozen

from turnkeep_domain.decisions import Changed, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant
from turnkeep_domain.keys import Collection, Identity, Index
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.scope import Scope

ReaderName = NewType("ReaderName", str)
"""What a reader is called, an identifier; one for all of a store."""

CURSOR_BYTES_MAX: Final = 4_096
EVERYWHERE: Final = Scope.of(None, None)
"""Readers belong to the store, not to one of its tenants."""


@frozen(kw_only=True)
class EventReader:
    """How far one reader has come.

    Its changes tell no event: a reader of all events would read of its own reading, for ever.

    Attributes:
        cursor: After the last event that was dealt with; opaque, at most 4,096 bytes, and empty
            before the first.
        registered_at: The store's now.
        moved_at: When it last moved, or was registered.
    """

    name: ReaderName = field(validator=identifier)
    cursor: bytes = field(validator=of_kind(bytes), repr=False)
    registered_at: datetime = field(validator=instant)
    moved_at: datetime = field(validator=instant)

    def __attrs_post_init__(self) -> None:
        if len(self.cursor) > CURSOR_BYTES_MAX:
            raise InvalidValue("cursor", f"must have at most {CURSOR_BYTES_MAX} bytes")
        if self.moved_at < self.registered_at:
            raise InvalidValue("moved_at", "must not be before the reader was registered")

    @classmethod
    def registered(cls, name: ReaderName, *, cursor: bytes, now: datetime) -> Changed[Self, Self]:
        """A reader that begins after a cursor."""
        reader = cls(name=name, cursor=cursor, registered_at=now, moved_at=now)
        return Changed(reader, reader, ())

    def advance(
        self, cursor: bytes, *, now: datetime
    ) -> Changed[EventReader, EventReader] | Unchanged[EventReader]:
        """What lies before the cursor is dealt with. Idempotent by state; it may also go back."""
        if cursor == self.cursor:
            return Unchanged(self)
        moved = evolve(self, cursor=cursor, moved_at=max(now, self.moved_at))
        return Changed(moved, moved, ())


EVENT_READERS: Final[Collection[EventReader]] = Collection(
    name="event_reader",
    members=(EventReader,),
    permanent=False,
    index=lambda reader: Index(state="reading", due_at=None, sort=reader.name),
    identity=lambda reader: Identity(EVERYWHERE, reader.name),
    marks=lambda _: None,
)
