"""Events fold to an approval, and what is wrong with their order is noticed."""

from typing import Final

import pytest
from attrs import evolve

from tests.cli.worlds import GATE, SCOPE, fact
from turnkeep_adapters.cli.demo.chronicle import (
    APPROVE,
    DENY,
    Ballot,
    Chronicle,
    Chronicles,
    Fact,
    Gap,
)

RAISED: Final = fact("raised", 1)
VOTED: Final = fact("voted", 2, "person:ada", "d1")
APPROVED: Final = fact("approved", 3, "person:ben", "d2")
DENIED: Final = fact("denied", 3, "person:ben", "d2")
EXPIRED: Final = fact("expired", 3)
DISCARDED: Final = fact("discarded", 3, "agent:clerk", "w")
ERASED: Final = fact("erased", 4)


def folded(*facts: Fact) -> Chronicle:
    chronicle = Chronicle(SCOPE)
    for one in facts:
        chronicle.take(one)
    return chronicle


@pytest.mark.parametrize(
    ("facts", "state", "ruling", "verdicts"),
    [
        ((), "absent", None, ()),
        ((RAISED,), "pending", None, ()),
        ((RAISED, VOTED), "pending", None, (APPROVE,)),
        ((RAISED, VOTED, APPROVED), "approved", "d2", (APPROVE, APPROVE)),
        ((RAISED, VOTED, DENIED), "denied", "d2", (APPROVE, DENY)),
        ((RAISED, VOTED, EXPIRED), "expired", None, (APPROVE,)),
        ((RAISED, VOTED, DISCARDED), "discarded", None, (APPROVE,)),
        ((RAISED, APPROVED, ERASED), "approved", "d2", (APPROVE,)),
    ],
)
def test_events_lead_to_a_state(
    facts: tuple[Fact, ...], state: str, ruling: str | None, verdicts: tuple[str, ...]
) -> None:
    chronicle = folded(*facts)
    assert (chronicle.state, chronicle.ruling) == (state, ruling)
    assert tuple(vote.verdict for vote in chronicle.votes) == verdicts
    assert chronicle.disorder is None


def test_a_vote_is_told_by_id_voter_and_verdict() -> None:
    assert folded(RAISED, VOTED).votes == (Ballot("d1", "person:ada", APPROVE),)


def test_erasing_the_text_is_no_change_of_the_approval() -> None:
    assert folded(RAISED, APPROVED, ERASED).changes == 2


@pytest.mark.parametrize(
    ("facts", "disorder"),
    [
        ((VOTED,), "approval.voted where it was absent"),
        ((ERASED,), "approval.erased where it was absent"),
        ((RAISED, RAISED), "approval.raised where it was pending"),
        ((RAISED, APPROVED, VOTED), "approval.voted after it was approved"),
        ((RAISED, DISCARDED, APPROVED), "approval.approved after it was discarded"),
        ((RAISED, VOTED, VOTED), "approval.voted tells of a vote twice"),
        ((evolve(RAISED, at=ERASED.at), VOTED), "approval.voted is older than the event before"),
        ((RAISED, fact("mislaid", 2)), "an event that says nothing (approval.mislaid)"),
        (
            (RAISED, evolve(VOTED, kind="corrupt", at=None, by=None, request_id=None)),
            "an event that says nothing (corrupt)",
        ),
    ],
)
def test_disorder_among_the_events_of_one_approval_is_noticed(
    facts: tuple[Fact, ...], disorder: str
) -> None:
    assert folded(*facts).disorder == disorder


def test_the_first_disorder_is_the_one_that_is_told() -> None:
    assert folded(RAISED, RAISED, APPROVED, VOTED).disorder == folded(RAISED, RAISED).disorder


def test_approvals_are_told_apart() -> None:
    chronicles = Chronicles()
    for one in (RAISED, evolve(RAISED, gate="gate-2", cursor=b"\x02"), evolve(APPROVED)):
        chronicles.take(one)
    first, second = chronicles.of(GATE), chronicles.of("gate-2")
    assert first is not None
    assert second is not None
    assert (first.state, second.state) == ("approved", "pending")
    assert chronicles.of("gate-3") is None
    assert set(chronicles.all()) == {GATE, "gate-2"}
    assert chronicles.events == 3
    assert chronicles.disorder is None


def test_a_cursor_that_two_events_have_is_noticed() -> None:
    chronicles = Chronicles()
    chronicles.take(RAISED)
    chronicles.take(evolve(VOTED, cursor=RAISED.cursor))
    assert chronicles.disorder == "two events have one cursor"


def test_a_gap_is_noticed() -> None:
    chronicles = Chronicles()
    chronicles.take(Gap())
    assert chronicles.disorder == "events were trimmed before they were read"
