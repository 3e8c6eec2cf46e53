"""Ageing: erasing changes no ruling, and a tombstone keeps the answers and nothing of the call."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from attrs import evolve

from tests.domain.approvals.samples import (
    ADA,
    DEADLINE,
    GRACE,
    NOW,
    OVERDUE,
    approved,
    denied,
    discarded,
    expired,
    halfway,
    later,
    pending,
    question,
    stored,
)
from turnkeep_domain.approvals.approval import Approval, ApprovalRecord
from turnkeep_domain.approvals.discarded import Discarded
from turnkeep_domain.approvals.events import ApprovalErased, ApprovalPruned
from turnkeep_domain.approvals.refusals import IdSpent, NotOver, NotPending
from turnkeep_domain.approvals.states import ApprovalState
from turnkeep_domain.decisions import Changed, Refused, Unchanged
from turnkeep_domain.request_ids import RequestId

LATER = NOW + timedelta(days=90)


def approval_in(build: Callable[[], ApprovalRecord]) -> Approval:
    record = build()
    assert isinstance(record, Approval)
    return record


@pytest.mark.parametrize("build", [pending, halfway, approved, denied, expired])
def test_erasing_changes_nothing_but_that_it_is_erased(
    build: Callable[[], ApprovalRecord],
) -> None:
    """33."""
    approval = approval_in(build)
    match approval.erase(now=LATER):
        case Changed(state, None, (ApprovalErased(address=address, at=at),)):
            assert state == evolve(approval, erased=True)
            assert (address, at) == (approval.address, LATER)
            assert isinstance(state, Approval)
            assert state.erase(now=LATER) == Unchanged(None)
        case other:
            pytest.fail(str(other))


@pytest.mark.parametrize(
    ("build", "ended_at"),
    [(pending, None), (halfway, None), (approved, NOW), (denied, NOW), (expired, DEADLINE)],
)
def test_an_approval_ended_when_it_was_decided_or_at_its_deadline(
    build: Callable[[], ApprovalRecord], ended_at: datetime | None
) -> None:
    assert approval_in(build).ended_at == ended_at


@pytest.mark.parametrize(
    ("build", "was"),
    [
        (approved, ApprovalState.APPROVED),
        (denied, ApprovalState.DENIED),
        (expired, ApprovalState.EXPIRED),
    ],
)
def test_pruning_leaves_how_it_ended_and_every_answer(
    build: Callable[[], ApprovalRecord], was: ApprovalState
) -> None:
    approval = approval_in(build)
    ended_at = approval.ended_at
    assert ended_at is not None
    decision = approval.prune(before=ended_at, now=LATER)
    match decision:
        case Changed(Discarded() as tombstone, None, (ApprovalPruned(at=at),)):
            assert (tombstone.id, tombstone.scope) == (approval.request.id, approval.request.scope)
            assert (tombstone.was, tombstone.ended_at, at) == (was, ended_at, LATER)
            assert tombstone.created_at == approval.request.created_at
            assert tombstone.marks == approval.marks
        case other:
            pytest.fail(str(other))


@pytest.mark.parametrize("build", [approved, denied, expired])
def test_what_has_not_been_over_for_long_enough_is_not_pruned(
    build: Callable[[], ApprovalRecord],
) -> None:
    approval = approval_in(build)
    assert approval.ended_at is not None
    before = approval.ended_at - timedelta(microseconds=1)
    assert approval.prune(before=before, now=LATER) == Refused(NotOver(approval.request.id))


@pytest.mark.parametrize("build", [pending, halfway])
def test_what_is_overdue_is_not_pruned_before_that_is_noted(
    build: Callable[[], ApprovalRecord],
) -> None:
    approval = approval_in(build)
    assert approval.prune(before=LATER, now=LATER) == Refused(NotOver(approval.request.id))


@pytest.mark.parametrize("build", [approved, denied, expired])
def test_a_pruned_approval_answers_as_a_discarded_one_and_its_id_stays_spent(
    build: Callable[[], ApprovalRecord],
) -> None:
    """15, 16."""
    approval = approval_in(build)
    pruned = stored(approval.prune(before=LATER, now=LATER))
    gone = Refused(NotPending(ApprovalState.DISCARDED, None))
    new = RequestId("new")
    assert pruned.approve(by=GRACE, decision_id=new, now=LATER) == gone
    assert pruned.deny(by=GRACE, decision_id=new, now=LATER) == gone
    assert pruned.expire(now=LATER) == gone
    assert pruned.asked_again(question()) == Refused(IdSpent(approval.request.id))


@pytest.mark.parametrize("build", [approved, denied, expired])
def test_a_repeat_is_answered_as_it_was_after_the_record_was_pruned(
    build: Callable[[], ApprovalRecord],
) -> None:
    """11."""
    approval = approval_in(build)
    pruned = stored(approval.prune(before=LATER, now=LATER))
    first = approval.approve(by=ADA, decision_id=RequestId("d-ada"), now=OVERDUE)
    assert isinstance(first, Unchanged)
    assert pruned.approve(by=ADA, decision_id=RequestId("d-ada"), now=LATER) == first


def test_a_tombstone_of_a_discard_keeps_when_it_was_withdrawn() -> None:
    tombstone = discarded()
    assert isinstance(tombstone, Discarded)
    assert (tombstone.was, tombstone.ended_at) == (ApprovalState.PENDING, later(0))
