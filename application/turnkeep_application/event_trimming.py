"""A trimming: old events are forgotten, as far as every named reader has dealt with them.

A reader that registers while a trimming is under way may find that the log begins later than it
thought; one that is registered, and only ever moves on, loses nothing. An event is stored as long
after its own time as its update takes; so while there are readers, none is forgotten that is
younger than an hour, however little is to be kept.

A store of several has no cursor by which to tell what a reader has dealt with in each of them:
while it has readers, it keeps everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from attrs import frozen

from turnkeep_application.bounded import DeadlinePassed, bounded
from turnkeep_application.event_reading import ALL, EventReaders, ReaderView
from turnkeep_application.reading import Reading
from turnkeep_ports.errors import Corrupt, OutcomeUnknown
from turnkeep_ports.store import START, Cursor, CursorLost, RecordStore, StoredEvent

_PAGE: Final = 500
_SETTLED: Final = timedelta(hours=1)


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
        readers = [reader for reader in known.readers if isinstance(reader, ReaderView)]
        if len(readers) < len(known.readers):
            raise Corrupt("a reader of events")
        if readers and self.store.capabilities.apart:
            return Trimmed(events=0, held_by=tuple(reader.name for reader in readers), more=False)
        unread = await self._unread(readers)
        until = known.now - (max(keep, _SETTLED) if readers else keep)
        after, events = START, 0
        for _ in range(self.pages_max):
            page = await self.reading.events(ALL, after=after, limit=_PAGE)
            if isinstance(page, CursorLost):
                # Somebody else has just trimmed as far, or further.
                return Trimmed(events=0, held_by=(), more=True)
            old = _old(page.events, until)
            free = _before(old, unread)
            events += len(free)
            if len(free) < len(page.events):
                after = free[-1].cursor if free else after
                held = () if len(free) == len(old) else unread[old[len(free)].cursor]
                return await self._forgotten(after, events, held, dry_run=dry_run)
            if page.next == after:
                return await self._forgotten(after, events, (), dry_run=dry_run)
            after = page.next
        return await self._forgotten(after, events, None, dry_run=dry_run)

    async def _unread(self, readers: Sequence[ReaderView]) -> Mapping[Cursor, tuple[str, ...]]:
        """The first event that each reader has not dealt with; whose it is."""
        unread: dict[Cursor, tuple[str, ...]] = {}
        for reader in readers:
            first = await self._first_after(reader.cursor)
            if first is not None:
                unread[first] = (*unread.get(first, ()), reader.name)
        return unread

    async def _first_after(self, cursor: Cursor) -> Cursor | None:
        """The first event after a cursor; of one that is lost, the first that there is."""
        while True:
            page = await self.reading.events(ALL, after=cursor, limit=1)
            if isinstance(page, CursorLost):
                # A reader that was brought from another store, say: all is unread.
                cursor = START
            elif page.events:
                return page.events[0].cursor
            elif page.next == cursor:
                return None
            else:
                cursor = page.next

    async def _forgotten(
        self, until: Cursor, events: int, held: tuple[str, ...] | None, *, dry_run: bool
    ) -> Trimmed:
        if events and not dry_run and not await self._forget(until):
            return Trimmed(events=0, held_by=(), more=True)
        return Trimmed(events=events, held_by=held or (), more=held is None)

    async def _forget(self, until: Cursor) -> bool:
        """Whether they are forgotten; not if somebody else has forgotten more meanwhile."""
        deadline = self.reading.deadline()
        try:
            floor = await bounded(self.store.trim(until, deadline=deadline), deadline)
        except DeadlinePassed:
            raise OutcomeUnknown("the trimming did not end before the deadline") from None
        return not isinstance(floor, CursorLost)


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
