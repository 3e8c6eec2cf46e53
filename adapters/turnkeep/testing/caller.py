"""A caller: one open handle of the judged store, asked as an application would ask it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import Final

from attrs import frozen

from turnkeep.testing.harness import Harness
from turnkeep.testing.specimens import ALL_EVENTS, address, draft, entry, fresh_commit_id
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_domain.keys import Address
from turnkeep_ports.clock import Deadline
from turnkeep_ports.scans import Page, Position, Query
from turnkeep_ports.store import (
    ABSENT,
    START,
    Cell,
    CommitId,
    Committed,
    Cursor,
    CursorLost,
    Delete,
    Entry,
    EventDraft,
    EventPage,
    EventQuery,
    Expectation,
    Late,
    Loaded,
    Put,
    RecordStore,
    Revision,
    Stale,
    StoredEvent,
    Write,
)

_SECONDS: Final = 30.0
_BUSY_MAX: Final = 1_000
_CLOSING: Final = "closing"
PAGE: Final = 500


@frozen
class Caller:
    """Shorthand for the store's operations, with a deadline that is far away.

    What a law does not expect (a lost race, a page above its limit) fails as an assertion. Each
    call lets other tasks run first, so that a law has rivals, and an end, on a store that never
    suspends.
    """

    store: RecordStore

    def deadline(self) -> Deadline:
        """A deadline that no working store meets."""
        return Deadline.after(SystemClock(), _SECONDS)

    async def load(self, *of: Address) -> Loaded:
        """The cells of one moment."""
        await asyncio.sleep(0)
        return await self.store.load(of, deadline=self.deadline())

    async def now(self) -> datetime:
        """What time it is, by the store's clock."""
        return (await self.load(address("now"))).now

    async def cell(self, of: Address) -> Cell | None:
        """One cell, or None where it is absent."""
        return (await self.load(of)).cells.get(of)

    async def present(self, of: Address) -> Cell:
        """One cell that must be present."""
        cell = await self.cell(of)
        assert cell is not None, f"a cell of {of.collection} is absent"
        return cell

    async def commit(
        self,
        *writes: Write,
        events: Sequence[EventDraft] = (),
        commit_id: CommitId | None = None,
        valid_until: datetime | None = None,
    ) -> Committed | Stale | Late:
        """Commits; asks again for as long as the store is too busy to compare."""
        for _ in range(_BUSY_MAX):
            await asyncio.sleep(0)
            answer = await self.store.commit(
                fresh_commit_id() if commit_id is None else commit_id,
                writes,
                events,
                valid_until=valid_until,
                deadline=self.deadline(),
            )
            if not isinstance(answer, Stale) or not answer.busy:
                return answer
            assert not answer.keys, "a busy answer names stale keys, which it has not compared"
        raise AssertionError(f"busy {_BUSY_MAX} times in a row")

    async def committed(
        self,
        *writes: Write,
        events: Sequence[EventDraft] = (),
        commit_id: CommitId | None = None,
        valid_until: datetime | None = None,
    ) -> Committed:
        """Commits what nothing stands against."""
        answer = await self.commit(
            *writes, events=events, commit_id=commit_id, valid_until=valid_until
        )
        assert isinstance(answer, Committed), f"nothing stood against a commit: {answer}"
        return answer

    async def put(
        self,
        of: Address,
        value: Entry | bytes = b"",
        expect: Expectation = ABSENT,
        *,
        events: Sequence[EventDraft] = (),
    ) -> Revision:
        """Puts one cell, with an entry or merely a body; answers its revision."""
        held = entry(value) if isinstance(value, bytes) else value
        return (await self.committed(Put(of, expect, held), events=events)).revisions[of]

    async def delete(self, of: Address, expect: Revision) -> None:
        """Deletes one cell."""
        await self.committed(Delete(of, expect))

    async def page(self, query: Query, *, after: Position | None = None, limit: int = PAGE) -> Page:
        """One page of a scan."""
        await asyncio.sleep(0)
        page = await self.store.scan(query, after=after, limit=limit, deadline=self.deadline())
        assert len(page.cells) <= limit, "a page has more cells than were asked for"
        return page

    async def found(
        self, query: Query, *, after: Position | None = None, limit: int = PAGE
    ) -> list[Cell]:
        """All cells of a scan from a position on, page by page."""
        page = await self.page(query, after=after, limit=limit)
        cells = list(page.cells)
        while page.next is not None:
            page = await self.page(query, after=page.next, limit=limit)
            cells += page.cells
        return cells

    async def events(
        self, query: EventQuery = ALL_EVENTS, *, after: Cursor = START, limit: int = PAGE
    ) -> EventPage:
        """One page of the log, after a cursor that must not be lost."""
        await asyncio.sleep(0)
        page = await self.store.events(query, after=after, limit=limit, deadline=self.deadline())
        assert isinstance(page, EventPage), "a cursor is lost that nothing was trimmed beyond"
        assert len(page.events) <= limit, "a page has more events than were asked for"
        return page

    async def log(
        self, query: EventQuery = ALL_EVENTS, *, after: Cursor = START, limit: int = PAGE
    ) -> list[StoredEvent]:
        """The events after a cursor, page by page, until nothing is left to examine."""
        events: list[StoredEvent] = []
        while True:
            page = await self.events(query, after=after, limit=limit)
            events += page.events
            if page.next == after:
                return events
            after = page.next

    async def history(
        self, query: EventQuery = ALL_EVENTS, *, after: Cursor = START
    ) -> list[StoredEvent]:
        """The events of all earlier commits, though readers are not promised to see them at once.

        A closing commit is made first: once its event shows, nothing can appear before it.
        """
        await self.close_history()
        return [event for event in await self.log(query, after=after) if event.kind != _CLOSING]

    async def close_history(self) -> Cursor:
        """Commits a closing event and waits until it shows; answers the cursor behind it."""
        mine = fresh_commit_id()
        cell = address(mine.hex(), collection=_CLOSING)
        closing = draft(cell, kind=_CLOSING)
        await self.committed(Put(cell, ABSENT, entry()), events=[closing], commit_id=mine)
        after = START
        while True:
            page = await self.events(after=after)
            for event in page.events:
                if event.commit_id == mine:
                    return event.cursor
            after = page.next

    async def trim(self, before: Cursor) -> Cursor:
        """Trims up to a cursor that must not be lost; answers the floor."""
        await asyncio.sleep(0)
        floor = await self.store.trim(before, deadline=self.deadline())
        assert not isinstance(floor, CursorLost), "a cursor is lost that nothing was trimmed beyond"
        return floor


@asynccontextmanager
async def calling(harness: Harness) -> AsyncIterator[Caller]:
    """Opens one handle."""
    async with harness.open() as store:
        yield Caller(store)


@asynccontextmanager
async def calling_several(harness: Harness, handles: int) -> AsyncIterator[list[Caller]]:
    """Opens several handles of the same data."""
    async with AsyncExitStack() as stack:
        yield [Caller(await stack.enter_async_context(harness.open())) for _ in range(handles)]
