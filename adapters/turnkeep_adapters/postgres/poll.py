"""A poll: asking the server whether anything was committed. Slow, and always true.

What is asked for is the last number of the store's sequence and the writers that have not finished.
Nothing was committed in between, if the number is the same and none of them has finished. The
first asking only learns how things are, so marks are given after it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from attrs import frozen

from turnkeep_adapters.postgres.calls import Calls
from turnkeep_adapters.postgres.statements import PULSE
from turnkeep_domain.errors import TurnkeepError
from turnkeep_ports.clock import Clock, Deadline

IDLE_SECONDS: Final = 60.0
"""How long it goes on after the last who waited, or took a mark."""

_ASK_SECONDS: Final = 5.0
_FIRST_SECONDS: Final = 1.0


@frozen
class Pulse:
    """How far the store had come when it was asked."""

    last: int
    running: frozenset[int]

    def still(self, later: Pulse) -> bool:
        """Whether nothing was committed from this moment to a later one."""
        return self.last == later.last and self.running <= later.running


class Poll:
    """The polling of one store object, for as long as somebody cares."""

    def __init__(
        self,
        *,
        calls: Calls,
        clock: Clock,
        changed: Callable[[], None],
        cared_for: Callable[[], bool],
        interval_seconds: Callable[[], float],
    ) -> None:
        """Asks nothing until it is watched.

        Args:
            calls: How the server is asked.
            clock: Measures the time of one asking.
            changed: Called when something was, or may have been, committed.
            cared_for: Whether anybody waits.
            interval_seconds: How long to wait before the next asking.
        """
        self._calls = calls
        self._clock = clock
        self._changed = changed
        self._cared_for = cared_for
        self._interval_seconds = interval_seconds
        self._pulse: Pulse | None = None
        self._task: asyncio.Task[None] | None = None
        self._known = asyncio.Event()
        self._soon = asyncio.Event()
        self._used = 0.0

    async def watch(self) -> None:
        """Makes sure that commits from now on are noticed; asks the server only the first time.

        Where the server does not answer, it goes on in the background, and its first answer counts
        as a change.
        """
        self._used = asyncio.get_running_loop().time()
        if self._task is None or self._task.done():
            self._known.clear()
            self._task = asyncio.ensure_future(self._run())
        if not self._known.is_set():
            try:
                async with asyncio.timeout(_FIRST_SECONDS):
                    await self._known.wait()
            except TimeoutError:
                self._known.set()

    def soon(self) -> None:
        """Asks without waiting for the interval to pass."""
        self._soon.set()

    async def stop(self) -> None:
        """Ends the polling."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        # What happened while nobody polled is not known: earlier marks are worth nothing.
        self._pulse = await self._ask()
        self._changed()
        if self._pulse is not None:
            self._known.set()
        while self._is_wanted():
            await self._pause()
            await self._compare()

    def _is_wanted(self) -> bool:
        if self._cared_for():
            self._used = asyncio.get_running_loop().time()
        return asyncio.get_running_loop().time() - self._used < IDLE_SECONDS

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._interval_seconds()):
                await self._soon.wait()
        except TimeoutError:
            return
        finally:
            self._soon.clear()

    async def _compare(self) -> None:
        pulse = await self._ask()
        if pulse is None:
            return
        before, self._pulse = self._pulse, pulse
        if before is None or not before.still(pulse):
            self._changed()
        self._known.set()

    async def _ask(self) -> Pulse | None:
        try:
            deadline = Deadline.after(self._clock, _ASK_SECONDS)
            ((last, running),) = await self._calls.read(PULSE, (), deadline)
        except TurnkeepError:
            return None
        return Pulse(last, frozenset(running))
