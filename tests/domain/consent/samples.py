"""Samples of consent: a user, an agent, and what the one has allowed the other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from turnkeep_domain.approvals.approval_id import ApprovalId
from turnkeep_domain.approvals.calls import Effect
from turnkeep_domain.approvals.names import CapabilityId
from turnkeep_domain.consent.action_kinds import ActionKind
from turnkeep_domain.consent.allow import Allow, Allowance
from turnkeep_domain.consent.consent_settings import ConsentSettings
from turnkeep_domain.consent.tool_policy import ToolPolicy
from turnkeep_domain.decisions import Changed, Decision
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope

OWNER: Final = Scope.of("acme", "ada")
NOW: Final = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
HOUR: Final = 3_600
SOON: Final = NOW + timedelta(seconds=HOUR)
"""When everything that was given for an hour expires."""

ADA: Final = Principal.person("ada")
OPS: Final = Principal.service("ops")
SCOUT: Final = Principal.agent("scout")
CLERK: Final = Principal.agent("clerk")
MAIL: Final = CapabilityId("mail.send")
FIRST: Final = ApprovalId("a-1")
SECOND: Final = ApprovalId("a-2")

BOTH: Final = frozenset(ActionKind)
DISPATCH: Final = frozenset({ActionKind.DISPATCH})
SPAWN: Final = frozenset({ActionKind.SPAWN})
TELLS: Final = frozenset({Effect.COMMUNICATES})
TELLS_AND_WRITES: Final = frozenset({Effect.COMMUNICATES, Effect.WRITES})


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def allowance(
    *,
    grantee: Principal = SCOUT,
    kinds: frozenset[ActionKind] = DISPATCH,
    effects: frozenset[Effect] = TELLS,
    by: Principal = ADA,
    lifetime_seconds: int = HOUR,
    source: ApprovalId | None = None,
) -> Allowance:
    return Allowance(
        grantee=grantee,
        kinds=kinds,
        effects=effects,
        by=by,
        lifetime_seconds=lifetime_seconds,
        source=source,
    )


def unsaid() -> ToolPolicy:
    return ToolPolicy.unsaid(OWNER, MAIL)


def changed(decision: Decision[ToolPolicy, object, object]) -> ToolPolicy:
    assert isinstance(decision, Changed)
    return decision.state


def allowing(*given: Allowance, policy: ToolPolicy | None = None) -> ToolPolicy:
    """A policy that allows all of these, one after the other."""
    policy = unsaid() if policy is None else policy
    for number, one in enumerate(given):
        policy = changed(policy.allow(one, request_id=RequestId(f"allow {number}"), now=NOW))
    return policy


def auto_approving(seconds: int = HOUR) -> ConsentSettings:
    decision = ConsentSettings.unsaid(OWNER).set_auto_approve(
        seconds, by=ADA, request_id=RequestId("on"), now=NOW
    )
    assert isinstance(decision, Changed)
    return decision.state


def the_allow(policy: ToolPolicy) -> Allow:
    (allow,) = policy.allows
    return allow
