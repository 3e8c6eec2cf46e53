"""An event of a budget: what was held, charged or limited, where. Amounts, and never a payload."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from attrs import field, frozen
from attrs.validators import deep_iterable, optional

from turnkeep_domain.budgets.bounds import require_amount
from turnkeep_domain.budgets.ceilings import Limits
from turnkeep_domain.budgets.dimensions import Dimension
from turnkeep_domain.budgets.figures import Figures
from turnkeep_domain.budgets.holds import OnExpiry, Placement, WindowId
from turnkeep_domain.budgets.tallies import Tally, Usage
from turnkeep_domain.events import Event
from turnkeep_domain.identifiers import identifier, optional_identifier
from turnkeep_domain.instants import instant
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId

_placements = deep_iterable(of_kind(Placement), of_kind(tuple))


@frozen(kw_only=True)
class BudgetReserved(Event):
    """Work may start: its estimate is held on these accounts, until `deadline`."""

    kind: ClassVar[str] = "budget.reserved"

    estimate: Tally = field(validator=of_kind(Tally))
    accounts: tuple[Placement, ...] = field(validator=_placements)
    owner: str = field(validator=identifier)
    deadline: datetime = field(validator=instant)
    on_expiry: OnExpiry = field(validator=of_kind(OnExpiry))
    price_version: str | None = field(validator=optional_identifier)


@frozen(kw_only=True)
class BudgetWarned(Event):
    """A warning threshold was reached; told once for each account, dimension and window."""

    kind: ClassVar[str] = "budget.warned"

    window: WindowId = field(validator=of_kind(WindowId))
    figures: Figures = field(validator=of_kind(Figures))


@frozen(kw_only=True)
class BudgetReconciled(Event):
    """What was used is known, and nothing is held any more.

    Attributes:
        charged: To each account, in addition to what an expiry has charged already.
        overrun: By how much the actual use passed the estimate.
        late: Whether the reservation was expired already.
    """

    kind: ClassVar[str] = "budget.reconciled"

    actual: Usage = field(validator=of_kind(Usage))
    charged: Usage = field(validator=of_kind(Usage))
    overrun: Usage = field(validator=of_kind(Usage))
    late: bool = field(validator=of_kind(bool))
    accounts: tuple[Placement, ...] = field(validator=_placements)
    request_id: RequestId = field(validator=identifier)


@frozen(kw_only=True)
class BudgetReleased(Event):
    """Nothing was used, and nothing is held any more."""

    kind: ClassVar[str] = "budget.released"

    accounts: tuple[Placement, ...] = field(validator=_placements)
    request_id: RequestId = field(validator=identifier)


@frozen(kw_only=True)
class BudgetExpired(Event):
    """Nobody closed it in time.

    Attributes:
        charged: The estimate, where it was reserved so; else nothing.
    """

    kind: ClassVar[str] = "budget.expired"

    charged: Usage = field(validator=of_kind(Usage))
    accounts: tuple[Placement, ...] = field(validator=_placements)


@frozen(kw_only=True)
class BudgetMetered(Event):
    """An account counts from now on."""

    kind: ClassVar[str] = "budget.metered"

    window: WindowId = field(validator=of_kind(WindowId))


@frozen(kw_only=True)
class BudgetAdopted(Event):
    """Work that began before an account was metered is held there, too."""

    kind: ClassVar[str] = "budget.adopted"

    estimate: Tally = field(validator=of_kind(Tally))
    account: Placement = field(validator=of_kind(Placement))


@frozen(kw_only=True)
class BudgetLimitChanged(Event):
    """An account has other limits, or none."""

    kind: ClassVar[str] = "budget.limit_changed"

    old: Limits | None = field(validator=optional(of_kind(Limits)))
    new: Limits | None = field(validator=optional(of_kind(Limits)))
    limit_revision: int = field()
    by: Principal = field(validator=of_kind(Principal))
    request_id: RequestId = field(validator=identifier)

    @limit_revision.validator
    def _is_a_revision(self, _: object, limit_revision: int) -> None:
        require_amount("limit_revision", limit_revision, least=1)


@frozen(kw_only=True)
class BudgetGateOpened(Event):
    """Somebody is asked whether a ceiling may be raised, until `expires_at`."""

    kind: ClassVar[str] = "budget.gate_opened"

    window: WindowId = field(validator=of_kind(WindowId))
    figures: Figures = field(validator=of_kind(Figures))
    least_max: int = field()
    expires_at: datetime = field(validator=instant)

    @least_max.validator
    def _is_amount(self, _: object, least_max: int) -> None:
        require_amount("least_max", least_max)


@frozen(kw_only=True)
class BudgetGateApproved(Event):
    """Somebody has raised the ceiling."""

    kind: ClassVar[str] = "budget.gate_approved"

    dimension: Dimension = field(validator=of_kind(Dimension))
    old_max: int = field()
    new_max: int = field()
    limit_revision: int = field()
    by: Principal = field(validator=of_kind(Principal))
    request_id: RequestId = field(validator=identifier)

    def __attrs_post_init__(self) -> None:
        for name in ("old_max", "new_max", "limit_revision"):
            require_amount(name, getattr(self, name))


@frozen(kw_only=True)
class BudgetGateCancelled(Event):
    """Somebody has declined, or the limits have changed.

    Attributes:
        request_id: Of the command that did it.
    """

    kind: ClassVar[str] = "budget.gate_cancelled"

    dimension: Dimension = field(validator=of_kind(Dimension))
    by: Principal = field(validator=of_kind(Principal))
    request_id: RequestId = field(validator=identifier)


@frozen(kw_only=True)
class BudgetGateExpired(Event):
    """Nobody answered in time."""

    kind: ClassVar[str] = "budget.gate_expired"

    dimension: Dimension = field(validator=of_kind(Dimension))
