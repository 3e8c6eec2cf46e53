"""The commands that copy a whole store: `turnkeep export` and `turnkeep import`."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

import click
from attrs import asdict

from turnkeep import (
    Cleared,
    Exportation,
    Imported,
    TurnkeepError,
    export_store,
    import_store,
    roll_back_import,
)
from turnkeep_adapters.cli.doctor.place import Nowhere, shown
from turnkeep_adapters.cli.ending import Ending
from turnkeep_adapters.cli.options import in_json, of_store
from turnkeep_adapters.cli.place_of_work import require_shared, require_standing
from turnkeep_adapters.cli.transfers.progress import progress

_STREAM: Final = "-"


@click.command("export")
@of_store
@click.argument("file", metavar="FILE|-")
@in_json
def export(*, url: str, file: str, as_json: bool) -> int:
    """Write everything that a store keeps at one moment to FILE, or to standard output.

    Processes may go on using the store: what they write meanwhile is not in the
    export. FILE must not be there yet. Secrets stay sealed, and nothing else is:
    keep the file as you keep the store. With "-" the summary is told on standard
    error.
    """
    with _sentences():
        require_standing(url)
        with _written(file) as to, progress("exporting") as further:
            done = asyncio.run(export_store(url, to, on_progress=further))
    _tell(done, _exported(done), as_json=as_json, aside=file == _STREAM)
    return Ending.FINE


@click.command("import")
@of_store
@click.argument("file", metavar="FILE|-", required=False)
@click.option(
    "--roll-back",
    "rolls_back",
    is_flag=True,
    help="Delete what an unfinished import has brought, instead.",
)
@in_json
def import_(*, url: str, file: str | None, rolls_back: bool, as_json: bool) -> int:
    """Bring an export into an empty store, from FILE or from standard input.

    A files store is made where it is missing; a database must be migrated. Nobody
    may use the store meanwhile. An import that was cut off leaves a store that
    nothing opens: repeat the command with the same file, and it goes on; or roll it
    back. A file is verified before anything is written.
    """
    if rolls_back == (file is not None):
        raise click.UsageError("name FILE, or --roll-back, and not both")
    with _sentences():
        require_shared(url)
        if file is None:
            require_standing(url)
            with progress("rolling back") as further:
                cleared = asyncio.run(roll_back_import(url, on_progress=further))
            _tell(cleared, _cleared(cleared), as_json=as_json)
            return Ending.FINE
        with _read(file) as source, progress("importing") as further:
            done = asyncio.run(import_store(url, source, on_progress=further))
    _tell(done, _imported(done), as_json=as_json)
    return Ending.FINE


def _exported(done: Exportation) -> str:
    return (
        f"Exported {done.cells:,} records and {done.events:,} events, in {done.chapters:,} commits "
        f"and {done.size_bytes:,} bytes."
    )


def _imported(done: Imported) -> str:
    resumed = f" It went on after commit {done.resumed_after:,}." if done.resumed_after else ""
    return (
        f"Imported {done.cells:,} records and {done.events:,} events, in {done.chapters:,} commits."
        f"{resumed}"
    )


def _cleared(done: Cleared) -> str:
    return f"Rolled back: {done.cells:,} records were deleted again. The store is empty."


def _tell(
    done: Exportation | Imported | Cleared, sentence: str, *, as_json: bool, aside: bool = False
) -> None:
    click.echo(json.dumps(asdict(done)) if as_json else sentence, err=aside)


@contextmanager
def _written(file: str) -> Iterator[BinaryIO]:
    """Where an export is written; a file that was not written to its end does not stay."""
    if file == _STREAM:
        yield sys.stdout.buffer
        return
    path = Path(file)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise Nowhere(f"{shown(file)} cannot be made: {error.strerror}") from error
    try:
        with open(descriptor, "wb") as to:
            yield to
            to.flush()
            os.fsync(descriptor)
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise


@contextmanager
def _read(file: str) -> Iterator[BinaryIO]:
    """Where an export is read from."""
    if file == _STREAM:
        yield sys.stdin.buffer
        return
    try:
        with open(file, "rb") as source:
            yield source
    except OSError as error:
        raise Nowhere(f"{shown(file)} cannot be read: {error.strerror}") from error


@contextmanager
def _sentences() -> Iterator[None]:
    """What goes wrong in the block is one sentence."""
    try:
        yield
    except (Nowhere, TurnkeepError) as error:
        raise click.ClickException(str(error)) from error
