"""Granting: an approved call, and hosts that are about to make it."""

from __future__ import annotations

from typing import Final, Never

from attrs import frozen

from tests.application.approvals.keep import ADA, AGENT, GRACE, SCOPE, Keep, rid
from turnkeep_application.approvals import Approvals
from turnkeep_application.consent_cells import policy_key
from turnkeep_application.records import Records
from turnkeep_domain.approvals.calls import Action, Dispatch, Effect
from turnkeep_domain.approvals.canonical import Json, JsonText
from turnkeep_domain.approvals.grant_phases import GrantOutcome, GrantState
from turnkeep_domain.approvals.grant_token import GrantToken
from turnkeep_domain.approvals.names import CapabilityId, InvocationId
from turnkeep_domain.consent.manifest import Manifest
from turnkeep_domain.consent.origin import Origin
from turnkeep_domain.consent.overrides import OverrideKind
from turnkeep_domain.consent.tool_policy import ToolPolicy
from turnkeep_domain.decisions import Changed, Refused
from turnkeep_domain.principals import Principal
from turnkeep_domain.scope import Scope

PAY: Final = Dispatch.of("pay", {"usd_nano": 5})
FINANCIAL: Final = frozenset({Effect.FINANCIAL})
INPUT: Final[dict[str, Json]] = {"to": "s3cret-input", "amount": 12}
ONE: Final = GrantToken(b"1" * 16)
TWO: Final = GrantToken(b"2" * 16)
OLGA: Final = Principal.person("olga")

ACTIVE: Final = GrantOutcome(state=GrantState.ACTIVE, until=None)
CONSUMED: Final = GrantOutcome(state=GrantState.CONSUMED, until=None)
REVOKED: Final = GrantOutcome(state=GrantState.REVOKED, until=None)


async def approved(keep: Keep, *, scope: Scope = SCOPE, invocation: str = "i1") -> str:
    """A call that two people have approved; its id."""
    view = await keep.raised(scope=scope, invocation=invocation, input=INPUT)
    for by in (ADA, GRACE):
        await keep.approvals.approve(scope, view.id, by=by, decision_id=rid(f"d-{by.id}"))
    return view.id


@frozen(kw_only=True)
class Resumer:
    """One host that resumes an approved call, with its own token and request ids."""

    approvals: Approvals
    id: str
    token: GrantToken = ONE
    name: str = "r1"
    scope: Scope = SCOPE

    async def claim(
        self,
        *,
        by: Principal = AGENT,
        invocation: str = "i1",
        action: Action = PAY,
        effects: frozenset[Effect] = FINANCIAL,
        input: Json | JsonText = None,
        request: str = "claim",
        ttl_seconds: int | None = None,
        manifest: Manifest | None = None,
        origin: Origin | None = None,
    ) -> object:
        return await self.approvals.claim(
            self.scope,
            self.id,
            by=by,
            invocation=InvocationId(invocation),
            action=action,
            effects=effects,
            input=INPUT if input is None else input,
            token=self.token,
            request_id=rid(f"{self.name}-{request}"),
            ttl_seconds=ttl_seconds,
            manifest=manifest,
            origin=origin,
        )

    async def begin(self, *, request: str = "begin", ttl_seconds: int | None = None) -> object:
        return await self.approvals.begin(
            self.scope,
            self.id,
            token=self.token,
            request_id=rid(f"{self.name}-{request}"),
            ttl_seconds=ttl_seconds,
        )

    async def extend(self, ttl_seconds: int | None = None) -> object:
        return await self.approvals.extend(
            self.scope, self.id, token=self.token, ttl_seconds=ttl_seconds
        )

    async def abort(self) -> object:
        return await self.approvals.abort(
            self.scope, self.id, token=self.token, request_id=rid(f"{self.name}-abort")
        )

    async def consume(self) -> object:
        return await self.approvals.consume(
            self.scope, self.id, token=self.token, request_id=rid(f"{self.name}-consume")
        )

    async def settle(self, *, happened: bool) -> object:
        return await self.approvals.settle(
            self.scope,
            self.id,
            happened=happened,
            by=OLGA,
            request_id=rid(f"{self.name}-settle"),
        )

    async def revoke(self) -> object:
        return await self.approvals.revoke_grant(
            self.scope, self.id, by=OLGA, request_id=rid(f"{self.name}-revoke")
        )


async def disable(keep: Keep, capability: str = "pay", scope: Scope = SCOPE) -> None:
    """The user has it that the tool is used by nobody."""
    policy = policy_key(scope, CapabilityId(capability))

    def decide(records: Records, now: object) -> Changed[Records, None]:
        before = records[policy] or ToolPolicy.unsaid(
            policy.address.scope, CapabilityId(capability)
        )
        decision = before.set_override(
            OverrideKind.DISABLED,
            by=ADA,
            request_id=rid("disable"),
            now=keep.wall(),
        )
        assert isinstance(decision, Changed)
        return Changed(records.put(policy, decision.state), None, decision.events)

    done: Refused[Never] | None = await keep.rival.updates.update([policy], decide)
    assert done is None
