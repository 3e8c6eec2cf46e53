"""A grant's premises: what must hold beside it, whoever is about to use it."""

from __future__ import annotations

from datetime import datetime

from turnkeep_application.consent_cells import policy_key
from turnkeep_application.records import Records
from turnkeep_domain.approvals.approval import Approval, ApprovalRecord
from turnkeep_domain.approvals.consent_refusals import ToolDisabled
from turnkeep_domain.approvals.grant_refusals import NotApproved
from turnkeep_domain.approvals.names import CapabilityId
from turnkeep_domain.approvals.refusals import Unknown
from turnkeep_domain.approvals.states import ApprovalState
from turnkeep_domain.scope import Scope


def disabled(records: Records, scope: Scope, capability: CapabilityId) -> ToolDisabled | None:
    """The refusal where the user has disabled the tool; its policy is to be loaded."""
    policy = records[policy_key(scope, capability)]
    return ToolDisabled(capability) if policy is not None and policy.is_disabled else None


def unapproved(
    approval: ApprovalRecord | None, id: str, now: datetime
) -> Unknown | NotApproved | None:
    """Why an approval gives no authority; None where it does."""
    if approval is None:
        return Unknown(id)
    if not isinstance(approval, Approval):
        return NotApproved(ApprovalState.DISCARDED)
    state = approval.state_at(now)
    return None if state is ApprovalState.APPROVED else NotApproved(state)
