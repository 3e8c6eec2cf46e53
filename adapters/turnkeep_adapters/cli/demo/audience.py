"""An audience: whoever watches a demonstration while it runs, on a terminal or in a log."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Final, Protocol

from attrs import define, field
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from turnkeep_adapters.cli.demo.lines import Source
from turnkeep_adapters.cli.demo.recording import Unusable

_NAMED_MAX: Final = 100
_FIRST_LINE_SECONDS: Final = 5.0
_LINE_SECONDS_MAX: Final = 60.0
_MANY_TURNS: Final = 1_000


class Audience(Protocol):
    """What a demonstration shows of itself while it runs."""

    def one_more(self) -> None:
        """One more turn has ended."""
        ...

    def unusable(self, unusable: Unusable) -> None:
        """A line cannot be used."""
        ...

    def examining(self) -> None:
        """All have left; the store is read again."""
        ...


@define(eq=False)
class _Count:
    """How many turns have ended, and how many unusable ones were named."""

    turns: int = 0
    named: int = 0

    def sentence_on(self, unusable: Unusable) -> str | None:
        """What is said of what is unusable: its reason, at first; in the end nothing."""
        self.named += 1
        if self.named == _NAMED_MAX + 1:
            return "what else cannot be used is only counted"
        return None if self.named > _NAMED_MAX else f"{unusable.sentence} (left out)"


@define(eq=False)
class Log:
    """An audience that reads lines: one now and then, more rarely as time goes by."""

    _stream: IO[str] = field(repr=False)
    _source: Source
    _monotonic: Callable[[], float]
    _count: _Count = field(factory=_Count, init=False)
    _said_at: float = field(init=False)
    _pause_seconds: float = field(default=_FIRST_LINE_SECONDS, init=False)

    def __attrs_post_init__(self) -> None:
        self._said_at = self._monotonic()

    def one_more(self) -> None:
        """Says how far it has come, unless that was said a moment ago."""
        self._count.turns += 1
        now = self._monotonic()
        if now - self._said_at >= self._pause_seconds:
            self._said_at = now
            self._pause_seconds = min(2 * self._pause_seconds, _LINE_SECONDS_MAX)
            self._say(f"{_many(self._count.turns)} done{_share(self._source)}")

    def unusable(self, unusable: Unusable) -> None:
        """Names it."""
        sentence = self._count.sentence_on(unusable)
        if sentence is not None:
            self._say(sentence)

    def examining(self) -> None:
        """Says so, where it may take a while."""
        if self._count.turns >= _MANY_TURNS:
            self._say(f"{_many(self._count.turns)} done; the store is read again")

    def _say(self, text: str) -> None:
        print(text, file=self._stream, flush=True)


@define(eq=False)
class Bar:
    """An audience before a terminal: a bar that grows."""

    _progress: Progress
    _bar: TaskID
    _source: Source
    _count: _Count = field(factory=_Count, init=False)

    def one_more(self) -> None:
        """Lets the bar grow."""
        self._count.turns += 1
        done = self._source.bytes_read if self._source.bytes_all else None
        self._progress.update(self._bar, turns=f"{self._count.turns:,}", completed=done)

    def unusable(self, unusable: Unusable) -> None:
        """Names it, above the bar."""
        sentence = self._count.sentence_on(unusable)
        if sentence is not None:
            self._progress.console.print(sentence, markup=False, highlight=False, soft_wrap=True)

    def examining(self) -> None:
        """Says so beside the bar."""
        self._progress.update(self._bar, description="reading the store again")


@contextmanager
def watching(
    stream: IO[str] | None, source: Source, monotonic: Callable[[], float] = time.monotonic
) -> Iterator[Audience]:
    """The audience that a stream has: a bar on a terminal that can move, lines elsewhere.

    A stream that is closed is None, and has nobody.
    """
    if stream is None:
        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            yield Log(nowhere, source, monotonic)
        return
    console = Console(file=stream)
    if not stream.isatty() or console.is_dumb_terminal:
        yield Log(stream, source, monotonic)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[turns]} turns"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("taking turns", total=source.bytes_all, turns="0")
        yield Bar(progress, bar, source)


def _share(source: Source) -> str:
    if not source.bytes_all:
        return ""
    return f", {source.bytes_read / source.bytes_all:.0%} of the input read"


def _many(turns: int) -> str:
    return f"{turns:,} turn{'' if turns == 1 else 's'}"
