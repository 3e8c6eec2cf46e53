"""Bounds: how much, how long and how many a budget may hold."""

from __future__ import annotations

from typing import Final

from turnkeep_domain.errors import InvalidValue

AMOUNT_MAX: Final = (1 << 63) - 1
BASIS_POINTS: Final = 10_000
"""The whole, of which thresholds and utilisation are parts."""

SECOND_MS: Final = 1_000
DAY_MS: Final = 24 * 60 * 60 * SECOND_MS
TTL_MS_DEFAULT: Final = 15 * 60 * SECOND_MS
TTL_MS_MIN: Final = SECOND_MS
TTL_MS_MAX: Final = DAY_MS
LIFE_MS_MAX: Final = 7 * DAY_MS
"""How long a reservation may be extended in all, from its beginning."""

ROLLING_SLICES: Final = 24
ROLLING_MS_MIN: Final = 60 * SECOND_MS
ROLLING_MS_MAX: Final = 366 * DAY_MS

HOLDS_MAX: Final = 1_024
ACCOUNT_MARKS: Final = 16
RESERVATION_MARKS: Final = 8
GATE_LIFE_MS: Final = DAY_MS
RETENTION_DAYS_DEFAULT: Final = 30
RETENTION_DAYS_MIN: Final = 8


def is_amount(number: object) -> bool:
    """Whether it is a whole number from 0 to 2^63 - 1; `True` is none, and neither is `1.0`."""
    return type(number) is int and 0 <= number <= AMOUNT_MAX


def require_amount(what: str, number: object, *, least: int = 0) -> None:
    """Refuses what is no amount.

    Raises:
        InvalidValue: It is no whole number from `least` to 2^63 - 1.
    """
    if not is_amount(number) or number < least:  # type: ignore[operator]  # an amount is an int
        raise InvalidValue(what, f"must be a whole number from {least} to 2^63 - 1")
