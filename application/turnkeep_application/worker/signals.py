"""Signals: how a process that is told to end lets its worker drain first."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from turnkeep_application.worker.worker import Worker

ENDING: Final = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def drained_by_signals(worker: Worker) -> Iterator[None]:
    """Within the block, SIGTERM and SIGINT let a worker drain; a second one skips the wait.

    Afterwards the signals do what they did before. To be entered on the main thread, inside the
    event loop in which the worker runs.

    Raises:
        RuntimeError: It is entered elsewhere.
    """
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in ENDING}
    try:
        for number in ENDING:
            loop.add_signal_handler(number, worker.drain)
        yield
    finally:
        for number in ENDING:
            loop.remove_signal_handler(number)
            signal.signal(number, before[number])
