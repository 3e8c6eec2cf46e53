"""The event log: what happened, in the order in which it was stored, read by cursor.

A reader keeps the cursor of the last page that it has dealt with. Events are appended in the
commit of the change that they tell of, so there is one for each change, and none without.
"""

from __future__ import annotations

from typing import Final

from attrs import frozen

from turnkeep_application.reading import Reading
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Address
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_ports.errors import Corrupt, SchemaTooNew
from turnkeep_ports.store import (
    START,
    CommitId,
    Cursor,
    CursorLost,
    EventPage,
    EventQuery,
    StoredEvent,
)

EVERYBODY: Final = ScopePrefix(scope=Scope.of(None, None), depth=0)
"""The prefix of an operator who may read every tenant's events."""

PAGE_DEFAULT: Final = 200


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


@frozen(kw_only=True)
class EventLog:
    """The use cases of readers of events. All of them may be repeated."""

    reading: Reading

    async def read(
        self,
        prefix: ScopePrefix,
        *,
        after: Cursor = START,
        collections: frozenset[str] | None = None,
        limit: int = PAGE_DEFAULT,
    ) -> RecordedPage | CursorLost:
        """The events after a cursor, in order and without gaps.

        Args:
            prefix: Whose events: `ScopePrefix.owner(scope)` for a user's, `EVERYBODY` for all.
            after: `START`, or a cursor that this store has handed out.
            collections: Names of collections, or None for all.
            limit: 1 to 500. A page may hold fewer, even none, and not be the last: the log ends
                where `next` no longer moves.

        Returns:
            A page; or `CursorLost` where events after the cursor were trimmed, or the cursor is
            of another store: re-read the records, and continue at its floor.

        Raises:
            Unavailable: The store did not serve.
            InvalidValue: The limit is out of bounds.
        """
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
