"""A page of events as they were stored; one that is unreadable hides none of the others."""

from __future__ import annotations

from attrs import frozen

from turnkeep_application.reading import Reading
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Address
from turnkeep_domain.scope import ScopePrefix
from turnkeep_ports.errors import Corrupt, SchemaTooNew
from turnkeep_ports.store import (
    CommitId,
    Cursor,
    CursorLost,
    EventPage,
    EventQuery,
    StoredEvent,
)


@frozen
class Recorded:
    """An event as it was stored; `cursor` continues after it.

    Attributes:
        commit_id: Events of one commit share it.
    """

    cursor: Cursor
    commit_id: CommitId
    event: Event


@frozen
class UnreadableEvent:
    """An event that this release cannot read; it hides none of the others.

    Attributes:
        code: ``"corrupt"``, or ``"schema_too_new"``.
    """

    cursor: Cursor
    kind: str
    address: Address
    code: str


@frozen
class RecordedPage:
    """Events in order.

    Attributes:
        next: How far the log was examined; continue there. It equals `after` only at the end.
    """

    entries: tuple[Recorded | UnreadableEvent, ...]
    next: Cursor


@frozen
class RecordedPages:
    """Reads and decodes events, page by page."""

    reading: Reading

    async def page(
        self,
        prefix: ScopePrefix,
        *,
        after: Cursor,
        collections: frozenset[str] | None,
        limit: int,
    ) -> RecordedPage | CursorLost:
        """The events after a cursor; contract of `EventLog.read`."""
        query = EventQuery(collections=collections, prefix=prefix)
        page = await self.reading.events(query, after=after, limit=limit)
        match page:
            case EventPage(events, next):
                return RecordedPage(tuple(self._entry(stored) for stored in events), next)
            case CursorLost():
                return page

    def _entry(self, stored: StoredEvent) -> Recorded | UnreadableEvent:
        try:
            event = self.reading.codec.decode_event(stored)
        except (Corrupt, SchemaTooNew) as error:
            return UnreadableEvent(stored.cursor, stored.kind, stored.address, error.code)
        return Recorded(stored.cursor, stored.commit_id, event)
