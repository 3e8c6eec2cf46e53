"""A budget snapshot: what the accounts of some work have, hold and may, at one moment."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from turnkeep_domain.budgets.account import Account
from turnkeep_domain.budgets.account_ref import AccountRef
from turnkeep_domain.budgets.bounds import BASIS_POINTS
from turnkeep_domain.budgets.ceilings import Ceiling
from turnkeep_domain.budgets.dimensions import DIMENSIONS, Dimension
from turnkeep_domain.budgets.gate_id import GatePointer
from turnkeep_domain.budgets.holds import WindowId
from turnkeep_domain.budgets.periods import Period, end_of
from turnkeep_domain.scope import Scope


@frozen(kw_only=True)
class DimensionView:
    """One dimension of an account.

    Attributes:
        ceiling: None where it is unlimited.
        remaining: What is left, never negative; None where it is unlimited.
        utilisation_bp: What is spent and reserved as a part of the ceiling, in basis points,
            rounded down; may pass 10,000. None where it is unlimited, or nothing is allowed.
    """

    dimension: Dimension
    ceiling: Ceiling | None
    spent: int
    reserved: int
    remaining: int | None
    utilisation_bp: int | None


@frozen(kw_only=True)
class AccountView:
    """An account as it stood at one moment of the store's clock, rolled and not stored.

    Attributes:
        metered_since: What was spent before, it does not know; None: it is unmetered, and limits
            nothing.
        window: The current window; None of an unmetered account.
        resets_at: When the window ends, or the next of a rolling period comes back; None: never
            by itself.
        is_resolvable: Whether the zone of its period is known here; else it is shown in the
            latest window that was entered, and nothing can be reserved.
        limit_revision: 0 where it was never limited.
        dimensions: All eight, in canonical order.
    """

    account: AccountRef
    metered_since: datetime | None
    period: Period | None
    window: WindowId | None
    resets_at: datetime | None
    is_resolvable: bool
    limit_revision: int
    holds: int
    dimensions: tuple[DimensionView, ...]
    gates: tuple[GatePointer, ...]

    def __getitem__(self, dimension: Dimension) -> DimensionView:
        return self.dimensions[DIMENSIONS.index(dimension)]

    @property
    def is_limited(self) -> bool:
        """Whether anything has a ceiling."""
        return any(view.ceiling is not None for view in self.dimensions)


@frozen(kw_only=True)
class BudgetSnapshot:
    """Every account that work of a scope concerns, broad to narrow.

    Attributes:
        at: The store's now.
    """

    scope: Scope
    at: datetime
    accounts: tuple[AccountView, ...]


def account_view(ref: AccountRef, account: Account | None, now: datetime) -> AccountView:
    """What may be shown of an account, or of its absence, at a moment."""
    if account is None:
        nothing = tuple([_dimension_view(each, None, 0, 0) for each in DIMENSIONS])
        return AccountView(
            account=ref,
            metered_since=None,
            period=None,
            window=None,
            resets_at=None,
            is_resolvable=True,
            limit_revision=0,
            holds=0,
            dimensions=nothing,
            gates=(),
        )
    rolled = account.rolled_as_known(now)
    rows = zip(DIMENSIONS, rolled.spent(), rolled.reserved(now), strict=True)
    return AccountView(
        account=ref,
        metered_since=rolled.metered_since,
        period=rolled.period,
        window=rolled.window,
        resets_at=end_of(rolled.period, rolled.start) or rolled.resets_at(),
        is_resolvable=isinstance(account.rolled(now), Account),
        limit_revision=rolled.limit_revision,
        holds=len(rolled.holds),
        dimensions=tuple(
            [
                _dimension_view(dimension, rolled.ceiling(dimension), spent, reserved)
                for dimension, spent, reserved in rows
            ]
        ),
        gates=rolled.gates,
    )


def _dimension_view(
    dimension: Dimension, ceiling: Ceiling | None, spent: int, reserved: int
) -> DimensionView:
    remaining = utilisation_bp = None
    if ceiling is not None:
        remaining = max(0, ceiling.max - spent - reserved)
        if ceiling.max:
            utilisation_bp = (spent + reserved) * BASIS_POINTS // ceiling.max
    return DimensionView(
        dimension=dimension,
        ceiling=ceiling,
        spent=spent,
        reserved=reserved,
        remaining=remaining,
        utilisation_bp=utilisation_bp,
    )
