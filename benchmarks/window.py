"""A window: so many jobs in flight, each enqueued as soon as one before it has been worked."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from attrs import define, field

from benchmarks.loss import Lost

_NUMBERS: Final = itertools.count()
"""No two jobs of a process have the same one, whoever they are given to."""


@define(eq=False)
class Window:
    """What a host's clients do: each asks for one thing, and for the next when it was done.

    Attributes:
        in_flight: How many clients there are.
        jobs: How many jobs all of them enqueue.
        worked: How often each job was.
    """

    in_flight: int
    jobs: int
    worked: Counter[int] = field(factory=Counter, init=False)
    _waiting: dict[int, asyncio.Future[None]] = field(factory=dict, init=False)

    async def pass_through(self, enqueue: Callable[[int], Awaitable[object]]) -> None:
        """Enqueues all jobs, one call for each, and returns when the last one was worked."""
        numbers = iter(list(itertools.islice(_NUMBERS, self.jobs)))
        async with asyncio.TaskGroup() as clients:
            for _ in range(self.in_flight):
                clients.create_task(self._client(numbers, enqueue))

    def note(self, number: int) -> None:
        """Notes that a job was worked; it lets the next one in."""
        self.worked[number] += 1
        if (client := self._waiting.get(number)) is not None and not client.done():
            client.set_result(None)

    def require_once(self) -> None:
        """Every job was worked, and none twice.

        Raises:
            Lost: They were not.
        """
        if len(self.worked) != self.jobs or self.worked.total() != self.jobs:
            raise Lost("jobs", acknowledged=self.jobs, found=self.worked.total())

    async def _client(
        self, numbers: Iterator[int], enqueue: Callable[[int], Awaitable[object]]
    ) -> None:
        for number in numbers:
            done = self._waiting[number] = asyncio.get_running_loop().create_future()
            await enqueue(number)
            await done
            del self._waiting[number]
