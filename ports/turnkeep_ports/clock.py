"""A clock: time that passes, and deadlines on it. What time it *is*, only the store says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from attrs import frozen


class Timer(Protocol):
    """A callback that is due."""

    def cancel(self) -> None:
        """Makes sure that the callback is not called any more; may be repeated."""
        ...


class Clock(Protocol):
    """Monotonic time, in seconds from an arbitrary start."""

    def monotonic(self) -> float:
        """Seconds that have passed; never decreases."""
        ...

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Calls back in the running event loop once `monotonic()` has reached `when`.

        The callback is never called from within this call.
        """
        ...

    async def sleep(self, seconds: float) -> None:
        """Pauses the caller; 0 or less only lets others run. Cancellation has no other effect."""
        ...


@frozen
class Deadline:
    """The one moment at which an update gives up, handed down to everything it awaits."""

    clock: Clock
    at: float

    @classmethod
    def after(cls, clock: Clock, seconds: float) -> Deadline:
        """The deadline that is `seconds` away."""
        return cls(clock, clock.monotonic() + seconds)

    def remaining_seconds(self) -> float:
        """Seconds until the deadline; 0 once it has come."""
        return max(0.0, self.at - self.clock.monotonic())

    def earlier(self, seconds: float) -> Deadline:
        """The same deadline with `seconds` held in reserve."""
        return Deadline(self.clock, self.at - seconds)
