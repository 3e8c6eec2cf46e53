"""A shelf: distinct spots in order, in chunks, so that a change moves few however many there are.

With n spots, finding, adding and removing one take O(log n) comparisons and move at most a chunk
and the list of chunks. Reading on from a spot takes O(1) a spot.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Final, TypeAlias

Spot: TypeAlias = tuple[bytes, bytes]
"""What a row is sorted by, then its key.

It is a `turnkeep_ports.scans.Place` as a tuple, which compares several times faster.
"""

CHUNK_MAX: Final = 1_000

_last: Final = itemgetter(-1)


class Shelf:
    """Spots in order. No chunk is empty, and none has more than `CHUNK_MAX` spots."""

    __slots__ = ("_chunks", "_size")

    def __init__(self, spots: Iterable[Spot] = ()) -> None:
        """Holds distinct spots, in any order; O(n log n)."""
        ordered, step = sorted(spots), CHUNK_MAX // 2
        self._chunks = [ordered[at : at + step] for at in range(0, len(ordered), step)]
        self._size = len(ordered)

    def __len__(self) -> int:
        return self._size

    def add(self, spot: Spot) -> None:
        """Puts a spot in its place; it must not be there."""
        self._size += 1
        if not self._chunks:
            self._chunks.append([spot])
            return
        at = min(self._chunk_of(spot), len(self._chunks) - 1)
        chunk = self._chunks[at]
        insort(chunk, spot)
        if len(chunk) > CHUNK_MAX:
            half = len(chunk) // 2
            self._chunks[at : at + 1] = [chunk[:half], chunk[half:]]

    def remove(self, spot: Spot) -> Spot:
        """Takes a spot away, and answers the one that was kept: an equal one, of other bytes.

        Raises:
            LookupError: It is not there; nothing was taken.
        """
        at = self._chunk_of(spot)
        chunk = self._chunks[at] if at < len(self._chunks) else []
        within = bisect_left(chunk, spot)
        if within == len(chunk) or chunk[within] != spot:
            raise LookupError("a row is missing from its index")
        kept = chunk.pop(within)
        if not chunk:
            del self._chunks[at]
        self._size -= 1
        return kept

    def after(self, spot: Spot | None) -> Iterator[Spot]:
        """All spots, or those after one, which need not be there; valid until the next change."""
        at = 0 if spot is None else self._chunk_of(spot)
        within = 0
        if spot is not None and at < len(self._chunks):
            within = bisect_right(self._chunks[at], spot)
        while at < len(self._chunks):
            chunk = self._chunks[at]
            for number in range(within, len(chunk)):
                yield chunk[number]
            at, within = at + 1, 0

    def _chunk_of(self, spot: Spot) -> int:
        """The first chunk that does not end before a spot."""
        return bisect_left(self._chunks, spot, key=_last)
