"""Prices: rounded up once, never guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnkeep_domain.budgets.dimensions import Dimension
from turnkeep_domain.budgets.prices import Price, PriceList, TokenCounts
from turnkeep_domain.budgets.refusals import OutputUnbounded, PriceUnknown
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue

PRICE = Price(input=3_000, cached_input=300, cache_write=3_750, output=15_000)
LIST = PriceList("v1", {"large": PRICE})
prices = st.integers(0, 10**9)
tokens = st.integers(0, 10**7)


def test_a_call_costs_the_sum_of_its_classes_rounded_up_once() -> None:
    """58."""
    counts = TokenCounts(input=1, cached_input=1, cache_write=1, output=1)
    # 22,050 for a million of each: one of each is a fraction of a nano-USD.
    assert LIST.price("large", counts) == {
        Dimension.USD_NANO: 1,
        Dimension.INPUT_TOKENS: 3,
        Dimension.OUTPUT_TOKENS: 1,
    }
    exact = TokenCounts(input=1_000_000, output=2_000_000)
    found = LIST.price("large", exact)
    assert not isinstance(found, Refused)
    assert found[Dimension.USD_NANO] == 33_000


def test_an_estimate_takes_the_dearest_input_and_the_whole_output_with_its_margin() -> None:
    found = LIST.estimate("large", input_tokens=1_000_000, max_output_tokens=1_000_000)
    assert found == {
        Dimension.USD_NANO: (3_750 + 15_000) * 12 // 10,
        Dimension.INPUT_TOKENS: 1_000_000,
        Dimension.OUTPUT_TOKENS: 1_000_000,
    }


@given(
    price=st.builds(Price, input=prices, cached_input=prices, cache_write=prices, output=prices),
    counts=st.builds(
        TokenCounts, input=tokens, cached_input=tokens, cache_write=tokens, output=tokens
    ),
)
def test_a_call_within_its_estimate_costs_no_more_than_it(
    price: Price, counts: TokenCounts
) -> None:
    found = PriceList("v1", {"m": price}).estimate(
        "m",
        input_tokens=counts.input + counts.cached_input + counts.cache_write,
        max_output_tokens=counts.output,
        margin_bp=10_000,
    )
    assert not isinstance(found, Refused)
    assert price.cost(counts) <= found[Dimension.USD_NANO]
    total = counts.input * price.input + counts.cached_input * price.cached_input
    total += counts.cache_write * price.cache_write + counts.output * price.output
    assert 0 <= price.cost(counts) * 10**6 - total < 10**6


def test_an_unknown_model_is_refused_unless_a_price_is_assumed() -> None:
    """58."""
    unknown = Refused(PriceUnknown("small"))
    assert LIST.price("small", TokenCounts()) == unknown
    assert LIST.estimate("small", input_tokens=1, max_output_tokens=1) == unknown
    assumed = PriceList("v1", {}, assumed=PRICE)
    counts = TokenCounts(output=7)
    assert assumed.price("small", counts) == LIST.price("large", counts)


def test_output_without_a_bound_is_refused() -> None:
    answer = LIST.estimate("large", input_tokens=1, max_output_tokens=None)
    assert answer == Refused(OutputUnbounded("large"))


def test_a_list_does_not_change_under_its_version() -> None:
    mine = {"large": PRICE}
    kept = PriceList("v1", mine)
    mine["small"] = PRICE
    assert isinstance(kept.price("small", TokenCounts()), Refused)
    with pytest.raises(TypeError):
        kept.prices["small"] = PRICE  # type: ignore[index]  # that is the point


@pytest.mark.parametrize("bad", [-1, 1.5, True, None, 2**63])
def test_what_is_no_amount_is_no_price_and_no_count(bad: int) -> None:
    with pytest.raises(InvalidValue):
        Price(input=bad, cached_input=0, cache_write=0, output=0)
    with pytest.raises(InvalidValue):
        TokenCounts(output=bad)
    with pytest.raises(InvalidValue):
        LIST.estimate("large", input_tokens=bad, max_output_tokens=1)


@pytest.mark.parametrize("margin", [9_999, 1.2, True])
def test_a_margin_is_never_a_discount(margin: int) -> None:
    with pytest.raises(InvalidValue):
        LIST.estimate("large", input_tokens=1, max_output_tokens=1, margin_bp=margin)
