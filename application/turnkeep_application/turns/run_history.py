"""A history: what became of one run, from its events and from all that it has stored."""

from __future__ import annotations

from attrs import frozen

from turnkeep_application.event_pages import Recorded, RecordedPages
from turnkeep_application.reading import Reading
from turnkeep_application.turns.cells import journal_of, tree_key
from turnkeep_application.turns.run_reading import RunReading
from turnkeep_application.turns.views import (
    CheckpointHeader,
    JournalEntry,
    RunHistory,
    RunView,
)
from turnkeep_domain.events import Event
from turnkeep_domain.scope import ScopePrefix
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.checkpoint import Checkpoint
from turnkeep_domain.turns.effect import RunEffect, effect_state_of
from turnkeep_domain.turns.ended import RUNS
from turnkeep_ports.store import Cursor, CursorLost


@frozen(kw_only=True)
class RunHistories:
    """The use case of looking back, as `Turns` promises it."""

    reading: Reading
    runs: RunReading

    async def page(self, run: RunAddress, *, after: Cursor, limit: int) -> RunHistory | None:
        """As `Turns.history` promises."""
        view = await self.runs.get(run)
        if view is None:
            return None
        events, following = await self._events(run, after, limit)
        journal = await self.runs.journal_of(journal_of(run, view.journal))
        checkpoints = await self.runs.checkpoints(run, view.counters.checkpoint)
        return RunHistory(
            run=view,
            events=events,
            next=following,
            journal=tuple(map(_entry, journal)),
            checkpoints=tuple(map(_header, checkpoints)),
            children=await self._children(view),
        )

    async def _events(
        self, run: RunAddress, after: Cursor, limit: int
    ) -> tuple[tuple[Event, ...], Cursor]:
        log = RecordedPages(self.reading)
        prefix = ScopePrefix.exactly(run.scope)
        collections = frozenset({RUNS.name})
        page = await log.page(prefix, after=after, collections=collections, limit=limit)
        if isinstance(page, CursorLost):
            # What was trimmed is gone for everybody; the rest begins at the floor.
            page = await log.page(prefix, after=page.floor, collections=collections, limit=limit)
        if isinstance(page, CursorLost):
            return (), after
        told = [entry.event for entry in page.entries if isinstance(entry, Recorded)]
        return tuple(event for event in told if event.address.id == run.id), page.next

    async def _children(self, view: RunView) -> tuple[RunAddress, ...]:
        root = view.lineage.root or view.address
        tree = (await self.reading.record(tree_key(root))).record
        return () if tree is None else tree.children_of(view.id)


def _entry(effect: RunEffect) -> JournalEntry:
    return JournalEntry(
        id=effect.id,
        run=effect.run,
        kind=effect.kind,
        mode=effect.mode,
        state=effect_state_of(effect.state),
        entered_at=effect.entered_at,
    )


def _header(saved: Checkpoint) -> CheckpointHeader:
    return CheckpointHeader(
        sequence=saved.sequence,
        kind=saved.kind,
        schema=saved.schema,
        payload_bytes=len(saved.payload),
        saved_at=saved.saved_at,
    )
