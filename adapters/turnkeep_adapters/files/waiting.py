"""Waiting: callers of `changed`, woken by segments that are applied, and looks that find them.

While anybody waits in an event loop, a timer of that loop asks for a look now and then.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from threading import RLock

from attrs import define, field

from turnkeep_adapters.memory.changes import Changes, Wait
from turnkeep_ports.clock import Clock, Timer
from turnkeep_ports.store import Mark


@define(eq=False)
class _Poll:
    """The looks for those who wait in one loop."""

    waits: int = 0
    timer: Timer | None = None


@define(eq=False, kw_only=True)
class Waiting:
    """Those who wait for changes of one open store. Marks are numbers of the log."""

    clock: Clock
    poll_seconds: float
    _changes: Changes = field(factory=Changes, init=False)
    _waits: set[Wait] = field(factory=set, init=False)
    _closed: bool = field(default=False, init=False)
    _polls: dict[asyncio.AbstractEventLoop, _Poll] = field(factory=dict, init=False)
    # Reentrant: the garbage collector may end an abandoned wait while its thread holds it.
    _lock: RLock = field(factory=RLock, init=False)

    def happened(self, number: int, keys: set[bytes] | None) -> None:
        """Counts a segment; None stands for all up to this number, of which nothing is known."""
        with self._lock:
            if keys is None:
                self._changes = Changes(number)
                woken = list(self._waits)
            else:
                woken = self._changes.concerned(keys)
                self._changes.happened(keys)
        for wait in woken:
            wait.wake()

    def mark(self) -> Mark:
        """All that was applied so far."""
        with self._lock:
            return self._changes.mark()

    def close(self) -> None:
        """Wakes everybody, and lets nobody wait any more."""
        with self._lock:
            self._closed = True
            waits = list(self._waits)
        for wait in waits:
            wait.wake()

    async def wait(
        self, wait: Wait, since: Mark, timeout_seconds: float, *, glance: Callable[[], None]
    ) -> None:
        """Returns when something may have changed since a mark, or the time is up.

        Args:
            wait: Of the running loop, and new.
            since: From where on.
            timeout_seconds: How long at most.
            glance: Asks for a look for the running loop, and does not wait for it.

        Raises:
            InvalidValue: It is no mark.
        """
        with self._lock:
            missed = self._changes.missed(since, wait.begins)
            if missed or self._closed or timeout_seconds <= 0:
                return
            self._changes.add(wait)
            self._waits.add(wait)
        try:
            await self._ended(wait, timeout_seconds, glance)
        finally:
            with self._lock:
                self._waits.discard(wait)
                self._changes.remove(wait)

    async def _ended(self, wait: Wait, timeout_seconds: float, glance: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        timer = None
        if not math.isinf(timeout_seconds):
            timer = self.clock.call_at(self.clock.monotonic() + timeout_seconds, wait.end)
        self._poll(loop, glance)
        try:
            await wait.ended()
        finally:
            self._unpoll(loop)
            if timer is not None:
                timer.cancel()

    # ---- polling --------------------------------------------------------------------------------

    def _poll(self, loop: asyncio.AbstractEventLoop, glance: Callable[[], None]) -> None:
        poll = self._polls.setdefault(loop, _Poll())
        poll.waits += 1
        if poll.timer is None:
            self._arm(poll, glance)

    def _unpoll(self, loop: asyncio.AbstractEventLoop) -> None:
        poll = self._polls[loop]
        poll.waits -= 1
        if poll.waits == 0:
            del self._polls[loop]
            if poll.timer is not None:
                poll.timer.cancel()

    def _arm(self, poll: _Poll, glance: Callable[[], None]) -> None:
        def tick() -> None:
            if poll.waits:
                self._arm(poll, glance)
                glance()

        poll.timer = self.clock.call_at(self.clock.monotonic() + self.poll_seconds, tick)
