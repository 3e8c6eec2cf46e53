"""A time zone: which instants its local days begin at, however its clocks were set.

The zones are those of the standard library, which reads the system's, or the package `tzdata`
where the system has none.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, assert_never

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_SECOND: Final = timedelta(seconds=1)
_DAY: Final = timedelta(days=1)
_WEEK_DAYS: Final = 7


class Day(Enum):
    """Which local days begin a window."""

    ANY = "any"
    MONDAY = "monday"
    FIRST = "first"


def start_not_after(tz: str, day: Day, now: datetime) -> datetime | None:
    """The latest beginning of such a day that is not after a moment; None: no such zone here."""
    zone = _zone(tz)
    if zone is None:
        return None
    current = _begun(day, now.astimezone(zone).date())
    # A clock that was set back over midnight shows yesterday, though today has begun.
    following = _midnight(zone, _following(day, current))
    return following if following <= now else _midnight(zone, current)


def next_start(tz: str, day: Day, start: datetime) -> datetime | None:
    """The next beginning of such a day after one of them; None: no such zone here."""
    zone = _zone(tz)
    if zone is None:
        return None
    return _midnight(zone, _following(day, _begun(day, start.astimezone(zone).date())))


def _zone(tz: str) -> ZoneInfo | None:
    # Its import reads how the interpreter was built; whoever has no calendar needs none of it.
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    try:
        return ZoneInfo(tz)
    except (KeyError, ValueError, OSError):
        return None


def _begun(day: Day, local: date) -> date:
    match day:
        case Day.ANY:
            return local
        case Day.MONDAY:
            return local - timedelta(days=local.weekday())
        case Day.FIRST:
            return local.replace(day=1)
        case _:
            assert_never(day)


def _following(day: Day, begun: date) -> date:
    match day:
        case Day.ANY:
            return begun + _DAY
        case Day.MONDAY:
            return begun + _WEEK_DAYS * _DAY
        case Day.FIRST:
            return (begun.replace(day=28) + 4 * _DAY).replace(day=1)
        case _:
            assert_never(day)


# Pure: a memory of answers. Admission asks for the same few days again and again.
@lru_cache(maxsize=1_024)
def _midnight(zone: ZoneInfo, local: date) -> datetime:
    """The earliest instant whose local time is at or past the first midnight of a date."""
    wanted = datetime.combine(local, time())
    earlier = wanted.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if _shown(earlier, zone) == wanted:
        return earlier
    # There is no such midnight: the clock leaps over it, between these two instants.
    before = wanted.replace(tzinfo=zone, fold=1).astimezone(UTC)
    low, high = 0, (earlier - before) // _SECOND
    while low < high:
        middle = (low + high) // 2
        if _shown(before + middle * _SECOND, zone) >= wanted:
            high = middle
        else:
            low = middle + 1
    return before + low * _SECOND


def _shown(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)
