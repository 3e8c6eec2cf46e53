"""Windows of the calendar, in zones whose clocks were set in every way that there is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnkeep_domain.budgets.periods import (
    Calendar,
    CalendarUnit,
    Lifetime,
    Period,
    Rolling,
    end_of,
    fault_of,
    start_at,
    still_counts,
    stops_counting,
)

DAY, WEEK, MONTH = CalendarUnit.DAY, CalendarUnit.WEEK, CalendarUnit.MONTH
HOUR = timedelta(hours=1)
FIRST = datetime(1980, 1, 1, tzinfo=UTC)
ZONES = [
    *("UTC", "Europe/Vienna", "America/New_York", "America/Sao_Paulo", "Pacific/Apia"),
    *("Asia/Beirut", "America/St_Johns", "Africa/Cairo", "Australia/Lord_Howe", "Asia/Kathmandu"),
    *("Pacific/Kiritimati", "America/Havana", "Antarctica/Troll", "Asia/Tehran"),
]


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]  # as datetime takes them


def start(period: Period, now: datetime) -> datetime:
    found = start_at(period, now, first=FIRST)
    assert found is not None
    return found


def span(tz: str, unit: CalendarUnit, now: datetime) -> tuple[datetime, datetime]:
    period = Calendar(tz, unit)
    begun = start(period, now)
    end = end_of(period, begun)
    assert end is not None
    return begun, end


@pytest.mark.parametrize(
    ("now", "hours"),
    [(at(2026, 3, 29, 10), 23), (at(2026, 10, 25, 10), 25), (at(2026, 6, 1, 10), 24)],
    ids=["23", "25", "24"],
)
def test_a_day_is_one_window_however_many_hours_it_has(now: datetime, hours: int) -> None:
    """39."""
    begun, end = span("Europe/Vienna", DAY, now)
    assert end - begun == hours * HOUR
    assert {start(Calendar("Europe/Vienna", DAY), begun + n * HOUR) for n in range(hours)} == {
        begun
    }


@pytest.mark.parametrize(
    ("tz", "now", "begins"),
    [
        ("America/Sao_Paulo", at(2018, 11, 4, 12), at(2018, 11, 4, 3)),
        ("Asia/Beirut", at(2022, 3, 27, 12), at(2022, 3, 26, 22)),
        ("Africa/Cairo", at(2023, 4, 28, 12), at(2023, 4, 27, 22)),
        ("America/Havana", at(2023, 3, 12, 12), at(2023, 3, 12, 5)),
    ],
)
def test_a_day_without_midnight_begins_right_after_the_gap(
    tz: str, now: datetime, begins: datetime
) -> None:
    """40."""
    begun, end = span(tz, DAY, now)
    assert begun == begins
    assert end - begun == 23 * HOUR
    assert start(Calendar(tz, DAY), begun - timedelta(microseconds=1)) == begun - 24 * HOUR


def test_a_day_begins_at_the_end_of_a_gap_that_began_the_day_before() -> None:
    """40: in Toronto the clocks of 30 March 1919 leapt from 23:30 to 0:30."""
    begun, end = span("America/Toronto", DAY, at(1919, 3, 31, 12))
    assert (begun, end) == (at(1919, 3, 31, 4, 30), at(1919, 4, 1, 4))


def test_a_month_whose_first_midnight_is_missing_is_a_full_month() -> None:
    """40: in Asuncion the clocks of 1 October 2017 leapt over midnight."""
    begun, end = span("America/Asuncion", MONTH, at(2017, 10, 20))
    assert begun == at(2017, 10, 1, 4)
    assert end == at(2017, 11, 1, 3)
    assert start(Calendar("America/Asuncion", MONTH), begun - HOUR) == at(2017, 9, 1, 4)


def test_an_ambiguous_midnight_is_the_earlier_one() -> None:
    """41: in Havana the clocks of 5 November 2023 went back from 1 o'clock to midnight."""
    begun, end = span("America/Havana", DAY, at(2023, 11, 5, 12))
    assert begun == at(2023, 11, 5, 4)
    assert end - begun == 25 * HOUR


def test_a_clock_that_is_set_back_over_midnight_does_not_reopen_yesterday() -> None:
    """41: in St. John's, a minute after midnight on 7 November 2010, it was 23:01 again."""
    today = at(2010, 11, 7, 2, 30)
    daily = Calendar("America/St_Johns", DAY)
    assert start(daily, today - timedelta(microseconds=1)) == today - 24 * HOUR
    for minutes in (0, 1, 2, 30, 60, 61, 120):
        assert start(daily, today + timedelta(minutes=minutes)) == today
    assert end_of(daily, today) == at(2010, 11, 8, 3, 30)


def test_a_midnight_that_comes_after_the_clock_was_set_back_ends_a_day_of_25_hours() -> None:
    """41: in Sao Paulo the clocks of 18 February 2018 went back from midnight to 23 o'clock."""
    begun, end = span("America/Sao_Paulo", DAY, at(2018, 2, 18, 2, 30))
    assert (begun, end) == (at(2018, 2, 17, 2), at(2018, 2, 18, 3))


def test_a_date_that_was_skipped_has_no_window() -> None:
    """41: in Samoa there was no 30 December 2011."""
    begun, end = span("Pacific/Apia", DAY, at(2011, 12, 30, 9))
    assert (begun, end) == (at(2011, 12, 29, 10), at(2011, 12, 30, 10))
    begun, end = span("Pacific/Apia", DAY, at(2011, 12, 30, 11))
    assert (begun, end) == (at(2011, 12, 30, 10), at(2011, 12, 31, 10))


def test_weeks_begin_on_monday_and_months_end_with_december() -> None:
    """42."""
    assert span("UTC", WEEK, at(2026, 1, 1)) == (at(2025, 12, 29), at(2026, 1, 5))
    assert span("UTC", WEEK, at(2026, 1, 4, 23, 59, 59)) == (at(2025, 12, 29), at(2026, 1, 5))
    assert span("UTC", WEEK, at(2026, 1, 5)) == (at(2026, 1, 5), at(2026, 1, 12))
    assert span("UTC", MONTH, at(2026, 12, 31, 23)) == (at(2026, 12, 1), at(2027, 1, 1))
    assert span("UTC", MONTH, at(2024, 2, 29)) == (at(2024, 2, 1), at(2024, 3, 1))
    assert span("Asia/Kathmandu", MONTH, at(2026, 12, 31, 18, 15)) == (
        at(2026, 12, 31, 18, 15),
        at(2027, 1, 31, 18, 15),
    )


periods = st.one_of(
    st.builds(Calendar, st.sampled_from(ZONES), st.sampled_from(CalendarUnit)),
    st.sampled_from([Rolling(60_000), Rolling(86_400_000), Rolling(366 * 86_400_000)]),
    st.just(Lifetime()),
)
instants = st.integers(631_152_000, 2_840_140_800).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)  # 1990 to 2060
)


@given(period=periods, now=instants, step=st.timedeltas(timedelta(0), timedelta(days=40)))
def test_a_start_is_monotone_and_idempotent(period: Period, now: datetime, step: timedelta) -> None:
    """43."""
    begun = start(period, now)
    assert begun <= now
    assert start(period, begun) == begun
    assert begun <= start(period, now + step)


@given(tz=st.sampled_from(ZONES), unit=st.sampled_from(CalendarUnit), now=instants)
def test_a_window_ends_where_the_next_begins(tz: str, unit: CalendarUnit, now: datetime) -> None:
    begun, end = span(tz, unit, now)
    assert begun <= now < end
    assert start(Calendar(tz, unit), end) == end
    assert start(Calendar(tz, unit), end - timedelta(microseconds=1)) == begun


@pytest.mark.parametrize(
    ("period", "fault"),
    [
        (Lifetime(), None),
        (Rolling(60_000), None),
        (Rolling(59_976), "length_ms"),
        (Rolling(60_001), "length_ms"),
        (Rolling(366 * 86_400_000), None),
        (Rolling(366 * 86_400_000 + 24), "length_ms"),
        (Calendar("Europe/Vienna", DAY), None),
        (Calendar("Mars/Olympus", DAY), "tz"),
        (Calendar("../etc/passwd", DAY), "tz"),
        (Calendar("America", DAY), "tz"),
    ],
    ids=str,
)
def test_a_period_out_of_bounds_or_of_an_unknown_zone_is_told(
    period: Period, fault: str | None
) -> None:
    assert fault_of(period) == fault


def test_a_slice_counts_for_a_length_at_least_and_a_length_and_a_slice_at_most() -> None:
    period = Rolling(24 * 60_000)
    begun = start(period, at(2026, 1, 1, 12, 0, 59))
    assert begun == at(2026, 1, 1, 12)
    gone = stops_counting(period, begun)
    assert gone == begun + timedelta(minutes=25)
    assert still_counts(period, begun, current=start(period, gone - timedelta(microseconds=1)))
    assert not still_counts(period, begun, current=start(period, gone))
