"""An export reader: lines as chapters, refused as soon as they cannot be an export."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import BinaryIO, Final

from turnkeep_adapters.transfers.lines import (
    VERSION,
    Newer,
    Trailer,
    Unreadable,
    content_of,
    head_of,
    is_trailer,
)
from turnkeep_application.transfers.chapters import Chapter
from turnkeep_application.transfers.errors import ExportDamaged
from turnkeep_application.transfers.exports import ExportHead, Passage
from turnkeep_ports.errors import SchemaTooNew

LINE_BYTES_MAX: Final = 64 << 20
"""A chapter is what one commit carries, however it is spelled."""


class ExportReader:
    """One reading of an export. Implements `turnkeep_application.transfers.exports.ExportSource`.

    It holds one line at a time.
    """

    def __init__(self, of: BinaryIO) -> None:
        """Reads the head.

        Raises:
            ExportDamaged: It is none.
            SchemaTooNew: A newer release wrote it.
            OSError: It cannot be read.
        """
        self._of = of
        self._digest = hashlib.sha256()
        self._line = 0
        self._cells = 0
        self._events = 0
        line = self._next()
        try:
            self._head = head_of(line)
        except Unreadable as error:
            raise self._damaged(str(error)) from error
        except Newer as error:
            raise SchemaTooNew("the export", int(error.args[0]), VERSION) from None

    @property
    def head(self) -> ExportHead:
        """What it began with."""
        return self._head

    def passages(self, *, skip: int) -> Iterator[Passage]:
        """Its chapters, and the proof that it is whole after the last.

        Args:
            skip: How many chapters to pass over; they count for the checksum all the same.

        Raises:
            ExportDamaged: A line is unreadable, or the end proves that something is missing.
        """
        number = 0
        while True:
            before = self._digest.hexdigest()
            line = self._next()
            if number < skip and not is_trailer(line):
                chapter = None
            else:
                content = self._content(line)
                if isinstance(content, Trailer):
                    self._require_whole(content, number, before, passed_over=skip > 0)
                    return
                chapter = content
                self._cells += len(content.cells)
                self._events += len(content.events)
            number += 1
            yield Passage(chapter, self._digest.hexdigest())

    def verify(self) -> None:
        """Reads to the end, and keeps nothing.

        Raises:
            ExportDamaged: It is not whole.
        """
        for _ in self.passages(skip=0):
            pass

    def _content(self, line: bytes) -> Chapter | Trailer:
        try:
            return content_of(line)
        except Unreadable as error:
            raise self._damaged(str(error)) from error

    def _require_whole(
        self, trailer: Trailer, chapters: int, digest: str, *, passed_over: bool
    ) -> None:
        if trailer.sha256 != digest or trailer.chapters != chapters:
            raise self._damaged("the checksum does not fit what comes before it")
        told = (trailer.cells, trailer.events)
        if told != (self._head.cells, self._head.events):
            raise self._damaged("it has not what its head announces")
        if not passed_over and told != (self._cells, self._events):
            raise self._damaged("it has not what its trailer counts")
        if self._of.read(1):
            raise self._damaged("something comes after its end")

    def _next(self) -> bytes:
        self._line += 1
        line = self._of.readline(LINE_BYTES_MAX + 1)
        if not line:
            raise self._damaged("it is cut off")
        if len(line) > LINE_BYTES_MAX:
            raise self._damaged("the line is longer than any of an export")
        self._digest.update(line)
        return line

    def _damaged(self, why: str) -> ExportDamaged:
        return ExportDamaged(self._line, why)
