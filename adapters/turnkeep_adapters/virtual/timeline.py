"""A timeline: one virtual moment, and the timers that wait for later ones."""

from __future__ import annotations

import asyncio
import heapq
import math
from collections.abc import Callable
from itertools import count
from typing import Final

from attrs import define, field

from turnkeep_domain.errors import InvalidValue

_CANCELLED_KEPT: Final = 64


class VirtualTimer(asyncio.TimerHandle):
    """A callback that is due at a virtual moment."""

    forgotten: Callable[[], None] | None = None

    # typing.override is not in Python 3.11's standard library.
    def cancel(self) -> None:  # type: ignore[explicit-override]
        """Makes sure that the callback is not called any more; may be repeated."""
        forgotten, self.forgotten = self.forgotten, None
        super().cancel()
        if forgotten is not None:
            forgotten()

    def fire(self) -> None:
        """Calls back, unless it was cancelled since it came due."""
        if not self.cancelled():
            self._run()


@define(eq=False)
class Timeline:
    """A moment that only jumps forward, from timer to timer.

    Timers of one moment come in the order in which they were added, the `last` ones behind all
    others. Adding and taking cost O(log n); cancelled timers never outnumber the others for long.

    Attributes:
        now: The moment, in seconds.
        cancelled: How many cancelled timers are still in memory.
    """

    now: float = field(default=0.0, init=False)
    _heap: list[tuple[float, bool, int, VirtualTimer]] = field(factory=list, init=False)
    _numbers: count[int] = field(factory=count, init=False)
    cancelled: int = field(default=0, init=False)

    def add(self, timer: VirtualTimer, *, last: bool = False) -> None:
        """Keeps a timer until its moment has come; an infinite moment never comes.

        Raises:
            InvalidValue: The moment is no number.
        """
        when = timer.when()
        if math.isnan(when):
            raise InvalidValue("when", "must be a number")
        if when < math.inf:
            timer.forgotten = self._forget
            heapq.heappush(self._heap, (when, last, next(self._numbers), timer))

    def jump(self) -> list[VirtualTimer]:
        """Jumps to the next moment for which a timer waits.

        Returns:
            The timers to fire, `last` ones only where no others are due; none if none waits.
        """
        self._drop_cancelled()
        if not self._heap:
            return []
        self.now = self._heap[0][0]
        return self._pop(last=False) or self._pop(last=True)

    def upcoming(self) -> float | None:
        """The moment for which the next timer waits."""
        self._drop_cancelled()
        return self._heap[0][0] if self._heap else None

    def clear(self) -> None:
        """Forgets every timer, as a loop does that closes."""
        self._heap.clear()
        self.cancelled = 0

    def __len__(self) -> int:
        """How many timers are in memory, cancelled ones included."""
        return len(self._heap)

    def _pop(self, *, last: bool) -> list[VirtualTimer]:
        due: list[VirtualTimer] = []
        while self._heap and self._heap[0][:2] <= (self.now, last):
            due.append(self._pop_one())
        return due

    def _pop_one(self) -> VirtualTimer:
        timer = heapq.heappop(self._heap)[3]
        timer.forgotten = None
        if timer.cancelled():
            self.cancelled -= 1
        return timer

    def _drop_cancelled(self) -> None:
        while self._heap and self._heap[0][3].cancelled():
            self._pop_one()

    def _forget(self) -> None:
        self.cancelled += 1
        if self.cancelled > _CANCELLED_KEPT and self.cancelled > len(self._heap) // 2:
            self._heap = [entry for entry in self._heap if not entry[3].cancelled()]
            heapq.heapify(self._heap)
            self.cancelled = 0
