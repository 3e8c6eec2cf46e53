"""Limits: how long consent may stand, and how much of it."""

from __future__ import annotations

from typing import Final

from turnkeep_domain.approvals.limits import require_whole

ALLOW_SECONDS_DEFAULT: Final = 90 * 24 * 60 * 60
AUTO_APPROVE_SECONDS_DEFAULT: Final = 30 * 24 * 60 * 60
CONSENT_SECONDS_MIN: Final = 1
CONSENT_SECONDS_MAX: Final = 365 * 24 * 60 * 60

ALLOWS_MAX: Final = 64


def require_consent_seconds(lifetime_seconds: object) -> None:
    """Refuses a lifetime of consent outside 1 second to 365 days.

    Raises:
        InvalidValue: It is outside, or no whole number of seconds.
    """
    require_whole(
        "lifetime_seconds",
        lifetime_seconds,
        least=CONSENT_SECONDS_MIN,
        most=CONSENT_SECONDS_MAX,
    )
