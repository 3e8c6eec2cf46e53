"""Insistence: a request under a claim is repeated until it is answered, or the claim is over.

Every request that is made under a claim may be repeated: it answers what it answered, or does no
harm. So a store that is away for a while costs a run time, and a lost answer costs it nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Final, TypeVar

from attrs import frozen

from turnkeep_domain.errors import TurnkeepError
from turnkeep_ports.clock import Clock
from turnkeep_ports.randomness import Random

T = TypeVar("T")

_PAUSE_SECONDS_FIRST: Final = 0.1
_PAUSE_SECONDS_MAX: Final = 5.0


@frozen(kw_only=True)
class Insistence:
    """How one worker repeats what was not answered."""

    clock: Clock
    random: Random

    async def until_answered(
        self, request: Callable[[], Awaitable[T]], *, allowed: Callable[[], None]
    ) -> T:
        """Repeats a request as long as its errors are retryable and it is allowed.

        Args:
            request: Sends it once.
            allowed: Called before each sending; raises where it must not be sent any more.

        Raises:
            TurnkeepError: One that is not retryable.
        """
        pause_seconds = _PAUSE_SECONDS_FIRST
        while True:
            allowed()
            try:
                return await request()
            except TurnkeepError as error:
                if not error.retryable:
                    raise
            await self.clock.sleep(pause_seconds + self.random.below(pause_seconds))
            pause_seconds = min(2 * pause_seconds, _PAUSE_SECONDS_MAX)


async def to_its_end(call: Coroutine[object, object, T]) -> T:
    """Awaits a call that must not be cut off: a cancellation is obeyed once it has ended.

    A second cancellation cuts it off nonetheless.
    """
    task = asyncio.ensure_future(call)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        try:
            await asyncio.wait((task,))
        finally:
            task.cancel()
            task.add_done_callback(_retrieve)
        raise


def _retrieve(task: asyncio.Future[T]) -> None:
    # So that the event loop does not report as overlooked what nobody can be told any more.
    if not task.cancelled():
        task.exception()
