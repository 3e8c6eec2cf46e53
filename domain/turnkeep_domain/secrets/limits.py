"""Limits: how large secrets are, how long they are lent, and how much may be lent at once."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.kinds import require_kind

MATERIAL_BYTES_MAX: Final = 64 << 10
REQUESTS_MAX: Final = 64

LEASE_SECONDS_DEFAULT: Final = 300.0
LEASE_SECONDS_MIN: Final = 1.0
LEASE_SECONDS_MAX: Final = 3_600.0
LEASE_USES_DEFAULT: Final = 1
LEASE_USES_MAX: Final = 64

LEASES_MAX: Final = 128
SESSIONS_MAX: Final = 32

KEPT_AFTER_END: Final = timedelta(hours=24)
"""How long a lease or session that has ended is kept whole."""
TOMBSTONE_KEPT: Final = timedelta(days=30)
"""How long the tombstone of a lease, and an empty roll, are kept."""

GENERATION_MAX: Final = (1 << 63) - 1


def require_count(what: str, number: object, *, least: int, most: int) -> None:
    """Refuses what is no whole number between two bounds, both inclusive.

    Raises:
        InvalidValue: It is another type (`True` is no number), or out of bounds.
    """
    if type(number) is not int or not least <= number <= most:
        raise InvalidValue(what, f"must be a whole number from {least} to {most}")


def require_span(what: str, span: object, *, least: float, most: float) -> None:
    """Refuses a duration that is not between two bounds in seconds, both inclusive.

    Raises:
        InvalidValue: It is outside, or no duration.
    """
    require_kind(what, span, timedelta)
    if not timedelta(seconds=least) <= span <= timedelta(seconds=most):  # type: ignore[operator]  # it is a timedelta
        raise InvalidValue(what, f"must be {least:.0f} to {most:.0f} seconds")
