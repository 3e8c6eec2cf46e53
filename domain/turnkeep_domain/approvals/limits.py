"""Limits: how long an approval may last and how much it may carry."""

from __future__ import annotations

from typing import Final

from turnkeep_domain.errors import InvalidValue

LIFETIME_SECONDS_DEFAULT: Final = 24 * 60 * 60
LIFETIME_SECONDS_MIN: Final = 10
LIFETIME_SECONDS_MAX: Final = 30 * 24 * 60 * 60

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
