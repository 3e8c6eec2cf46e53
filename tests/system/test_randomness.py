"""The system's randomness and ids."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnkeep_adapters.system.ids import SystemIds
from turnkeep_adapters.system.randomness import SystemRandom
from turnkeep_domain.errors import InvalidValue
from turnkeep_ports.ids import Ids
from turnkeep_ports.randomness import Random

# The least float above 0: the product of it and almost anything rounds up to itself.
TINY = math.nextafter(0.0, 1.0)


@given(st.floats(min_value=TINY, max_value=1e308))
def test_a_number_is_below_its_bound(bound: float) -> None:
    random: Random = SystemRandom()
    assert 0.0 <= random.below(bound) < bound


def test_a_tiny_bound_is_never_reached() -> None:
    assert {SystemRandom().below(TINY) for _ in range(100)} == {0.0}


def test_nothing_is_below_nothing_but_zero_is_answered() -> None:
    assert SystemRandom().below(0.0) == 0.0


def test_numbers_differ_and_fill_the_range() -> None:
    random = SystemRandom()
    drawn = [random.below(10.0) for _ in range(1_000)]
    assert len(set(drawn)) > 900
    assert min(drawn) < 1.0
    assert max(drawn) > 9.0


@pytest.mark.parametrize("bound", [-1.0, math.inf, math.nan])
def test_a_bound_is_a_number_that_is_not_negative(bound: float) -> None:
    with pytest.raises(InvalidValue, match="bound must be finite and not negative"):
        SystemRandom().below(bound)


def test_commit_ids_have_16_bytes_and_never_repeat() -> None:
    ids: Ids = SystemIds()
    minted = [ids.commit_id() for _ in range(1_000)]
    assert {len(commit_id) for commit_id in minted} == {16}
    assert len(set(minted)) == len(minted)
