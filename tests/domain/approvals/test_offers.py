"""An offer: what a yes may be given for, to whom, and in which order that is checked."""

from __future__ import annotations

from typing import Final

import pytest
from attrs import evolve

from tests.domain.approvals.samples import (
    ADA,
    AGENT,
    AUDIT,
    GRACE,
    NOW,
    OVERDUE,
    denied,
    discarded,
    later,
    pending,
    question,
    stored,
)
from turnkeep_domain.approvals.approval import Approval
from turnkeep_domain.approvals.calls import Effect
from turnkeep_domain.approvals.consent_rules import ConsentAnswer, ConsentRule
from turnkeep_domain.approvals.quorum import Quorum
from turnkeep_domain.approvals.refusals import AlwaysAllowUnsupported, NotEligible, NotPending
from turnkeep_domain.approvals.request import Question
from turnkeep_domain.approvals.states import ApprovalOutcome, ApprovalState
from turnkeep_domain.approvals.votes import Offer, Verdict, Vote
from turnkeep_domain.decisions import Changed, Refused, Settled, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId, RequestIdReused

BOTH: Final = frozenset(Offer)
ONE_OF_TWO: Final = Quorum.of(1, ADA, GRACE)
HARMLESS: Final = frozenset({Effect.COMMUNICATES})


def offering(offers: frozenset[Offer] = BOTH, quorum: Quorum = ONE_OF_TWO) -> Question:
    return evolve(question(quorum=quorum, effects=HARMLESS), offers=offers)


def test_the_user_may_take_always_where_it_is_offered() -> None:
    decision = pending(offering()).approve(
        by=ADA, decision_id=RequestId("d"), offer=Offer.ALWAYS, now=NOW
    )
    assert isinstance(decision, Changed)
    assert decision.outcome == ApprovalOutcome.of(ApprovalState.APPROVED)
    assert isinstance(decision.state, Approval)
    (vote,) = decision.state.votes
    assert vote.offer is Offer.ALWAYS


@pytest.mark.parametrize(
    ("asked", "by"),
    [(offering(frozenset({Offer.ONCE})), ADA), (offering(), GRACE)],
    ids=["not offered", "not the user"],
)
def test_always_is_refused_to_others_and_where_it_is_not_offered(
    asked: Question, by: Principal
) -> None:
    approval = pending(asked)
    decision = approval.approve(by=by, decision_id=RequestId("d"), offer=Offer.ALWAYS, now=NOW)
    assert decision == Refused(AlwaysAllowUnsupported(approval.request.id))


def test_what_is_offered_is_checked_after_everything_else() -> None:
    """Law 10 of approvals."""
    id = RequestId("d")
    unoffered = pending(offering(frozenset({Offer.ONCE})))
    late = unoffered.approve(by=ADA, decision_id=id, offer=Offer.ALWAYS, now=OVERDUE)
    assert isinstance(late, Settled)
    assert late.reason == NotPending(ApprovalState.EXPIRED, None)
    stranger = unoffered.approve(by=AUDIT, decision_id=id, offer=Offer.ALWAYS, now=NOW)
    assert stranger == Refused(NotEligible(AUDIT))
    for ended in (denied(), discarded()):
        again = ended.approve(by=ADA, decision_id=RequestId("x"), offer=Offer.ALWAYS, now=later(1))
        assert isinstance(again, Refused)
        assert isinstance(again.reason, NotPending)


def test_once_and_always_under_one_decision_id_are_two_decisions() -> None:
    once = stored(pending(offering()).approve(by=ADA, decision_id=RequestId("d"), now=NOW))
    always = once.approve(by=ADA, decision_id=RequestId("d"), offer=Offer.ALWAYS, now=later(1))
    assert always == Refused(RequestIdReused(RequestId("d")))


def test_always_after_once_comes_too_late() -> None:
    once = stored(pending(offering()).approve(by=ADA, decision_id=RequestId("d"), now=NOW))
    always = once.approve(by=ADA, decision_id=RequestId("e"), offer=Offer.ALWAYS, now=later(1))
    assert isinstance(always, Refused)
    assert isinstance(always.reason, NotPending)


def test_always_said_twice_counts_once() -> None:
    first = pending(offering()).approve(
        by=ADA, decision_id=RequestId("d"), offer=Offer.ALWAYS, now=NOW
    )
    again = stored(first).approve(
        by=ADA, decision_id=RequestId("e"), offer=Offer.ALWAYS, now=later(1)
    )
    assert again == Unchanged(ApprovalOutcome.of(ApprovalState.APPROVED))


def test_always_cannot_be_offered_above_threshold_1() -> None:
    with pytest.raises(InvalidValue, match="only where the user may decide alone"):
        offering(quorum=Quorum.of(2, ADA, GRACE, AUDIT))


def test_always_cannot_be_offered_where_the_user_does_not_decide() -> None:
    with pytest.raises(InvalidValue, match="only where the user may decide alone"):
        offering(quorum=Quorum.of(1, GRACE, AUDIT))


@pytest.mark.parametrize(
    "effect", [Effect.FINANCIAL, Effect.CHANGES_APPROVALS, Effect.CHANGES_BUDGETS]
)
def test_always_cannot_be_offered_for_what_must_be_asked_each_time(effect: Effect) -> None:
    with pytest.raises(InvalidValue, match="not have always for what must be asked each time"):
        evolve(offering(), effects=HARMLESS | {effect})


@pytest.mark.parametrize("offers", [frozenset(), frozenset({Offer.ALWAYS})])
def test_a_yes_to_this_call_alone_is_always_offered(offers: frozenset[Offer]) -> None:
    with pytest.raises(InvalidValue, match="offers must have once"):
        offering(offers)


def test_a_stored_vote_cannot_have_taken_what_was_not_offered_to_its_decider() -> None:
    by_grace = Vote(
        decision_id=RequestId("d"),
        decider=GRACE,
        verdict=Verdict.APPROVE,
        offer=Offer.ALWAYS,
        at=NOW,
    )
    with pytest.raises(InvalidValue, match="votes must take what is offered"):
        evolve(pending(offering()), votes=(by_grace,))


@pytest.mark.parametrize("cause", list(ConsentRule))
def test_the_cause_of_a_request_is_a_rule_that_asks(cause: ConsentRule) -> None:
    if cause.answer is ConsentAnswer.ASK:
        assert evolve(question(), cause=cause).cause is cause
        return
    with pytest.raises(InvalidValue, match="cause must be a rule that asks"):
        evolve(question(), cause=cause)


def test_another_cause_asks_the_same_and_another_offer_does_not() -> None:
    asked = offering()
    approval = pending(asked)
    assert isinstance(approval.asked_again(evolve(asked, cause=ConsentRule.HARD_FLOOR)), Unchanged)
    assert isinstance(approval.asked_again(evolve(asked, offers=frozenset({Offer.ONCE}))), Refused)


def test_an_agent_who_asks_for_itself_is_no_user_of_the_scope() -> None:
    assert not offering().is_offered(Offer.ALWAYS, AGENT)
    assert not offering().is_offered(Offer.ALWAYS, Principal.service("ada"))
