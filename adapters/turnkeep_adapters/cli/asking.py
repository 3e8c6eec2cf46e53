"""An asking: one question of the command line to the keep of a store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from turnkeep import Keep, TurnkeepError, open_keep
from turnkeep_adapters.cli.doctor.place import Nowhere
from turnkeep_adapters.cli.place_of_work import require_standing

T = TypeVar("T")


def asked(url: str, ask: Callable[[Keep], Awaitable[T]]) -> T:
    """What a store answers; what goes wrong is one sentence."""
    try:
        require_standing(url)
        return asyncio.run(_answered(url, ask))
    except (Nowhere, TurnkeepError) as error:
        raise click.ClickException(str(error)) from error


async def _answered(url: str, ask: Callable[[Keep], Awaitable[T]]) -> T:
    async with open_keep(url) as keep:
        return await ask(keep)
