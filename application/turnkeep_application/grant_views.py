"""A view of a grant: what a host may show of it; never fingerprint or token."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from turnkeep_domain.approvals.approval_id import ApprovalId
from turnkeep_domain.approvals.calls import Action, Effect
from turnkeep_domain.approvals.grant import Grant
from turnkeep_domain.approvals.grant_phases import (
    ClaimedGrant,
    DispatchingGrant,
    GrantRevokeCause,
    GrantState,
    GrantStep,
    RevokedGrant,
)
from turnkeep_domain.principals import Principal
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.addresses import RunAddress


@frozen(kw_only=True)
class GrantView:
    """A grant as it stood at one moment of the store's clock.

    Attributes:
        id: That of its approval.
        state: Where it stands; one whose time is up is `REVOKED`, noted or not.
        grantee: Who may make the call.
        run: The run that had asked.
        issued_by: Whose yes decided.
        held_by: Who has claimed or begun it; None where nobody has.
        until: The deadline of whoever holds it; past it, a call that was begun is uncertain.
        step: The step of a run that it was begun with.
        ended_at: When it was consumed or revoked, or its end where its time is up.
        cause: Why it was revoked; None where it was not.
    """

    id: ApprovalId
    scope: Scope
    state: GrantState
    action: Action
    effects: frozenset[Effect]
    grantee: Principal
    run: RunAddress | None
    issued_by: Principal
    issued_at: datetime
    expires_at: datetime
    held_by: Principal | None
    until: datetime | None
    step: GrantStep | None
    ended_at: datetime | None
    cause: GrantRevokeCause | None


def grant_view(grant: Grant, now: datetime) -> GrantView:
    """The grant as it stands now."""
    state, phase = grant.state_at(now), grant.phase
    overdue = state is GrantState.REVOKED and not isinstance(phase, RevokedGrant)
    cause = phase.cause if isinstance(phase, RevokedGrant) else None
    held = phase if isinstance(phase, ClaimedGrant | DispatchingGrant) and not overdue else None
    return GrantView(
        id=grant.id,
        scope=grant.scope,
        state=state,
        action=grant.action,
        effects=grant.effects,
        grantee=grant.grantee,
        run=grant.run,
        issued_by=grant.issued_by,
        issued_at=grant.issued_at,
        expires_at=grant.expires_at,
        held_by=None if held is None else held.by,
        until=None if held is None else held.deadline,
        step=phase.step if isinstance(phase, DispatchingGrant) else None,
        ended_at=grant.expires_at if overdue else grant.ended_at,
        cause=GrantRevokeCause.EXPIRED if overdue else cause,
    )
