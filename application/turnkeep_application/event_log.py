"""The event log: what happened, in the order in which it was stored, read by cursor.

A reader keeps the cursor of the last page that it has dealt with, by itself, or under a name with
the store, which then trims nothing that it has not dealt with. Events are appended in the commit
of the change that they tell of, so there is one for each change, and none without.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

from attrs import field, frozen

from turnkeep_application.event_pages import (
    Recorded,
    RecordedPage,
    RecordedPages,
    UnreadableEvent,
)
from turnkeep_application.event_reading import EventReaders, ReaderView
from turnkeep_application.event_settings import KEEP_SECONDS_MAX, EventSettings
from turnkeep_application.event_trimming import Trimmed, Trimming
from turnkeep_application.reading import Reading, Unreadable
from turnkeep_application.updates import Updates
from turnkeep_application.watching import Watch
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.event_readers.reader import ReaderName
from turnkeep_domain.event_readers.refusals import AdvanceRefusal, RegisterRefusal
from turnkeep_domain.identifiers import require_identifier
from turnkeep_domain.scope import ScopePrefix
from turnkeep_ports.clock import Clock
from turnkeep_ports.store import (
    START,
    Cursor,
    CursorLost,
    Interest,
    RecordStore,
)

PAGE_DEFAULT: Final = 200


@frozen(kw_only=True)
class EventLog:
    """The use cases of readers of events; safe to share between tasks. All may be repeated.

    Attributes:
        store: Whose changes a follower watches, by `clock`, and which trims; everything else goes
            through `updates` and `reading`.
    """

    updates: Updates
    reading: Reading
    store: RecordStore
    clock: Clock
    settings: EventSettings = field(factory=EventSettings)

    # ---- reading --------------------------------------------------------------------------------

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
        pages = RecordedPages(self.reading)
        return await pages.page(prefix, after=after, collections=collections, limit=limit)

    async def follow(
        self,
        prefix: ScopePrefix,
        *,
        after: Cursor = START,
        collections: frozenset[str] | None = None,
    ) -> AsyncIterator[Recorded | UnreadableEvent | CursorLost]:
        """The events after a cursor, and then each as it is stored, for ever.

        It wakes by the store's hint, or by a poll, and holds no connection while it sleeps. Each
        event is told at least once: continue after the cursor of the last that was dealt with.

        Args:
            prefix: As for `read`.
            after: As for `read`.
            collections: As for `read`.

        Yields:
            Events in order; and `CursorLost`, as of `read`, with which it ends.

        Raises:
            Unavailable: The store did not serve; follow again, after the last cursor.
        """
        watch = Watch(store=self.store, clock=self.clock, interest=_interest(prefix, collections))
        await watch.begin(patience_seconds=self.settings.poll_seconds)
        while True:
            page = await self.read(prefix, after=after, collections=collections)
            if isinstance(page, CursorLost):
                yield page
                return
            for entry in page.entries:
                yield entry
            if page.next == after:
                await watch.sleep(self.settings.poll_seconds)
            after = page.next

    # ---- readers with a name --------------------------------------------------------------------

    async def register(
        self, name: ReaderName, *, after: Cursor = START
    ) -> ReaderView | Refused[RegisterRefusal]:
        """Has the store remember how far a reader has come, and keep what it has still to read.

        A reader that is there stays as it is: call this at every start, and continue at the
        view's cursor. Whoever is never forgotten holds the log for ever.

        Args:
            name: An identifier, one for all of the store.
            after: Where a reader that is not there yet begins.

        Returns:
            How far it has come.
            `TooManyReaders`: there are 100; racers may exceed them by their number.
            `CursorRefused`: the cursor is none of this store, or what came after it is trimmed.
        """
        require_identifier("name", name)
        return await self._readers.register(name, after=after)

    async def advance(
        self, name: ReaderName, cursor: Cursor
    ) -> ReaderView | Refused[AdvanceRefusal]:
        """Notes that a reader has dealt with all before a cursor. Idempotent by state.

        It may go back, too, as far as nothing was trimmed.

        Returns:
            How far it has come.
            `ReaderNotFound`; `CursorRefused`, as for `register`.
        """
        require_identifier("name", name)
        return await self._readers.advance(name, cursor)

    async def forget(self, name: ReaderName) -> bool:
        """Forgets a reader, so that it holds nothing any more; whether there was one."""
        require_identifier("name", name)
        return await self._readers.forget(name)

    async def readers(self) -> tuple[ReaderView | Unreadable, ...]:
        """Every reader, by name; one that is unreadable hides no other."""
        return (await self._readers.all()).readers

    # ---- trimming -------------------------------------------------------------------------------

    async def trim(self, *, keep_seconds: float | None = None, dry_run: bool = False) -> Trimmed:
        """Forgets events that are old, and that every named reader has dealt with.

        A call walks a bounded way, `EventSettings.trim_pages`.

        Args:
            keep_seconds: How old an event may become, from 0, and an hour at least while there are
                readers; None for what the settings say, and where they say nothing, all are kept.
            dry_run: Only count them.

        Raises:
            Corrupt: A reader is unreadable, so what it still needs is not known: forget it.
            InvalidValue: The time is out of bounds.
        """
        seconds = self.settings.keep_seconds if keep_seconds is None else keep_seconds
        if seconds is None:
            return Trimmed(events=0, held_by=(), more=False)
        if type(seconds) not in (int, float) or not 0 <= seconds <= KEEP_SECONDS_MAX:
            raise InvalidValue("keep_seconds", f"must be 0 to {KEEP_SECONDS_MAX}")
        trimming = Trimming(
            store=self.store,
            reading=self.reading,
            readers=self._readers,
            pages_max=self.settings.trim_pages,
        )
        return await trimming.trim(keep=timedelta(seconds=seconds), dry_run=dry_run)

    # ---- steps ----------------------------------------------------------------------------------

    @property
    def _readers(self) -> EventReaders:
        return EventReaders(updates=self.updates, reading=self.reading)


def _interest(prefix: ScopePrefix, collections: frozenset[str] | None) -> Interest | None:
    """What a store may wake for alone: one collection, as far as it can be named."""
    if collections is None or len(collections) != 1:
        return None
    return Interest(collection=next(iter(collections)), prefix=prefix)
