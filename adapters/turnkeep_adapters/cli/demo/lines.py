"""A line of a file: bytes up to a line feed, numbered from 1, read as they come."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
from collections.abc import AsyncIterator, Iterator
from typing import Final

from attrs import define, field, frozen

LINE_BYTES_MAX: Final = 8 << 20
_CHUNK_BYTES: Final = 1 << 16


@frozen
class Line:
    """One line, without its line feed.

    Attributes:
        content: None where it has more bytes than a line may have.
    """

    number: int
    content: bytes | None = field(repr=False)


@define
class Splitter:
    """Cuts chunks of bytes into lines; it never holds more than a line may have."""

    bytes_max: int = LINE_BYTES_MAX
    _number: int = field(default=1, init=False)
    _parts: list[bytes] = field(factory=list, init=False)
    _size: int = field(default=0, init=False)

    def feed(self, chunk: bytes) -> Iterator[Line]:
        """The lines that end within the chunk."""
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            self._keep(part)
            yield self._line()
        self._keep(rest)

    def end(self) -> Iterator[Line]:
        """The last line, where no line feed ended it."""
        if self._size:
            yield self._line()

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size <= self.bytes_max:
            self._parts.append(part)

    def _line(self) -> Line:
        content = None if self._size > self.bytes_max else b"".join(self._parts)
        line = Line(self._number, content)
        self._number += 1
        self._parts.clear()
        self._size = 0
        return line


@define
class Source:
    """An open file, pipe or terminal that lines come from.

    Attributes:
        bytes_read: How much was read so far.
        bytes_all: How much there is; None where nobody can know.
    """

    _descriptor: int
    bytes_all: int | None
    bytes_read: int = field(default=0, init=False)

    @classmethod
    def of(cls, descriptor: int) -> Source:
        """A source of what a descriptor gives; whoever opened it closes it.

        Raises:
            IsADirectoryError: The descriptor is a directory's.
        """
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        return cls(descriptor, status.st_size if stat.S_ISREG(status.st_mode) else None)

    async def lines(self) -> AsyncIterator[Line]:
        """Its lines; at most one chunk and one line are held.

        Raises:
            OSError: It can be read no further.
        """
        splitter = Splitter()
        while chunk := await self._chunk():
            self.bytes_read += len(chunk)
            for line in splitter.feed(chunk):
                yield line
        for line in splitter.end():
            yield line

    async def _chunk(self) -> bytes:
        # What comes slowly must be waited for without a thread: one that hangs in a read could
        # not be cancelled, and would hold up the end of the process.
        if self.bytes_all is None:
            await _readable(self._descriptor)
        # What is always ready, and may have no end, lets others run all the same.
        await asyncio.sleep(0)
        return os.read(self._descriptor, _CHUNK_BYTES)


async def _readable(descriptor: int) -> None:
    """Returns when a read would not wait."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()

    def tell() -> None:
        if not ready.done():
            ready.set_result(None)

    try:
        loop.add_reader(descriptor, tell)
    except PermissionError:
        # A device such as /dev/null never makes its reader wait, and cannot be watched.
        return
    try:
        await ready
    finally:
        loop.remove_reader(descriptor)
