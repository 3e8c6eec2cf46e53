"""What was last seen: cells as this process has read or written them, to be decided on at once.

It may be long out of date. A commit that wins proves that it was not, for every cell on which the
decision rests is written or checked at the revision that was seen. Whatever stores nothing proves
nothing, and is decided again on a load.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from attrs import define, field, frozen

from turnkeep_application.last_seen_settings import LastSeenSettings
from turnkeep_application.records import Records
from turnkeep_application.verdicts import Lost, Stored, Verdict
from turnkeep_domain.keys import Address, Key, ReadKey
from turnkeep_ports.clock import Clock
from turnkeep_ports.store import Cell, Check, CommitId, Loaded, Put, Write
from turnkeep_ports.telemetry import Counter

_SLOWNESS: Final = 0.999
"""Reckoned time runs behind the store's, however the clocks drift: nobody is told the future."""


@frozen
class Recalled:
    """Cells as they were last seen, at a time that is reckoned, and their records."""

    loaded: Loaded
    records: Records


@frozen
class _Seen:
    """A cell and its record; or neither, and until when it is not trusted to memory."""

    cell: Cell | None
    record: object | None
    wary_until: float = field(default=0.0)

    @property
    def size(self) -> int:
        return 0 if self.cell is None else len(self.cell.entry.body)


@define(eq=False)
class LastSeen:
    """The cells that one event loop's updates remember, those longest unused forgotten first.

    Only records whose collection allows it are kept. Absence is not remembered.
    """

    _settings: LastSeenSettings
    _clock: Clock
    _seen: OrderedDict[Address, _Seen] = field(factory=OrderedDict, init=False)
    _bytes: int = field(default=0, init=False)
    _now: datetime | None = field(default=None, init=False)
    _loaded_at: float = field(default=0.0, init=False)

    def __len__(self) -> int:
        """How many cells are remembered, or distrusted."""
        return len(self._seen)

    @property
    def body_bytes(self) -> int:
        """Bytes of the bodies that are remembered."""
        return self._bytes

    def recall(self, keys: Sequence[ReadKey[object]]) -> Recalled | None:
        """All of these cells, and the time; None if one is not remembered."""
        cells: dict[Address, Cell] = {}
        held: dict[Address, object | None] = {}
        for key in keys:
            seen = self._seen.get(key.address)
            if seen is None or seen.cell is None or not key.collection.remembered:
                return None
            cells[key.address] = seen.cell
            held[key.address] = seen.record
        now = self._reckoned()
        if now is None:
            return None
        for address in cells:
            self._seen.move_to_end(address)
        return Recalled(Loaded(now=now, cells=cells), Records(held))

    def note(
        self,
        loaded: Loaded,
        keys: Iterable[ReadKey[object]],
        records: Mapping[Address, object | None],
    ) -> None:
        """Remembers what was loaded, and the store's time."""
        self.tell_time(loaded.now)
        for key in keys:
            if key.collection.remembered:
                cell = loaded.cells.get(key.address)
                if cell is None:
                    self.forget((key.address,))
                else:
                    self.keep(cell, records[key.address])

    def tell_time(self, now: datetime) -> None:
        """Notes the store's time, as a load has just told it."""
        self._now, self._loaded_at = now, self._clock.monotonic()

    def keep(self, cell: Cell, record: object) -> None:
        """Remembers a cell, unless it is not to be trusted to memory."""
        before = self._seen.get(cell.address)
        if before is not None and before.wary_until > self._clock.monotonic():
            return
        self._put(cell.address, _Seen(cell, record))

    def learn(
        self,
        commit_id: CommitId,
        writes: Sequence[Write],
        changes: Iterable[tuple[Key[object], object | None]],
        verdict: Verdict,
    ) -> None:
        """Remembers what a commit has made of cells; forgets what it may have."""
        match verdict:
            case Stored(revisions):
                puts = {write.address: write for write in writes if isinstance(write, Put)}
                kept = {key.address: record for key, record in changes if key.collection.remembered}
                for write in writes:
                    put, revision = puts.get(write.address), revisions.get(write.address)
                    if put is not None and revision is not None and kept.get(put.address):
                        cell = Cell(
                            address=put.address,
                            entry=put.entry,
                            revision=revision,
                            written_by=commit_id,
                        )
                        self.keep(cell, kept[put.address])
                    elif not isinstance(write, Check):
                        self.forget((write.address,))
            case Lost(Counter.CONFLICTS):
                self.distrust(write.address for write in writes)
            case _:
                self.forget(write.address for write in writes)

    def forget(self, addresses: Iterable[Address]) -> None:
        """Forgets cells, and trusts them as before."""
        for address in addresses:
            seen = self._seen.get(address)
            if seen is not None and seen.cell is not None:
                del self._seen[address]
                self._bytes -= seen.size

    def distrust(self, addresses: Iterable[Address]) -> None:
        """Forgets cells that others change, for a while also as they are seen again."""
        until = self._clock.monotonic() + self._settings.wary_seconds
        for address in addresses:
            if address in self._seen:
                self._put(address, _Seen(None, None, until))

    def _put(self, address: Address, seen: _Seen) -> None:
        before = self._seen.pop(address, None)
        self._bytes += seen.size - (0 if before is None else before.size)
        self._seen[address] = seen
        settings = self._settings
        while len(self._seen) > settings.cells_max or self._bytes > settings.bytes_max:
            _, oldest = self._seen.popitem(last=False)
            self._bytes -= oldest.size

    def _reckoned(self) -> datetime | None:
        """About what the store's time is, and never more; None if the last load is too long ago."""
        passed = self._clock.monotonic() - self._loaded_at
        if self._now is None or passed > self._settings.seconds_max:
            return None
        return self._now + timedelta(seconds=passed * _SLOWNESS)
