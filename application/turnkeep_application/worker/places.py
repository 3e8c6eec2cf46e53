"""Places: how many handlers a worker runs at once, and who has which of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Final

from attrs import define, field

_LOG: Final = logging.getLogger("turnkeep.worker")


@define(eq=False)
class Places:
    """The places of one worker, each taken by one task.

    Attributes:
        total: How many there are.
    """

    total: int
    _taken: set[asyncio.Task[None]] = field(factory=set, init=False)
    _left: asyncio.Event = field(factory=asyncio.Event, init=False, repr=False)

    @property
    def free(self) -> int:
        """How many nobody has; none, and less, where more is under way than there are places."""
        return self.total - len(self._taken)

    def take(self, work: Coroutine[object, object, None]) -> None:
        """Lets work be done in a place, which is free again when it has ended."""
        task = asyncio.create_task(work, name="turnkeep run")
        self._taken.add(task)
        task.add_done_callback(self._leave)

    async def until_free(self) -> None:
        """Returns when there is a free place."""
        while self.free <= 0:
            self._left.clear()
            await self._left.wait()

    async def until_empty(self) -> None:
        """Returns when nobody has a place any more."""
        while self._taken:
            self._left.clear()
            await self._left.wait()

    def _leave(self, task: asyncio.Task[None]) -> None:
        self._taken.discard(task)
        self._left.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOG.error("a worker's own work failed; its claim is left to expire", exc_info=error)
