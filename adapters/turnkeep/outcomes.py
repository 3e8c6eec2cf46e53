"""An outcome: what a piece of work came to, told once, for which any number of threads may wait.

It has no lock. Whoever waits may be interrupted by a signal between any two instructions, and what
the handler then calls may be waiting for the very thread that tells: with a lock, or a future's
condition, which the interrupted frame still holds, neither would ever go on. So each waiter brings
a latch of its own, and no thread acquires the latch of another. All that threads share here (a
deque, a flag) changes in single steps of the interpreter.
"""

from __future__ import annotations

import math
import time
from collections import deque
from threading import Lock
from typing import Final, Generic, TypeVar

from attrs import define, field

T = TypeVar("T")

_LOOK_SECONDS: Final = 0.5
"""How often a waiting thread looks up, for the main thread would sleep through some signals.

One that comes after its last look at signals, and before the system has put it to sleep, wakes
nobody: Ctrl-C would be without effect until something else happens.
"""


@define(eq=False)
class Outcome(Generic[T]):
    """An answer, or an error; what is told first counts."""

    _answers: list[T] = field(factory=list, init=False)
    _error: BaseException | None = field(default=None, init=False)
    _told: bool = field(default=False, init=False)
    _latches: deque[Lock] = field(factory=deque, init=False)

    @property
    def told(self) -> bool:
        """Whether there is one yet."""
        return self._told

    @property
    def error(self) -> BaseException | None:
        """The error that was told; None for an answer, and before."""
        return self._error

    def answer(self, answer: T) -> None:
        """Tells an answer; in the thread of the portal."""
        if not self._told:
            self._answers.append(answer)
            self._tell()

    def fail(self, error: BaseException) -> None:
        """Tells an error, which `result` raises."""
        if not self._told:
            self._error = error
            self._tell()

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Waits until it is told, or for as long; answers whether it is."""
        if self.told:
            return True
        latch = Lock()
        latch.acquire()
        self._latches.append(latch)
        end = math.inf if timeout_seconds is None else time.monotonic() + timeout_seconds
        # What was told before this line may have passed the latch by; what follows opens it.
        while not self._told and (left := end - time.monotonic()) > 0:
            latch.acquire(timeout=min(left, _LOOK_SECONDS))
        return self._told

    def result(self) -> T:
        """Waits until it is told; gives the answer, or raises the very error."""
        self.wait()
        try:
            if self._error is not None:
                raise self._error
            return self._answers[0]
        finally:
            del self  # the error refers to this frame

    def _tell(self) -> None:
        self._told = True
        while self._latches:
            self._latches.popleft().release()
