"""A trimming: old events are forgotten, as far as every named reader has dealt with them.

A reader that registers while a trimming is under way may find that the log begins later than it
thought; one that is registered, and only ever moves on, loses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from attrs import frozen

from turnkeep_application.bounded import DeadlinePassed, bounded
from turnkeep_application.event_reading import ALL, EventReaders, ReaderView
from turnkeep_application.reading import Reading, Unreadable
from turnkeep_ports.errors import Corrupt, OutcomeUnknown
from turnkeep_ports.store import START, Cursor, CursorLost, EventPage, RecordStore, StoredEvent

_PAGE: Final = 500


@frozen(kw_only=True)
class Trimmed:
    """What a trimming forgot, or would forget.

    Attributes:
        events: How many; 0 where none is old enough, or a reader has not dealt with the first.
        held_by: The readers that hold what is old enough, by name.
        more: Whether the walk ended before the log or its old part did: trim again.
    """

    events: int
    held_by: tuple[str, ...]
    more: bool


@frozen(kw_only=True)
class Trimming:
    """One walk over the oldest events of a store, at most `pages_max` pages of 500 long."""

    store: RecordStore
    reading: Reading
    readers: EventReaders
    pages_max: int

    async def trim(self, *, keep: timedelta, dry_run: bool) -> Trimmed:
        """Forgets what is older, or only counts it.

        Raises:
            Corrupt: A reader is unreadable, so what it still needs is not known.
            Unavailable: The store did not serve; nothing was forgotten.
            OutcomeUnknown: It did not say in time whether it has forgotten.
        """
        known = await self.readers.all()
        if any(isinstance(reader, Unreadable) for reader in known.readers):
            raise Corrupt("a reader of events")
        unread = await self._unread(known.readers)
        until = known.now - keep
        after, events = START, 0
        for _ in range(self.pages_max):
            page = await self.reading.events(ALL, after=after, limit=_PAGE)
            if isinstance(page, CursorLost):
                # Somebody else has just trimmed as far, or further.
                return Trimmed(events=0, held_by=(), more=True)
            old = _old(page.events, until)
            free = _before(old, unread)
            events += len(free)
            after = free[-1].cursor if free else after
            if len(free) < len(page.events) or not page.events:
                held = () if len(free) == len(old) else unread[old[len(free)].cursor]
                await self._forget(after, really=not dry_run)
                return Trimmed(events=events, held_by=held, more=False)
        await self._forget(after, really=not dry_run)
        return Trimmed(events=events, held_by=(), more=True)

    async def _unread(
        self, readers: Sequence[ReaderView | Unreadable]
    ) -> Mapping[Cursor, tuple[str, ...]]:
        """The first event that each reader has not dealt with; whose it is."""
        unread: dict[Cursor, tuple[str, ...]] = {}
        for reader in readers:
            if isinstance(reader, Unreadable):
                continue
            page = await self.reading.events(ALL, after=reader.cursor, limit=1)
            # One that is below the floor has lost what it holds already.
            if isinstance(page, EventPage) and page.events:
                first = page.events[0].cursor
                unread[first] = (*unread.get(first, ()), reader.name)
        return unread

    async def _forget(self, until: Cursor, *, really: bool) -> None:
        if until == START or not really:
            return
        deadline = self.reading.deadline()
        try:
            await bounded(self.store.trim(until, deadline=deadline), deadline)
        except DeadlinePassed:
            raise OutcomeUnknown("the trimming did not end before the deadline") from None


def _old(events: Sequence[StoredEvent], until: datetime) -> Sequence[StoredEvent]:
    young = next((place for place, event in enumerate(events) if event.at > until), len(events))
    return events[:young]


def _before(
    events: Sequence[StoredEvent], unread: Mapping[Cursor, tuple[str, ...]]
) -> Sequence[StoredEvent]:
    first = next(
        (place for place, event in enumerate(events) if event.cursor in unread), len(events)
    )
    return events[:first]
