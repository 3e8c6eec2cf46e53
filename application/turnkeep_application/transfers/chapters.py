"""A chapter: what a snapshot still has of one commit, so that it is one commit again elsewhere.

Chapters come in the order of the log, and those that tell nothing in the order of their revisions
among them. A store has one order of commits, but for those of a database that were under way at
the same time: it may have numbered two of them otherwise than it tells them, and then the order
of the log counts.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from attrs import define, field, frozen

from turnkeep_domain.keys import Address
from turnkeep_ports.snapshots import KeptCell, KeptEvent, Snapshot
from turnkeep_ports.store import CommitId, Entry, EventDraft


@frozen(kw_only=True)
class Chapter:
    """One commit: what it wrote and nothing has overwritten since, and what it told."""

    commit_id: CommitId
    cells: tuple[tuple[Address, Entry], ...]
    events: tuple[EventDraft, ...]


async def chapters(snapshot: Snapshot) -> AsyncIterator[Chapter]:
    """Everything of a snapshot, chapter by chapter; holds few of them at a time."""
    walk = _Walk(snapshot.cells())
    async for telling in _tellings(snapshot.events()):
        first = telling[0]
        if first.siblings:
            async for silent in walk.up_to(first.commit_id, first.siblings):
                yield _chapter(silent, ())
        events = tuple(each.event for each in telling)
        written = walk.taken(first.commit_id)
        yield Chapter(commit_id=first.commit_id, cells=_entries(written), events=events)
    async for silent in walk.to_its_end():
        yield _chapter(silent, ())


@define
class _Walk:
    """A walk along the cells, which gathers those of one commit."""

    cells: AsyncIterator[KeptCell]
    gathered: dict[CommitId, list[KeptCell]] = field(factory=dict)

    async def up_to(self, commit_id: CommitId, siblings: int) -> AsyncIterator[list[KeptCell]]:
        """Walks until all cells of a commit are gathered; hands out whole silent commits."""
        while len(self.gathered.get(commit_id, ())) < siblings:
            kept = await anext(self.cells, None)
            if kept is None:
                return
            whole = self._gathered(kept)
            if whole is not None:
                yield whole

    async def to_its_end(self) -> AsyncIterator[list[KeptCell]]:
        """Walks on, and hands out everything that is left."""
        async for kept in self.cells:
            whole = self._gathered(kept)
            if whole is not None:
                yield whole
        for left in self.gathered.values():
            yield left

    def taken(self, commit_id: CommitId) -> list[KeptCell]:
        """The cells of a commit, once."""
        return self.gathered.pop(commit_id, [])

    def _gathered(self, kept: KeptCell) -> list[KeptCell] | None:
        commit_id = kept.cell.written_by
        together = self.gathered.setdefault(commit_id, [])
        together.append(kept)
        if kept.told or len(together) < kept.siblings:
            return None
        return self.gathered.pop(commit_id)


async def _tellings(events: AsyncIterator[KeptEvent]) -> AsyncIterator[list[KeptEvent]]:
    """The events of each commit, which stand together in a log."""
    together: list[KeptEvent] = []
    async for event in events:
        if together and together[0].commit_id != event.commit_id:
            yield together
            together = []
        together.append(event)
    if together:
        yield together


def _chapter(cells: list[KeptCell], events: tuple[EventDraft, ...]) -> Chapter:
    return Chapter(commit_id=cells[0].cell.written_by, cells=_entries(cells), events=events)


def _entries(cells: list[KeptCell]) -> tuple[tuple[Address, Entry], ...]:
    return tuple((kept.cell.address, kept.cell.entry) for kept in cells)
