"""A ledger: what events tell of amounts and of ages, put into instruments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from attrs import field, frozen

from turnkeep_adapters.telemetry.otel.instruments import Instruments
from turnkeep_adapters.telemetry.otel.recollection import Recollection
from turnkeep_domain.budgets.dimensions import Dimension
from turnkeep_domain.budgets.events import (
    BudgetExpired,
    BudgetReconciled,
    BudgetReleased,
    BudgetReserved,
)
from turnkeep_domain.budgets.tallies import Tally, Usage
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Address
from turnkeep_domain.leases.events import LeaseAcquired, LeaseLapsed, LeaseReleased
from turnkeep_domain.turns.events import (
    RunBlocked,
    RunCancelled,
    RunClaimed,
    RunCompleted,
    RunFailed,
    RunNeedsOperator,
    RunRequeued,
)

COLLECTION: Final = "turnkeep.collection"
EVENT: Final = "turnkeep.event"
DIMENSION: Final = "turnkeep.dimension"
STORE: Final = "turnkeep.store"


@frozen(kw_only=True)
class Ledger:
    """Takes down events; what they measure has a beginning, which it remembers for a while.

    Ages, and shares of what was reserved, are known for what began in this process.
    """

    instruments: Instruments
    _tenures: Recollection[tuple[Address, int], datetime] = field(factory=Recollection, init=False)
    _estimates: Recollection[Address, Tally] = field(factory=Recollection, init=False)

    def take(self, event: Event, about: Mapping[str, str]) -> None:
        """Counts an event, and measures what it tells."""
        self.instruments.events.add(1, {**about, EVENT: event.kind})
        match event:
            case BudgetReserved() | BudgetReconciled() | BudgetReleased() | BudgetExpired():
                self._take_budget(event, about)
            case LeaseAcquired(fence=fence):
                self._tenures.keep((event.address, fence), event.at)
            case LeaseReleased(fence=fence) | LeaseLapsed(fence=fence):
                self._end(event, fence, about)
            case RunClaimed():
                self._tenures.keep((event.address, 0), event.at)
            case (
                RunBlocked()
                | RunCancelled()
                | RunCompleted()
                | RunFailed()
                | RunNeedsOperator()
                | RunRequeued()
            ):
                self._end(event, 0, about)
            case _:
                pass

    def _end(self, event: Event, number: int, about: Mapping[str, str]) -> None:
        began = self._tenures.take((event.address, number))
        if began is None:
            return
        seconds = max(0.0, (event.at - began).total_seconds())
        told = {**about, COLLECTION: event.address.collection, EVENT: event.kind}
        self.instruments.age.record(seconds, told)

    def _take_budget(
        self,
        event: BudgetReserved | BudgetReconciled | BudgetReleased | BudgetExpired,
        about: Mapping[str, str],
    ) -> None:
        instruments = self.instruments
        match event:
            case BudgetReserved():
                self._estimates.keep(event.address, event.estimate)
                for dimension, amount in event.estimate.as_mapping().items():
                    instruments.reserved.add(amount, _of(dimension, about))
            case BudgetReconciled():
                self._spend(event.charged, about)
                for dimension, amount in event.overrun.as_mapping().items():
                    instruments.overrun.add(amount, _of(dimension, about))
                self._share(event, about)
            case BudgetExpired():
                # A late reconciliation may follow, so the estimate is remembered on.
                self._spend(event.charged, about)
            case BudgetReleased():
                self._estimates.take(event.address)

    def _spend(self, usage: Usage, about: Mapping[str, str]) -> None:
        for dimension, amount in usage.as_mapping().items():
            self.instruments.spent.add(amount, _of(dimension, about))

    def _share(self, event: BudgetReconciled, about: Mapping[str, str]) -> None:
        estimate = self._estimates.take(event.address)
        if estimate is None:
            return
        for dimension, amount in estimate.counters.as_mapping().items():
            share = event.actual[dimension] / amount
            self.instruments.used.record(share, _of(dimension, about))


def _of(dimension: Dimension, about: Mapping[str, str]) -> dict[str, str]:
    return {**about, DIMENSION: dimension.value}
