"""A countdown: a clock on which a deadline comes at the n-th look, so that each look is tried."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from attrs import define

from turnkeep_adapters.system.clock import SystemClock
from turnkeep_ports.clock import Deadline, Timer

_AT: Final = 30.0
_LONG_AFTER: Final = 1e9


@define
class Countdown:
    """Time that stands still for some looks, and then has passed. Its timers are in real time."""

    looks: int

    def monotonic(self) -> float:
        """0 for the first looks; far beyond the deadline afterwards."""
        self.looks -= 1
        return 0.0 if self.looks >= 0 else _LONG_AFTER

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Calls back after as many real seconds, at once where the time has passed."""
        clock = SystemClock()
        return clock.call_at(clock.monotonic() + when - self.monotonic(), callback)

    async def sleep(self, seconds: float) -> None:
        """Pauses the caller in real time."""
        await asyncio.sleep(max(0.0, seconds))


def deadline_at_look(number: int) -> Deadline:
    """A deadline that has come when it is looked at for the `number`-th time, counted from 0."""
    return Deadline(Countdown(number), _AT)
