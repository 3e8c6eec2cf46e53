"""A consenting world: a user, agents that want to act, and what is asked of the user's consent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import define

from tests.application.worlds import CODEC, SCOPE, Handles, World, rid
from turnkeep import ApprovalSettings, Keep, Settings
from turnkeep_adapters.virtual.clock import VirtualClock
from turnkeep_application.approval_views import ApprovalView
from turnkeep_application.consent_cells import policy_key
from turnkeep_application.consent_views import ConsentExplanation, EffectiveConsent
from turnkeep_domain.approvals.approval import APPROVALS
from turnkeep_domain.approvals.approval_id import ApprovalId
from turnkeep_domain.approvals.calls import Action, Dispatch, Effect
from turnkeep_domain.approvals.canonical import Json
from turnkeep_domain.approvals.consent_rules import ConsentRule
from turnkeep_domain.approvals.grant import GRANTS
from turnkeep_domain.approvals.names import CapabilityId, CorrelationId, InvocationId
from turnkeep_domain.approvals.payload import APPROVAL_PAYLOADS
from turnkeep_domain.approvals.quorum import Quorum
from turnkeep_domain.approvals.states import ApprovalOutcome, ApprovalState
from turnkeep_domain.approvals.votes import Offer
from turnkeep_domain.consent.action_kinds import ActionKind
from turnkeep_domain.consent.consent_settings import CONSENT_SETTINGS
from turnkeep_domain.consent.manifest import Manifest
from turnkeep_domain.consent.origin import ORDINARY, Origin
from turnkeep_domain.consent.overrides import OverrideKind
from turnkeep_domain.consent.tool_policy import TOOL_POLICIES, PolicyOutcome, ToolPolicy
from turnkeep_domain.keys import Address
from turnkeep_domain.principals import Principal
from turnkeep_domain.scope import Scope

OWNER: Final = Scope.of("acme", "ada")
ADA: Final = Principal.person("ada")
GRACE: Final = Principal.person("grace")
OPS: Final = Principal.service("ops")
SCOUT: Final = Principal.agent("scout")
CLERK: Final = Principal.agent("clerk")
MAIL: Final = CapabilityId("mail.send")
WEB: Final = CapabilityId("web.fetch")
DISPATCH: Final = frozenset({ActionKind.DISPATCH})
SPAWN: Final = frozenset({ActionKind.SPAWN})
TELLS: Final = frozenset({Effect.COMMUNICATES})
BOTH: Final = frozenset(Offer)
PERMITTING: Final = Manifest.of(MAIL, standing=True, auto_approvable=True)
APPROVED: Final = ApprovalOutcome.of(ApprovalState.APPROVED)
ELSEWHERE: Final = Scope.of("acme", "ada", agent="clerk", thread="another")
"""Another agent and thread of the same user."""
HOUR: Final = 3_600


@define
class Consenting(World):
    """One store with two hosts, and every collection that consent touches."""

    collections: tuple[str, ...] = (
        APPROVALS.name,
        APPROVAL_PAYLOADS.name,
        GRANTS.name,
        TOOL_POLICIES.name,
        CONSENT_SETTINGS.name,
    )

    @classmethod
    def lasting(cls, make: Callable[[VirtualClock], Handles], seconds: int) -> Consenting:
        """One in which what is taken always stands for so long."""
        return cls(make, settings=Settings(approvals=ApprovalSettings(allow_seconds=seconds)))

    async def allows(
        self,
        id: str = "allow",
        *,
        on: Keep | None = None,
        scope: Scope = SCOPE,
        grantee: Principal = SCOUT,
        kinds: frozenset[ActionKind] = DISPATCH,
        effects: frozenset[Effect] = TELLS,
        capability: CapabilityId = MAIL,
        lifetime_seconds: int | None = None,
    ) -> PolicyOutcome:
        """Ada allows a grantee's calls."""
        outcome = await (on or self.keep).policies.allow(
            scope,
            capability,
            grantee=grantee,
            kinds=kinds,
            effects=effects,
            by=ADA,
            request_id=rid(id),
            lifetime_seconds=lifetime_seconds,
        )
        assert isinstance(outcome, PolicyOutcome)
        return outcome

    async def overrides(
        self, kind: OverrideKind, id: str = "override", *, on: Keep | None = None
    ) -> PolicyOutcome:
        """Ada has the tool ask each time, or disables it."""
        outcome = await (on or self.keep).policies.set_override(
            SCOPE, MAIL, kind, by=ADA, request_id=rid(id)
        )
        assert isinstance(outcome, PolicyOutcome)
        return outcome

    async def revokes(
        self, id: str = "revoke", *, on: Keep | None = None, grantee: Principal | None = None
    ) -> PolicyOutcome:
        """Ada takes back what she has allowed."""
        outcome = await (on or self.keep).policies.revoke(
            SCOPE, MAIL, grantee=grantee, by=ADA, request_id=rid(id)
        )
        assert isinstance(outcome, PolicyOutcome)
        return outcome

    async def switches(
        self, id: str = "auto", *, on: bool = True, lifetime_seconds: int | None = None
    ) -> None:
        """Ada switches auto-approval."""
        await self.keep.policies.set_auto_approve(
            SCOPE, on=on, by=ADA, request_id=rid(id), lifetime_seconds=lifetime_seconds
        )

    async def raised(
        self,
        invocation: str = "i1",
        *,
        offers: frozenset[Offer] | None = BOTH,
        quorum: Quorum | None = None,
        effects: frozenset[Effect] = TELLS,
        cause: ConsentRule = ConsentRule.OTHERWISE,
        requester: Principal = SCOUT,
    ) -> ApprovalView:
        """The agent asks for one call, and offers to be always allowed."""
        view = await self.keep.approvals.raise_request(
            SCOPE,
            invocation=InvocationId(invocation),
            action=Dispatch.of(MAIL),
            effects=effects,
            requester=requester,
            correlation_id=CorrelationId("c1"),
            input={"to": "bo"},
            reason="because",
            display="mail to bo",
            quorum=quorum,
            offers=offers,
            cause=cause,
        )
        assert isinstance(view, ApprovalView)
        return view

    async def takes(
        self, id: str, offer: Offer, decision: str = "d1", *, by: Principal = ADA
    ) -> object:
        """Somebody says yes."""
        return await self.keep.approvals.approve(
            SCOPE, id, by=by, decision_id=rid(decision), offer=offer
        )

    async def always_taken(self, invocation: str = "i1") -> ApprovalId:
        """An approval that Ada has taken always."""
        view = await self.raised(invocation)
        assert await self.takes(view.id, Offer.ALWAYS, f"d {invocation}") == APPROVED
        return view.id

    async def asked(
        self,
        *,
        on: Keep | None = None,
        scope: Scope = SCOPE,
        invocation: str = "i1",
        action: Action | None = None,
        effects: frozenset[Effect] = TELLS,
        requester: Principal = SCOUT,
        input: Json = None,
        manifest: Manifest | None = PERMITTING,
        origin: Origin = ORDINARY,
        attempt: int = 1,
    ) -> EffectiveConsent:
        """What consent says to a call."""
        answer = await (on or self.keep).policies.effective_consent(
            scope,
            invocation=InvocationId(invocation),
            action=Dispatch.of(MAIL) if action is None else action,
            effects=effects,
            requester=requester,
            input={"to": "bo"} if input is None else input,
            manifest=manifest,
            origin=origin,
            attempt=attempt,
        )
        assert isinstance(answer, EffectiveConsent)
        return answer

    async def explained(self, *, manifest: Manifest | None = PERMITTING) -> ConsentExplanation:
        """Why consent says what it says."""
        answer = await self.keep.policies.explain(
            SCOPE,
            invocation=InvocationId("i1"),
            action=Dispatch.of(MAIL),
            effects=TELLS,
            requester=SCOUT,
            input={"to": "bo"},
            manifest=manifest,
        )
        assert isinstance(answer, ConsentExplanation)
        return answer

    # ---- what tests read ------------------------------------------------------------------------

    async def policy(self) -> ToolPolicy | None:
        """What is stored of the tool."""
        key = policy_key(SCOPE, MAIL)
        found = [cell for cell in await self.cells() if cell.address == key.address]
        return CODEC.decode(TOOL_POLICIES, key.address, found[0].entry.body) if found else None

    async def damage(self, address: Address) -> None:
        """Makes one record unreadable."""
        (cell,) = (cell for cell in await self.cells() if cell.address == address)
        await self.write(address, b"\x00 no record", cell)
