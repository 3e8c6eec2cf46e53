"""An allow: standing consent that one grantee's calls of one tool need not be asked about."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, TypeAlias

from attrs import field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.approvals.approval_id import ApprovalId
from turnkeep_domain.approvals.calls import Effect
from turnkeep_domain.consent.action_kinds import ActionKind
from turnkeep_domain.consent.limits import CONSENT_SECONDS_MAX, require_consent_seconds
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import optional_identifier
from turnkeep_domain.instants import instant
from turnkeep_domain.kinds import of_kind, require_kind
from turnkeep_domain.principals import Principal, PrincipalKind

CONSENTING: Final = frozenset({PrincipalKind.PERSON, PrincipalKind.SERVICE})
"""Who may give or withdraw consent: no model decides what models may do."""


def require_consenting(what: str, by: object) -> None:
    """Refuses who may not give consent.

    Raises:
        InvalidValue: It is no principal, or an agent or extension.
    """
    require_kind(what, by, Principal)
    if isinstance(by, Principal) and by.kind not in CONSENTING:
        raise InvalidValue(what, "must be a person or a service")


AllowName: TypeAlias = tuple[Principal, frozenset[ActionKind], frozenset[Effect]]
"""What one allow is told from another by: the same again replaces it."""


@frozen(kw_only=True)
class Allow:
    """Consent to one grantee's calls of these kinds, as long as they do no more than this.

    Attributes:
        grantee: Whose calls; as a rule an agent.
        kinds: Of which kinds, one at least.
        effects: What they may do; a call that may do more is not covered.
        granted_by: A person or a service.
        granted_at: The store's now.
        expires_at: From this instant on it covers nothing; 1 second to 365 days later.
        source: The approval that was taken always; None where a host has allowed it.
    """

    grantee: Principal = field(validator=of_kind(Principal))
    kinds: frozenset[ActionKind] = field(
        validator=deep_iterable(of_kind(ActionKind), of_kind(frozenset))
    )
    effects: frozenset[Effect] = field(validator=deep_iterable(of_kind(Effect), of_kind(frozenset)))
    granted_by: Principal = field(validator=of_kind(Principal))
    granted_at: datetime = field(validator=instant)
    expires_at: datetime = field(validator=instant)
    source: ApprovalId | None = field(validator=optional_identifier)

    @kinds.validator
    def _some_kind(self, _: object, kinds: frozenset[ActionKind]) -> None:
        if not kinds:
            raise InvalidValue("kinds", "must name one at least")

    @granted_by.validator
    def _may_consent(self, _: object, granted_by: Principal) -> None:
        require_consenting("granted_by", granted_by)

    @expires_at.validator
    def _within_bounds(self, _: object, expires_at: datetime) -> None:
        most = timedelta(seconds=CONSENT_SECONDS_MAX)
        if not timedelta(0) < expires_at - self.granted_at <= most:
            raise InvalidValue("expires_at", "must be within 365 days after granted_at")

    @property
    def name(self) -> AllowName:
        """What it is told from others by."""
        return (self.grantee, self.kinds, self.effects)

    def is_live_at(self, now: datetime) -> bool:
        """Whether it still covers anything."""
        return now < self.expires_at

    def covers(
        self, *, grantee: Principal, kind: ActionKind, effects: frozenset[Effect], now: datetime
    ) -> bool:
        """Whether a call of this grantee and kind, which may do this, need not be asked about."""
        fits = grantee == self.grantee and kind in self.kinds and effects <= self.effects
        return fits and self.is_live_at(now)


@frozen(kw_only=True)
class Allowance:
    """What is to be allowed, before anything is loaded.

    Raises:
        InvalidValue: A field is of another class, no kind is named, an agent or extension would
            consent, or the lifetime is outside 1 second to 365 days.
    """

    grantee: Principal = field(validator=of_kind(Principal))
    kinds: frozenset[ActionKind] = field(
        validator=deep_iterable(of_kind(ActionKind), of_kind(frozenset))
    )
    effects: frozenset[Effect] = field(validator=deep_iterable(of_kind(Effect), of_kind(frozenset)))
    by: Principal = field(validator=of_kind(Principal))
    lifetime_seconds: int = field()
    source: ApprovalId | None = field(validator=optional_identifier)

    @kinds.validator
    def _some_kind(self, _: object, kinds: frozenset[ActionKind]) -> None:
        if not kinds:
            raise InvalidValue("kinds", "must name one at least")

    @by.validator
    def _may_consent(self, _: object, by: Principal) -> None:
        require_consenting("by", by)

    @lifetime_seconds.validator
    def _within_a_year(self, _: object, lifetime_seconds: int) -> None:
        require_consent_seconds(lifetime_seconds)

    def at(self, now: datetime) -> Allow:
        """The allow that it is, given now."""
        return Allow(
            grantee=self.grantee,
            kinds=self.kinds,
            effects=self.effects,
            granted_by=self.by,
            granted_at=now,
            expires_at=now + timedelta(seconds=self.lifetime_seconds),
            source=self.source,
        )
