"""A round trip of consent: whatever its commands lead to is read as itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from tests.codec.cases import CODEC
from tests.codec.strategies import IDENTIFIERS, PRINCIPALS
from turnkeep_domain.approvals.approval_id import ApprovalId
from turnkeep_domain.approvals.calls import Effect
from turnkeep_domain.approvals.names import CapabilityId
from turnkeep_domain.consent.action_kinds import ActionKind
from turnkeep_domain.consent.allow import CONSENTING, Allowance
from turnkeep_domain.consent.consent_settings import CONSENT_SETTINGS, ConsentSettings
from turnkeep_domain.consent.limits import CONSENT_SECONDS_MAX
from turnkeep_domain.consent.overrides import OverrideKind
from turnkeep_domain.consent.tool_policy import TOOL_POLICIES, ToolPolicy
from turnkeep_domain.decisions import Changed
from turnkeep_domain.keys import Address
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope, TenantId, UserId

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
OWNERS: Final = st.builds(
    Scope,
    tenant=IDENTIFIERS.map(TenantId),
    user=IDENTIFIERS.filter(lambda user: user != "*").map(UserId),
    agent=st.none(),
    project=st.none(),
    mission=st.none(),
    thread=st.none(),
)
CONSENTERS: Final = PRINCIPALS.filter(lambda one: one.kind in CONSENTING)
ALLOWANCES: Final = st.builds(
    Allowance,
    grantee=PRINCIPALS,
    kinds=st.frozensets(st.sampled_from(ActionKind), min_size=1),
    effects=st.frozensets(st.sampled_from(Effect)),
    by=CONSENTERS,
    lifetime_seconds=st.integers(1, CONSENT_SECONDS_MAX),
    source=st.none() | IDENTIFIERS.map(ApprovalId),
)


@st.composite
def policies(draw: st.DrawFn) -> ToolPolicy:
    policy = ToolPolicy.unsaid(draw(OWNERS), CapabilityId(draw(IDENTIFIERS)))
    now = START
    for number in range(draw(st.integers(0, 5))):
        now += timedelta(microseconds=draw(st.integers(0, 2**40)))
        id = RequestId(f"r{number}")
        by = draw(CONSENTERS)
        decision: object
        match draw(st.sampled_from(["allow", "allow", "always", "revoke", "override", "clear"])):
            case "allow":
                decision = policy.allow(draw(ALLOWANCES), request_id=id, now=now)
            case "always":
                decision = policy.allow_always(draw(ALLOWANCES), decision_id=id, now=now)
            case "revoke":
                decision = policy.revoke(grantee=None, by=by, request_id=id, now=now)
            case "override":
                kind = draw(st.sampled_from(OverrideKind))
                decision = policy.set_override(kind, by=by, request_id=id, now=now)
            case _:
                decision = policy.clear_override(by=by, request_id=id, now=now)
        if isinstance(decision, Changed) and isinstance(decision.state, ToolPolicy):
            policy = decision.state
    return policy


@st.composite
def settings(draw: st.DrawFn) -> ConsentSettings:
    standing = ConsentSettings.unsaid(draw(OWNERS))
    for number in range(draw(st.integers(0, 3))):
        decision = standing.set_auto_approve(
            draw(st.none() | st.integers(1, CONSENT_SECONDS_MAX)),
            by=draw(CONSENTERS),
            request_id=RequestId(f"r{number}"),
            now=START,
        )
        if isinstance(decision, Changed):
            standing = decision.state
    return standing


@given(policy=policies())
def test_a_tool_policy_returns_as_itself(policy: ToolPolicy) -> None:
    identity = TOOL_POLICIES.identity_of(policy)
    body = CODEC.encode(policy)
    address = Address(TOOL_POLICIES.name, identity.scope, identity.id)
    returned = CODEC.decode(TOOL_POLICIES, address, body)
    assert returned == policy
    assert CODEC.encode(returned) == body


@given(standing=settings())
def test_consent_settings_return_as_themselves(standing: ConsentSettings) -> None:
    identity = CONSENT_SETTINGS.identity_of(standing)
    body = CODEC.encode(standing)
    address = Address(CONSENT_SETTINGS.name, identity.scope, identity.id)
    returned = CODEC.decode(CONSENT_SETTINGS, address, body)
    assert returned == standing
    assert CODEC.encode(returned) == body
