"""A refusal: why a command on a budget was not done. A closed set, each with a stable code.

The `sentence` of a refusal names levels and dimensions, never ids. The module is
long because the set is.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, TypeAlias

from attrs import frozen

from turnkeep_domain.budgets.account_ref import AccountRef
from turnkeep_domain.budgets.dimensions import Dimension
from turnkeep_domain.budgets.figures import Figures
from turnkeep_domain.budgets.gate_id import BudgetGateId, GateStatus
from turnkeep_domain.budgets.receipts import Receipt
from turnkeep_domain.request_ids import RequestIdReused


@frozen
class AmountInvalid:
    """An amount is no whole number from 0 to 2^63 - 1, or a gauge was named where none may be."""

    code: ClassVar[str] = "budget.amount_invalid"

    dimension: Dimension

    @property
    def sentence(self) -> str:
        """Why, for people."""
        return f"the amount of {self.dimension.value} is none"


@frozen
class AmountOverflow:
    """A sum would pass 2^63 - 1; nothing saturates."""

    code: ClassVar[str] = "budget.amount_overflow"

    account: AccountRef
    dimension: Dimension

    @property
    def sentence(self) -> str:
        """Why, for people."""
        told = f"{self.dimension.value} of the {self.account.level.value}"
        return f"the sum of {told} would pass 2^63 - 1"


@frozen
class EstimateEmpty:
    """An estimate of nothing reserves nothing."""

    code: ClassVar[str] = "budget.estimate_empty"

    @property
    def sentence(self) -> str:
        """Why, for people."""
        return "the estimate is empty"


@frozen
class TtlInvalid:
    """The time asked for is no whole number of milliseconds within these bounds."""

    code: ClassVar[str] = "budget.ttl_invalid"

    min_ms: int
    max_ms: int

    @property
    def sentence(self) -> str:
        """Why, for people."""
        return f"the time must be {self.min_ms} to {self.max_ms} ms"


@frozen
class TooManyHolds:
    """An account has as many holds as it may have; try again when some are closed."""

    code: ClassVar[str] = "budget.too_many_holds"

    account: AccountRef
    max: int

    @property
    def sentence(self) -> str:
        """Why, for people."""
        return f"the {self.account.level.value} has {self.max} holds already"


@frozen
class WindowUnresolvable:
    """The time zone of an account's period is not known on this host."""

    code: ClassVar[str] = "budget.window_unresolvable"

    account: AccountRef
    tz: str

    @property
    def sentence(self) -> str:
        """Why, for people."""
        return f"the time zone of the {self.account.level.value} is not known here"


@frozen
class LimitExceeded:
    """More would be held and spent than some ceilings allow.

    Attributes:
        breaches: Every ceiling that would be passed, broad to narrow.
        warnings: Every ceiling whose warning threshold is reached.
    """

    code: ClassVar[str] = "budget.limit_exceeded"

    breaches: tuple[Figures, ...]
    warnings: tuple[Figures, ...]

    @property
    def sentence(self) -> str:
        """Why, for people."""
        return f"no room for {', '.join(breach.told for breach in self.breaches)}"


@frozen
class BudgetApprovalNeeded:
    """Somebody has to approve a gate first; then reserve again.

    Attributes:
        gate: The one to be answered.
        pauses: Every ceiling whose pause threshold is reached, the gate's first.
        warnings: Every ceiling whose warning threshold is reached.
    """

    code: ClassVar[str] = "budget.approval_needed"

    gate: BudgetGateId
    pauses: tuple[Figures, ...]
    warnings: tuple[Figures, ...]

    @property
    def sentence(self) -> str:
        """Why, for people."""
        return f"an approval is needed for {self.pauses[0].told}"


@frozen
class BudgetApprovalDeclined:
    """Somebody has declined, for as long as the gate would have been open."""

    code: ClassVar[str] = "budget.approval_declined"

    gate: BudgetGateId
    until: datetime

    @property
    def sentence(self) -> str:
        """Why, for people."""
        return "an approval was declined"


@frozen
class ReservationUnknown:
    """There is no such reservation in this scope."""

    code: ClassVar[str] = "budget.reservation_unknown"

    id: str

    @property
    def sentence(self) -> str:
        """Why, for people."""
        return "there is no such reservation"


@frozen
class ReservationSpent:
    """The id was used by a reservation that is over; reserve under another."""

    code: ClassVar[str] = "budget.reservation_spent"

    at: datetime

    @property
    def sentence(self) -> str:
        """Why, for people."""
        return "the reservation is long over"


@frozen
class ReservationClosed:
    """The reservation was reconciled or released by another command."""

    code: ClassVar[str] = "budget.reservation_closed"

    receipt: Receipt

    @property
    def sentence(self) -> str:
        """Why, for people."""
        return "the reservation is closed"


@frozen
class ReservationExpired:
    """The deadline of the reservation has come, or its hold is gone."""

    code: ClassVar[str] = "budget.reservation_expired"

    deadline: datetime

    @property
    def sentence(self) -> str:
        """Why, for people."""
        return "the deadline of the reservation has come"


@frozen
class LimitsInvalid:
    """The limits cannot be kept.

    Attributes:
        field: Which part of them, as in ``"usd_nano.warn_bp"`` or ``"period.tz"``.
    """

    code: ClassVar[str] = "budget.limits_invalid"

    field: str

    @property
    def sentence(self) -> str:
        """Why, for people."""
        return f"{self.field} is out of bounds"


@frozen
class LimitsRevised:
    """The limits are not those that were expected any more."""

    code: ClassVar[str] = "budget.limit_changed"

    expected: int
    actual: int

    @property
    def sentence(self) -> str:
        """Why, for people."""
        return f"the limits have changed: revision {self.actual}, not {self.expected}"


@frozen
class BudgetGateUnknown:
    """The account has no such gate."""

    code: ClassVar[str] = "budget.gate_unknown"

    gate: str

    @property
    def sentence(self) -> str:
        """Why, for people."""
        return "there is no such gate"


@frozen
class BudgetGateClosed:
    """The gate was answered, or is over."""

    code: ClassVar[str] = "budget.gate_closed"

    status: GateStatus

    @property
    def sentence(self) -> str:
        """Why, for people."""
        return f"the gate is {self.status.value}"


@frozen
class BudgetGateOverdue:
    """Nobody answered the gate in time."""

    code: ClassVar[str] = "budget.gate_expired"

    at: datetime

    @property
    def sentence(self) -> str:
        """Why, for people."""
        return "the gate has expired"


@frozen
class RaiseTooSmall:
    """The ceiling is as high already."""

    code: ClassVar[str] = "budget.raise_too_small"

    max: int
    asked: int

    @property
    def sentence(self) -> str:
        """Why, for people."""
        return f"the ceiling is {self.max} already"


@frozen
class PriceUnknown:
    """The price list has no price of the model."""

    code: ClassVar[str] = "budget.price_unknown"

    model: str

    @property
    def sentence(self) -> str:
        """Why, for people."""
        return "the model has no price"


@frozen
class OutputUnbounded:
    """Without a bound of its output, nobody knows what the model may cost."""

    code: ClassVar[str] = "budget.output_unbounded"

    model: str

    @property
    def sentence(self) -> str:
        """Why, for people."""
        return "the output of the model has no bound"


AskRefusal: TypeAlias = AmountInvalid | EstimateEmpty | TtlInvalid
AdmissionRefusal: TypeAlias = (
    WindowUnresolvable
    | AmountOverflow
    | TooManyHolds
    | LimitExceeded
    | BudgetApprovalNeeded
    | BudgetApprovalDeclined
)
ReserveRefusal: TypeAlias = AskRefusal | ReservationSpent | RequestIdReused | AdmissionRefusal
CloseRefusal: TypeAlias = (
    ReservationUnknown | ReservationSpent | RequestIdReused | ReservationClosed
)
ReconcileRefusal: TypeAlias = AmountInvalid | CloseRefusal | AmountOverflow
ReleaseRefusal: TypeAlias = CloseRefusal | AmountOverflow
ExtendRefusal: TypeAlias = (
    TtlInvalid | ReservationUnknown | ReservationSpent | ReservationClosed | ReservationExpired
)
LimitRefusal: TypeAlias = (
    RequestIdReused
    | LimitsInvalid
    | LimitsRevised
    | WindowUnresolvable
    | AmountOverflow
    | TooManyHolds
)
CancelGateRefusal: TypeAlias = (
    BudgetGateUnknown | RequestIdReused | BudgetGateClosed | BudgetGateOverdue | LimitsRevised
)
ApproveGateRefusal: TypeAlias = CancelGateRefusal | RaiseTooSmall
PriceRefusal: TypeAlias = PriceUnknown | OutputUnbounded
