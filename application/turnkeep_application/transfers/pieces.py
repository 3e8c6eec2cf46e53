"""A piece: as much of a chapter as one commit of the target takes; nearly always all of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

from attrs import define, field, frozen

from turnkeep_application.transfers.chapters import Chapter
from turnkeep_domain.keys import Address
from turnkeep_ports.limits import COMMIT_BYTES_MAX, EVENTS_MAX
from turnkeep_ports.store import COMMIT_ID_BYTES, CommitId, Entry, EventDraft

_ROOM_BYTES: Final = 4 << 10
"""What is left of a commit for the import's own mark."""


@frozen(kw_only=True)
class Piece:
    """A part of a chapter; the first has the chapter's commit id, the others have their own."""

    commit_id: CommitId
    cells: tuple[tuple[Address, Entry], ...]
    events: tuple[EventDraft, ...]


@define
class _Room:
    """What a commit has room for, and what is in it."""

    writes_max: int
    cells: list[tuple[Address, Entry]] = field(factory=list)
    events: list[EventDraft] = field(factory=list)
    left: int = COMMIT_BYTES_MAX - _ROOM_BYTES

    def takes_cell(self, cell: tuple[Address, Entry]) -> bool:
        """Whether one more cell fits, which is in it then; the first always does."""
        fits = len(self.cells) < self.writes_max and self._takes(len(cell[1].body))
        if fits:
            self.cells.append(cell)
        return fits

    def takes_event(self, event: EventDraft) -> bool:
        """Whether one more event fits, which is in it then; the first always does."""
        fits = len(self.events) < EVENTS_MAX and self._takes(len(event.body))
        if fits:
            self.events.append(event)
        return fits

    def _takes(self, size: int) -> bool:
        if size > self.left:
            return False
        self.left -= size
        return True


def pieces(chapter: Chapter, *, writes_max: int) -> Iterator[Piece]:
    """A chapter in pieces, the same each time.

    Args:
        chapter: Whatever one commit wrote and told.
        writes_max: Writes that a commit of the target may have; the mark takes one.
    """
    rooms = [_Room(writes_max - 1)]
    for cell in chapter.cells:
        if not rooms[-1].takes_cell(cell):
            rooms.append(_Room(writes_max - 1))
            rooms[-1].takes_cell(cell)
    for event in chapter.events:
        if not rooms[-1].takes_event(event):
            rooms.append(_Room(writes_max - 1))
            rooms[-1].takes_event(event)
    for number, room in enumerate(rooms):
        yield Piece(
            commit_id=_commit_id(chapter.commit_id, number),
            cells=tuple(room.cells),
            events=tuple(room.events),
        )


def _commit_id(commit_id: CommitId, number: int) -> CommitId:
    if number == 0:
        return commit_id
    derived = hashlib.sha256(commit_id + number.to_bytes(4, "big")).digest()
    return CommitId(derived[:COMMIT_ID_BYTES])
