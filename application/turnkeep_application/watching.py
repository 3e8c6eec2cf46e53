"""A watch: a sleep that ends early when something may have changed.

A hint of the store only shortens the sleep; whoever watches reads again after each. So a hint
that never comes costs time and no change, and a store that cannot hint is merely polled.
"""

from __future__ import annotations

from typing import Final

from attrs import define, field

from turnkeep_application.bounded import DeadlinePassed, bounded
from turnkeep_ports.clock import Clock, Deadline
from turnkeep_ports.errors import Unavailable, Unsupported
from turnkeep_ports.store import Interest, Mark, RecordStore

_GRACE_SECONDS: Final = 1.0


@define(kw_only=True, eq=False)
class Watch:
    """One watcher's place in the changes of a store; for one task.

    It holds nothing while nobody sleeps by it: no connection, no subscription. A store that does
    not serve, cannot hint, or does not answer in time, is slept over.
    """

    store: RecordStore
    clock: Clock
    interest: Interest | None
    _mark: Mark | None = field(default=None, init=False)

    async def begin(self, *, patience_seconds: float) -> None:
        """Takes the present mark. Read after it, so that no change falls between the two."""
        self._mark = await self._changed(patience_seconds)

    async def sleep(self, seconds: float) -> None:
        """Returns after a change, or after so many seconds at most.

        It also returns once a mark could be taken that `begin` could not: what happened before
        has to be read.
        """
        until = Deadline.after(self.clock, seconds)
        mark = await self._changed(seconds)
        if mark is None:
            await self.clock.sleep(until.remaining_seconds())
        else:
            self._mark = mark

    async def _changed(self, seconds: float) -> Mark | None:
        call = self.store.changed(self._mark, interest=self.interest, timeout_seconds=seconds)
        try:
            # The store's own timeout ends a quiet call; this one is for a store that keeps none.
            return await bounded(call, Deadline.after(self.clock, seconds + _GRACE_SECONDS))
        except (DeadlinePassed, Unavailable, Unsupported):
            return None
