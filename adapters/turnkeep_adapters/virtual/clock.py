"""A virtual clock: time that passes only when told, or when nothing else can run.

The whole of it, as a test uses it::

    clock = VirtualClock()  # a Clock port; wall time from clock.utc_now


    async def scenario() -> None:
        task = asyncio.create_task(renew_every(60.0, clock))
        await clock.settle()  # all that can run has run; no time has passed
        await clock.advance(125.0)  # fires 60 and 120 in order, each run to its end
        assert clock.monotonic() == 125.0
        task.cancel()


    clock.run(scenario())  # a new virtual loop, like asyncio.run

In `clock.run` time also passes by itself: whenever every task waits and none is ready, the clock
jumps to the next timer. In `clock.run_by_hand` it moves in `advance` alone. Either way
`asyncio.sleep`, `asyncio.timeout` and loop timers are virtual, work in threads is really waited
for while time stands, and a state in which nothing can ever run again raises `Deadlock`, which
names what waits. A clock may run one coroutine after another (a process that is started again)
and keeps its time in between.

`clock.wall(offset_seconds)` gives further wall clocks over the same time: skewed hosts.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from attrs import define, field
from attrs.validators import instance_of

from turnkeep_adapters.virtual.loop import VirtualLoop
from turnkeep_adapters.virtual.timeline import Timeline
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.instants import instant
from turnkeep_ports.clock import Timer

T = TypeVar("T")

NEW_YEAR: Final = datetime(2030, 1, 1, tzinfo=UTC)


@define(eq=False)
class VirtualClock:
    """Virtual time: monotonic from 0, with wall time that starts at a chosen instant.

    Attributes:
        start: What `utc_now` answers when `monotonic` is 0.
    """

    start: datetime = field(default=NEW_YEAR, validator=instant)
    _timeline: Timeline = field(factory=Timeline, init=False, repr=False)
    _loop: VirtualLoop | None = field(default=None, init=False, repr=False)

    def monotonic(self) -> float:
        """Virtual seconds that have passed; the time of the virtual loop, too."""
        return self._timeline.now

    def utc_now(self) -> datetime:
        """The wall time, to the microsecond."""
        return self.start + timedelta(seconds=self._timeline.now)

    def wall(self, offset_seconds: float) -> Wall:
        """Another wall clock over the same time, ahead of `utc_now` or (negative) behind it."""
        return Wall(self, timedelta(seconds=offset_seconds))

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Calls back in the virtual loop once `monotonic()` has reached `when`.

        Raises:
            RuntimeError: The caller does not run in this clock's loop.
            InvalidValue: The moment is no number.
        """
        return self._running().call_at(when, callback)

    async def sleep(self, seconds: float) -> None:
        """Pauses the caller; 0 or less only lets others run.

        Raises:
            RuntimeError: The caller does not run in this clock's loop.
        """
        self._running()
        await asyncio.sleep(seconds)

    async def advance(self, seconds: float) -> None:
        """Lets time pass, timer by timer, and returns when nothing else can run.

        Timers of one moment fire together in the order in which they were set; between two
        moments all tasks run until they wait.

        Raises:
            InvalidValue: The seconds are negative, infinite or no number.
            RuntimeError: The caller does not run in this clock's loop.
        """
        if not 0.0 <= seconds < math.inf:
            raise InvalidValue("seconds", "must be finite and not negative")
        await self._running().pass_time(seconds)

    async def settle(self) -> None:
        """Lets everything run that can, without any time passing."""
        await self.advance(0.0)

    def run(self, main: Coroutine[object, object, T]) -> T:
        """Runs a coroutine to its end; whenever nothing can run, time jumps to the next timer.

        Raises:
            Deadlock: Every task waits, and there is no timer.
            RuntimeError: The clock runs something already, or the caller is inside a loop.
        """
        return self._run(main, by_hand=False)

    def run_by_hand(self, main: Coroutine[object, object, T]) -> T:
        """Runs a coroutine to its end; time passes in `advance` alone.

        Raises:
            Deadlock: Every task waits, and nobody advances the time.
            RuntimeError: The clock runs something already, or the caller is inside a loop.
        """
        return self._run(main, by_hand=True)

    def _run(self, main: Coroutine[object, object, T], *, by_hand: bool) -> T:
        if self._loop is not None or _inside_a_loop():
            main.close()
            raise RuntimeError("a virtual clock runs one coroutine at a time, outside any loop")
        loop = self._loop = VirtualLoop(self._timeline, by_hand=by_hand)
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                try:
                    return runner.run(main)
                finally:
                    # What is cancelled now may have to sleep, and nobody advances any more.
                    loop.by_hand = False
        finally:
            self._loop = None

    def _running(self) -> VirtualLoop:
        if self._loop is None or asyncio.get_running_loop() is not self._loop:
            raise RuntimeError("a virtual clock waits only inside its own run")
        return self._loop


@define(eq=False)
class Wall:
    """A wall clock over a virtual clock's time; calling it tells the time."""

    _clock: VirtualClock
    _offset: timedelta = field(validator=instance_of(timedelta))

    def __call__(self) -> datetime:
        """The wall time, to the microsecond."""
        return self._clock.utc_now() + self._offset

    def step(self, seconds: float) -> None:
        """Sets the wall clock forward, or back if negative, as an operator may."""
        self._offset += timedelta(seconds=seconds)


def _inside_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
