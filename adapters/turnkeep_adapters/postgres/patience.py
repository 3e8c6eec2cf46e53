"""A patience: what is under way for as long as one time, and what is done when it takes longer.

All have the same time, so they lose patience in the order in which they began, and one timer does
for all of them: most end long before it is due, and then it is not touched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import takewhile
from typing import Generic, TypeVar

T = TypeVar("T")


class Patience(Generic[T]):
    """Things under way, each of them once."""

    def __init__(self, seconds: float, lose: Callable[[T], None]) -> None:
        """Nothing is under way.

        Args:
            seconds: How long each may be.
            lose: Is called with what has been for as long, at most once.
        """
        self._seconds = seconds
        self._lose = lose
        self._until: dict[T, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, thing: T) -> None:
        """It is under way from now on."""
        loop = asyncio.get_running_loop()
        # The moment itself: counted back from it, a time may seem not quite over, again and again.
        until = self._until[thing] = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_at(until, self._look)

    def end(self, thing: T) -> None:
        """It is no longer under way; may be repeated."""
        self._until.pop(thing, None)

    def close(self) -> None:
        """Forgets everything."""
        self._until.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        lost = [thing for thing, _ in takewhile(lambda each: each[1] <= now, self._until.items())]
        for thing in lost:
            del self._until[thing]
        self._timer = None
        if self._until:
            self._timer = loop.call_at(next(iter(self._until.values())), self._look)
        for thing in lost:
            self._lose(thing)
