"""Request ids: a repeat is told from a reuse, and what is forgotten is counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.request_ids import (
    Digest,
    Mark,
    Marks,
    RequestId,
    RequestIdReused,
    digest_of,
    remember,
    request_id,
)


def mark(name: str, outcome: int = 0) -> Mark[int]:
    return Mark(RequestId(name), digest_of(name), outcome)


def test_a_repeat_finds_its_mark_and_a_reuse_is_refused() -> None:
    marks = remember(Marks[int].none(), mark("r1", 7), bound=None)
    assert marks.recall(RequestId("r1"), digest_of("r1")) == mark("r1", 7)
    assert marks.recall(RequestId("r1"), digest_of("other")) == RequestIdReused(RequestId("r1"))
    assert marks.recall(RequestId("r2"), digest_of("r1")) is None


@given(st.integers(0, 40), st.none() | st.integers(1, 8))
def test_marks_keep_the_latest_and_count_what_they_drop(added: int, bound: int | None) -> None:
    marks = Marks[int].none()
    for number in range(added):
        marks = remember(marks, mark(f"r{number}"), bound=bound)
    kept = added if bound is None else min(added, bound)
    assert [entry.request_id for entry in marks.entries] == [
        f"r{number}" for number in range(added - kept, added)
    ]
    assert marks.dropped == added - kept
    assert marks.total == added


def test_marks_are_sound() -> None:
    with pytest.raises(InvalidValue):
        Marks((mark("r1"), mark("r1")), 0)
    with pytest.raises(InvalidValue):
        Marks((), -1)
    with pytest.raises(InvalidValue):
        Mark(RequestId("r1"), Digest(b"short"), 0)


def test_a_digest_tells_order_and_types_apart() -> None:
    digests = [
        digest_of(),
        digest_of(1),
        digest_of("1"),
        digest_of(None),
        digest_of("a", "b"),
        digest_of("b", "a"),
        digest_of("ab"),
        digest_of(("a", "b")),
    ]
    assert len(set(digests)) == len(digests)
    assert digest_of("a", 1) == digest_of("a", 1)


def test_a_request_id_is_an_identifier() -> None:
    assert request_id("r1") == "r1"
    with pytest.raises(InvalidValue):
        request_id("")


def test_a_digest_is_not_rendered() -> None:
    assert "arguments" not in repr(mark("r1"))
