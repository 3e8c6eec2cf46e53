"""Values of threads: what they refuse, and what they never show."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnkeep_domain.approvals.canonical import Json, JsonText
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.scope import Scope, ThreadId
from turnkeep_domain.threads.addresses import ThreadAddress
from turnkeep_domain.threads.attachments import Attachment, AttachmentKind
from turnkeep_domain.threads.content import Content
from turnkeep_domain.threads.goals import Goal
from turnkeep_domain.threads.limits import ThreadLimitExceeded
from turnkeep_domain.threads.metadata import metadata_of
from turnkeep_domain.threads.observations import observed
from turnkeep_domain.threads.parts import AttachmentPart, JsonPart, TextPart, ToolCallPart
from turnkeep_domain.threads.safety import fault_of
from turnkeep_domain.threads.segments import Segment, base_end, holder, require_base, whole
from turnkeep_domain.threads.titles import Derived
from turnkeep_domain.threads.tool_results import ToolResult

SECRET = "s3cret"
FILE = Attachment(
    id="a",
    kind=AttachmentKind.DOCUMENT,
    mime="text/plain",
    filename=SECRET,
    size_bytes=1,
    storage_key=SECRET,
    extracted_text=SECRET,
)


# ---- texts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["", " ", "\n\t", "e\u0301 is not \xe9", "\u202e", "\x01\x7f", "\U0001f600", "a\u2028b"]
)
def test_text_is_kept_byte_for_byte(text: str) -> None:
    (part,) = Content.of(text).parts
    assert part == TextPart(text)


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", b"bytes", None, 3])
def test_what_is_no_text_is_refused_and_not_repeated(text: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        TextPart(text)
    assert "bytes" not in str(caught.value)


def test_json_has_one_spelling() -> None:
    assert JsonPart.of({"b": 1, "a": [1.5, None]}).json == '{"a":[1.5,null],"b":1}'
    assert JsonPart.of(JsonText(' {"b":1,\n"a":2} ')).json == '{"a":2,"b":1}'
    assert metadata_of({"b": 1, "a": 2}) == '{"a":2,"b":1}'
    assert metadata_of(None) == "{}"
    for broken in (float("nan"), {"a": {1: 2}}, JsonText('{"a":1,"a":2}'), "\ud800"):
        with pytest.raises(InvalidValue):
            JsonPart.of(broken)  # type: ignore[arg-type]  # the point
    others: list[Json | JsonText] = [[], "text", 3, JsonText("[]")]
    for other in others:
        with pytest.raises(InvalidValue):
            metadata_of(other)


def test_nothing_that_was_said_is_in_a_repr() -> None:
    content = Content.of(
        [
            TextPart(SECRET),
            JsonPart.of(SECRET),
            ToolCallPart.of("result:x", "pay", {"a": SECRET}),
            AttachmentPart("a"),
        ],
        attachments=[FILE],
        metadata={"a": SECRET},
    )
    result = ToolResult(
        result_ref="result:x",
        safe_summary=SECRET,
        observation=observed(
            {"version": 1, "status": "failed", "facts": [{"name": "n", "value": SECRET}]}
        ),
    )
    goal = Goal(statement=SECRET, refined_at_sequence=0, refinement_count=1)
    for value in (content, result, goal, Derived.of(1, SECRET)):
        assert SECRET not in repr(value)


@pytest.mark.parametrize(
    "content",
    [
        lambda: Content.of([TextPart("x"), AttachmentPart("b")], attachments=[FILE]),
        lambda: Content.of("x", attachments=[FILE, FILE]),
        lambda: Content.of([object()]),  # type: ignore[list-item]  # the point
        lambda: Content.of("x", attachments=["file"]),  # type: ignore[list-item]  # the point
    ],
    ids=["no such attachment", "one id twice", "no part", "no attachment"],
)
def test_content_names_its_own_attachments_once(content: Any) -> None:
    with pytest.raises(InvalidValue):
        content()


def test_an_error_of_a_limit_survives_a_pickle_and_has_its_code() -> None:
    with pytest.raises(ThreadLimitExceeded) as caught:
        Content.of([TextPart("x")] * 65)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.code, str(again)) == ("limit_exceeded", "parts must have at most 64 parts")


# ---- safe words ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "Paid 1,200.00 EUR to Hafenblick, from March on.",
        "3 files read; 2 of them unchanged",
        "Überweisung 日本 ok, 50% done!",
        "token expired",
        "The password was changed",
        "ask-me-later-please-it-is-a-long-word-with-dashes",
    ],
)
def test_plain_words_are_safe(text: str) -> None:
    assert fault_of(text) is None


@pytest.mark.parametrize("mark", "()[]{}<>`/\\")
def test_a_mark_that_could_be_markup_is_not_safe(mark: str) -> None:
    assert fault_of(f"a{mark}b") == "must have no bracket, backtick, slash or backslash"


@pytest.mark.parametrize("mark", ["\n", "\x00", "\x1b", "\u202e", "\u200b", "\u2028", "\ufeff"])
def test_a_character_that_steers_is_not_safe(mark: str) -> None:
    assert fault_of(f"a{mark}b") == "must have no control or format characters"


@pytest.mark.parametrize(
    "text",
    [
        "password=hunter2",
        "the api key: abc",
        "Secret : x",
        "authorization Bearer abcdefgh123",
        "sk-proj-abcdefghijkl",
        "rk_live_abcdefghijkl",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_abcdefghijklmnopqrst",
        "github_pat_abcdefghijklmnopqr",
        "glpat-abcdefghijklmnopqr",
        "xoxb-123456-abcdef",
        "AIzaSyabcdefghijklmnopqrstuv",
        "eyJhbGciOiJIUzI1NiJ9",
        "-----BEGIN PRIVATE KEY",
        "d41d8cd98f00b204e9800998ecf8427e",
    ],
)
def test_what_looks_like_a_credential_is_not_safe(text: str) -> None:
    assert fault_of(f"it is {text} indeed") == "must have nothing that looks like a credential"


# ---- titles -------------------------------------------------------------------------------------


@given(line=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=130))
def test_a_derived_title_is_the_line_or_its_beginning(line: str) -> None:
    derived = Derived.of(1, line).text
    assert derived is not None
    assert len(derived) <= 60
    if len(line) <= 60:
        assert derived == line
    else:
        assert derived.endswith("…")
        assert line.startswith(derived[:-1])


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        ("", None),
        (" \n\t\n", None),
        ("\n  hello  \nmore", "hello"),
        ([JsonPart.of("x"), TextPart(" "), TextPart("b\nc")], "b"),
        ([JsonPart.of("x")], None),
    ],
)
def test_the_first_line_is_the_first_that_is_not_blank(parts: Any, line: str | None) -> None:
    assert Content.of(parts).first_line == line


# ---- segments -----------------------------------------------------------------------------------


def segment(name: str, first: int, last: int) -> Segment:
    return Segment(thread_id=ThreadId(name), first=first, last=last)


@st.composite
def bases(draw: st.DrawFn) -> tuple[Segment, ...]:
    ends = draw(st.lists(st.integers(1, 40), max_size=6, unique=True).map(sorted))
    first, base = 1, []
    for number, last in enumerate(ends):
        base.append(segment(f"t{number}", first, last))
        first = last + 1
    return tuple(base)


@given(base=bases(), own=st.integers(0, 9), cut=st.integers(1, 60))
def test_a_fork_has_every_message_of_its_source_where_it_is(
    base: tuple[Segment, ...], own: int, cut: int
) -> None:
    require_base(base)
    committed = base_end(base) + own
    segments = whole(base, ThreadId("own"), committed)
    require_base(segments)
    through = min(cut, committed)
    shared = whole(base, ThreadId("own"), through) if through else ()
    require_base(shared)
    assert base_end(shared) == through
    for sequence in range(1, committed + 2):
        kept_in = holder(segments, sequence)
        assert (kept_in is None) == (sequence > committed)
        if sequence <= through:
            assert holder(shared, sequence) == kept_in
        else:
            assert holder(shared, sequence) is None


@pytest.mark.parametrize(
    "base",
    [
        (segment("a", 2, 3),),
        (segment("a", 1, 3), segment("b", 5, 6)),
        (segment("a", 1, 3), segment("b", 3, 6)),
        (segment("a", 1, 3), segment("a", 4, 6)),
    ],
)
def test_a_base_has_no_gap_no_overlap_and_no_thread_twice(base: tuple[Segment, ...]) -> None:
    with pytest.raises(InvalidValue):
        require_base(base)


# ---- addresses ----------------------------------------------------------------------------------


def test_a_thread_is_named_by_its_owner_or_by_its_own_scope() -> None:
    owner = Scope.of("acme", "ada", agent="scout")
    own = Scope.of("acme", "ada", agent="scout", thread="t1")
    one, two = ThreadAddress.of(owner, "t1"), ThreadAddress.of(own, "t1")
    assert one == two == ThreadAddress.of_scope(own)
    assert isinstance(one, ThreadAddress)
    assert (one.owner, one.scope) == (owner, own)
    assert isinstance(ThreadAddress.of(own, "t2"), Refused)
    for wrong in (Scope.of("acme", None), Scope.of(None, "ada"), owner):
        with pytest.raises(InvalidValue):
            ThreadAddress.of_scope(wrong)
