"""Invariants: no approval exists that its own commands could not have led to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from attrs import evolve

from tests.domain.approvals.samples import (
    ADA,
    DEADLINE,
    GRACE,
    LINUS,
    NOW,
    OVERDUE,
    approved,
    denied,
    discarded,
    expired,
    halfway,
    later,
    stored,
)
from turnkeep_domain.approvals.approval import APPROVALS, Approval, ApprovalRecord
from turnkeep_domain.approvals.discarded import Discarded
from turnkeep_domain.approvals.payload import APPROVAL_PAYLOADS
from turnkeep_domain.approvals.phases import Approved, Denied, Expired, Pending
from turnkeep_domain.approvals.states import ApprovalOutcome, ApprovalState
from turnkeep_domain.approvals.votes import Offer, Verdict, Vote
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Identity
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import Marks, RequestId


def approval_in(build: Callable[[], ApprovalRecord]) -> Approval:
    record = build()
    assert isinstance(record, Approval)
    return record


def vote(
    by: Principal = GRACE, id: str = "d-grace", verdict: Verdict = Verdict.APPROVE, at: float = 0
) -> Vote:
    return Vote(
        decision_id=RequestId(id),
        decider=by,
        verdict=verdict,
        offer=Offer.ONCE if verdict is Verdict.APPROVE else None,
        at=later(at),
    )


@pytest.mark.parametrize("build", [halfway, approved, denied, expired])
def test_an_approval_can_be_built_again_from_its_parts(
    build: Callable[[], ApprovalRecord],
) -> None:
    approval = approval_in(build)
    assert evolve(approval) == approval


@pytest.mark.parametrize(
    ("build", "phase"),
    [
        (approved, Pending()),
        (denied, Pending()),
        (approved, Expired(DEADLINE)),
        (denied, Expired(DEADLINE)),
        (halfway, Approved(vote(ADA, "d-ada"))),
        (denied, Approved(vote())),
        (approved, Approved(vote(ADA, "d-ada"))),
        (approved, Denied(vote())),
        (denied, Denied(vote(ADA, "d-ada"))),
        (halfway, Denied(vote(verdict=Verdict.DENY))),
        (halfway, Expired(DEADLINE - timedelta(microseconds=1))),
    ],
)
def test_a_phase_that_the_votes_do_not_decide_is_refused(
    build: Callable[[], ApprovalRecord], phase: Pending | Approved | Denied | Expired
) -> None:
    with pytest.raises(InvalidValue):
        evolve(approval_in(build), phase=phase)


@pytest.mark.parametrize(
    "extra",
    [
        vote(LINUS, "d-linus"),
        vote(ADA, "d-ada-2"),
        vote(GRACE, "d-ada"),
        vote(at=3_600),
    ],
    ids=["of one who is not eligible", "said twice", "under a used id", "after the deadline"],
)
def test_a_vote_that_could_not_have_been_cast_is_refused(extra: Vote) -> None:
    whole = approval_in(approved)
    votes = (whole.votes[0], extra)
    entries = (whole.marks.entries[0], evolve(whole.marks.entries[1], request_id=extra.decision_id))
    with pytest.raises(InvalidValue):
        evolve(whole, votes=votes, marks=Marks(entries, 0), phase=Approved(extra))


def test_the_same_change_with_an_honest_vote_passes() -> None:
    whole = approval_in(approved)
    honest = vote(at=3_599)
    changed = evolve(whole, votes=(whole.votes[0], honest), phase=Approved(honest))
    assert changed.votes[1] == honest


@pytest.mark.parametrize("verdict", Verdict)
def test_nobody_says_the_same_twice(verdict: Verdict) -> None:
    whole = approval_in(approved)
    votes = (vote(ADA, "d-ada", verdict), vote(ADA, "d-grace", verdict))
    phase = Pending() if verdict is Verdict.APPROVE else Denied(votes[1])
    with pytest.raises(InvalidValue):
        evolve(whole, votes=votes, phase=phase)


def test_one_denial_decides_and_no_second_follows() -> None:
    whole = approval_in(approved)
    votes = (vote(ADA, "d-ada", Verdict.DENY), vote(GRACE, "d-grace", Verdict.DENY))
    with pytest.raises(InvalidValue):
        evolve(whole, votes=votes, phase=Denied(votes[1]))


def test_the_cell_of_an_approval_is_never_deleted_and_that_of_a_payload_may_be() -> None:
    """15."""
    assert APPROVALS.permanent
    assert not APPROVAL_PAYLOADS.permanent


def test_marks_are_those_of_the_votes() -> None:
    whole = approval_in(approved)
    for entries, dropped in [
        ((), 0),
        (whole.marks.entries[:1], 0),
        (whole.marks.entries[:1], 1),
        (tuple(reversed(whole.marks.entries)), 0),
        (whole.marks.entries, 1),
    ]:
        with pytest.raises(InvalidValue):
            evolve(whole, marks=Marks(entries, dropped))


def test_a_vote_names_what_it_is_for_if_it_is_a_yes() -> None:
    with pytest.raises(InvalidValue):
        evolve(vote(), offer=None)
    with pytest.raises(InvalidValue):
        evolve(vote(verdict=Verdict.DENY), offer=Offer.ONCE)


@pytest.mark.parametrize(
    ("state", "missing"),
    [
        (ApprovalState.PENDING, 0),
        (ApprovalState.PENDING, 17),
        (ApprovalState.PENDING, True),
        (ApprovalState.APPROVED, 1),
        (ApprovalState.EXPIRED, -1),
    ],
)
def test_an_outcome_misses_approvals_only_while_pending(state: ApprovalState, missing: int) -> None:
    with pytest.raises(InvalidValue):
        ApprovalOutcome(state=state, missing=missing)


def test_a_tombstone_was_something_else_and_forgets_nothing() -> None:
    tombstone = discarded()
    assert isinstance(tombstone, Discarded)
    with pytest.raises(InvalidValue):
        evolve(tombstone, was=ApprovalState.DISCARDED)
    with pytest.raises(InvalidValue):
        evolve(tombstone, marks=Marks(tombstone.marks.entries, 1))


@pytest.mark.parametrize(
    ("build", "state", "due_at"),
    [
        (halfway, "pending", DEADLINE),
        (approved, "approved", NOW),
        (denied, "denied", NOW),
        (expired, "expired", DEADLINE),
        (discarded, "discarded", None),
    ],
)
def test_every_record_is_found_by_its_state_and_time(
    build: Callable[[], ApprovalRecord], state: str, due_at: datetime | None
) -> None:
    record = build()
    index = APPROVALS.index_of(record)
    identity = APPROVALS.identity_of(record)
    assert index.state == state
    assert index.due_at == due_at
    assert index.sort == f"20300101000000000000{identity.id}"
    assert APPROVALS.marks_of(record) == record.marks


@pytest.mark.parametrize(
    ("build", "state"),
    [
        (halfway, "pending"),
        (approved, "approved.erased"),
        (denied, "denied.erased"),
        (expired, "expired.erased"),
    ],
)
def test_what_is_over_is_found_apart_once_its_payload_is_erased(
    build: Callable[[], ApprovalRecord], state: str
) -> None:
    approval = approval_in(build)
    index = APPROVALS.index_of(stored(approval.erase(now=OVERDUE)))
    assert index == evolve(APPROVALS.index_of(approval), state=state)


def test_a_record_says_whose_it_is() -> None:
    approval = approval_in(halfway)
    identity = Identity(approval.request.scope, approval.request.id)
    assert APPROVALS.identity_of(approval) == identity == APPROVALS.identity_of(discarded())


def test_records_sort_as_their_times_do() -> None:
    times = [NOW, later(0.000001), later(1), later(86_400), later(40_000_000)]
    approval = approval_in(halfway)
    tombstone = discarded()
    assert isinstance(tombstone, Discarded)
    sorts = [APPROVALS.index_of(evolve(tombstone, created_at=at)).sort for at in times]
    assert sorts == sorted(sorts)
    assert sorts[0] == APPROVALS.index_of(approval).sort
