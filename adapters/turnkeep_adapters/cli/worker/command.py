"""The worker command: it runs a host's handler over a store until it is told to end."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click

from turnkeep import (
    Handler,
    Settings,
    TurnClass,
    TurnkeepError,
    Worker,
    WorkerSettings,
    drained_by_signals,
    open_keep,
    settle_collector,
)
from turnkeep_adapters.cli.doctor.place import Nowhere
from turnkeep_adapters.cli.ending import Ending
from turnkeep_adapters.cli.options import of_store
from turnkeep_adapters.cli.place_of_work import require_shared, require_standing
from turnkeep_adapters.cli.worker.app import NoApp, handler_of

_DRAIN_SECONDS_MAX: Final = 86_400.0


@click.command()
@click.option(
    "--app",
    required=True,
    metavar="MODULE:HANDLER",
    help="The handler that carries runs out; the current directory is looked at, too.",
)
@of_store
@click.option(
    "--create",
    is_flag=True,
    help="Make a files store that is not there yet; without it, that is an error.",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 1_000),
    default=8,
    show_default=True,
    help="How many runs are carried out at once.",
)
@click.option(
    "--class",
    "classes",
    type=click.Choice([known.value for known in TurnClass]),
    multiple=True,
    help="Which queue is served; may be repeated, the first one first. Without it, both.",
)
@click.option("--holder", metavar="NAME", default="", help="The name to claim under.")
@click.option(
    "--drain",
    "drain_seconds",
    type=click.FloatRange(0, _DRAIN_SECONDS_MAX),
    default=25.0,
    show_default=True,
    metavar="SECONDS",
    help="How long handlers may go on once the worker is told to end.",
)
def worker(
    *,
    app: str,
    url: str,
    create: bool,
    concurrency: int,
    classes: tuple[str, ...],
    holder: str,
    drain_seconds: float,
) -> int:
    """Carry out runs with a handler of yours until told to end.

    SIGTERM or Ctrl-C lets it drain: it claims no more, waits for its handlers, gives
    back what has not ended, and exits with 0. A second one skips the wait. What the
    store or a handler has trouble with is told on standard error.
    """
    try:
        handler = handler_of(app)
        _require_place(url, create=create)
        with _telling_of_trouble():
            asyncio.run(
                _work(
                    handler,
                    url,
                    concurrency=concurrency,
                    classes=tuple(map(TurnClass, classes)) or tuple(TurnClass),
                    holder=holder,
                    settings=WorkerSettings(drain_seconds=drain_seconds),
                )
            )
    except (NoApp, Nowhere, TurnkeepError) as error:
        raise click.ClickException(str(error)) from error
    return Ending.FINE


def _require_place(url: str, *, create: bool) -> None:
    """Refuses a store in which nobody can have submitted anything, unless it is to be made."""
    if create:
        require_shared(url)
        return
    try:
        require_standing(url)
    except Nowhere as error:
        raise Nowhere(f"{error}; --create makes a new store") from error


async def _work(
    handler: Handler,
    url: str,
    *,
    concurrency: int,
    classes: tuple[TurnClass, ...],
    holder: str,
    settings: WorkerSettings,
) -> None:
    async with open_keep(url, settings=Settings.from_environment()) as keep:
        worker = Worker(
            keep,
            handler,
            concurrency=concurrency,
            classes=classes,
            holder=holder or f"worker-{os.getpid()}",
            settings=settings,
        )
        with drained_by_signals(worker):
            click.echo(f"Working as {worker.holder}; SIGTERM or Ctrl-C drains.", err=True)
            # The process is the worker's alone, and all that it needs is there now.
            settle_collector()
            await worker.run()
    click.echo("Drained.", err=True)


@contextmanager
def _telling_of_trouble() -> Iterator[None]:
    """A worker has nobody to answer to: what it bears with, it tells on standard error."""
    teller = logging.StreamHandler(sys.stderr)
    teller.setFormatter(logging.Formatter("turnkeep: %(message)s"))
    log = logging.getLogger("turnkeep")
    log.addHandler(teller)
    try:
        yield
    finally:
        log.removeHandler(teller)
