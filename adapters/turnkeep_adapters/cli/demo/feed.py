"""A feed: the tasks of a recording, handed out one at a time to whoever asks next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

from attrs import define, field

from turnkeep import InvalidValue
from turnkeep_adapters.cli.demo.asking import Ask, asks_of
from turnkeep_adapters.cli.demo.lines import Line
from turnkeep_adapters.cli.demo.recording import Task, Unusable, read

# What an identifier's rule speaks of, as the recording calls it.
_WORDS: Final = {"mission": "task", "correlation_id": "task", "capability": "tool"}


@define(eq=False)
class Feed:
    """Tasks for several askers or processes; it reads no further than they have come.

    Attributes:
        tasks: How many were handed out.
        lines_left_out: How many lines could not be used.
        calls_left_out: How many calls of other lines could not be used.
        broken: Why reading ended early, if it did.
    """

    _lines: AsyncIterator[Line]
    _seed: int
    _tell: Callable[[Unusable], None]
    tasks: int = field(default=0, init=False)
    lines_left_out: int = field(default=0, init=False)
    calls_left_out: int = field(default=0, init=False)
    broken: OSError | None = field(default=None, init=False)
    _lock: asyncio.Lock = field(factory=asyncio.Lock, init=False)

    async def next(self) -> tuple[Ask, ...] | None:
        """The calls of the next task; None when there is none any more."""
        handed = await self._next()
        return None if handed is None else handed[1]

    async def next_line(self) -> Line | None:
        """The line of the next task, for another feed to read; None when there is none any more."""
        handed = await self._next()
        return None if handed is None else handed[0]

    def reject(self, unusable: Unusable) -> None:
        """Counts what cannot be used, and tells of it."""
        if unusable.call is None:
            self.lines_left_out += 1
        else:
            self.calls_left_out += 1
        self._tell(unusable)

    async def _next(self) -> tuple[Line, tuple[Ask, ...]] | None:
        # An asynchronous generator may only be asked by one at a time.
        async with self._lock:
            while (line := await self._read()) is not None:
                match read(line):
                    case Task() as task:
                        asks = self._asks(task)
                        if asks is not None:
                            self.tasks += 1
                            return line, asks
                    case Unusable() as unusable:
                        self.reject(unusable)
                    case None:
                        pass
            return None

    def _asks(self, task: Task) -> tuple[Ask, ...] | None:
        try:
            return asks_of(task, self._seed)
        except InvalidValue as error:
            what = _WORDS.get(error.what, error.what)
            self.reject(Unusable(task.line, None, f"its {what} {error.rule}"))
            return None

    async def _read(self) -> Line | None:
        if self.broken is not None:
            return None
        try:
            return await anext(self._lines, None)
        except OSError as error:
            self.broken = error
            return None
