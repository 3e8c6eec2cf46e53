"""The commands that look at a store, and save one in files: `turnkeep doctor` and `salvage`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import click

from turnkeep import Corrupt, TurnkeepError
from turnkeep_adapters.cli.doctor.contents import contents_of
from turnkeep_adapters.cli.doctor.database import DatabaseDiagnosis
from turnkeep_adapters.cli.doctor.diagnosis import Diagnosis
from turnkeep_adapters.cli.doctor.place import Nowhere, place_of, require_directory, shown
from turnkeep_adapters.cli.ending import Ending
from turnkeep_adapters.files import inspection

_SERVERS = ("postgresql:", "postgres:")


@click.command()
@click.argument("store", metavar="PATH_OR_URL")
@click.option(
    "--verify",
    "verifies",
    is_flag=True,
    help="Walk the whole log too, and compare each checkpoint with what the log makes of the "
    "one before.",
)
@click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")
def doctor(*, store: str, verifies: bool, as_json: bool) -> int:
    """Say what is in a store, and whether it is sound.

    Of a directory, every file of its store is read; of a database, its schema, its
    server and what they are set to. Nothing is changed, and processes may use the store
    meanwhile. The command ends with 0 if the store is sound, with 1 if something is
    wrong with it, and with 2 if there is no store or it cannot be read.
    """
    if store.startswith(_SERVERS):
        if verifies:
            raise click.UsageError("--verify walks the log of a files store")
        with _sentences():
            found = asyncio.run(DatabaseDiagnosis.of(store))
        click.echo(found.as_json() if as_json else found.as_text())
        return Ending.FINE if found.sound else Ending.FAILED
    with _sentences():
        path = place_of(store)
        require_directory(path)
        try:
            diagnosis = Diagnosis.of(path, verifies=verifies)
        except Corrupt as error:
            click.echo(f"Error: {shown(path)} is damaged: {error.why}", err=True)
            return Ending.FAILED
    click.echo(diagnosis.as_json() if as_json else diagnosis.as_text())
    return Ending.FINE if diagnosis.sound else Ending.FAILED


@click.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
def salvage(*, old: str, new: str) -> int:
    """Write what can be proven of a files store into another, which is made for it.

    End all processes that use OLD first; it is left as it is. NEW is an empty or
    missing directory. The new store has an id of its own, so that cursors of the old
    one are lost. The command ends with 0 if all was saved, with 1 if something is
    lost, and with 2 if nothing could be saved.
    """
    with _sentences():
        source, target = place_of(old), place_of(new)
        require_directory(source)
        try:
            # What a newer release wrote is no damage, and must not be left behind as if it were.
            contents_of(source)
            saved = inspection.salvage(source, target)
        except Corrupt as error:
            click.echo(f"Error: nothing of {shown(source)} can be saved: {error.why}", err=True)
            return Ending.UNUSABLE
    click.echo(
        f"Saved {saved.cells:,} cells and {saved.events:,} events, as of segment {saved.head:,}, "
        f"into {shown(target)}."
    )
    if saved.finding is None:
        click.echo("Nothing is lost.")
        return Ending.FINE
    click.echo(f"Damage: {saved.finding}.")
    click.echo(f"What came after segment {saved.head:,}, up to {saved.mentioned:,}, is lost.")
    return Ending.FAILED


@contextmanager
def _sentences() -> Iterator[None]:
    """What goes wrong in the block is one sentence."""
    try:
        yield
    except Nowhere as error:
        raise click.ClickException(str(error)) from error
    except TurnkeepError as error:
        raise click.ClickException(str(error)) from error
