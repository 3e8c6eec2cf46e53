"""A phase of a reservation: its state, with what only that state knows."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias, assert_never

from attrs import field, frozen

from turnkeep_domain.budgets.receipts import ReservationStatus
from turnkeep_domain.budgets.tallies import Usage
from turnkeep_domain.instants import instant
from turnkeep_domain.kinds import of_kind


@frozen
class Active:
    """It holds, until its deadline."""


@frozen(kw_only=True)
class Reconciled:
    """What was used is charged, and nothing is held.

    Attributes:
        late: Whether it came when the reservation was expired already.
    """

    actual: Usage = field(validator=of_kind(Usage))
    late: bool = field(validator=of_kind(bool))
    at: datetime = field(validator=instant)


@frozen(kw_only=True)
class Released:
    """Nothing was used, and nothing is held."""

    at: datetime = field(validator=instant)


@frozen(kw_only=True)
class Expired:
    """Nobody closed it in time; `at` is when that was noted, not the deadline itself."""

    at: datetime = field(validator=instant)


Phase: TypeAlias = Active | Reconciled | Released | Expired
PHASES = (Active, Reconciled, Released, Expired)


def status_of(phase: Phase) -> ReservationStatus:
    """The phase in one word."""
    match phase:
        case Active():
            return ReservationStatus.ACTIVE
        case Reconciled():
            return ReservationStatus.RECONCILED
        case Released():
            return ReservationStatus.RELEASED
        case Expired():
            return ReservationStatus.EXPIRED
        case _:
            assert_never(phase)
