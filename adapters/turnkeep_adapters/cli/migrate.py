"""The commands that look after a database: `turnkeep migrate` and `turnkeep adopt`."""

from __future__ import annotations

import asyncio

import click

from turnkeep import MissingExtra, TurnkeepError
from turnkeep_adapters.cli.ending import Ending


@click.command()
@click.argument("url", metavar="URL")
@click.option("--preview", is_flag=True, help="Tell what would be done, and do nothing.")
def migrate(*, url: str, preview: bool) -> int:
    """Bring the schema of a PostgreSQL database up to date.

    All missing steps are applied in one transaction, or none. Any number of these
    commands may run at once, and processes may use the store meanwhile. URL is
    postgresql://user@host/database.
    """
    try:
        done = asyncio.run(migrated(url, preview=preview))
    except TurnkeepError as error:
        raise click.ClickException(str(error)) from error
    click.echo(done)
    return Ending.FINE


@click.command()
@click.argument("url", metavar="URL")
def adopt(*, url: str) -> int:
    """Take over a PostgreSQL database that was restored on another server.

    End all processes that use it first. Readers of its events find everything that
    was told before the restore. On the server that it was told on, nothing changes.
    """
    try:
        done = asyncio.run(_adopted(url))
    except TurnkeepError as error:
        raise click.ClickException(str(error)) from error
    click.echo(done)
    return Ending.FINE


async def migrated(url: str, *, preview: bool) -> str:
    """Migrates a database, and tells what was done, or would be.

    Raises:
        MissingExtra: The driver is not installed.
        Corrupt, SchemaTooNew, Unavailable: As `turnkeep_adapters.postgres.migrating.migrate`.
    """
    """What was done to a database, or would be, in sentences.

    Raises:
        MissingExtra: The driver is not installed.
        TurnkeepError: What `turnkeep_adapters.postgres.migrating.migrate` raises.
    """
    try:
        # The driver is an extra of its own.
        from turnkeep_adapters.postgres import migrating  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise MissingExtra("postgres") from error
    migration = await migrating.migrate(url, preview=preview)
    if not migration.steps:
        return f"The schema is up to date: number {migration.after}."
    verb = "Applied" if migration.applied else "Would apply"
    steps = [f"  {step.number}  {step.name}" for step in migration.steps]
    heading = f"{verb} {len(steps)} of the schema's steps, from {migration.before}:"
    return "\n".join([heading, *steps])


async def _adopted(url: str) -> str:
    try:
        # The driver is an extra of its own.
        from turnkeep_adapters.postgres import inspection  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise MissingExtra("postgres") from error
    adoption = await inspection.adopt(url)
    if adoption.before == adoption.after:
        return "There is nothing to adopt: the database is on the server that it was made on."
    return f"Adopted: epoch {adoption.after} begins."
