"""Settings of approvals: the bounds that a host may choose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import field, frozen
from attrs.validators import ge, gt, is_callable, le

from turnkeep_domain.approvals.limits import (
    LIFETIME_SECONDS_DEFAULT,
    LIFETIME_SECONDS_MAX,
    LIFETIME_SECONDS_MIN,
)

PENDING_MAX: Final = 1_000
PAGE_MAX: Final = 200
WAIT_SECONDS_DEFAULT: Final = 30.0


def as_it_is(text: str) -> str:
    """The redactor that hides nothing."""
    return text


@frozen(kw_only=True)
class ApprovalSettings:
    """The bounds of the use cases.

    Attributes:
        lifetime_seconds: How long a request may be decided where its raiser names no lifetime,
            10 to 2,592,000 (30 days); 86,400 (a day) unless set.
        pending_max: How many requests may wait in one scope, 1 to 1,000. Soft: raisers who race
            may exceed it by their number.
        page: How many approvals a page lists where the caller names no limit, 1 to 200.
        poll_seconds: How long a wait sleeps at most before it looks again.
        read_seconds: When a read of the store is given up, all of its pages included.
        redact: The host's redactor: what it returns is kept of reason and display. Control and
            format characters are escaped after it, in any case.
    """

    lifetime_seconds: int = field(
        default=LIFETIME_SECONDS_DEFAULT,
        validator=[ge(LIFETIME_SECONDS_MIN), le(LIFETIME_SECONDS_MAX)],
    )
    pending_max: int = field(default=64, validator=[ge(1), le(PENDING_MAX)])
    page: int = field(default=50, validator=[ge(1), le(PAGE_MAX)])
    poll_seconds: float = field(default=1.0, validator=[gt(0), le(60)])
    read_seconds: float = field(default=15.0, validator=[gt(0), le(3_600)])
    redact: Callable[[str], str] = field(default=as_it_is, validator=is_callable())
