"""A ruling: a decision on an approval with all that is stored along, in one commit or not at all.

The run that waits for it is released, or nobody may decide any more; a yes that was taken always
allows what comes after; and the last yes that was needed gives its grant.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from attrs import evolve

from turnkeep_application.approval_cells import approval_key, grant_key
from turnkeep_application.approval_settings import ApprovalSettings
from turnkeep_application.consent_taking import with_standing_allow
from turnkeep_application.records import Need, Records
from turnkeep_application.turns.releasing import along_with_its_run, is_awaited
from turnkeep_domain.approvals.approval import Approval
from turnkeep_domain.approvals.consent_refusals import ToolDisabled, TooManyAllows
from turnkeep_domain.approvals.grant import Grant
from turnkeep_domain.approvals.phases import Approved
from turnkeep_domain.approvals.refusals import AlwaysAllowUnsupported
from turnkeep_domain.decisions import Changed, Decision, Refused, Settled

O = TypeVar("O")
R = TypeVar("R")


def ruled(
    records: Records,
    approval: Approval,
    decision: Decision[Records, O, R],
    now: datetime,
    *,
    unless_parked: R,
    settings: ApprovalSettings,
) -> Decision[Records, O, R | ToolDisabled | TooManyAllows] | Need:
    """A yes, and what goes along with it.

    In this order: what the approval answers; whether its run still waits for it; what it offers;
    whether the tool is disabled.

    Args:
        records: As they were loaded.
        approval: As it was.
        decision: What the approval itself answers, over all records.
        now: The store's now.
        unless_parked: The refusal where its run does not wait for it any more.
        settings: For how long a grant and an allow stand.
    """
    if isinstance(decision, Refused) and isinstance(decision.reason, AlwaysAllowUnsupported):
        return _unless_stale(records, approval, decision, unless_parked)
    released = with_release(records, approval, decision, now, unless_parked=unless_parked)
    if not isinstance(released, Changed):
        return released
    allowed = with_standing_allow(records, approval, released, settings=settings, now=now)
    if not isinstance(allowed, Changed):
        return allowed
    return _with_grant(records, approval, allowed, settings=settings, now=now)


def with_release(
    records: Records,
    approval: Approval,
    decision: Decision[Records, O, R],
    now: datetime,
    *,
    unless_parked: R | None,
) -> Decision[Records, O, R] | Need:
    """Any decision on an approval, and what becomes of the run that waits for it.

    Args:
        records: As they were loaded.
        approval: As it was.
        decision: What the approval itself answers, over all records.
        now: The store's now.
        unless_parked: The refusal where its run does not wait for it any more; None where the
            decision stands in any case.
    """
    if not isinstance(decision, Changed | Settled):
        return decision
    return along_with_its_run(records, approval, decision, unless_parked=unless_parked, now=now)


def _unless_stale(
    records: Records, approval: Approval, refused: Refused[R], unless_parked: R
) -> Refused[R] | Need:
    """The refusal, unless nobody may decide at all: that comes first."""
    awaited = is_awaited(records, approval)
    if isinstance(awaited, Need):
        return awaited
    return refused if awaited else Refused(unless_parked)


def _with_grant(
    records: Records,
    approval: Approval,
    decision: Changed[Records, O],
    *,
    settings: ApprovalSettings,
    now: datetime,
) -> Changed[Records, O] | Need:
    """The same, with the grant where this was the last yes that was needed.

    Raises:
        RuntimeError: There is one already, which only damage explains: it is never overwritten.
    """
    request = approval.request
    after = decision.state[approval_key(request.scope, request.id)]
    if not isinstance(after, Approval) or not isinstance(after.phase, Approved):
        return decision
    key = grant_key(request.scope, request.id)
    if key not in records:
        return Need([key])
    if records[key] is not None:
        raise RuntimeError("a grant stands though its approval was pending")
    issued = Grant.issued(
        request, after.phase.ruling, lifetime_seconds=settings.grant_seconds, now=now
    )
    events = (*decision.events, *issued.events)
    return evolve(decision, state=decision.state.put(key, issued.state), events=events)
