"""Taking always: an approval that also allows the requester's further calls, in one commit."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from attrs import evolve

from turnkeep_application.approval_cells import approval_key
from turnkeep_application.approval_settings import ApprovalSettings
from turnkeep_application.consent_cells import policy_key
from turnkeep_application.records import Need, Records
from turnkeep_domain.approvals.approval import Approval
from turnkeep_domain.approvals.consent_refusals import ToolDisabled, TooManyAllows
from turnkeep_domain.approvals.phases import Approved
from turnkeep_domain.approvals.votes import Offer, Ruling
from turnkeep_domain.consent.action_kinds import ActionKind
from turnkeep_domain.consent.allow import Allowance
from turnkeep_domain.consent.tool_policy import ToolPolicy
from turnkeep_domain.decisions import Changed, Refused

O = TypeVar("O")


def with_standing_allow(
    before: Records,
    approval: Approval,
    decision: Changed[Records, O],
    *,
    settings: ApprovalSettings,
    now: datetime,
) -> Changed[Records, O] | Refused[ToolDisabled | TooManyAllows] | Need:
    """A decision on an approval, with the allow where it was taken always.

    The allow covers the requester's calls of this capability and kind, in every thread of the
    user, that may do no more than this one. It ends that the tool asks each time.

    Args:
        before: As they were loaded.
        approval: As it was.
        decision: What the approval itself answers, over all records.
        settings: For how long.
        now: The store's now.
    """
    request = approval.request
    ruling = _taken_always(decision.state, approval)
    if ruling is None:
        return decision
    question = request.question
    key = policy_key(question.scope, question.action.capability)
    if key not in before:
        return Need([key])
    allowance = Allowance(
        grantee=question.requester,
        kinds=frozenset({ActionKind.of(question.action)}),
        effects=question.effects,
        by=ruling.decider,
        lifetime_seconds=settings.allow_seconds,
        source=request.id,
    )
    policy = before[key] or ToolPolicy.unsaid(key.address.scope, question.action.capability)
    allowed = policy.allow_always(allowance, decision_id=ruling.decision_id, now=now)
    if isinstance(allowed, Refused):
        return allowed
    events = (*decision.events, *allowed.events)
    return evolve(decision, state=decision.state.put(key, allowed.state), events=events)


def _taken_always(after: Records, approval: Approval) -> Ruling | None:
    """The vote that took always, where the decision is one."""
    record = after[approval_key(approval.request.scope, approval.request.id)]
    if not isinstance(record, Approval) or not isinstance(record.phase, Approved):
        return None
    ruling = record.phase.ruling
    return ruling if ruling.offer is Offer.ALWAYS else None
