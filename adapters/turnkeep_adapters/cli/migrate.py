"""Migrate: brings a database's schema up to date, or tells what it would do."""

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
        done = asyncio.run(_migrated(url, preview=preview))
    except TurnkeepError as error:
        raise click.ClickException(str(error)) from error
    click.echo(done)
    return Ending.FINE


async def _migrated(url: str, *, preview: bool) -> str:
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
