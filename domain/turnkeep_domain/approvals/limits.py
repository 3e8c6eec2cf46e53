"""Limits: how long an approval may last and how much it may carry."""

from __future__ import annotations

from typing import Final

from turnkeep_domain.errors import InvalidValue

LIFETIME_SECONDS_DEFAULT: Final = 24 * 60 * 60
LIFETIME_SECONDS_MIN: Final = 10
LIFETIME_SECONDS_MAX: Final = 30 * 24 * 60 * 60

GRANT_SECONDS_DEFAULT: Final = 60 * 60
GRANT_SECONDS_MIN: Final = 10
GRANT_SECONDS_MAX: Final = 7 * 24 * 60 * 60

CLAIM_SECONDS_DEFAULT: Final = 60
DISPATCH_SECONDS_DEFAULT: Final = 15 * 60
TENURE_SECONDS_MIN: Final = 1
TENURE_SECONDS_MAX: Final = 24 * 60 * 60

VOTERS_MAX: Final = 16
ATTEMPT_MAX: Final = 1_000_000
DIMENSIONS_MAX: Final = 16
AMOUNT_MAX: Final = (1 << 63) - 1

REASON_BYTES_MAX: Final = 2 << 10
DISPLAY_BYTES_MAX: Final = 4 << 10
INPUT_BYTES_MAX: Final = 1 << 20
INPUT_DEPTH_MAX: Final = 64


def require_whole(what: str, number: object, *, least: int, most: int) -> None:
    """Refuses what is no whole number between two bounds, both inclusive.

    Raises:
        InvalidValue: It is another type (`True` is no number), or out of bounds.
    """
    if type(number) is not int or not least <= number <= most:
        raise InvalidValue(what, f"must be a whole number from {least} to {most}")


def require_lifetime(lifetime_seconds: object) -> None:
    """Refuses a lifetime of a request outside 10 seconds to 30 days.

    Raises:
        InvalidValue: It is outside, or no whole number of seconds.
    """
    require_whole(
        "lifetime_seconds",
        lifetime_seconds,
        least=LIFETIME_SECONDS_MIN,
        most=LIFETIME_SECONDS_MAX,
    )


def require_grant_lifetime(lifetime_seconds: object) -> None:
    """Refuses a lifetime of a grant outside 10 seconds to 7 days.

    Raises:
        InvalidValue: It is outside, or no whole number of seconds.
    """
    require_whole(
        "lifetime_seconds", lifetime_seconds, least=GRANT_SECONDS_MIN, most=GRANT_SECONDS_MAX
    )


def require_grant_tenure(ttl_seconds: object) -> None:
    """Refuses a span for which a grant is claimed, or dispatched, outside 1 second to 24 hours.

    Raises:
        InvalidValue: It is outside, or no whole number of seconds.
    """
    require_whole("ttl_seconds", ttl_seconds, least=TENURE_SECONDS_MIN, most=TENURE_SECONDS_MAX)
