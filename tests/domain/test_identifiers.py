"""Identifiers: one spelling for each name, and nothing hidden in it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import require_collection, require_identifier


@pytest.mark.parametrize("text", ["a", "Ann", "a b", "é", "日本", "a:b/c@d", "*", "x" * 200])
def test_an_identifier_is_accepted_as_it_is(text: str) -> None:
    require_identifier("id", text)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "1 to 200 bytes"),
        ("x" * 201, "1 to 200 bytes"),
        ("é" * 101, "1 to 200 bytes"),
        ("e\u0301", "normalisation form C"),
        ("\ud800", "surrogates"),
        ("a\x00", "control"),
        ("a\nb", "control"),
        ("a\x7f", "control"),
        ("é\x85", "control"),
        (" a", "white space"),
        ("a ", "white space"),
        ("\u3000a", "white space"),
        (5, "text"),
        (None, "text"),
        (b"a", "text"),
    ],
)
def test_anything_else_is_refused_with_its_rule_and_without_its_value(
    text: object, rule: str
) -> None:
    with pytest.raises(InvalidValue, match=rule) as caught:
        require_identifier("agent", text)
    assert caught.value.what == "agent"
    assert isinstance(caught.value, ValueError)
    assert repr(text) not in str(caught.value)


class Named(str):
    """A subclass could compare as it pleases."""

    __slots__ = ()


def test_a_subclass_of_text_is_no_identifier() -> None:
    with pytest.raises(InvalidValue):
        require_identifier("id", Named("a"))


@given(st.text(max_size=60))
def test_what_is_accepted_is_normal_and_encodes(text: str) -> None:
    try:
        require_identifier("id", text)
    except InvalidValue:
        return
    assert unicodedata.normalize("NFC", text) == text
    assert 1 <= len(text.encode()) <= 200
    assert text == text.strip()
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in text)


@pytest.mark.parametrize("name", ["a", "approval", "a_1", "a" * 32])
def test_a_collection_name_is_accepted(name: str) -> None:
    require_collection("collection", name)


@pytest.mark.parametrize("name", ["", "A", "1a", "_a", "a-b", "a" * 33, "é", "a\n", 5])
def test_another_collection_name_is_refused(name: object) -> None:
    with pytest.raises(InvalidValue):
        require_collection("collection", name)
