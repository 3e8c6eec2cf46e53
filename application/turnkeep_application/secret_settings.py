"""Settings of secrets: the bounds that a host may choose."""

from __future__ import annotations

from typing import Final

from attrs import field, frozen
from attrs.validators import ge, le

from turnkeep_domain.secrets.limits import (
    LEASE_SECONDS_DEFAULT,
    LEASE_SECONDS_MAX,
    LEASE_SECONDS_MIN,
    LEASES_MAX,
    SESSIONS_MAX,
)

PAGE_MAX: Final = 200


@frozen(kw_only=True)
class SecretSettings:
    """The bounds of the use cases.

    Attributes:
        lease_seconds: How long a secret is lent where its borrower names no time, 1 to 3,600.
        leases_max: How many live leases one scope may have, 1 to 128; exact, whoever races.
        sessions_max: How many live credential sessions one scope may have, 1 to 32; exact, too.
        page: How many items a page lists where the caller names no limit, 1 to 200.
    """

    lease_seconds: float = field(
        default=LEASE_SECONDS_DEFAULT, validator=[ge(LEASE_SECONDS_MIN), le(LEASE_SECONDS_MAX)]
    )
    leases_max: int = field(default=LEASES_MAX, validator=[ge(1), le(LEASES_MAX)])
    sessions_max: int = field(default=SESSIONS_MAX, validator=[ge(1), le(SESSIONS_MAX)])
    page: int = field(default=50, validator=[ge(1), le(PAGE_MAX)])
