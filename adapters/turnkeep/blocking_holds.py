"""A hold in a thread: what the block of a blocking `hold` works with."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from attrs import frozen

from turnkeep.portal import Portal
from turnkeep_application.budgets.budget_holding import BudgetHold
from turnkeep_application.lease_holding import Holding
from turnkeep_domain.budgets.dimensions import Dimension
from turnkeep_domain.budgets.receipts import Receipt
from turnkeep_domain.budgets.refusals import ExtendRefusal, ReconcileRefusal
from turnkeep_domain.budgets.tallies import Usage
from turnkeep_domain.decisions import Refused


@frozen(eq=False)
class BlockingHolding:
    """A tenure that is being renewed, by the portal, while a thread works under it."""

    _portal: Portal[object]
    _holding: Holding

    @property
    def fence(self) -> int:
        """Above those of all holders before; goes with whatever is written elsewhere."""
        return self._holding.fence

    @property
    def is_lost(self) -> bool:
        """Whether the block has to stop: nobody renews the tenure any more.

        That is so as well once the keep is closed, and in a forked process.
        """
        return self._holding.is_lost or not self._portal.usable

    def wait_lost(self, timeout_seconds: float) -> bool:
        """Waits until the block has to stop, or for as long; answers `is_lost`.

        Raises:
            KeepClosed, CalledFromPortal, KeepForked: As every blocking call.
        """
        return self._portal.call(_is_set_within(self._holding.lost, timeout_seconds))


@frozen(eq=False)
class BlockingBudgetHold:
    """What the work inside a blocking `Budgets.hold` has in hand; for one thread."""

    _portal: Portal[object]
    _hold: BudgetHold

    @property
    def receipt(self) -> Receipt:
        """Of the reservation."""
        return self._hold.receipt

    @property
    def closed(self) -> Receipt | Refused[ReconcileRefusal] | None:
        """What closing it answered; None before its end, and where it could not be closed.

        Then it ends at its deadline.
        """
        return self._hold.closed

    @property
    def used(self) -> Usage | None:
        """What is known to be used so far; None where nothing was told."""
        return self._hold.used

    def use(self, usage: Mapping[Dimension, int]) -> None:
        """Adds to what is known to be used; it is charged at the end, however the work ends.

        Nothing is stored before. What a stream has used is best told piece by piece.

        Raises:
            InvalidValue: An amount is none, or the sum would pass 2^63 - 1.
        """
        self._hold.use(usage)

    def extend(self, *, ttl_ms: int) -> Receipt | Refused[ExtendRefusal]:
        """As `Budgets.extend`: work that may last longer than its reservation has to ask."""
        return self._portal.call(self._hold.extend(ttl_ms=ttl_ms))


async def _is_set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return event.is_set()
