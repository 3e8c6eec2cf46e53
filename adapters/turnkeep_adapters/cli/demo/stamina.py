"""Stamina: how often an actor repeats a command that ended in doubt, always under the same id."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from turnkeep import TurnkeepError

T = TypeVar("T")

_TIMES_MAX: Final = 4
_PAUSE_SECONDS: Final = 0.05


async def insisting(command: Callable[[], Awaitable[T]]) -> T:
    """The answer of a command, which is sent again after errors that say it may be.

    Raises:
        TurnkeepError: The last error, where it is not retryable or came too often.
    """
    for number in range(_TIMES_MAX - 1):
        try:
            return await command()
        except TurnkeepError as error:
            if not error.retryable:
                raise
        await asyncio.sleep(_PAUSE_SECONDS * 2**number)
    return await command()


async def hesitate(turns: int) -> None:
    """Lets the others go first for so many turns of the event loop."""
    for _ in range(turns):
        await asyncio.sleep(0)
