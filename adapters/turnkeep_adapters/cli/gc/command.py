"""The command that tidies a store: `turnkeep gc`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping

import click
from attrs import asdict
from rich.console import Console
from rich.table import Table
from rich.text import Text

from turnkeep import ChoreDone, Settings, TurnkeepError, tidy_store
from turnkeep_adapters.cli.doctor.place import Nowhere, shown
from turnkeep_adapters.cli.ending import Ending
from turnkeep_adapters.cli.options import in_json, of_store
from turnkeep_adapters.cli.place_of_work import require_standing


@click.command()
@of_store
@click.option("--dry-run", is_flag=True, help="Tell what would be done, and write nothing.")
@in_json
def gc(*, url: str, dry_run: bool, as_json: bool) -> int:
    """Tidy a store: note what time has decided, and forget what is long over.

    It does at once what workers do in small doses, and processes may use the store
    meanwhile. How long what is over is kept, and where master keys are, the
    variables of the environment say (TURNKEEP_EVENTS_..., TURNKEEP_KEYS_...); without
    a key, secrets are left alone. Runs are retired by hosts, which know an archive.
    The command ends with 1 if something was cut short.
    """
    try:
        require_standing(url)
        done = asyncio.run(tidy_store(url, dry_run=dry_run, settings=Settings.from_environment()))
    except (Nowhere, TurnkeepError) as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps({"dry_run": dry_run, "chores": [asdict(each) for each in done]}))
    else:
        _print(done, dry_run=dry_run)
    return Ending.FAILED if any(each.trouble for each in done) else Ending.FINE


def _print(done: tuple[ChoreDone, ...], *, dry_run: bool) -> None:
    table = Table("what", "would be done" if dry_run else "done", "left alone")
    for each in done:
        told = [_counted(each.done) or "nothing", _counted(each.left)]
        if each.more:
            told[1] = ", ".join(filter(None, [told[1], "there may be more"]))
        table.add_row(*map(Text, [each.name, *told]))
    console = Console(file=sys.stdout, highlight=False)
    console.print(table)
    for each in done:
        if each.trouble is not None:
            console.print(Text(f"{each.name}: cut short: {shown(each.trouble)}"))


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in counts.items())
