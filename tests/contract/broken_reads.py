"""Broken stores that read wrongly, or share what they keep."""

# typing.override is not in Python 3.11's library.
# mypy: disable-error-code="explicit-override"

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from attrs import evolve

from tests.contract.breaking import breaks
from tests.contract.reference_store import ReferenceStore
from tests.contract.shelf import Row, Shelf
from turnkeep_domain.keys import Address
from turnkeep_ports.clock import Deadline
from turnkeep_ports.store import (
    Cell,
    CommitId,
    Entry,
    Loaded,
    Revision,
)


@breaks("P8", "a_load_never_mixes_two_commits", "a_load_shows_what_moves_in_one_place")
class SkewedLoad(ReferenceStore):
    """Loads one cell after another, each at a moment of its own."""

    async def load(self, keys: Sequence[Address], *, deadline: Deadline) -> Loaded:
        cells: dict[Address, Cell] = {}
        for key in keys:
            cells.update((await super().load([key], deadline=deadline)).cells)
        return Loaded(now=self.time(), cells=cells)


@breaks("P7", "a_load_sees_commits_of_every_handle")
class RemembersLoads(ReferenceStore):
    """Answers from what its handle has loaded or written before."""

    def __init__(self, shelf: Shelf, wall: Callable[[], datetime]) -> None:
        super().__init__(shelf, wall)
        self.remembered: dict[Address, Cell] = {}

    def cells(self, keys: Sequence[Address]) -> Mapping[Address, Cell]:
        fresh = super().cells(keys)
        self.remembered = {**fresh, **self.remembered}
        return {key: self.remembered[key] for key in keys if key in self.remembered}


@breaks("P10", "what_was_returned_can_alter_nothing")
class AliasedBytes(ReferenceStore):
    """Hands out its own cells, as often as they are asked for."""

    handed: ClassVar[dict[Row, Cell]] = {}

    def cells(self, keys: Sequence[Address]) -> Mapping[Address, Cell]:
        return {
            key: self.handed.setdefault(self.shelf.rows[key], cell)
            for key, cell in super().cells(keys).items()
        }


@breaks("P10", "what_was_handed_in_can_alter_nothing")
class KeepsCallersEntries(ReferenceStore):
    """Keeps the entry that its caller made, and reads it when it is asked."""

    entries: ClassVar[dict[Revision, Entry]] = {}

    def row(self, commit_id: CommitId, address: Address, entry: Entry) -> Row:
        row = super().row(commit_id, address, entry)
        self.entries[row.revision] = entry
        return row

    def cells(self, keys: Sequence[Address]) -> Mapping[Address, Cell]:
        cells = super().cells(keys)
        return {key: evolve(c, entry=self.entries[c.revision]) for key, c in cells.items()}


class Live(Mapping[Address, Cell]):
    """Cells as they are when they are looked at."""

    def __init__(self, store: ReferenceStore, keys: Sequence[Address]) -> None:
        self._store = store
        self._keys = keys

    def _now(self) -> Mapping[Address, Cell]:
        return ReferenceStore.cells(self._store, self._keys)

    def __getitem__(self, key: Address) -> Cell:
        return self._now()[key]

    def __iter__(self) -> Iterator[Address]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())


@breaks("P10", "what_was_loaded_stays_as_it_was")
class LiveLoad(ReferenceStore):
    """Answers a load with a window instead of a picture."""

    def cells(self, keys: Sequence[Address]) -> Mapping[Address, Cell]:
        return Live(self, keys)


@breaks("Port", "a_cell_reads_back_as_it_was_written")
class RoundsInstants(ReferenceStore):
    """Keeps whole milliseconds of `due_at`."""

    def row(self, commit_id: CommitId, address: Address, entry: Entry) -> Row:
        row = super().row(commit_id, address, entry)
        if row.due_at is None:
            return row
        odd = timedelta(microseconds=row.due_at.microsecond % 1000)
        return evolve(row, due_at=row.due_at - odd)


@breaks("Port", "a_cell_reads_back_as_it_was_written")
class EndsBodiesAtNul(ReferenceStore):
    """Keeps a body up to its first zero."""

    def row(self, commit_id: CommitId, address: Address, entry: Entry) -> Row:
        row = super().row(commit_id, address, entry)
        return evolve(row, body=row.body.partition(b"\x00")[0])


@breaks("Port", "an_absent_cell_is_missing")
class LoadsNeighbours(ReferenceStore):
    """Answers more than it was asked for."""

    def cells(self, keys: Sequence[Address]) -> Mapping[Address, Cell]:
        return super().cells(list(self.shelf.rows))


@breaks("P12", "distinct_addresses_are_distinct_cells")
class FoldsCase(ReferenceStore):
    """Takes ids that differ in case for the same."""

    def cells(self, keys: Sequence[Address]) -> Mapping[Address, Cell]:
        folded = {(a.collection, a.scope, a.id.casefold()): a for a in self.shelf.rows}
        places = {key: folded.get((key.collection, key.scope, key.id.casefold())) for key in keys}
        rows = self.shelf.rows
        return {key: rows[at].cell(key) for key, at in places.items() if at is not None}


@breaks("P14", "another_tenants_record_is_absent")
class ForgetsTenants(ReferenceStore):
    """Looks for ids alone where the scope has no such record."""

    def cells(self, keys: Sequence[Address]) -> Mapping[Address, Cell]:
        by_id = {(at.collection, at.id): row for at, row in self.shelf.rows.items()}
        found = {key: by_id.get((key.collection, key.id)) for key in keys}
        return {key: row.cell(key) for key, row in found.items() if row is not None}


@breaks("P15", "now_never_decreases")
class FollowsTheWallClock(ReferenceStore):
    """Tells what the wall clock says, even if it was set back."""

    def time(self) -> datetime:
        return self.wall()


@breaks("P15", "now_passes")
class StandsStill(ReferenceStore):
    """Tells the time at which it was opened first."""

    def time(self) -> datetime:
        if self.shelf.now.year == 1:
            self.shelf.now = self.wall()
        return self.shelf.now


@breaks("P17", "cancelling_a_read_changes_nothing")
class LosesTheTurn(ReferenceStore):
    """Serves one read at a time, and goes on waiting for one that was cancelled."""

    hang_seconds = 1.0

    async def load(self, keys: Sequence[Address], *, deadline: Deadline) -> Loaded:
        turn = self.__dict__.setdefault("turn", asyncio.Lock())
        await turn.acquire()
        loaded = await super().load(keys, deadline=deadline)
        turn.release()
        return loaded
