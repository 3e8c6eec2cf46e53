"""Limits: how long a tenure of a lease may last, and how much a lease remembers."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.kinds import require_kind

TTL_SECONDS_DEFAULT: Final = 60.0
TTL_SECONDS_MAX: Final = 3_600.0
ENDED_MAX: Final = 16
REQUESTS_MAX: Final = 64
FENCE_MAX: Final = (1 << 63) - 1


def require_ttl(ttl: object) -> None:
    """Refuses a time to live that is not above 0 and at most an hour.

    Raises:
        InvalidValue: It is outside, or no duration.
    """
    require_kind("ttl", ttl, timedelta)
    if not timedelta(0) < ttl <= timedelta(seconds=TTL_SECONDS_MAX):  # type: ignore[operator]  # it is a timedelta
        raise InvalidValue("ttl", f"must be above 0 and at most {TTL_SECONDS_MAX:.0f} seconds")


def require_fence(what: str, fence: object) -> None:
    """Refuses what cannot be the fence of a tenure.

    Raises:
        InvalidValue: It is no whole number from 1.
    """
    if type(fence) is not int or not 1 <= fence <= FENCE_MAX:
        raise InvalidValue(what, "must be a whole number from 1")
