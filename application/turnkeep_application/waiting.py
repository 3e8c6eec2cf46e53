"""A wait: one caller's sleep until a record is as the caller wants it, or the time is up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

from attrs import field, frozen

from turnkeep_application.watching import Watch
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.kinds import require_kind
from turnkeep_ports.clock import Deadline
from turnkeep_ports.errors import Unavailable

V = TypeVar("V")

PAUSE_SECONDS_MIN: Final = 0.05
WAIT_SECONDS_MAX: Final = 600.0


def require_timeout(seconds: object) -> None:
    """Refuses what is no timeout of a wait.

    Raises:
        InvalidValue: It is no number of seconds from 0 to 600.
    """
    require_kind("timeout_seconds", seconds, int, float)
    if not (isinstance(seconds, int | float) and 0 <= seconds <= WAIT_SECONDS_MAX):
        raise InvalidValue("timeout_seconds", f"must be 0 to {WAIT_SECONDS_MAX:.0f}")


@frozen
class Look(Generic[V]):
    """What one read has found.

    Attributes:
        ends: Whether that is what the caller waits for.
        changes_in_seconds: When it changes by the passing of time alone; None for never.
    """

    value: V
    ends: bool = field(kw_only=True)
    changes_in_seconds: float | None = field(kw_only=True)


@frozen(kw_only=True)
class Wait(Generic[V]):
    """Subscribe, read, and as long as nothing has happened: sleep, read again.

    Attributes:
        until: The timeout.
        poll_seconds: The longest sleep.
    """

    watch: Watch
    until: Deadline
    poll_seconds: float
    look: Callable[[], Awaitable[Look[V]]]

    async def ended(self) -> Look[V]:
        """The first look that ends the wait; at the timeout the last one.

        Raises:
            Unavailable: The store did not serve when the time was up.
        """
        # The mark comes before the first read: a change between the two ends the sleep at once.
        await self.watch.begin(patience_seconds=self._at_most(self.poll_seconds))
        while True:
            found = await self._served()
            time_is_up = self.until.remaining_seconds() <= 0
            pause = self.poll_seconds
            if isinstance(found, Unavailable):
                if time_is_up:
                    raise found
            else:
                if found.ends or time_is_up:
                    return found
                if found.changes_in_seconds is not None:
                    # Not shorter: the store's clock may stand still just before the moment.
                    pause = min(pause, max(found.changes_in_seconds, PAUSE_SECONDS_MIN))
            await self.watch.sleep(self._at_most(pause))

    async def _served(self) -> Look[V] | Unavailable:
        try:
            return await self.look()
        except Unavailable as error:
            if not error.retryable:
                raise
            return error

    def _at_most(self, seconds: float) -> float:
        return min(seconds, self.until.remaining_seconds())
