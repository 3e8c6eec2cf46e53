"""The contents of a store: whether there are any, and how to be rid of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Final

from attrs import frozen

from turnkeep_application.registry import EVERYTHING
from turnkeep_application.transfers.marking import PATIENCE_SECONDS, Marking
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_domain.transfers.import_mark import IMPORT, IMPORTS
from turnkeep_ports.clock import Deadline
from turnkeep_ports.errors import OutcomeUnknown, Unavailable
from turnkeep_ports.scans import InScope, Position
from turnkeep_ports.snapshots import Snapshots
from turnkeep_ports.store import (
    START,
    Cell,
    Cursor,
    CursorLost,
    Delete,
    EventQuery,
    RecordStore,
)

_ALL: Final = ScopePrefix(scope=Scope.of(None, None), depth=0)
_ALL_EVENTS: Final = EventQuery(collections=None, prefix=_ALL)
_BATCH: Final = 500


@frozen
class Contents:
    """What is in a store beside the mark of an import."""

    marking: Marking

    @property
    def store(self) -> RecordStore:
        """Whose."""
        return self.marking.store

    async def are_there(self) -> bool:
        """Whether there is any cell, or any event after the floor."""
        if isinstance(self.store, Snapshots):
            deadline = self.marking.deadline()
            async with self.store.snapshot(deadline=deadline) as snapshot:
                marks = 0 if self.marking.mark is None else 1
                return snapshot.cell_count > marks or snapshot.event_count > 0
        async for _ in self._cells():
            return True
        return (await self._log()).told

    async def clear(self, *, on_progress: Callable[[int], None]) -> int:
        """Deletes everything, as often as there is anything; answers how many cells that were.

        Args:
            on_progress: Is told how many cells have been deleted so far.

        Raises:
            TransferRefused: Another process has changed the mark.
            Unavailable: The store did not serve for as long as an import has patience.
        """
        deleted = 0
        until = Deadline.after(self.marking.clock, PATIENCE_SECONDS)
        while await self.are_there():
            batch: list[Delete] = []
            async for cell in self._cells():
                batch.append(Delete(cell.address, cell.revision))
                if len(batch) == _BATCH:
                    await self.marking.change(self.marking.mark, batch)
                    deleted += len(batch)
                    on_progress(deleted)
                    batch = []
            if batch:
                await self.marking.change(self.marking.mark, batch)
                deleted += len(batch)
            await self._forget_events(until)
        on_progress(deleted)
        await self.store.scrub(deadline=self.marking.deadline())
        return deleted

    async def _cells(self) -> AsyncIterator[Cell]:
        """Every cell but the mark's; of a store that cannot be read whole, those that are known."""
        if isinstance(self.store, Snapshots):
            deadline = self.marking.deadline()
            async with self.store.snapshot(deadline=deadline) as snapshot:
                async for kept in snapshot.cells():
                    if kept.cell.address != IMPORT.address:
                        yield kept.cell
            return
        for collection in EVERYTHING:
            if collection is not IMPORTS:
                async for cell in self._scanned(InScope(collection=collection.name, prefix=_ALL)):
                    yield cell

    async def _scanned(self, query: InScope) -> AsyncIterator[Cell]:
        after: Position | None = None
        while True:
            deadline = self.marking.deadline()
            page = await self.store.scan(query, after=after, limit=_BATCH, deadline=deadline)
            for cell in page.cells:
                yield cell
            after = page.next
            if after is None:
                return

    async def _log(self) -> _Log:
        """How far the log can be read, and whether it tells anything."""
        after, told = START, False
        while True:
            page = await self.store.events(
                _ALL_EVENTS, after=after, limit=_BATCH, deadline=self.marking.deadline()
            )
            if isinstance(page, CursorLost):
                # Somebody else trims it.
                after = page.floor
                continue
            told = told or bool(page.events)
            if page.next == after:
                return _Log(after, told)
            after = page.next

    async def _forget_events(self, until: Deadline) -> None:
        """Trims all that can be read; on a busy database that may not be all there is."""
        try:
            end = (await self._log()).end
            await self.store.trim(end, deadline=self.marking.deadline())
        except (Unavailable, OutcomeUnknown) as error:
            await self.marking.pause(until, error)
            return
        if until.remaining_seconds() <= 0:
            raise Unavailable("others hold up its log for too long; roll back again later")
        await self.marking.clock.sleep(0)


@frozen
class _Log:
    end: Cursor
    told: bool
