"""Canonical input: one spelling of each value, and none of what JSON cannot say."""

from __future__ import annotations

import json
import math
import tracemalloc
from collections import deque
from random import Random
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnkeep_domain.approvals.canonical import CanonicalInput, Json, JsonText, canonical
from turnkeep_domain.approvals.limits import INPUT_BYTES_MAX
from turnkeep_domain.approvals.refusals import InputTooDeep, InputTooLarge, InvalidInput
from turnkeep_domain.errors import InvalidValue

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
VALUES: st.SearchStrategy[Json] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


class Loud(str):
    """Text of a class of its own."""


def nested(levels: int) -> Json:
    value: Json = []
    for number in range(levels - 1):
        value = [value] if number % 2 else {"a": value}
    return value


def strictly_equal(one: object, other: object) -> bool:
    """Equality that tells 1 from 1.0, from true, and 0.0 from -0.0."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(strictly_equal, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(strictly_equal(one[k], other[k]) for k in one)
    return repr(one) == repr(other)


@pytest.mark.parametrize(
    ("value", "spelling"),
    [
        (None, "null"),
        (True, "true"),
        (1, "1"),
        (1.0, "1.0"),
        (-0.0, "-0.0"),
        (1e16, "1e+16"),
        (0.1, "0.1"),
        (5e-324, "5e-324"),
        (-(2**63), "-9223372036854775808"),
        (2**63 - 1, "9223372036854775807"),
        ("", '""'),
        ('a"\\/\b\f\n\r\t\x00\x1f\x7f', r'"a\"\\/\b\f\n\r\t\u0000\u001f' + '\x7f"'),
        ("é\u0301\u2028😀", '"é\u0301\u2028😀"'),
        ([], "[]"),
        ({}, "{}"),
        ([3, [1, 2], ()], "[3,[1,2],[]]"),
        ({"b": 1, "a": {"d": 1, "c": 2}}, '{"a":{"c":2,"d":1},"b":1}'),
        ({"\U00010000": 1, "\uffff": 2, "Z": 3, "a": 4}, '{"Z":3,"a":4,"\uffff":2,"\U00010000":1}'),
        (range(1, 3), "[1,2]"),
        ([MappingProxyType({"b": 2, "a": 1}), deque([1, 2])], '[{"a":1,"b":2},[1,2]]'),
    ],
)
def test_a_value_has_one_spelling(value: Json, spelling: str) -> None:
    assert canonical(value) == CanonicalInput(spelling)


def test_one_and_one_point_nought_and_true_differ() -> None:
    assert len({canonical(1), canonical(1.0), canonical(True), canonical("1")}) == 4


@given(VALUES)
def test_a_spelling_reads_back_as_the_value_it_spells(value: Json) -> None:
    text = canonical(value)
    assert isinstance(text, CanonicalInput)
    assert strictly_equal(json.loads(text.text), value)


@given(VALUES)
def test_text_is_spelt_as_the_value_that_it_means(value: Json) -> None:
    for indent, ascii in ((None, True), (2, False)):
        text = json.dumps(value, indent=indent, ensure_ascii=ascii)
        assert canonical(JsonText(text)) == canonical(value)


@given(st.dictionaries(TEXT, SCALARS, min_size=2), st.randoms())
def test_the_order_of_keys_does_not_matter(fields: dict[str, Json], random: Random) -> None:
    """1."""
    shuffled = list(fields.items())
    random.shuffle(shuffled)
    assert canonical(dict(shuffled)) == canonical(fields)


def test_64_levels_pass_and_65_are_refused() -> None:
    """3."""
    for value in (nested(64), JsonText(json.dumps(nested(64)))):
        assert isinstance(canonical(value), CanonicalInput)
    for value in (nested(65), JsonText(json.dumps(nested(65)))):
        assert canonical(value) == InputTooDeep(64)


def test_brackets_in_text_are_no_levels() -> None:
    assert isinstance(canonical(JsonText(json.dumps(["[{" * 100 + '\\"']))), CanonicalInput)


@pytest.mark.parametrize("text", ["[" * 1_000_000, '{"a":' * 300_000, "[" * 65 + "not json"])
def test_bottomless_text_is_too_deep_and_no_recursion_error(text: str) -> None:
    """3."""
    assert canonical(JsonText(text)) == InputTooDeep(64)


def test_what_contains_itself_is_too_deep() -> None:
    """3."""
    loop: list[Json] = []
    loop.append(loop)
    assert canonical(loop) == InputTooDeep(64)


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        2**63,
        -(2**63) - 1,
        "\ud800",
        {"\udfff": 1},
        {1: 2},
        {True: 2},
        {Loud("a"): 1},
        Loud("a"),
        b"a",
        bytearray(b"a"),
        {1, 2},
        object,
        1j,
    ],
    ids=repr,
)
def test_what_json_cannot_say_is_refused(value: Json) -> None:
    """3."""
    assert isinstance(canonical(value), InvalidInput)
    assert isinstance(canonical([{"deep": [value]}]), InvalidInput)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nul",
        "NaN",
        "-Infinity",
        "1e999",
        "9223372036854775808",
        "9" * 5_000,
        '{"a": 1, "a": 1}',
        '{"a": {"b": 1, "\\u0062": 1}}',
        '"\\ud800"',
        '"\ud800"',
        '"\n"',
        "[1,]",
        "{'a': 1}",
        "1 2",
        "\ufeff1",
        '"unended \\',
    ],
    ids=lambda text: repr(text[:20]),
)
def test_text_that_is_no_json_of_ours_is_refused(text: str) -> None:
    """3."""
    assert isinstance(canonical(JsonText(text)), InvalidInput)


def test_a_mebibyte_passes_and_a_byte_more_is_refused() -> None:
    fits = "x" * (INPUT_BYTES_MAX - 2)
    assert isinstance(canonical(fits), CanonicalInput)
    assert canonical(fits + "x") == InputTooLarge(INPUT_BYTES_MAX)
    assert isinstance(canonical(JsonText(f' "{fits}" ')), CanonicalInput)


def test_text_of_eight_times_as_many_characters_is_read_and_one_more_is_not() -> None:
    fits = '"' + "\\u0061" * (INPUT_BYTES_MAX - 2) + '"'
    fits += " " * (8 * INPUT_BYTES_MAX - len(fits))
    assert canonical(JsonText(fits)) == CanonicalInput('"' + "a" * (INPUT_BYTES_MAX - 2) + '"')
    assert canonical(JsonText(f"{fits} ")) == InputTooLarge(INPUT_BYTES_MAX)


def test_text_that_is_too_long_is_refused_unread() -> None:
    # Each of these would be refused for something else, were it looked at.
    for text in ("[" * 65, "NaN ", '"\ud800"', '{"a": 1, "a": 1}'):
        long = text + " " * (8 * INPUT_BYTES_MAX)
        assert canonical(JsonText(long)) == InputTooLarge(INPUT_BYTES_MAX)


@pytest.mark.parametrize("text", [b"{}", None, {"a": "s3cret"}], ids=repr)
def test_json_text_is_text(text: str) -> None:
    with pytest.raises(InvalidValue, match="must be a str") as error:
        JsonText(text)
    assert "s3cret" not in str(error.value)


def test_size_counts_bytes_as_they_are_spelt() -> None:
    assert canonical("é" * (INPUT_BYTES_MAX // 2)) == InputTooLarge(INPUT_BYTES_MAX)
    assert canonical("\x00" * (INPUT_BYTES_MAX // 4)) == InputTooLarge(INPUT_BYTES_MAX)


def test_what_stands_in_many_places_is_counted_in_each() -> None:
    value: Json = []
    for _ in range(63):
        value = [value, value]
    assert canonical(value) == InputTooLarge(INPUT_BYTES_MAX)
    assert canonical(["x" * 100_000] * 20) == InputTooLarge(INPUT_BYTES_MAX)


def test_what_is_too_large_is_refused_before_it_is_spelt() -> None:
    value: Json = ["x" * 100_000] * 500
    tracemalloc.start()
    try:
        assert canonical(value) == InputTooLarge(INPUT_BYTES_MAX)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_escaped_quotes_without_end_cost_no_more_than_their_length() -> None:
    # With a search that begins anew at each quote this would take hours.
    assert isinstance(canonical(JsonText('"' + '\\"' * 500_000)), InvalidInput)


def test_a_refusal_and_a_spelling_show_nothing_of_the_input() -> None:
    """9."""
    for value in ("s3cret", JsonText('"s3cret'), {"s3cret": math.nan}):
        assert "s3cret" not in repr(canonical(value))
        assert "s3cret" not in repr(value) or not isinstance(value, JsonText)
