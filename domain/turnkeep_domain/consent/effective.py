"""Effective consent: what the ten rules say to one call, of what was declared, set and read.

It is one pure function over values. It only narrows what the host has authorised: it is asked
once the host itself would let the call pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from attrs import field, frozen
from attrs.validators import deep_iterable, optional

from turnkeep_domain.approvals.approval_id import ApprovalId
from turnkeep_domain.approvals.calls import Action, Dispatch, Effect, Spawn
from turnkeep_domain.approvals.consent_rules import ConsentRule
from turnkeep_domain.approvals.hard_floor import HARD_FLOOR
from turnkeep_domain.consent.action_kinds import ActionKind
from turnkeep_domain.consent.allow import Allow
from turnkeep_domain.consent.consent_settings import ConsentSettings
from turnkeep_domain.consent.manifest import Manifest
from turnkeep_domain.consent.origin import Origin
from turnkeep_domain.consent.tool_policy import ToolPolicy
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.principals import Principal


@frozen(kw_only=True)
class Intent:
    """What is about to be done, and what the host declares of it.

    Attributes:
        requester: Who wants it done.
        effects: What it may do to the world.
        manifest: That of its capability; None where the host has none.
        origin: What it comes from.
        always_asked: The effects that the host has asked about every time.

    Raises:
        InvalidValue: A field is of another class, or the manifest of another capability.
    """

    action: Action = field(validator=of_kind(Dispatch, Spawn))
    requester: Principal = field(validator=of_kind(Principal))
    effects: frozenset[Effect] = field(validator=deep_iterable(of_kind(Effect), of_kind(frozenset)))
    manifest: Manifest | None = field(validator=optional(of_kind(Manifest)))
    origin: Origin = field(validator=of_kind(Origin))
    always_asked: frozenset[Effect] = field(
        validator=deep_iterable(of_kind(Effect), of_kind(frozenset))
    )

    @manifest.validator
    def _is_of_its_capability(self, _: object, manifest: Manifest | None) -> None:
        if manifest is not None and manifest.capability != self.action.capability:
            raise InvalidValue("manifest", "must be that of the capability")

    @property
    def is_forbidden(self) -> bool:
        """Whether origin or manifest forbids it."""
        return forbids(self.manifest, self.origin)

    @property
    def must_be_asked(self) -> bool:
        """Whether it is on the hard floor, or one of the host's additions to it."""
        declared = self.manifest is not None and self.manifest.always_asks
        on_the_floor = bool(self.effects & (HARD_FLOOR | self.always_asked))
        return on_the_floor or declared or self.origin.always_asks


@frozen(kw_only=True)
class LiveGrant:
    """A grant for this very call that has not ended, as far as consent depends on it.

    Attributes:
        id: That of the approval that it comes from.
        effects: What it covers.
    """

    id: ApprovalId
    effects: frozenset[Effect]
    issued_by: Principal
    issued_at: datetime
    expires_at: datetime


@frozen(kw_only=True)
class Standing:
    """What stands of consent, as it was read at one moment.

    Attributes:
        grant: None where there is none for this very call, or it has ended.
        policy: None where nothing was said of the tool, or it is unreadable.
        settings: None where nothing was said of all tools, or it is unreadable.
        unreadable: Whether one of the three is damaged.
    """

    grant: LiveGrant | None
    policy: ToolPolicy | None
    settings: ConsentSettings | None
    unreadable: bool


@frozen(kw_only=True)
class Weighed:
    """One rule, as it applies to a call.

    Attributes:
        met: Whether its condition holds.
        by: Who set what it rests on; None where nobody did, or the host declares it.
        at: When that was set.
        expires_at: Until when it stands; None where it does not expire.
        source: The approval that it comes from.
    """

    rule: ConsentRule
    met: bool
    by: Principal | None = None
    at: datetime | None = None
    expires_at: datetime | None = None
    source: ApprovalId | None = None


def forbids(manifest: Manifest | None, origin: Origin | None) -> bool:
    """Whether what a host declares forbids a call; nothing declared forbids nothing."""
    by_manifest = manifest is not None and manifest.forbids
    return by_manifest or (origin is not None and origin.forbids)


def effective_consent(intent: Intent, standing: Standing, *, now: datetime) -> Weighed:
    """The first of the ten rules whose condition is met, with what it rests on."""
    return next(weighed for weighed in _weigh(intent, standing, now) if weighed.met)


def weighed_rules(intent: Intent, standing: Standing, *, now: datetime) -> tuple[Weighed, ...]:
    """All ten rules in their order, met or not, with what they rest on; the first met answers."""
    return tuple(_weigh(intent, standing, now))


def _weigh(intent: Intent, standing: Standing, now: datetime) -> Iterator[Weighed]:
    policy = standing.policy
    yield Weighed(rule=ConsentRule.FORBIDDEN, met=intent.is_forbidden)
    disabled = policy is not None and policy.is_disabled
    yield _overridden(ConsentRule.DISABLED, policy, met=disabled)
    yield Weighed(rule=ConsentRule.UNREADABLE, met=standing.unreadable)
    yield _granted(intent, standing.grant, now)
    yield Weighed(rule=ConsentRule.HARD_FLOOR, met=intent.must_be_asked)
    asks = policy is not None and policy.asks_each_time
    yield _overridden(ConsentRule.ASK_EACH_TIME, policy, met=asks)
    manifest = intent.manifest
    yield Weighed(rule=ConsentRule.EXEMPT, met=manifest is not None and manifest.exempt)
    yield _allowed(intent, policy, now)
    yield _auto_approved(intent, standing.settings, now)
    yield Weighed(rule=ConsentRule.OTHERWISE, met=True)


def _overridden(rule: ConsentRule, policy: ToolPolicy | None, *, met: bool) -> Weighed:
    override = policy.override if policy is not None and met else None
    if override is None:
        return Weighed(rule=rule, met=False)
    return Weighed(rule=rule, met=True, by=override.by, at=override.at)


def _granted(intent: Intent, grant: LiveGrant | None, now: datetime) -> Weighed:
    if grant is None:
        return Weighed(rule=ConsentRule.GRANTED, met=False)
    return Weighed(
        rule=ConsentRule.GRANTED,
        met=intent.effects <= grant.effects and now < grant.expires_at,
        by=grant.issued_by,
        at=grant.issued_at,
        expires_at=grant.expires_at,
        source=grant.id,
    )


def _allowed(intent: Intent, policy: ToolPolicy | None, now: datetime) -> Weighed:
    allow: Allow | None = None
    if policy is not None:
        allow = policy.allow_for(
            grantee=intent.requester,
            kind=ActionKind.of(intent.action),
            effects=intent.effects,
            now=now,
        )
    if allow is None:
        return Weighed(rule=ConsentRule.ALLOWED, met=False)
    return Weighed(
        rule=ConsentRule.ALLOWED,
        met=intent.manifest is not None and intent.manifest.standing,
        by=allow.granted_by,
        at=allow.granted_at,
        expires_at=allow.expires_at,
        source=allow.source,
    )


def _auto_approved(intent: Intent, settings: ConsentSettings | None, now: datetime) -> Weighed:
    on = None if settings is None else settings.auto_approval_at(now)
    if on is None:
        return Weighed(rule=ConsentRule.AUTO_APPROVED, met=False)
    return Weighed(
        rule=ConsentRule.AUTO_APPROVED,
        met=intent.manifest is not None and intent.manifest.auto_approvable,
        by=on.by,
        at=on.at,
        expires_at=on.expires_at,
    )
