"""Backoffs: pauses double up to a bound, and jitter keeps apart what was lost together."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.turns.backoff import Backoff

SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(seconds=60)


@pytest.mark.parametrize(
    ("lost", "seconds"), [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (8, 60), (10**6, 60)]
)
def test_a_pause_doubles_from_one_second_to_sixty(lost: int, seconds: int) -> None:
    backoff = Backoff(first=SECOND, most=MINUTE, jitter=0)
    assert backoff.after(lost) == timedelta(seconds=seconds)


@given(lost=st.integers(1, 100), jitter=st.floats(0, 1, exclude_max=True))
def test_jitter_adds_less_than_the_pause_itself(lost: int, jitter: float) -> None:
    plain = Backoff(first=SECOND, most=MINUTE, jitter=0).after(lost)
    jittered = Backoff(first=SECOND, most=MINUTE, jitter=jitter).after(lost)
    assert plain <= jittered <= 2 * plain
    assert (jittered == plain) == (plain * jitter == timedelta(0))


@pytest.mark.parametrize("jitter", [-0.1, 1, 1.5, float("nan")])
def test_jitter_is_a_part_of_the_pause(jitter: float) -> None:
    with pytest.raises(InvalidValue, match="jitter must be from 0 to below 1"):
        Backoff(first=SECOND, most=MINUTE, jitter=jitter)


@pytest.mark.parametrize(("first", "most"), [(MINUTE, SECOND), (-SECOND, SECOND)])
def test_a_backoff_begins_below_its_most(first: timedelta, most: timedelta) -> None:
    with pytest.raises(InvalidValue, match="backoff must begin"):
        Backoff(first=first, most=most, jitter=0)
