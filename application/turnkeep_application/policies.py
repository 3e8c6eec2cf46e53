"""Policies: the use cases of standing consent, by which a person is spared repeated questions.

Consent is kept by tenant and user: any scope of a user names the same, whatever its agent or
thread, and what another user has said is absent. Of effective consent, silence, damage and doubt
never mean yes.

Commands answer an outcome, or `Refused` with a reason that has a stable `code`; they raise what
`Updates.update` raises. Repeated with its request id, a command that has changed something answers
what it answered first while it is among the last 32 that changed that tool, or those settings,
whatever they were. Nothing else is remembered: one that found nothing to change, or that was
pushed out, is judged anew. What widens (`allow`, `clear_override`, auto-approval on) widens again
then, whatever the user has withdrawn meanwhile; so a request id is for a repeat within moments of
the first try, and whoever comes late asks the user, under another. Every use case raises
`InvalidValue` for what no host should have handed over, before anything is read and without
repeating it.

The module is long because every use case has its whole contract beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias, TypeVar

from attrs import Factory, field, frozen

from turnkeep_application.approval_settings import PAGE_MAX, ApprovalSettings
from turnkeep_application.consent_cells import policy_key, settings_key
from turnkeep_application.consent_views import (
    ConsentExplanation,
    ConsentPage,
    EffectiveConsent,
    ToolConsent,
    tool_consent,
)
from turnkeep_application.consent_weighing import ConsentWeighing, Sought
from turnkeep_application.paging import position_of, token_of
from turnkeep_application.reading import Reading, Unreadable
from turnkeep_application.records import Records
from turnkeep_application.updates import Updates
from turnkeep_domain.approvals.approval_id import ApprovalId
from turnkeep_domain.approvals.calls import Action, Effect
from turnkeep_domain.approvals.canonical import Json, JsonText
from turnkeep_domain.approvals.consent_refusals import AllowRefusal, PolicyRefusal
from turnkeep_domain.approvals.hard_floor import HARD_FLOOR
from turnkeep_domain.approvals.limits import require_whole
from turnkeep_domain.approvals.names import CapabilityId, InvocationId
from turnkeep_domain.approvals.refusals import InputRefusal
from turnkeep_domain.consent.action_kinds import ActionKind
from turnkeep_domain.consent.allow import Allowance, require_consenting
from turnkeep_domain.consent.consent_settings import (
    AutoApproval,
    AutoApproveOutcome,
    ConsentSettings,
)
from turnkeep_domain.consent.limits import require_consent_seconds
from turnkeep_domain.consent.manifest import Manifest
from turnkeep_domain.consent.origin import ORDINARY, Origin
from turnkeep_domain.consent.overrides import OverrideKind
from turnkeep_domain.consent.owners import owner_scope
from turnkeep_domain.consent.tool_policy import TOOL_POLICIES, PolicyOutcome, ToolPolicy
from turnkeep_domain.decisions import Decision, Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import require_identifier
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_ports.scans import InScope, place_of

R = TypeVar("R")

PolicyCommand: TypeAlias = Callable[[ToolPolicy, datetime], Decision[ToolPolicy, PolicyOutcome, R]]


@frozen(kw_only=True)
class Policies:
    """The use cases of standing consent; safe to share between tasks."""

    updates: Updates
    reading: Reading
    settings: ApprovalSettings = field(factory=ApprovalSettings)
    _weighing: ConsentWeighing = field(
        init=False,
        default=Factory(
            lambda self: ConsentWeighing(reading=self.reading, settings=self.settings),
            takes_self=True,
        ),
    )

    # ---- commands -------------------------------------------------------------------------------

    async def allow(
        self,
        scope: Scope,
        capability: CapabilityId,
        *,
        grantee: Principal,
        kinds: frozenset[ActionKind],
        effects: frozenset[Effect],
        by: Principal,
        request_id: RequestId,
        lifetime_seconds: int | None = None,
    ) -> PolicyOutcome | Refused[AllowRefusal]:
        """Allows a grantee's calls of a tool from now on, and clears any override of it.

        The same grantee, kinds and effects again replace what was allowed.

        Args:
            scope: Any of the user's.
            capability: The tool, or the kind of agent.
            grantee: Whose calls; as a rule an agent.
            kinds: Of which kinds, one at least.
            effects: What they may do at most; nothing that must be asked each time.
            by: Who allows it: a person or a service.
            request_id: The caller's idempotency key.
            lifetime_seconds: How long it stands, 1 to 31,536,000 (365 days); by default
                `ApprovalSettings.allow_seconds`.

        Returns:
            What stands for the tool.
            `RequestIdReused`; `TooManyAllows`: 64 stand already.
        """
        seconds = self.settings.allow_seconds if lifetime_seconds is None else lifetime_seconds
        allowance = Allowance(
            grantee=grantee,
            kinds=kinds,
            effects=effects,
            by=by,
            lifetime_seconds=seconds,
            source=None,
        )
        if effects & (HARD_FLOOR | self.settings.always_asked):
            raise InvalidValue("effects", "must have none that must be asked each time")

        def command(
            policy: ToolPolicy, now: datetime
        ) -> Decision[ToolPolicy, PolicyOutcome, AllowRefusal]:
            return policy.allow(allowance, request_id=request_id, now=now)

        return await self._command(scope, capability, command, by=by, request_id=request_id)

    async def revoke(
        self,
        scope: Scope,
        capability: CapabilityId,
        *,
        grantee: Principal | None = None,
        by: Principal,
        request_id: RequestId,
    ) -> PolicyOutcome | Refused[PolicyRefusal]:
        """Removes what a grantee, by default everybody, was allowed of a tool: every kind at once.

        Revoking what is absent creates nothing. What was begun before runs on.

        Returns:
            What stands for the tool.
            `RequestIdReused`.
        """
        require_kind("grantee", grantee, Principal, type(None))

        def command(
            policy: ToolPolicy, now: datetime
        ) -> Decision[ToolPolicy, PolicyOutcome, PolicyRefusal]:
            return policy.revoke(grantee=grantee, by=by, request_id=request_id, now=now)

        return await self._command(scope, capability, command, by=by, request_id=request_id)

    async def revoke_if_source(
        self,
        scope: Scope,
        capability: CapabilityId,
        *,
        source: ApprovalId,
        by: Principal,
        request_id: RequestId,
    ) -> PolicyOutcome | Refused[PolicyRefusal]:
        """Removes what one approval has allowed of a tool, unless newer consent has replaced it.

        It answers as `revoke` does.
        """
        require_identifier("source", source)

        def command(
            policy: ToolPolicy, now: datetime
        ) -> Decision[ToolPolicy, PolicyOutcome, PolicyRefusal]:
            return policy.revoke_if_source(source=source, by=by, request_id=request_id, now=now)

        return await self._command(scope, capability, command, by=by, request_id=request_id)

    async def set_override(
        self,
        scope: Scope,
        capability: CapabilityId,
        kind: OverrideKind,
        *,
        by: Principal,
        request_id: RequestId,
    ) -> PolicyOutcome | Refused[PolicyRefusal]:
        """Has a tool ask each time, or disables it; every allow of it ends.

        A grant of a disabled tool can neither be claimed nor begun. The override stands until it
        is cleared, or the tool is allowed.

        Returns:
            What stands for the tool.
            `RequestIdReused`.
        """
        require_kind("kind", kind, OverrideKind)

        def command(
            policy: ToolPolicy, now: datetime
        ) -> Decision[ToolPolicy, PolicyOutcome, PolicyRefusal]:
            return policy.set_override(kind, by=by, request_id=request_id, now=now)

        return await self._command(scope, capability, command, by=by, request_id=request_id)

    async def clear_override(
        self, scope: Scope, capability: CapabilityId, *, by: Principal, request_id: RequestId
    ) -> PolicyOutcome | Refused[PolicyRefusal]:
        """Ends that a tool asks each time or is disabled; no allow comes back with it.

        Returns:
            What stands for the tool.
            `RequestIdReused`.
        """

        def command(
            policy: ToolPolicy, now: datetime
        ) -> Decision[ToolPolicy, PolicyOutcome, PolicyRefusal]:
            return policy.clear_override(by=by, request_id=request_id, now=now)

        return await self._command(scope, capability, command, by=by, request_id=request_id)

    async def set_auto_approve(
        self,
        scope: Scope,
        *,
        on: bool,
        by: Principal,
        request_id: RequestId,
        lifetime_seconds: int | None = None,
    ) -> AutoApproveOutcome | Refused[PolicyRefusal]:
        """Switches auto-approval on, anew where it is on, or off.

        Args:
            scope: Any of the user's.
            on: Whether calls that their manifests make eligible pass unasked.
            by: Who switches it: a person or a service.
            request_id: The caller's idempotency key.
            lifetime_seconds: How long it is on, 1 to 31,536,000 (365 days); by default
                `ApprovalSettings.auto_approve_seconds`. None where it is switched off.

        Returns:
            Until when it is on.
            `RequestIdReused`.
        """
        require_kind("on", on, bool)
        require_consenting("by", by)
        require_identifier("request_id", request_id)
        if not on and lifetime_seconds is not None:
            raise InvalidValue("lifetime_seconds", "must be absent where it is switched off")
        default = self.settings.auto_approve_seconds if on else None
        seconds = default if lifetime_seconds is None else lifetime_seconds
        if seconds is not None:
            require_consent_seconds(seconds)
        key = settings_key(scope)

        def decide(
            records: Records, now: datetime
        ) -> Decision[Records, AutoApproveOutcome, PolicyRefusal]:
            standing = records[key] or ConsentSettings.unsaid(key.address.scope)
            decision = standing.set_auto_approve(seconds, by=by, request_id=request_id, now=now)
            return records.adopt(key, decision)

        return await self.updates.update([key], decide)

    # ---- reads ----------------------------------------------------------------------------------

    async def consents(
        self, scope: Scope, *, after: str | None = None, limit: int | None = None
    ) -> ConsentPage:
        """What stands for a user: overrides, allows that have not expired, and auto-approval.

        Args:
            scope: Any of the user's.
            after: The `next` of the page before; None for the first.
            limit: 1 to 200 tools; 50 unless the settings say otherwise.

        Raises:
            InvalidValue: The limit is out of bounds, or `after` no `next` of this user.
            Unavailable: The store did not serve.
        """
        at_most = self.settings.page if limit is None else limit
        require_whole("limit", at_most, least=1, most=PAGE_MAX)
        owner, key = owner_scope(scope), settings_key(scope)
        query = InScope(collection=TOOL_POLICIES.name, prefix=ScopePrefix.exactly(owner))
        begin = position_of(after)
        if begin is not None:
            place_of(query, begin)  # refuses the position of another query, before any read
        deadline = self.reading.deadline()
        page = await self.reading.page(query, after=begin, limit=at_most, deadline=deadline)
        legible = await self.reading.legible([key], deadline=deadline)
        tools: list[ToolConsent] = []
        unreadable: list[Unreadable] = []
        for cell in page.cells:
            record = self.reading.decoded(TOOL_POLICIES, cell)
            if isinstance(record, Unreadable):
                unreadable.append(record)
            elif (stands := tool_consent(record, page.now)) is not None:
                tools.append(stands)
        switched = legible.record(key)
        if isinstance(switched, Unreadable):
            unreadable.append(switched)
        return ConsentPage(
            tools=tuple(tools),
            auto_approve=_on_at(switched, legible.now),
            unreadable=tuple(unreadable),
            next=token_of(page.next),
        )

    async def effective_consent(
        self,
        scope: Scope,
        *,
        invocation: InvocationId,
        action: Action,
        effects: frozenset[Effect],
        requester: Principal,
        input: Json | JsonText,
        manifest: Manifest | None,
        origin: Origin = ORDINARY,
        attempt: int = 1,
    ) -> EffectiveConsent | Refused[InputRefusal]:
        """What consent says to one exact call: to let it pass, to ask, or to refuse it.

        It only narrows what the host has authorised, and writes nothing. A record of consent that
        is damaged makes it ask. What it answers may be withdrawn a moment later: a commit that
        acts on it checks what it rests on (`Turns.intend`).

        Args:
            scope: In which the call is made.
            invocation: As of `Approvals.raise_request`, and so the next four.
            action: What would be done.
            effects: What it may do to the world.
            requester: Who wants it done.
            input: The call's arguments, as a model gave them.
            manifest: What the host declares of the tool; None where it declares nothing.
            origin: What the call comes from.
            attempt: Under which it was asked, if it was.

        Returns:
            The answer with its rule, and what it rests on.
            `InvalidInput`, `InputTooDeep`, `InputTooLarge`: it is not what can be asked.

        Raises:
            Unavailable: The store did not serve; it never means yes.
        """
        sought = Sought(
            scope=scope,
            invocation=invocation,
            action=action,
            effects=effects,
            requester=requester,
            input=input,
            manifest=manifest,
            origin=origin,
            attempt=attempt,
        )
        return await self._weighing.effective(sought)

    async def explain(
        self,
        scope: Scope,
        *,
        invocation: InvocationId,
        action: Action,
        effects: frozenset[Effect],
        requester: Principal,
        input: Json | JsonText,
        manifest: Manifest | None,
        origin: Origin = ORDINARY,
        attempt: int = 1,
    ) -> ConsentExplanation | Refused[InputRefusal]:
        """Why consent says what it says: all ten rules, met or not, and who set what they rest on.

        It is asked, refuses and raises as `effective_consent`.
        """
        sought = Sought(
            scope=scope,
            invocation=invocation,
            action=action,
            effects=effects,
            requester=requester,
            input=input,
            manifest=manifest,
            origin=origin,
            attempt=attempt,
        )
        return await self._weighing.explained(sought)

    # ---- steps ----------------------------------------------------------------------------------

    async def _command(
        self,
        scope: Scope,
        capability: CapabilityId,
        command: PolicyCommand[R],
        *,
        by: Principal,
        request_id: RequestId,
    ) -> PolicyOutcome | Refused[R]:
        require_consenting("by", by)
        require_identifier("request_id", request_id)
        key = policy_key(scope, capability)

        def decide(records: Records, now: datetime) -> Decision[Records, PolicyOutcome, R]:
            policy = records[key] or ToolPolicy.unsaid(key.address.scope, capability)
            return records.adopt(key, command(policy, now))

        return await self.updates.update([key], decide)


def _on_at(standing: ConsentSettings | Unreadable | None, now: datetime) -> AutoApproval | None:
    return standing.auto_approval_at(now) if isinstance(standing, ConsentSettings) else None
