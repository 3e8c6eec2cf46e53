"""An engine: the whole state of a store, judged and changed without I/O, tasks or clocks.

It holds rows by their key bytes, the indexes that scans need, one sequence that revisions are taken
from, and the event log. Whoever owns it brings time and order: it is used by one thread at a time.
Judged commits applied in their order, and trims between them, make the same state anywhere.

Loading and judging cost O(keys); applying costs O(writes + events), and what `Indexes` says for
each write that changes where a cell is found; a page of a scan costs what `Indexes` says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Final

from attrs import field, frozen

from turnkeep_adapters.memory.commits import Commit, Effect, Judged, Trial
from turnkeep_adapters.memory.event_log import EventLog
from turnkeep_adapters.memory.indexes import Indexes, Label
from turnkeep_adapters.memory.rows import EventRow, Row
from turnkeep_adapters.memory.shelves import Spot
from turnkeep_domain.keys import Address
from turnkeep_ports.key_bytes import address_of, key_bytes
from turnkeep_ports.scans import Page, Place, Position, Query, place_of, position
from turnkeep_ports.store import (
    Cursor,
    CursorLost,
    EventPage,
    EventQuery,
    Late,
    Loaded,
    Stale,
)


@frozen(kw_only=True)
class EngineState:
    """All that an engine holds; equal states answer alike.

    Attributes:
        sequence: The last sequence number that was used.
        rows: By key bytes.
        floor: The number of the last event that was trimmed.
        events: Those after the floor.
    """

    sequence: int
    rows: Mapping[bytes, Row] = field(repr=False)
    floor: int
    events: tuple[EventRow, ...] = field(repr=False)


EMPTY: Final = EngineState(sequence=0, rows={}, floor=0, events=())


class Engine:
    """The state of one store, and what may be asked of it."""

    def __init__(self, store_id: bytes, state: EngineState = EMPTY) -> None:
        """Starts from a state.

        Args:
            store_id: 16 bytes that no other store has; cursors carry it.
            state: Is copied; O(n log n).

        Raises:
            InvalidValue: The store id has another length.
        """
        self._sequence = state.sequence
        self._rows = dict(state.rows)
        self._indexes = Indexes(self._rows)
        self._log = EventLog(store_id, floor=state.floor, rows=state.events)

    def state(self) -> EngineState:
        """A copy of everything, for a checkpoint."""
        return EngineState(
            sequence=self._sequence,
            rows=dict(self._rows),
            floor=self._log.floor,
            events=self._log.rows(),
        )

    @property
    def sequence(self) -> int:
        """The last sequence number that was used."""
        return self._sequence

    @property
    def floor(self) -> int:
        """The number of the last event that was trimmed."""
        return self._log.floor

    def row(self, key: bytes) -> Row | None:
        """What is stored under a key."""
        return self._rows.get(key)

    def shelf_sizes(self) -> dict[Label, int]:
        """How many rows each shelf of the indexes has."""
        return self._indexes.sizes()

    def load(self, addresses: Sequence[Address], now: datetime) -> Loaded:
        """The cells that are present."""
        found = ((address, self._rows.get(key_bytes(address))) for address in addresses)
        cells = {address: row.cell(address) for address, row in found if row is not None}
        return Loaded(now=now, cells=cells)

    def trial(self) -> Trial:
        """Judges several commits, each upon those before it, before any is applied."""
        return Trial(self._rows, self._sequence)

    def judge(self, commit: Commit, now: datetime) -> Judged | Stale | Late:
        """Judges one commit and writes nothing: a trial of one."""
        return self.trial().judge(commit, now)

    def apply(self, judged: Judged) -> list[Row | None]:
        """Writes a judged commit: the next one here, or the next of a log that is replayed.

        Returns:
            What was there before each effect.

        Raises:
            ValueError: It is not the next; nothing was written.
        """
        if judged.first != self._sequence + 1:
            raise ValueError("a judged commit is applied once, after all that were judged before")
        replaced = [self._replace(effect) for effect in judged.effects]
        self._log.append(judged.events)
        self._sequence += len(replaced)
        return replaced

    def scan(self, query: Query, *, after: Position | None, limit: int, now: datetime) -> Page:
        """A page of a scan.

        Raises:
            InvalidValue: The position is of another query.
        """
        begin = None if after is None else _spot(place_of(query, after))
        spots = list(islice(self._indexes.scan(query, begin), limit + 1))
        page, more = spots[:limit], spots[limit:]
        return Page(
            now=now,
            cells=tuple(self._rows[key].cell(address_of(key)) for _, key in page),
            next=position(query, Place(*page[-1])) if more else None,
        )

    def events(self, query: EventQuery, *, after: Cursor, limit: int) -> EventPage | CursorLost:
        """A page of the event log."""
        return self._log.page(query, after=after, limit=limit)

    def trim(self, before: Cursor) -> Cursor | CursorLost:
        """Forgets events up to a cursor, and tells the floor."""
        return self._log.trim(before)

    def floor_of(self, before: Cursor) -> int | None:
        """The floor that a trim would leave; None where the cursor is lost. Changes nothing."""
        return self._log.floor_of(before)

    def events_to(self, number: int) -> tuple[EventRow, ...]:
        """The events after the floor, up to a number."""
        return self._log.rows_to(number)

    def raise_floor(self, floor: int) -> None:
        """Forgets the events up to a number: a trim, or one of a log that is replayed."""
        self._log.raise_floor(floor)

    def _replace(self, effect: Effect) -> Row | None:
        key, row = effect.key, effect.row
        old = self._rows.get(key)
        if old is not None and row is not None:
            if not row.searched_like(old):
                self._indexes.move(key, old, row)
            self._rows[key] = row
            return old
        if old is not None:
            self._indexes.remove(key, old)
            # Deleted and not overwritten: the map would keep the old key object beside the new.
            del self._rows[key]
        if row is not None:
            self._rows[key] = row
            self._indexes.add(key, row)
        return old


def _spot(place: Place) -> Spot:
    return place.order, place.key
