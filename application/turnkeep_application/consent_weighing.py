"""Weighing: what is read of consent for one call, and what the ten rules say to it."""

from __future__ import annotations

from datetime import datetime

from attrs import field, frozen

from turnkeep_application.approval_cells import grant_key
from turnkeep_application.approval_settings import ApprovalSettings
from turnkeep_application.consent_cells import policy_key, settings_key
from turnkeep_application.consent_views import (
    ConsentExplanation,
    ConsentRead,
    EffectiveConsent,
)
from turnkeep_application.reading import Legible, Reading, Unreadable
from turnkeep_domain.approvals.approval_id import approval_id
from turnkeep_domain.approvals.calls import Action, Call, Effect
from turnkeep_domain.approvals.canonical import CanonicalInput, Json, JsonText, canonical
from turnkeep_domain.approvals.fingerprint import Fingerprint, fingerprint_of
from turnkeep_domain.approvals.grant import Grant
from turnkeep_domain.approvals.limits import ATTEMPT_MAX, require_whole
from turnkeep_domain.approvals.names import InvocationId
from turnkeep_domain.approvals.refusals import InputRefusal
from turnkeep_domain.consent.consent_settings import ConsentSettings
from turnkeep_domain.consent.effective import (
    Intent,
    LiveGrant,
    Standing,
    effective_consent,
    weighed_rules,
)
from turnkeep_domain.consent.manifest import Manifest
from turnkeep_domain.consent.origin import Origin
from turnkeep_domain.consent.tool_policy import ToolPolicy
from turnkeep_domain.decisions import Refused
from turnkeep_domain.keys import ReadKey
from turnkeep_domain.principals import Principal
from turnkeep_domain.scope import Scope


@frozen(kw_only=True)
class Sought:
    """A call as it was handed over: `Policies.effective_consent` tells of each part."""

    scope: Scope
    invocation: InvocationId
    action: Action
    effects: frozenset[Effect]
    requester: Principal
    input: Json | JsonText = field(repr=False)
    manifest: Manifest | None
    origin: Origin
    attempt: int


@frozen(kw_only=True)
class _Weighing:
    """One call with what stands for it at one moment."""

    intent: Intent
    standing: Standing
    read: tuple[ConsentRead, ...]
    now: datetime


@frozen(kw_only=True)
class ConsentWeighing:
    """Reads what stands of consent, and asks the ten rules; it writes nothing."""

    reading: Reading
    settings: ApprovalSettings

    async def effective(self, sought: Sought) -> EffectiveConsent | Refused[InputRefusal]:
        """As `Policies.effective_consent` promises."""
        weighing = await self._weighing(sought)
        if isinstance(weighing, Refused):
            return weighing
        met = effective_consent(weighing.intent, weighing.standing, now=weighing.now)
        return EffectiveConsent(
            capability=sought.action.capability,
            rule=met.rule,
            until=met.expires_at,
            read=weighing.read,
            at=weighing.now,
        )

    async def explained(self, sought: Sought) -> ConsentExplanation | Refused[InputRefusal]:
        """As `Policies.explain` promises."""
        weighing = await self._weighing(sought)
        if isinstance(weighing, Refused):
            return weighing
        rules = weighed_rules(weighing.intent, weighing.standing, now=weighing.now)
        rule = next(weighed.rule for weighed in rules if weighed.met)
        return ConsentExplanation(rule=rule, rules=rules, at=weighing.now)

    async def _weighing(self, sought: Sought) -> _Weighing | Refused[InputRefusal]:
        require_whole("attempt", sought.attempt, least=1, most=ATTEMPT_MAX)
        intent = Intent(
            action=sought.action,
            requester=sought.requester,
            effects=sought.effects,
            manifest=sought.manifest,
            origin=sought.origin,
            always_asked=self.settings.always_asked,
        )
        spelt = canonical(sought.input)
        if not isinstance(spelt, CanonicalInput):
            return Refused(spelt)
        call = Call(
            scope=sought.scope, invocation=sought.invocation, action=sought.action, input=spelt
        )
        fingerprint = fingerprint_of(call)
        grant = grant_key(sought.scope, approval_id(fingerprint, sought.attempt))
        policy = policy_key(sought.scope, sought.action.capability)
        settings = settings_key(sought.scope)
        legible = await self.reading.legible([grant, policy, settings])
        standing = _standing(
            legible.record(grant),
            legible.record(policy),
            legible.record(settings),
            fingerprint=fingerprint,
            requester=sought.requester,
            now=legible.now,
        )
        return _Weighing(
            intent=intent,
            standing=standing,
            read=tuple(_read(legible, key) for key in (grant, policy, settings)),
            now=legible.now,
        )


def _read(legible: Legible, key: ReadKey[object]) -> ConsentRead:
    record = legible.record(key)
    return ConsentRead(
        key=key,
        revision=legible.revision(key),
        record=None if isinstance(record, Unreadable) else record,
    )


def _standing(
    grant: Grant | Unreadable | None,
    policy: ToolPolicy | Unreadable | None,
    settings: ConsentSettings | Unreadable | None,
    *,
    fingerprint: Fingerprint,
    requester: Principal,
    now: datetime,
) -> Standing:
    unreadable = any(isinstance(one, Unreadable) for one in (grant, policy, settings))
    return Standing(
        grant=_live(grant, fingerprint, requester, now) if isinstance(grant, Grant) else None,
        policy=policy if isinstance(policy, ToolPolicy) else None,
        settings=settings if isinstance(settings, ConsentSettings) else None,
        unreadable=unreadable,
    )


def _live(
    grant: Grant, fingerprint: Fingerprint, requester: Principal, now: datetime
) -> LiveGrant | None:
    """The grant, where it can still be used for this call by this requester."""
    if grant.fingerprint != fingerprint or grant.grantee != requester or not grant.is_live_at(now):
        return None
    return LiveGrant(
        id=grant.id,
        effects=grant.effects,
        issued_by=grant.issued_by,
        issued_at=grant.issued_at,
        expires_at=grant.expires_at,
    )
