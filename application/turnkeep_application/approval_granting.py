"""Granting: what becomes of the authority that a yes gave, use case by use case."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeAlias, TypeVar

from attrs import field, frozen

from turnkeep_application.approval_cells import approval_key, grant_key
from turnkeep_application.approval_settings import ApprovalSettings
from turnkeep_application.consent_cells import policy_key
from turnkeep_application.grant_premises import disabled, unapproved
from turnkeep_application.records import Need, Records
from turnkeep_application.turns.cells import turn_state_key
from turnkeep_application.turns.unlisting import along_with_its_list
from turnkeep_application.turns.withdrawing import TURNS
from turnkeep_application.updates import Updates
from turnkeep_domain.approvals.calls import Action, Call, Effect
from turnkeep_domain.approvals.canonical import CanonicalInput, Json, JsonText, canonical
from turnkeep_domain.approvals.consent_refusals import ToolDisabled
from turnkeep_domain.approvals.fingerprint import fingerprint_of
from turnkeep_domain.approvals.grant import Grant
from turnkeep_domain.approvals.grant_phases import DispatchingGrant, GrantOutcome
from turnkeep_domain.approvals.grant_refusals import (
    CallForbidden,
    GrantAbortRefusal,
    GrantBar,
    GrantBeginRefusal,
    GrantClaimRefusal,
    GrantConsumeRefusal,
    GrantExpireRefusal,
    GrantExtendRefusal,
    GrantRevokeRefusal,
    GrantSettleRefusal,
    NotApproved,
)
from turnkeep_domain.approvals.grant_token import GrantToken, grant_token_digest
from turnkeep_domain.approvals.limits import require_grant_tenure
from turnkeep_domain.approvals.names import InvocationId
from turnkeep_domain.approvals.presented import PresentedCall
from turnkeep_domain.approvals.refusals import InputRefusal, Unknown
from turnkeep_domain.consent.effective import forbids
from turnkeep_domain.consent.manifest import Manifest
from turnkeep_domain.consent.origin import Origin
from turnkeep_domain.decisions import Decision, Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import require_identifier
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.addresses import RunAddress

R = TypeVar("R")

TakeRefusal: TypeAlias = InputRefusal | Unknown | NotApproved | GrantClaimRefusal | GrantBar
BeginRefusal: TypeAlias = Unknown | GrantBeginRefusal | ToolDisabled

GrantCommand: TypeAlias = Callable[
    [Grant, Records, datetime], Decision[Grant, GrantOutcome, R] | Need
]


@frozen(kw_only=True)
class Presented:
    """A call as a claimant hands it over: `Approvals.claim` tells of each part."""

    by: Principal
    invocation: InvocationId
    action: Action
    effects: frozenset[Effect]
    input: Json | JsonText = field(repr=False)
    manifest: Manifest | None
    origin: Origin | None

    def spelt(self, scope: Scope) -> PresentedCall | Refused[InputRefusal]:
        """The call as a grant compares it.

        Raises:
            InvalidValue: A part but the input is of another class or breaks a rule; or the
                manifest is of another tool.
        """
        require_kind("manifest", self.manifest, Manifest, type(None))
        require_kind("origin", self.origin, Origin, type(None))
        text = canonical(self.input)
        if not isinstance(text, CanonicalInput):
            return Refused(text)
        call = Call(scope=scope, invocation=self.invocation, action=self.action, input=text)
        if self.manifest is not None and self.manifest.capability != self.action.capability:
            raise InvalidValue("manifest", "must be of the tool that the call uses")
        return PresentedCall(by=self.by, fingerprint=fingerprint_of(call), effects=self.effects)

    @property
    def forbidden(self) -> CallForbidden | None:
        """The refusal where what the host declares forbids the call."""
        forbidden = forbids(self.manifest, self.origin)
        return CallForbidden(self.action.capability) if forbidden else None


@frozen(kw_only=True)
class Granting:
    """The use cases of grants, as `Approvals` promises them."""

    updates: Updates
    settings: ApprovalSettings

    async def claim(
        self,
        scope: Scope,
        id: str,
        presented: Presented,
        *,
        token: GrantToken,
        request_id: RequestId,
        ttl_seconds: int | None,
    ) -> GrantOutcome | Refused[TakeRefusal]:
        """As `Approvals.claim` promises."""
        held, digest = (
            self._ttl(ttl_seconds, self.settings.claim_seconds),
            grant_token_digest(token),
        )
        require_identifier("request_id", request_id)
        gate, granted = approval_key(scope, id), grant_key(scope, id)
        call = presented.spelt(scope)
        if isinstance(call, Refused):
            return call
        policy = policy_key(scope, presented.action.capability)

        def decide(
            records: Records, now: datetime
        ) -> Decision[Records, GrantOutcome, TakeRefusal] | Need:
            approval, grant = records[gate], records[granted]
            missing = unapproved(approval, id, now)
            if missing is not None:
                return Refused(missing)
            if grant is None:
                return Refused(Unknown(id))
            barred: GrantBar | None = presented.forbidden or disabled(
                records, scope, presented.action.capability
            )
            decision: Decision[Grant, GrantOutcome, GrantClaimRefusal | GrantBar] = grant.claim(
                call, token=digest, request_id=request_id, ttl=held, barred=barred, now=now
            )
            return along_with_its_list(records, grant, records.adopt(granted, decision), now=now)

        return await self.updates.update([gate, granted, policy], decide)

    async def begin(
        self,
        scope: Scope,
        id: str,
        *,
        token: GrantToken,
        request_id: RequestId,
        ttl_seconds: int | None,
    ) -> GrantOutcome | Refused[BeginRefusal]:
        """As `Approvals.begin` promises."""
        held, digest = (
            self._ttl(ttl_seconds, self.settings.dispatch_seconds),
            grant_token_digest(token),
        )
        require_identifier("request_id", request_id)

        def command(
            grant: Grant, records: Records, now: datetime
        ) -> Decision[Grant, GrantOutcome, GrantBeginRefusal | ToolDisabled] | Need:
            policy = policy_key(scope, grant.capability)
            if policy not in records:
                return Need([policy])
            barred = disabled(records, scope, grant.capability)
            return grant.begin(
                token=digest, request_id=request_id, ttl=held, barred=barred, now=now
            )

        return await self._command(scope, id, command)

    async def extend(
        self, scope: Scope, id: str, *, token: GrantToken, ttl_seconds: int | None
    ) -> GrantOutcome | Refused[GrantExtendRefusal | Unknown]:
        """As `Approvals.extend` promises."""
        asked = None if ttl_seconds is None else self._ttl(ttl_seconds, ttl_seconds)
        digest = grant_token_digest(token)

        def command(
            grant: Grant, _: Records, now: datetime
        ) -> Decision[Grant, GrantOutcome, GrantExtendRefusal]:
            return grant.extend(token=digest, ttl=asked or self._usual(grant), now=now)

        return await self._command(scope, id, command)

    async def abort(
        self, scope: Scope, id: str, *, token: GrantToken, request_id: RequestId
    ) -> GrantOutcome | Refused[GrantAbortRefusal | Unknown]:
        """As `Approvals.abort` promises."""
        digest = grant_token_digest(token)
        require_identifier("request_id", request_id)

        def command(
            grant: Grant, records: Records, now: datetime
        ) -> Decision[Grant, GrantOutcome, GrantAbortRefusal] | Need:
            asks = _run_lives(grant, grant.run, records)
            if isinstance(asks, Need):
                return asks
            return grant.abort(
                token=digest,
                request_id=request_id,
                withdrawn_by=TURNS if asks is False else None,
                now=now,
            )

        return await self._command(scope, id, command)

    async def consume(
        self, scope: Scope, id: str, *, token: GrantToken, request_id: RequestId
    ) -> GrantOutcome | Refused[GrantConsumeRefusal | Unknown]:
        """As `Approvals.consume` promises."""
        digest = grant_token_digest(token)
        require_identifier("request_id", request_id)

        def command(
            grant: Grant, _: Records, now: datetime
        ) -> Decision[Grant, GrantOutcome, GrantConsumeRefusal]:
            return grant.consume(token=digest, request_id=request_id, now=now)

        return await self._command(scope, id, command)

    async def settle(
        self, scope: Scope, id: str, *, happened: bool, by: Principal, request_id: RequestId
    ) -> GrantOutcome | Refused[GrantSettleRefusal | Unknown]:
        """As `Approvals.settle` promises."""
        require_kind("happened", happened, bool)
        require_kind("by", by, Principal)
        require_identifier("request_id", request_id)

        def command(
            grant: Grant, records: Records, now: datetime
        ) -> Decision[Grant, GrantOutcome, GrantSettleRefusal] | Need:
            step = grant.phase.step if isinstance(grant.phase, DispatchingGrant) else None
            lives = _run_lives(grant, None if step is None else step.run, records)
            if isinstance(lives, Need):
                return lives
            asks = _run_lives(grant, grant.run, records)
            if isinstance(asks, Need):
                return asks
            return grant.settle(
                happened=happened,
                by=by,
                request_id=request_id,
                run_lives=lives is True,
                withdrawn_by=TURNS if asks is False else None,
                now=now,
            )

        return await self._command(scope, id, command)

    async def revoke(
        self, scope: Scope, id: str, *, by: Principal, request_id: RequestId
    ) -> GrantOutcome | Refused[GrantRevokeRefusal | Unknown]:
        """As `Approvals.revoke_grant` promises."""
        require_kind("by", by, Principal)
        require_identifier("request_id", request_id)

        def command(
            grant: Grant, _: Records, now: datetime
        ) -> Decision[Grant, GrantOutcome, GrantRevokeRefusal]:
            return grant.revoke(by=by, request_id=request_id, now=now)

        return await self._command(scope, id, command)

    async def expire(
        self, scope: Scope, id: str
    ) -> GrantOutcome | Refused[GrantExpireRefusal | Unknown]:
        """As `Approvals.expire_grant` promises."""

        def command(
            grant: Grant, _: Records, now: datetime
        ) -> Decision[Grant, GrantOutcome, GrantExpireRefusal]:
            return grant.expire(now=now)

        return await self._command(scope, id, command)

    async def _command(
        self, scope: Scope, id: str, command: GrantCommand[R]
    ) -> GrantOutcome | Refused[R | Unknown]:
        granted = grant_key(scope, id)

        def decide(
            records: Records, now: datetime
        ) -> Decision[Records, GrantOutcome, R | Unknown] | Need:
            grant = records[granted]
            if grant is None:
                return Refused(Unknown(id))
            decision = command(grant, records, now)
            if isinstance(decision, Need):
                return decision
            return along_with_its_list(records, grant, records.adopt(granted, decision), now=now)

        return await self.updates.update([granted], decide)

    def _usual(self, grant: Grant) -> timedelta:
        """For how long its holder has it where no time is named."""
        begun = isinstance(grant.phase, DispatchingGrant)
        settings = self.settings
        return timedelta(seconds=settings.dispatch_seconds if begun else settings.claim_seconds)

    def _ttl(self, seconds: int | None, default: int) -> timedelta:
        seconds = default if seconds is None else seconds
        require_grant_tenure(seconds)
        return timedelta(seconds=seconds)


def _run_lives(grant: Grant, run: RunAddress | None, records: Records) -> bool | Need | None:
    """Whether a run has not ended; None where there is none, or nothing of the grant was begun."""
    if run is None or not isinstance(grant.phase, DispatchingGrant):
        return None
    key = turn_state_key(run)
    if key not in records:
        return Need([key])
    state = records[key]
    return state is not None and state.active is not None and state.active.id == run.id
