"""Payloads: what people read deceives nobody, and fits."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.approvals.samples import SCOPE, question
from turnkeep_domain.approvals.limits import DISPLAY_BYTES_MAX, REASON_BYTES_MAX
from turnkeep_domain.approvals.payload import (
    APPROVAL_PAYLOADS,
    ApprovalPayload,
    cut_in_the_middle,
    escaped,
)
from turnkeep_domain.errors import InvalidValue

BIDIRECTIONAL = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
DECEIVING = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def payload(reason: str = "", display: str = "") -> ApprovalPayload:
    return ApprovalPayload.of(question().id, SCOPE, reason=reason, display=display)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("é 漢 😀 \\ e\u0301 \ufe0f", "é 漢 😀 \\ e\u0301 \ufe0f"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x00\x1b[31m\x7f\x85", r"\x00\x1b[31m\x7f\x85"),
        ("pay \u202e100 RUE", r"pay \u202e100 RUE"),
        ("\u061c\u200e\u200f\u2066\u2069", r"\u061c\u200e\u200f\u2066\u2069"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ("p\u200ba\u00ady\ufeff\u2060\u200d", r"p\u200ba\xady\ufeff\u2060\u200d"),
        ("\U000e0061\U000e007f", r"\U000e0061\U000e007f"),
        ("\ud800", r"\ud800"),
    ],
)
def test_what_could_deceive_is_spelt_out(text: str, shown: str) -> None:
    assert escaped(text) == shown


def test_every_control_format_separator_and_surrogate_is_spelt_out_and_all_else_stays() -> None:
    # What this Python's Unicode does not know yet is left to the release that does.
    characters = [chr(code) for code in range(sys.maxunicode + 1)]
    known = [c for c in characters if unicodedata.category(c) != "Cn"]
    changed = {c for c in known if escaped(c) != c}
    assert changed == {c for c in known if unicodedata.category(c) in DECEIVING}


@given(st.text(st.characters()))
def test_nothing_that_deceives_is_left(text: str) -> None:
    shown = escaped(text)
    assert not {unicodedata.category(c) for c in shown} & DECEIVING
    assert not {unicodedata.bidirectional(c) for c in shown} & BIDIRECTIONAL
    assert escaped(shown) == shown


def test_a_long_text_is_cut_in_the_middle_and_says_how_much() -> None:
    text = "begin " + "x" * 5_000 + " end"
    shown = cut_in_the_middle(text, 100)
    head, note, tail = shown.partition(" [... ")[0], shown.split("[... ")[1], shown[-4:]
    assert head.startswith("begin x")
    assert tail == " end"
    missing = int(note.split()[0])
    assert missing == len(text) - shown.count("x") - len("begin ") - len(" end")
    assert len(shown) <= 100


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=30), st.integers(50, 200))
def test_a_cut_never_exceeds_its_limit_and_tells_the_truth(text: str, bytes_max: int) -> None:
    text *= 10
    shown = cut_in_the_middle(text, bytes_max)
    assert len(shown.encode()) <= bytes_max
    if shown == text:
        return
    head, _, rest = shown.rpartition(" [... ")
    missing, _, tail = rest.partition(" bytes cut ...] ")
    assert text.startswith(head)
    assert text.endswith(tail)
    assert len((head + tail).encode()) + int(missing) == len(text.encode())


def test_a_text_at_its_limit_is_left_alone() -> None:
    full = payload("r" * REASON_BYTES_MAX, "d" * DISPLAY_BYTES_MAX)
    assert full.reason == "r" * REASON_BYTES_MAX
    assert full.display == "d" * DISPLAY_BYTES_MAX
    cut = payload("r" * (REASON_BYTES_MAX + 1), "d" * (DISPLAY_BYTES_MAX + 1))
    assert " bytes cut ...] " in cut.reason
    assert " bytes cut ...] " in cut.display


@given(st.text(st.characters()), st.text(st.characters()))
def test_any_two_texts_make_a_payload(reason: str, display: str) -> None:
    made = payload(reason * 50, display * 100)
    assert len(made.reason.encode()) <= REASON_BYTES_MAX
    assert len(made.display.encode()) <= DISPLAY_BYTES_MAX


@pytest.mark.parametrize(
    "text", ["\x1b", "\u202e", "\u200b", "\U000e0061", "x" * (DISPLAY_BYTES_MAX + 1)], ids=repr
)
def test_a_stored_payload_that_was_never_escaped_or_cut_is_none(text: str) -> None:
    with pytest.raises(InvalidValue) as of_reason:
        evolve(payload(), reason=text)
    with pytest.raises(InvalidValue) as of_display:
        evolve(payload(), display=text)
    assert text not in f"{of_reason.value} {of_display.value}"


@pytest.mark.parametrize("wrong", [None, b"s3cret", 3, ["s3cret"]], ids=repr)
def test_what_is_no_text_is_no_payload(wrong: str) -> None:
    with pytest.raises(InvalidValue, match="reason must be a str") as of_reason:
        payload(reason=wrong)
    with pytest.raises(InvalidValue, match="display must be a str") as of_display:
        payload(display=wrong)
    assert "s3cret" not in f"{of_reason.value} {of_display.value}"
    with pytest.raises(InvalidValue, match="reason must be a str") as of_stored:
        evolve(payload(), reason=wrong)
    assert "s3cret" not in str(of_stored.value)


def test_a_payload_shows_nothing_of_itself() -> None:
    """9."""
    assert "s3cret" not in repr(payload("s3cret", "s3cret"))
    index = APPROVAL_PAYLOADS.index_of(payload("s3cret", "s3cret"))
    assert "s3cret" not in repr(index)
