"""Settings of budgets: the bounds that a host may choose."""

from __future__ import annotations

from typing import Final

from attrs import field, frozen
from attrs.validators import ge, le

from turnkeep_domain.budgets.bounds import (
    RETENTION_DAYS_DEFAULT,
    RETENTION_DAYS_MIN,
    TTL_MS_DEFAULT,
    TTL_MS_MAX,
    TTL_MS_MIN,
)

PAGE_MAX: Final = 200
SWEEP_MAX: Final = 500


@frozen(kw_only=True)
class BudgetSettings:
    """The bounds of the use cases.

    Attributes:
        ttl_ms: How long a reservation holds where its work names no time, 1,000 to 86,400,000;
            900,000 (15 minutes) unless set.
        page: How many entries a listing has where the caller names no limit, 1 to 200.
        sweep: How many records a sweep deals with in one call, 1 to 500.
        retention_days: How long what has ended is kept before it is pruned, 8 at least; 30 unless
            set.
    """

    ttl_ms: int = field(default=TTL_MS_DEFAULT, validator=[ge(TTL_MS_MIN), le(TTL_MS_MAX)])
    page: int = field(default=50, validator=[ge(1), le(PAGE_MAX)])
    sweep: int = field(default=100, validator=[ge(1), le(SWEEP_MAX)])
    retention_days: int = field(
        default=RETENTION_DAYS_DEFAULT, validator=[ge(RETENTION_DAYS_MIN), le(36_500)]
    )
