"""A header: numbers without gaps, an activity that never falls, a tombstone that says nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from turnkeep_domain.decisions import Changed, Refused, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope, ThreadId
from turnkeep_domain.threads.addresses import ThreadAddress
from turnkeep_domain.threads.content import Content
from turnkeep_domain.threads.headers import THREADS, ThreadHeader, admitted, newest_first
from turnkeep_domain.threads.message_id import InboundRequest
from turnkeep_domain.threads.metadata import metadata_of
from turnkeep_domain.threads.new_messages import NewMessage
from turnkeep_domain.threads.titles import Derived
from turnkeep_domain.turns.names import RunId

NOW: Final = datetime(2030, 1, 1, tzinfo=UTC)
THREAD: Final = ThreadAddress(owner=Scope.of("acme", "ada"), thread_id=ThreadId("t1"))
HEADER: Final = ThreadHeader.created(
    THREAD, created_by="ada", title=None, metadata=metadata_of(None), now=NOW
).state
TIMES: Final = st.datetimes(timezones=st.just(UTC))


def said(number: int) -> NewMessage:
    return NewMessage.inbound(
        InboundRequest(request_id=RequestId(f"q{number}")),
        Content.of(f"m{number}"),
        actor=None,
        reply_binding=None,
    )


def appended(header: ThreadHeader, given: NewMessage, now: datetime = NOW) -> ThreadHeader:
    decision = header.append(given, now=now, messages_max=9, due_seconds=60)
    assert isinstance(decision, Changed)
    assert decision.state.message.sequence == header.next_sequence
    return decision.state.header


@given(seconds=st.lists(st.integers(-9, 9), max_size=9))
def test_numbers_have_no_gap_and_activity_never_falls(seconds: list[int]) -> None:
    header = HEADER
    for number, shift in enumerate(seconds):
        before = header
        header = appended(header, said(number), NOW + timedelta(seconds=shift))
        assert header.committed == before.committed + 1 == number + 1
        assert header.updated_at >= before.updated_at


def test_a_full_thread_takes_no_more() -> None:
    header = appended(HEADER, said(1))
    decision = header.append(said(2), now=NOW, messages_max=1, due_seconds=60)
    assert isinstance(decision, Refused)


@given(one=TIMES, other=TIMES)
def test_later_activity_sorts_first(one: datetime, other: datetime) -> None:
    assert (newest_first(one) < newest_first(other)) == (one > other)
    assert len(newest_first(one)) == 20


def test_only_the_first_message_of_a_user_gives_a_title() -> None:
    assistant = NewMessage.by_assistant(
        RunId("r"), 0, Content.of("assistant"), draft=False, provider=None
    )
    header = appended(HEADER, assistant)
    assert header.derived is None
    header = appended(header, said(1))
    assert header.derived == Derived(sequence=2, text="m1")
    header = appended(header, said(2)).forgetting(2)
    assert header.derived == Derived(sequence=2, text=None)
    assert appended(header, said(3)).shown_title is None
    assert header.forgetting(3) == header


def test_the_gate_judges_in_order() -> None:
    importing = ThreadHeader.importing(
        THREAD, created_by="a", origin=b"x" * 32, due_at=NOW, now=NOW
    )
    tombstone = HEADER.deleted(now=NOW).state
    for header, epoch, code in (
        (None, 1, "thread_not_found"),
        (importing, 7, "thread_importing"),
        (tombstone, 1, "thread_deleted"),
        (HEADER, 2, "epoch_stale"),
    ):
        answer = admitted(header, "t1", epoch=epoch)
        assert isinstance(answer, Refused)
        assert answer.reason.code == code
    assert admitted(HEADER, "t1", epoch=1) is HEADER
    assert admitted(HEADER, "t1") is HEADER


def test_a_tombstone_keeps_times_and_counts_alone() -> None:
    header = appended(HEADER, said(1))
    named = header.renamed("Title", request_id=RequestId("n"), now=NOW)
    assert isinstance(named, Changed)
    tombstone = named.state.deleted(now=NOW).state
    assert (tombstone.epoch, tombstone.committed) == (2, 1)
    assert tombstone.requests.entries == ()
    assert tombstone.requests.total == 1
    for left in (
        {"title": "x"},
        {"derived": Derived.of(1, "x")},
        {"metadata": metadata_of({"a": 1})},
    ):
        with pytest.raises(InvalidValue):
            evolve(tombstone, **left)
    swept = tombstone.swept(now=NOW)
    assert isinstance(swept, Changed)
    assert isinstance(swept.state.swept(now=NOW), Unchanged)
    assert isinstance(HEADER.swept(now=NOW), Unchanged)


def test_what_is_due_is_found_by_its_state() -> None:
    importing = ThreadHeader.importing(
        THREAD, created_by="a", origin=b"x" * 32, due_at=NOW, now=NOW
    )
    archived = HEADER.archive(request_id=RequestId("a"), now=NOW)
    assert isinstance(archived, Changed)
    tombstone = HEADER.deleted(now=NOW).state
    swept = tombstone.swept(now=NOW)
    assert isinstance(swept, Changed)
    found = [
        (THREADS.index_of(header).state, THREADS.index_of(header).due_at)
        for header in (HEADER, importing, archived.state, tombstone, swept.state)
    ]
    assert found == [
        ("active", None),
        ("importing", NOW),
        ("archived", NOW),
        ("deleted", NOW),
        ("deleted", None),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"scope": THREAD.scope},
        {"scope": Scope.of("acme", None)},
        {"next_sequence": 0},
        {"epoch": 0},
        {"title": "x" * 201},
        {"created_by": ""},
    ],
    ids=str,
)
def test_what_breaks_a_rule_is_no_header(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        evolve(HEADER, **wrong)
