"""What a run's approval offers: checked once the run is known to wait for it, and passed on."""

from __future__ import annotations

from tests.application.turns.keep import ADA, Keep
from turnkeep_application.approval_cells import approval_key, grant_key
from turnkeep_application.consent_cells import policy_key
from turnkeep_domain.approvals.approval import Approval
from turnkeep_domain.approvals.calls import Dispatch, Effect
from turnkeep_domain.approvals.consent_rules import ConsentRule
from turnkeep_domain.approvals.names import CapabilityId, InvocationId
from turnkeep_domain.approvals.refusals import AlwaysAllowUnsupported, StaleGate
from turnkeep_domain.approvals.states import ApprovalOutcome, ApprovalState
from turnkeep_domain.approvals.votes import Offer
from turnkeep_domain.decisions import Refused
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.turns.claims import Claim, RunStanding
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.run_states import RunStatus

APPROVED = ApprovalOutcome.of(ApprovalState.APPROVED)
MAIL = CapabilityId("mail.send")


async def always(keep: Keep, claim: Claim, id: str, decision: str) -> object:
    return await keep.approvals().approve(
        claim.run.scope, id, by=ADA, decision_id=RequestId(decision), offer=Offer.ALWAYS
    )


def test_a_gate_whose_run_has_moved_on_is_stale_before_always_is_unsupported(keep: Keep) -> None:
    """Law 10 of approvals."""

    async def scenario() -> None:
        parked = await keep.parked()
        answer = await always(keep, parked.claim, parked.approval, "d1")
        assert answer == Refused(AlwaysAllowUnsupported(parked.approval))
        # What no command leads to: the approval is put back as it was before it was decided.
        key = approval_key(parked.run.scope, parked.approval)
        pending = await keep.record(key)
        assert pending is not None
        await keep.approvals().approve(
            parked.run.scope, parked.approval, by=ADA, decision_id=RequestId("d2")
        )
        await keep.overwrite(key, pending)
        before = await keep.snapshot()
        answer = await always(keep, parked.claim, parked.approval, "d3")
        assert answer == Refused(StaleGate(parked.approval))
        assert await keep.snapshot() == before

    keep.run(scenario, sound=False)


def test_a_run_that_offers_always_is_released_with_grant_and_allow_in_one_commit(
    keep: Keep,
) -> None:
    """Law 22 of approvals."""

    async def scenario() -> None:
        claim = await keep.running()
        parked = await keep.turns.require_approval(
            claim,
            EffectId("ask", 0),
            invocation=InvocationId("i1"),
            action=Dispatch.of(MAIL),
            effects=frozenset({Effect.COMMUNICATES}),
            requester=Principal.agent("scout"),
            input={"to": "bo"},
            reason="because",
            display="mail to bo",
            offers=frozenset(Offer),
            cause=ConsentRule.ASK_EACH_TIME,
        )
        assert isinstance(parked, RunStanding)
        assert parked.status is RunStatus.BLOCKED
        (record,) = (await keep.whole()).approvals
        assert isinstance(record, Approval)
        assert record.request.question.cause is ConsentRule.ASK_EACH_TIME
        id, scope = record.request.id, claim.run.scope
        assert await always(keep, claim, id, "d1") == APPROVED
        stored = (await keep.whole()).stored_events
        deciding = {e.commit_id for e in stored if e.kind == "approval.approved"}
        kinds = {event.kind for event in stored if event.commit_id in deciding}
        assert {
            "approval.approved",
            "grant.issued",
            "run.resumed",
            "tool_policy.allowed",
        } <= kinds
        assert len(deciding) == 1
        assert await keep.record(grant_key(scope, id)) is not None
        policy = await keep.record(policy_key(scope, MAIL))
        assert policy is not None
        (allow,) = policy.allows
        assert (allow.grantee, allow.source) == (Principal.agent("scout"), id)

    keep.run(scenario)
