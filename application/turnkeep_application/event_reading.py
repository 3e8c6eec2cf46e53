"""Event reading: readers that have a name, and how far each of them has come."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from attrs import frozen

from turnkeep_application.reading import Reading, Unreadable
from turnkeep_application.records import Records
from turnkeep_application.updates import Updates
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.event_readers.reader import (
    EVENT_READERS,
    EVERYWHERE,
    EventReader,
    ReaderName,
)
from turnkeep_domain.event_readers.refusals import (
    AdvanceRefusal,
    CursorRefused,
    ReaderNotFound,
    RegisterRefusal,
    TooManyReaders,
)
from turnkeep_domain.keys import Key, key
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.scope import ScopePrefix
from turnkeep_ports.scans import InScope
from turnkeep_ports.store import START, Cursor, CursorLost, EventQuery

EVERYBODY: Final = ScopePrefix(scope=EVERYWHERE, depth=0)
"""The prefix of an operator who may read every tenant's events."""

READERS_MAX: Final = 100
ALL: Final = EventQuery(collections=None, prefix=EVERYBODY)
_READERS: Final = InScope(collection=EVENT_READERS.name, prefix=ScopePrefix.exactly(EVERYWHERE))


@frozen(kw_only=True)
class ReaderView:
    """How far a reader has come.

    Attributes:
        cursor: Continue after it.
        moved_at: When it last moved, or was registered.
    """

    name: ReaderName
    cursor: Cursor
    registered_at: datetime
    moved_at: datetime


@frozen
class KnownReaders:
    """Every reader, by name, at one moment; one that is unreadable hides no other."""

    readers: tuple[ReaderView | Unreadable, ...]
    now: datetime


@frozen(kw_only=True)
class EventReaders:
    """The commands on readers, and the list of them."""

    updates: Updates
    reading: Reading

    async def register(
        self, name: ReaderName, *, after: Cursor
    ) -> ReaderView | Refused[RegisterRefusal]:
        """Makes a reader; one that is there stays as it is."""
        at = reader_key(name)
        lost = await self._lost(after)
        full = len((await self.all()).readers) >= READERS_MAX

        def decide(
            records: Records, now: datetime
        ) -> Decision[Records, ReaderView, RegisterRefusal]:
            reader = records[at]
            if reader is not None:
                return Unchanged(view_of(reader))
            if full:
                return Refused(TooManyReaders(READERS_MAX))
            if lost is not None:
                return Refused(lost)
            made = EventReader.registered(name, cursor=after, now=now)
            return Changed(records.put(at, made.state), view_of(made.state), ())

        return await self.updates.update([at], decide)

    async def advance(
        self, name: ReaderName, cursor: Cursor
    ) -> ReaderView | Refused[AdvanceRefusal]:
        """Moves a reader."""
        at = reader_key(name)
        lost = await self._lost(cursor)

        def decide(
            records: Records, now: datetime
        ) -> Decision[Records, ReaderView, AdvanceRefusal]:
            reader = records[at]
            if reader is None:
                return Refused(ReaderNotFound(name))
            if lost is not None:
                return Refused(lost)
            match reader.advance(cursor, now=now):
                case Changed(moved):
                    return Changed(records.put(at, moved), view_of(moved), ())
                case Unchanged(stays):
                    return Unchanged(view_of(stays))

        return await self.updates.update([at], decide)

    async def forget(self, name: ReaderName) -> bool:
        """Forgets a reader; whether there was one."""
        at = reader_key(name)

        def decide(records: Records, _: datetime) -> Decision[Records, bool, ReaderNotFound]:
            if records[at] is None:
                return Unchanged(False)
            return Changed(records.delete(at), True, ())

        forgotten = await self.updates.update([at], decide)
        return forgotten is True

    async def all(self) -> KnownReaders:
        """Every reader."""
        deadline = self.reading.deadline()
        page = await self.reading.page(
            _READERS, after=None, limit=2 * READERS_MAX, deadline=deadline
        )
        found = (self.reading.decoded(EVENT_READERS, cell) for cell in page.cells)
        return KnownReaders(
            tuple(view_of(one) if isinstance(one, EventReader) else one for one in found), page.now
        )

    async def _lost(self, cursor: Cursor) -> CursorRefused | None:
        require_kind("cursor", cursor, bytes)
        if cursor == START:
            return None
        page = await self.reading.events(ALL, after=cursor, limit=1)
        return CursorRefused(page.floor) if isinstance(page, CursorLost) else None


def reader_key(name: ReaderName) -> Key[EventReader]:
    """Where a reader is kept."""
    return key(EVENT_READERS, EVERYWHERE, name)


def view_of(reader: EventReader) -> ReaderView:
    """How far it has come."""
    return ReaderView(
        name=reader.name,
        cursor=Cursor(reader.cursor),
        registered_at=reader.registered_at,
        moved_at=reader.moved_at,
    )
