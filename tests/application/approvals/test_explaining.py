"""Explaining an approval: what was asked, said and done is told in order, and nothing hidden."""

from __future__ import annotations

from tests.application.approvals.keep import (
    ADA,
    AGENT,
    EVERYTHING,
    GRACE,
    ONE_OF_TWO,
    SCOPE,
    SECRETS,
    Keep,
    rid,
)
from turnkeep_application.approval_explaining import ApprovalExplanation
from turnkeep_domain.approvals.consent_rules import ConsentRule
from turnkeep_domain.approvals.grant_phases import GrantState
from turnkeep_domain.scope import Scope
from turnkeep_ports.clock import Deadline
from turnkeep_ports.store import START, EventPage, EventQuery


def kinds(explained: ApprovalExplanation) -> list[str]:
    return [event.kind for event in explained.history]


async def explained(keep: Keep, id: str) -> ApprovalExplanation:
    found = await keep.approvals.explain(SCOPE, id)
    assert found is not None
    return found


def test_an_explanation_tells_why_it_was_asked_and_who_said_what(keep: Keep) -> None:
    async def scenario() -> None:
        view = await keep.raised()
        await keep.raised(invocation="another")
        await keep.approvals.approve(SCOPE, view.id, by=ADA, decision_id=rid("d1"))
        await keep.approvals.deny(SCOPE, view.id, by=GRACE, decision_id=rid("d2"))
        told = await explained(keep, view.id)
        assert told.approval == await keep.approvals.get(SCOPE, view.id)
        assert told.approval.cause is ConsentRule.OTHERWISE
        assert [vote.decider for vote in told.approval.votes] == [ADA, GRACE]
        assert told.grant is None
        assert kinds(told) == ["approval.raised", "approval.voted", "approval.denied"]
        assert told.complete

    keep.run(scenario)


def test_an_explanation_tells_what_became_of_the_yes(keep: Keep) -> None:
    async def scenario() -> None:
        view = await keep.raised(quorum=ONE_OF_TWO)
        await keep.approvals.approve(SCOPE, view.id, by=ADA, decision_id=rid("d1"))
        told = await explained(keep, view.id)
        assert told.grant is not None
        assert (told.grant.state, told.grant.issued_by) == (GrantState.ACTIVE, ADA)
        assert kinds(told) == ["approval.raised", "approval.approved", "grant.issued"]

    keep.run(scenario)


def test_there_is_nothing_to_explain_of_what_is_absent_foreign_or_gone(keep: Keep) -> None:
    """16, 17."""

    async def scenario() -> None:
        view = await keep.raised()
        foreign = Scope.of("acme", "ada", agent="scout", project="site", mission="m1", thread="t2")
        assert await keep.approvals.explain(foreign, view.id) is None
        assert await keep.approvals.explain(SCOPE, "none") is None
        await keep.approvals.discard(SCOPE, view.id, by=AGENT, request_id=rid("r1"))
        assert await keep.approvals.explain(SCOPE, view.id) is None

    keep.run(scenario)


def test_events_that_were_trimmed_leave_the_rest_of_the_explanation(keep: Keep) -> None:
    async def scenario() -> None:
        view = await keep.raised(quorum=ONE_OF_TWO)
        query = EventQuery(collections=None, prefix=EVERYTHING)
        deadline = Deadline.after(keep.clock, 5)
        page = await keep.store.events(query, after=START, limit=500, deadline=deadline)
        assert isinstance(page, EventPage)
        await keep.approvals.approve(SCOPE, view.id, by=ADA, decision_id=rid("d1"))
        await keep.store.trim(page.next, deadline=deadline)
        told = await explained(keep, view.id)
        assert kinds(told) == ["approval.approved", "grant.issued"]
        assert told.complete
        assert told.approval.ruling is not None

    keep.run(scenario)


def test_an_explanation_shows_nothing_of_what_must_stay_hidden(keep: Keep) -> None:
    """9."""

    async def scenario() -> None:
        view = await keep.ask(
            input=SECRETS[0], reason=SECRETS[1], display=SECRETS[2], quorum=ONE_OF_TWO
        )
        id: str = view.id  # type: ignore[attr-defined]  # it was raised
        await keep.approvals.approve(SCOPE, id, by=ADA, decision_id=rid("d1"))
        told = repr(await explained(keep, id))
        assert "s3cret" not in told
        assert "sha256" not in told

    keep.run(scenario)
