"""A race: whichever of several waits ends first ends the others."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine


async def first_of(
    *waits: Coroutine[object, object, object], task: asyncio.Task[object] | None = None
) -> None:
    """Returns once one of the waits has returned, or the task is done.

    The other waits are cancelled, and so are all when the caller is; the task is left alone. What
    a wait raises is raised.
    """
    racers = [asyncio.ensure_future(wait) for wait in waits]
    watched: list[asyncio.Task[object]] = [*racers] if task is None else [*racers, task]
    try:
        await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for racer in racers:
            racer.cancel()
        ended = await asyncio.gather(*racers, return_exceptions=True)
    for end in ended:
        if isinstance(end, Exception):
            raise end
