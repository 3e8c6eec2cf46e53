"""Progress: a bar on standard error, where that is a terminal, and nothing anywhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int | None], None]]:
    """Shows how far something has come for as long as the block lasts."""
    console = Console(stderr=True)
    columns = (
        TextColumn(what, markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, disable=not console.is_terminal, transient=True
    ) as shown:
        bar = shown.add_task(what, total=None)

        def further(done: int, total: int | None) -> None:
            shown.update(bar, completed=done, total=total)

        yield further
