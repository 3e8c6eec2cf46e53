"""A receipt: what a command on a reservation answers."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from attrs import field, frozen
from attrs.validators import optional

from turnkeep_domain.budgets.account_ref import AccountRef
from turnkeep_domain.budgets.figures import Figures
from turnkeep_domain.budgets.holds import WindowId
from turnkeep_domain.budgets.tallies import Tally, Usage
from turnkeep_domain.instants import instant
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope


class ReservationStatus(Enum):
    """Where a reservation stands. Expired may still be reconciled, once; the others are final."""

    ACTIVE = "active"
    RECONCILED = "reconciled"
    RELEASED = "released"
    EXPIRED = "expired"


@frozen(kw_only=True)
class Standing:
    """Where a command has left a reservation, small enough to be kept in a mark.

    Attributes:
        actual: What was used, of a reconciled reservation; None of every other.
        deadline: Until when it holds, or held.
    """

    status: ReservationStatus = field(validator=of_kind(ReservationStatus))
    actual: Usage | None = field(validator=optional(of_kind(Usage)))
    deadline: datetime = field(validator=instant)


@frozen(kw_only=True)
class Receipt:
    """What was reserved, and where a command has left it.

    Attributes:
        status: As the command left it; a repeated command answers the same.
        standing: As it stands now, also after others have acted; overdue is expired, noted or not.
        actual: What was used, of a reconciled reservation.
        accounts: The accounts that hold it, and the windows that it is charged to.
        deadline: From this instant on the reservation is expired.
        warnings: The ceilings whose warning threshold it reached.
    """

    id: RequestId
    scope: Scope
    status: ReservationStatus
    standing: ReservationStatus
    estimate: Tally
    actual: Usage | None
    accounts: tuple[tuple[AccountRef, WindowId], ...]
    deadline: datetime
    warnings: tuple[Figures, ...]
    price_version: str | None
