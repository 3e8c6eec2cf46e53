"""An asking: one question of the command line to the keep of a store, and how it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from turnkeep import Coded, GateProblem, Keep, Refused, TurnkeepError, open_keep
from turnkeep_adapters.cli.approvals.naming import Unnamed
from turnkeep_adapters.cli.doctor.place import Nowhere
from turnkeep_adapters.cli.ending import Ending
from turnkeep_adapters.cli.place_of_work import require_standing

T = TypeVar("T")


def asked(url: str, ask: Callable[[Keep], Awaitable[T]]) -> T:
    """What a keep answers; what goes wrong is one sentence."""
    try:
        require_standing(url)
        return asyncio.run(_answered(url, ask))
    except (Nowhere, Unnamed, TurnkeepError) as error:
        raise click.ClickException(str(error)) from error


async def _answered(url: str, ask: Callable[[Keep], Awaitable[T]]) -> T:
    async with open_keep(url) as keep:
        return await ask(keep)


def tell(told: object) -> None:
    """Prints one JSON object."""
    click.echo(json.dumps(told, ensure_ascii=False, indent=2))


def refused(answer: Refused[Coded], *, as_json: bool) -> int:
    """Says why nothing came of a command."""
    problem = GateProblem.of(answer)
    if as_json:
        tell(problem.body)
    else:
        facts = "".join(f", {name} {value}" for name, value in problem.facts.items() if value)
        click.echo(f"Refused: {problem.code.value}{facts}.", err=True)
    return Ending.FAILED


def warn_of(unreadable: int) -> int:
    """Says how many records were passed over; how a command that met them ends."""
    if not unreadable:
        return Ending.FINE
    click.echo(f"{unreadable:,} records cannot be read.", err=True)
    return Ending.FAILED
