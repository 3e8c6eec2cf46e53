"""A handout: the lines of a recording, given in turn to whichever worker takes more."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from attrs import define, field

from turnkeep_adapters.cli.demo.feed import Feed
from turnkeep_adapters.cli.demo.hired import Hired
from turnkeep_adapters.cli.demo.lines import Line
from turnkeep_adapters.cli.demo.messages import task_bytes


@define(eq=False)
class Part:
    """The lines that one worker was handed, kept on disk for its replacement.

    Attributes:
        tasks: How many they are.
    """

    _file: IO[bytes] = field(repr=False)
    tasks: int = field(default=0, init=False)

    @classmethod
    @contextmanager
    def kept(cls, path: Path) -> Iterator[Part]:
        """An empty part in a file."""
        with path.open("w+b") as file:
            yield cls(file)

    def add(self, line: Line) -> None:
        """Adds a line."""
        self._file.write(task_bytes(line))
        self.tasks += 1

    def lines(self) -> Iterator[Line]:
        """All of them, in order; nothing may be added meanwhile."""
        self._file.seek(0)
        for number in self._file:
            yield Line(int(number), next(self._file).removesuffix(b"\n"))


@define(eq=False)
class Handout:
    """Lines between one feed and several workers; it holds one line, and each worker's pipe some.

    Workers that wait are served in the order in which they came.
    """

    _next: asyncio.Queue[Line | None] = field(factory=lambda: asyncio.Queue(1), init=False)

    async def fill(self, feed: Feed) -> None:
        """Takes lines from a feed until there are no more."""
        while (line := await feed.next_line()) is not None:
            await self._next.put(line)
        await self._next.put(None)

    async def serve(self, hired: Hired, part: Part | None, again: Iterable[Line]) -> None:
        """Hands a worker lines until there are no more, and tells it so.

        Args:
            hired: The worker.
            part: Where they are kept, too.
            again: What it is handed before the others are.
        """
        for earlier in again:
            await hired.hand(earlier)
        while (line := await self._next.get()) is not None:
            if part is not None:
                part.add(line)
            await hired.hand(line)
        # The others must learn of the end, too.
        self._next.put_nowait(None)
        await hired.no_more()
