"""The system's clock: monotonic time from the operating system, timers on the running loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

from attrs import define, field, frozen


@frozen
class SystemClock:
    """Real time. Its monotonic seconds are the operating system's, on every loop and thread."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary start that all clocks of the machine share."""
        return time.monotonic()

    def utc_now(self) -> datetime:
        """What the machine's wall clock says; it may be set back at any time."""
        return datetime.now(UTC)

    def call_at(self, when: float, callback: Callable[[], None]) -> SystemTimer:
        """Calls back in the running event loop once `monotonic()` has reached `when`.

        Raises:
            RuntimeError: No event loop is running.
        """
        timer = SystemTimer(asyncio.get_running_loop(), self.monotonic, when, callback)
        timer.arm()
        return timer

    async def sleep(self, seconds: float) -> None:
        """Pauses the caller; 0 or less only lets others run."""
        await asyncio.sleep(seconds)


@define(eq=False)
class SystemTimer:
    """A callback that a loop owes at a moment of the system's monotonic time."""

    _loop: asyncio.AbstractEventLoop
    _monotonic: Callable[[], float]
    _when: float
    _callback: Callable[[], None]
    _handle: asyncio.TimerHandle | None = field(default=None, init=False)

    def arm(self) -> None:
        """Asks the loop, whose own time may start anywhere, to wake the timer."""
        self._handle = self._loop.call_later(self._remaining(), self._wake)

    def cancel(self) -> None:
        """Makes sure that the callback is not called any more; may be repeated."""
        if self._handle is not None:
            self._handle.cancel()

    def _remaining(self) -> float:
        return max(0.0, self._when - self._monotonic())

    def _wake(self) -> None:
        # A loop rounds to the resolution of its own time, and may be early by as much.
        if self._remaining() > 0.0:
            self.arm()
        else:
            self._callback()
