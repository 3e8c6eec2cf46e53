"""A virtual loop: an event loop whose time stands still until nothing else can run.

Quiescence is not guessed. A loop asks its selector to wait without a limit exactly when no
callback is ready; that is the moment in which the timeline jumps to the next timer.
"""

from __future__ import annotations

import asyncio
import contextvars
import selectors
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Protocol, TypeVar, TypeVarTuple

from turnkeep_adapters.virtual.deadlock import Deadlock, waiting_tasks
from turnkeep_adapters.virtual.timeline import Timeline, VirtualTimer

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

# Every explicit-override that is ignored here: typing.override is not in Python 3.11's library.


class Descriptor(Protocol):
    """What a selector can watch."""

    def fileno(self) -> int:
        """The number of the descriptor."""
        ...


class IdleSelector(selectors.DefaultSelector):
    """A selector that lets time pass where it would have to sleep.

    Attributes:
        idle: Called when a loop has nothing to do; answers whether it has found something, and
            that no real wait is needed.
    """

    def __init__(self, idle: Callable[[], bool]) -> None:
        super().__init__()
        self.idle = idle

    def register(  # type: ignore[explicit-override]
        self, fileobj: int | Descriptor, events: int, data: object = None
    ) -> selectors.SelectorKey:
        """Takes the loop's own wake-up descriptor, and no other.

        Raises:
            RuntimeError: It is another one, for which time would have to stand still while it
                passes for the timers.
        """
        if self.get_map():
            raise RuntimeError("a virtual loop waits for no descriptor")
        return super().register(fileobj, events, data)

    def select(  # type: ignore[explicit-override]
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        """What woke the loop; sleeps only while a thread works for it."""
        woken = super().select(0)
        if timeout is None and not woken and not self.idle():
            return super().select(None)
        return woken


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on a timeline: `asyncio.sleep`, timeouts and timers take no real time.

    Timers of one moment fire together, in the order in which they were set; then everything runs
    until it waits; then comes the next moment. While a thread works for the loop
    (`run_in_executor`, `asyncio.to_thread`), virtual time stands and the loop really waits.

    Attributes:
        by_hand: Whether time moves in `pass_time` alone, or whenever nothing else can run.
    """

    def __init__(self, timeline: Timeline, *, by_hand: bool) -> None:
        self.by_hand = by_hand
        self._timeline = timeline
        self._advancing = 0
        self._outside = 0
        super().__init__(IdleSelector(self._on_idle))

    def time(self) -> float:  # type: ignore[explicit-override]
        """The moment of the timeline, in seconds."""
        return self._timeline.now

    def call_at(  # type: ignore[explicit-override]
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> VirtualTimer:
        """Calls back at a moment of the timeline; at once, but not from here, if it is past."""
        timer = VirtualTimer(when, callback, args, self, context)
        if when <= self._timeline.now:
            self.call_soon(timer.fire)
        else:
            self._timeline.add(timer)
        return timer

    async def pass_time(self, seconds: float) -> None:
        """Returns when this much time has passed and nothing else can run in that moment."""
        passed: asyncio.Future[None] = self.create_future()
        timer = VirtualTimer(self.time() + seconds, passed.set_result, (None,), self)
        self._timeline.add(timer, last=True)
        self._advancing += 1
        try:
            await passed
        finally:
            self._advancing -= 1
            timer.cancel()

    def run_in_executor(  # type: ignore[explicit-override]
        self,
        executor: Executor | None,
        func: Callable[[*Ts], T],
        *args: *Ts,
    ) -> asyncio.Future[T]:
        """Lets a thread work; time stands until it has finished."""
        future = super().run_in_executor(executor, func, *args)
        self._outside += 1
        future.add_done_callback(self._came_back)
        return future

    # Later Pythons hand over a time limit.
    async def shutdown_default_executor(  # type: ignore[explicit-override]
        self, *limits: float | None
    ) -> None:
        """Really waits until the threads of the default executor have ended."""
        with self._thread_at_work():
            await super().shutdown_default_executor(*limits)

    def close(self) -> None:  # type: ignore[explicit-override]
        """Closes the loop; timers that are left never fire."""
        super().close()
        self._timeline.clear()

    def _on_idle(self) -> bool:
        if self._outside:
            return False
        # Whoever advances has a timer at the end of it, so that no jump goes further.
        stands = self.by_hand and not self._advancing
        due = [] if stands else self._timeline.jump()
        if not due:
            raise self._deadlock()
        for timer in due:
            self.call_soon(timer.fire)
        return True

    def _deadlock(self) -> Deadlock:
        upcoming = self._timeline.upcoming()
        due_seconds = None if upcoming is None else upcoming - self.time()
        return Deadlock(waiting_tasks(self), due_seconds)

    @contextmanager
    def _thread_at_work(self) -> Iterator[None]:
        self._outside += 1
        try:
            yield
        finally:
            self._outside -= 1

    def _came_back(self, _: asyncio.Future[T]) -> None:
        self._outside -= 1
