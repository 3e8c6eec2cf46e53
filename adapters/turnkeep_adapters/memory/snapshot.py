"""A snapshot of an engine: its state at one moment, which later commits leave as it is."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final

from turnkeep_adapters.memory.engine import EngineState
from turnkeep_ports.key_bytes import address_of
from turnkeep_ports.snapshots import KeptCell, KeptEvent
from turnkeep_ports.store import EventDraft

_AT_ONCE: Final = 500
"""How many are handed out before others may run."""


class EngineSnapshot:
    """A state, handed out in order. Implements `turnkeep_ports.snapshots.Snapshot`."""

    def __init__(self, state: EngineState, now: datetime) -> None:
        """Takes a state that nobody changes any more; O(n)."""
        self._state = state
        self._now = now
        self._written = Counter(row.written_by for row in state.rows.values())
        self._told = frozenset(event.commit_id for event in state.events)

    @property
    def now(self) -> datetime:
        """The store's clock at that moment."""
        return self._now

    @property
    def cell_count(self) -> int:
        """How many cells there are."""
        return len(self._state.rows)

    @property
    def event_count(self) -> int:
        """How many events there are, after the floor."""
        return len(self._state.events)

    async def cells(self) -> AsyncIterator[KeptCell]:
        """Every cell, in the order of their revisions; O(n log n)."""
        rows = sorted(self._state.rows.items(), key=lambda item: item[1].revision)
        for number, (key, row) in enumerate(rows):
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
            yield KeptCell(
                cell=row.cell(address_of(key)),
                siblings=self._written[row.written_by],
                told=row.written_by in self._told,
            )

    async def events(self) -> AsyncIterator[KeptEvent]:
        """Every event after the floor, in the order of the log."""
        for number, row in enumerate(self._state.events):
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
            address = address_of(row.key)
            draft = EventDraft(address=address, kind=row.kind, at=row.at, body=row.body)
            yield KeptEvent(
                event=draft, commit_id=row.commit_id, siblings=self._written[row.commit_id]
            )
