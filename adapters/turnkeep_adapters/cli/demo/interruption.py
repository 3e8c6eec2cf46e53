"""An interruption: Ctrl-C, or a polite end, while an event loop runs and may be asleep."""

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
    interrupted = False

    def cancel() -> None:
        # What cleans up is not interrupted again: it would leave processes and files behind.
        nonlocal interrupted
        if not interrupted:
            interrupted = True
            task.cancel()

    # The handler that asyncio.run installs is no help to a loop that is just about to sleep: it
    # would sleep on. This one wakes the loop by a file descriptor, whenever the signal comes.
    # The loop takes it away when it is closed.
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, cancel)
    return await task
