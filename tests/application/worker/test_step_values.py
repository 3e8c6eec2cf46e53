"""What a step returned comes back as it was, or is refused before it could change."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnkeep_application.worker.step_values import decoded, digest, step_output
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.turns.limits import OUTPUT_BYTES_MAX

EXACT = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    max_leaves=20,
)


@given(EXACT | st.binary())
def test_a_value_comes_back_with_its_kind(value: object) -> None:
    back = decoded(step_output(value))
    assert back == value
    assert type(back) is type(value)


def test_nothing_is_what_an_operator_settles_without_an_output() -> None:
    assert decoded(b"") is None
    assert decoded(step_output(None)) is None


@pytest.mark.parametrize("value", [math.nan, math.inf, 2**63, object(), {1: 2}, "\ud800", {"a"}])
def test_what_would_come_back_otherwise_is_refused(value: object) -> None:
    with pytest.raises(InvalidValue):
        step_output(value)


def test_an_output_has_its_bound() -> None:
    assert decoded(step_output(b"x" * (OUTPUT_BYTES_MAX - 1))) == b"x" * (OUTPUT_BYTES_MAX - 1)
    for value in (b"x" * OUTPUT_BYTES_MAX, "x" * OUTPUT_BYTES_MAX):
        with pytest.raises(InvalidValue):
            step_output(value)


def test_bytes_that_were_made_elsewhere_are_refused() -> None:
    with pytest.raises(InvalidValue):
        decoded(b"{}")


def test_arguments_that_differ_have_other_digests() -> None:
    given_ = [
        ((),),
        ((None,)),
        (1,),
        (1.0,),
        (True,),
        ("1",),
        (b"1",),
        ("a", "b"),
        ("ab",),
        (["a", "b"],),
        ([], "a", "b"),
    ]
    digests = {digest("args", *values) for values in given_}
    assert len(digests) == len(given_)


def test_arguments_that_say_the_same_have_one_digest() -> None:
    assert digest("args", {"a": 1, "b": (2,)}) == digest("args", {"b": [2], "a": 1})
