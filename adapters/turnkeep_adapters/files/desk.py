"""A desk: where callers leave their requests for the one thread that serves them, and wait.

A request that waits can be withdrawn, and is then never served. One that was taken is finished,
whether or not its caller still waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from copy import copy
from datetime import datetime
from threading import Lock
from typing import Generic, TypeAlias, TypeVar, cast

from attrs import define, field

from turnkeep_adapters.files.checkpoint import Checkpoint
from turnkeep_adapters.files.view import View
from turnkeep_adapters.memory.commits import Commit
from turnkeep_domain.errors import TurnkeepError
from turnkeep_ports.clock import Deadline
from turnkeep_ports.store import Committed, Cursor, CursorLost, Late, Stale

A = TypeVar("A")


@define(eq=False, kw_only=True)
class Call:
    """A request, whatever its answer: one caller waits for it, in one event loop.

    Attributes:
        deadline: When it is not worth serving any more; None for never.
        outcome: What its caller is told; None as long as nobody knows.
    """

    deadline: Deadline | None
    loop: asyncio.AbstractEventLoop = field(factory=asyncio.get_running_loop)
    outcome: object | None = field(default=None, init=False)
    taken: bool = field(default=False, init=False)

    def is_overdue(self) -> bool:
        """Whether its caller has given up; may be asked by any thread."""
        return self.deadline is not None and self.deadline.remaining_seconds() <= 0

    def settle(self) -> None:
        """Hands the outcome to the caller, in its loop."""
        raise NotImplementedError


@define(eq=False, kw_only=True)
class Request(Call, Generic[A]):
    """A call with an answer of one type."""

    answer: asyncio.Future[A] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.answer = self.loop.create_future()

    # typing.override is not in Python 3.11's library.
    def settle(self) -> None:  # type: ignore[explicit-override]
        """Hands the outcome to the caller, in its loop."""
        if self.answer.done():
            return
        if isinstance(self.outcome, Exception):
            self.answer.set_exception(self.outcome)
        else:
            self.answer.set_result(cast("A", self.outcome))


@define(eq=False, kw_only=True)
class Reading(Request[A]):
    """A question to the view, of the moment at which it is asked."""

    ask: Callable[[View, datetime], A]


@define(eq=False, kw_only=True)
class Committing(Request[Committed | Stale | Late]):
    """A commit.

    Attributes:
        size_bytes: About how much it adds to a segment.
    """

    commit: Commit
    size_bytes: int


@define(eq=False, kw_only=True)
class Trimming(Request[Cursor | CursorLost]):
    """A trim of the event log."""

    before: Cursor


@define(eq=False, kw_only=True)
class Moving(Request[Checkpoint]):
    """An empty segment, which moves the log on; answers the state after it.

    Attributes:
        closes: Whether it closes its bucket.
    """

    closes: bool


Writing: TypeAlias = Committing | Trimming | Moving


class Desk:
    """The requests of one open store. Used by any thread."""

    def __init__(self) -> None:
        """Nobody waits."""
        self._lock = Lock()
        self._waiting: list[Call] = []

    def leave(self, request: Call) -> None:
        """Lets a request wait."""
        with self._lock:
            self._waiting.append(request)

    def take(self) -> list[Call]:
        """All that wait, in their order; from here on they are served."""
        with self._lock:
            taken, self._waiting = self._waiting, []
            for request in taken:
                request.taken = True
            return taken

    def withdraw(self, request: Call) -> bool:
        """Takes a request back; False if it was taken already. May be repeated."""
        with self._lock:
            if not request.taken:
                self._waiting = [other for other in self._waiting if other is not request]
            return not request.taken


class Outcomes:
    """Outcomes on their way to their callers, in one parcel for each event loop.

    Used by the serving thread.
    """

    def __init__(self) -> None:
        """Nothing is on its way."""
        self._parcels: dict[asyncio.AbstractEventLoop, list[Callable[[], None]]] = {}

    def answer(self, request: Request[A], outcome: A) -> None:
        """What the caller is told, once it is sent."""
        self._add(request, outcome)

    def fail(self, request: Call, error: TurnkeepError) -> None:
        """What the caller gets raised, once it is sent; an error of its own, though many fail."""
        own = copy(error)
        own.__cause__ = error.__cause__
        self._add(request, own)

    def send(self) -> None:
        """Sends all parcels. A loop that is closed has no callers any more."""
        parcels, self._parcels = self._parcels, {}
        for loop, settles in parcels.items():
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(_settle, settles)

    def _add(self, request: Call, outcome: object) -> None:
        request.outcome = outcome
        self._parcels.setdefault(request.loop, []).append(request.settle)


def _settle(settles: list[Callable[[], None]]) -> None:
    for settle in settles:
        settle()
