"""An asking: what a command wants of the keep of a store; what goes wrong is one sentence."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from turnkeep import Keep, Settings, TurnkeepError, open_keep
from turnkeep_adapters.cli.doctor.place import Nowhere
from turnkeep_adapters.cli.place_of_work import require_shared, require_standing

T = TypeVar("T")


class Unclear(Exception):
    """Something that was typed cannot be read, or is not there; the only argument says so."""


def asked(
    url: str,
    ask: Callable[[Keep], Awaitable[T]],
    *,
    settings: Settings | None = None,
    create: bool = False,
) -> T:
    """What a store answers.

    Args:
        url: Of the store.
        ask: What is wanted of it.
        settings: What the keep is built with; None for what the environment says.
        create: Whether a store in files that is not there may be made.

    Raises:
        click.ClickException: There is no such store, it does not serve, or it cannot answer.
    """
    try:
        if create:
            require_shared(url)
        else:
            require_standing(url)
        return asyncio.run(_answered(url, ask, settings))
    except (Nowhere, Unclear, TurnkeepError) as error:
        raise click.ClickException(str(error)) from error


async def _answered(url: str, ask: Callable[[Keep], Awaitable[T]], settings: Settings | None) -> T:
    chosen = Settings.from_environment() if settings is None else settings
    async with open_keep(url, settings=chosen) as keep:
        return await ask(keep)
