"""A budget hold in hand: a reservation that is closed however its work ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Final, TypeVar

from attrs import define, field, frozen

from turnkeep_domain.budgets.dimensions import Dimension
from turnkeep_domain.budgets.receipts import Receipt
from turnkeep_domain.budgets.refusals import (
    AmountInvalid,
    ExtendRefusal,
    ReconcileRefusal,
    ReservationClosed,
    ReservationExpired,
    ReserveRefusal,
)
from turnkeep_domain.budgets.tallies import Usage, faulty_amount
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue, TurnkeepError
from turnkeep_domain.request_ids import RequestId

T = TypeVar("T")

CLOSES: Final = RequestId("turnkeep.hold.close")
"""The request id of every close by a hold: it is remembered by the reservation alone."""


@frozen
class NotReserved(TurnkeepError):
    """Nothing was reserved, so the block does not run.

    A block cannot be skipped in another way: work that went on without a reservation would pass
    every ceiling.

    Attributes:
        refused: Why.
    """

    code = "budget.not_reserved"
    sentence = "nothing was reserved: {error.refused.reason.code}"

    refused: Refused[ReserveRefusal | ReservationClosed | ReservationExpired] = field(repr=False)


@define(eq=False)
class BudgetHold:
    """What the work inside `Budgets.hold` has in hand; for one task.

    Attributes:
        receipt: Of the reservation.
        closed: What closing it answered; None before its end, and where it could not be closed.
            Then it ends at its deadline.
    """

    receipt: Receipt
    _extend: Callable[[int], Awaitable[Receipt | Refused[ExtendRefusal]]] = field(
        alias="extend", repr=False
    )
    closed: Receipt | Refused[ReconcileRefusal] | None = field(default=None, init=False)
    _used: Usage | None = field(default=None, init=False)

    def use(self, usage: Mapping[Dimension, int]) -> None:
        """Adds to what is known to be used; it is charged at the end, however the work ends.

        Nothing is stored before. What a stream has used is best told piece by piece.

        Raises:
            InvalidValue: An amount is none, or the sum would pass 2^63 - 1.
        """
        faulty = faulty_amount(usage, gauges=False)
        if faulty is not None:
            raise InvalidValue(faulty.value, AmountInvalid(faulty).sentence)
        sum = (self._used or Usage.nothing()).plus(Usage.of(usage))
        if isinstance(sum, Dimension):
            raise InvalidValue(sum.value, "must not add up to more than 2^63 - 1")
        self._used = sum

    @property
    def used(self) -> Usage | None:
        """What is known to be used so far; None where nothing was told."""
        return self._used

    async def extend(self, *, ttl_ms: int) -> Receipt | Refused[ExtendRefusal]:
        """As `Budgets.extend`: work that may last longer than its reservation has to ask."""
        return await self._extend(ttl_ms)


async def to_its_end(step: Coroutine[object, object, T]) -> T:
    """Awaits a step that no cancellation of the caller may cut off; tells of it afterwards.

    Raises:
        asyncio.CancelledError: The caller was cancelled meanwhile; the step has ended.
    """
    task = asyncio.ensure_future(step)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # retrieved, so that the event loop does not report it as overlooked
        raise cancelled
    return task.result()
