"""Settings of leases: the bounds that a host may choose."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import ge, gt, le

from turnkeep_domain.leases.limits import TTL_SECONDS_DEFAULT, TTL_SECONDS_MAX


@frozen(kw_only=True)
class LeaseSettings:
    """The bounds of the use cases.

    Attributes:
        ttl_seconds: How long a tenure lasts where its holder names no time, at most an hour; it
            must be above the deadline of an update.
        poll_seconds: How long a waiter pauses at most before it tries again, up to a minute; as
            much again is added at random.
        patience_seconds: How long `hold` waits for a lease where its caller names no time, up to
            an hour.
    """

    ttl_seconds: float = field(default=TTL_SECONDS_DEFAULT, validator=[gt(0), le(TTL_SECONDS_MAX)])
    poll_seconds: float = field(default=1.0, validator=[gt(0), le(60)])
    patience_seconds: float = field(default=30.0, validator=[ge(0), le(3_600)])
