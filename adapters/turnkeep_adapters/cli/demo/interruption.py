"""An interruption: Ctrl-C, while an event loop runs and may be asleep."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import TypeVar

T = TypeVar("T")


def run_interruptibly(work: Coroutine[object, object, T]) -> T:
    """Runs a coroutine to its end, or until somebody interrupts it.

    Raises:
        KeyboardInterrupt: Somebody did; the coroutine was cancelled and has cleaned up.
    """
    try:
        return asyncio.run(_interruptible(work))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _interruptible(work: Coroutine[object, object, T]) -> T:
    task = asyncio.ensure_future(work)
    # The handler that asyncio.run installs is no help to a loop that is just about to sleep: it
    # would sleep on. This one wakes the loop by a file descriptor, whenever the signal comes.
    # The loop takes it away when it is closed.
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, task.cancel)
    return await task
