"""A period: how time is divided into windows, each of which a ceiling holds for.

What is charged to a window is charged to its start. Which window a moment belongs to is a pure
function of the period and the moment; who asks keeps the latest window that was ever entered, so
that a clock that steps back reopens none.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final, TypeAlias, assert_never

from attrs import field, frozen

from turnkeep_domain.budgets.bounds import ROLLING_MS_MAX, ROLLING_MS_MIN, ROLLING_SLICES
from turnkeep_domain.budgets.zones import Day, next_start, start_not_after
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.kinds import of_kind

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


@frozen
class Lifetime:
    """One window that never ends."""


@frozen
class Rolling:
    """Always the last so many milliseconds, in 24 equal slices aligned to the Unix epoch.

    What was spent comes back after one length at least and one length and a slice at most, so no
    boundary lets two limits through.

    Attributes:
        length_ms: One minute to 366 days, divisible by 24.
    """

    length_ms: int = field(validator=of_kind(int))

    @property
    def slice_ms(self) -> int:
        """How long a slice is."""
        return self.length_ms // ROLLING_SLICES


class CalendarUnit(Enum):
    """How long a window of a calendar is; weeks begin on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@frozen
class Calendar:
    """Days, weeks or months of a time zone.

    A window starts at the earliest instant whose local time is at or past its first local
    midnight, and a moment belongs to the latest window that has started. So a day without
    midnight starts right after the gap, an ambiguous midnight is the earlier one, a date that
    was skipped has no window, and a clock that is set back over midnight does not reopen
    yesterday.

    Attributes:
        tz: The zone's IANA name, for example ``"Europe/Vienna"``.
    """

    tz: str = field(validator=identifier)
    unit: CalendarUnit = field(validator=of_kind(CalendarUnit))


Period: TypeAlias = Lifetime | Rolling | Calendar
PERIODS: Final = (Lifetime, Rolling, Calendar)


def fault_of(period: Period) -> str | None:
    """The field that makes a period none: out of bounds, or of a zone that nobody knows here."""
    match period:
        case Lifetime():
            return None
        case Rolling(length_ms):
            fits = ROLLING_MS_MIN <= length_ms <= ROLLING_MS_MAX
            return None if fits and length_ms % ROLLING_SLICES == 0 else "length_ms"
        case Calendar(tz, unit):
            return "tz" if start_not_after(tz, _DAYS[unit], _EPOCH) is None else None
        case _:
            assert_never(period)


def start_at(period: Period, now: datetime, *, first: datetime) -> datetime | None:
    """The start of the window that a moment belongs to; None where the zone is not known here.

    Args:
        period: How time is divided.
        now: The moment.
        first: The start of the only window of a lifetime.
    """
    match period:
        case Lifetime():
            return first
        case Rolling():
            slice_ms = period.slice_ms
            return _EPOCH + (now - _EPOCH) // _MILLISECOND // slice_ms * slice_ms * _MILLISECOND
        case Calendar(tz, unit):
            return start_not_after(tz, _DAYS[unit], now)
        case _:
            assert_never(period)


def still_counts(period: Period, start: datetime, *, current: datetime) -> bool:
    """Whether what was charged to a window still counts in the current one."""
    if isinstance(period, Rolling):
        return start >= current - period.length_ms * _MILLISECOND
    return start == current


def end_of(period: Period, start: datetime) -> datetime | None:
    """When a calendar's window ends; None where there is no end, or none at one moment."""
    if isinstance(period, Calendar):
        return next_start(period.tz, _DAYS[period.unit], start)
    return None


def stops_counting(period: Period, start: datetime) -> datetime | None:
    """From when what was charged to a window no longer counts; None: never, or nobody knows."""
    if isinstance(period, Rolling):
        return start + (period.length_ms + period.slice_ms) * _MILLISECOND
    return end_of(period, start)


_DAYS: Final[dict[CalendarUnit, Day]] = {
    CalendarUnit.DAY: Day.ANY,
    CalendarUnit.WEEK: Day.MONDAY,
    CalendarUnit.MONTH: Day.FIRST,
}
