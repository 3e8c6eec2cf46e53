"""An export writer: chapters as lines, with the checksum of all that was written before."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import BinaryIO

from attrs import frozen

from turnkeep_adapters.transfers.lines import Trailer, chapter_line, head_line, trailer_line
from turnkeep_application.transfers.chapters import Chapter, chapters
from turnkeep_application.transfers.exports import ExportHead
from turnkeep_ports.snapshots import Snapshot


@frozen(kw_only=True)
class Exportation:
    """What an export has come to.

    Attributes:
        size_bytes: Of the whole export.
        sha256: Of all but the trailer, as the trailer tells it.
    """

    chapters: int
    cells: int
    events: int
    size_bytes: int
    sha256: str


class ExportWriter:
    """Writes one export; holds one chapter at a time."""

    def __init__(self, to: BinaryIO) -> None:
        """Begins where the stream stands."""
        self._to = to
        self._digest = hashlib.sha256()
        self._chapters = self._cells = self._events = self._bytes = 0

    async def write(
        self, snapshot: Snapshot, head: ExportHead, on_progress: Callable[[int], None]
    ) -> Exportation:
        """Writes everything, from the head to the trailer.

        Raises:
            OSError: It cannot be written.
        """
        self._write(head_line(head))
        async for chapter in chapters(snapshot):
            self._write(chapter_line(chapter))
            self._count(chapter)
            on_progress(len(chapter.cells) + len(chapter.events))
        trailer = Trailer(
            chapters=self._chapters,
            cells=self._cells,
            events=self._events,
            sha256=self._digest.hexdigest(),
        )
        self._write(trailer_line(trailer))
        self._to.flush()
        return Exportation(
            chapters=trailer.chapters,
            cells=trailer.cells,
            events=trailer.events,
            size_bytes=self._bytes,
            sha256=trailer.sha256,
        )

    def _write(self, line: bytes) -> None:
        self._to.write(line)
        self._digest.update(line)
        self._bytes += len(line)

    def _count(self, chapter: Chapter) -> None:
        self._chapters += 1
        self._cells += len(chapter.cells)
        self._events += len(chapter.events)
