"""Consent settings: what one user has said of all tools at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from attrs import evolve, field, frozen
from attrs.validators import optional

from turnkeep_domain.approvals.consent_refusals import PolicyRefusal
from turnkeep_domain.consent.allow import require_consenting
from turnkeep_domain.consent.events import AutoApproveSet
from turnkeep_domain.consent.limits import CONSENT_SECONDS_MAX, require_consent_seconds
from turnkeep_domain.consent.owners import require_owner
from turnkeep_domain.decisions import Changed, Decision, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.instants import instant, optional_instant
from turnkeep_domain.keys import Address, Collection, Identity, Index
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.principals import Principal
from turnkeep_domain.replay import replayed
from turnkeep_domain.request_ids import (
    MARKS_MAX,
    Mark,
    Marks,
    RequestId,
    digest_of,
    remember,
)
from turnkeep_domain.scope import Scope

_NAME: Final = "consent_settings"
SETTINGS_ID: Final = "settings"
"""The id of a user's one record."""


@frozen(kw_only=True)
class AutoApproval:
    """Calls that their manifests make eligible pass unasked, until it expires.

    Attributes:
        by: A person or a service.
        at: The store's now when it was switched on.
        expires_at: From this instant on it is off; 1 second to 365 days after `at`.
    """

    by: Principal = field(validator=of_kind(Principal))
    at: datetime = field(validator=instant)
    expires_at: datetime = field(validator=instant)

    @by.validator
    def _may_consent(self, _: object, by: Principal) -> None:
        require_consenting("by", by)

    @expires_at.validator
    def _within_bounds(self, _: object, expires_at: datetime) -> None:
        most = timedelta(seconds=CONSENT_SECONDS_MAX)
        if not timedelta(0) < expires_at - self.at <= most:
            raise InvalidValue("expires_at", "must be within 365 days after at")


@frozen(kw_only=True)
class AutoApproveOutcome:
    """How auto-approval stands after a command.

    Attributes:
        expires_at: On until then; None: off.
    """

    expires_at: datetime | None = field(validator=optional_instant)


@frozen(kw_only=True)
class ConsentSettings:
    """What a user has said of all tools; where there is none, auto-approval is off.

    Attributes:
        scope: Tenant and user, nothing below.
        auto_approve: None: off.
        marks: The last 32 commands that changed it.
    """

    scope: Scope = field(validator=of_kind(Scope))
    auto_approve: AutoApproval | None = field(validator=optional(of_kind(AutoApproval)))
    marks: Marks[AutoApproveOutcome] = field(validator=of_kind(Marks))

    @scope.validator
    def _is_of_a_user(self, _: object, scope: Scope) -> None:
        require_owner(scope)

    @classmethod
    def unsaid(cls, scope: Scope) -> ConsentSettings:
        """The settings of a user who has set nothing; stored with their first change."""
        return cls(scope=scope, auto_approve=None, marks=Marks.none())

    @property
    def address(self) -> Address:
        """Where it is kept."""
        return Address(_NAME, self.scope, SETTINGS_ID)

    def auto_approval_at(self, now: datetime) -> AutoApproval | None:
        """Auto-approval, where it is on."""
        standing = self.auto_approve
        return standing if standing is not None and now < standing.expires_at else None

    def set_auto_approve(
        self,
        lifetime_seconds: int | None,
        *,
        by: Principal,
        request_id: RequestId,
        now: datetime,
    ) -> Decision[ConsentSettings, AutoApproveOutcome, PolicyRefusal]:
        """Switches auto-approval on for so long from now, or off (None).

        Repeated after 32 others have changed it, it is judged anew, and switches again.

        Raises:
            InvalidValue: The lifetime is outside 1 second to 365 days.
        """
        if lifetime_seconds is not None:
            require_consent_seconds(lifetime_seconds)
        who = (by.kind.value, by.id)
        arguments = digest_of("set_auto_approve", who, lifetime_seconds)
        replay = replayed(self.marks, request_id, arguments)
        if replay is not None:
            return replay
        if lifetime_seconds is None and self.auto_approval_at(now) is None:
            return Unchanged(AutoApproveOutcome(expires_at=None))
        until = None if lifetime_seconds is None else now + timedelta(seconds=lifetime_seconds)
        outcome = AutoApproveOutcome(expires_at=until)
        mark = Mark(request_id, arguments, outcome)
        after = evolve(
            self,
            auto_approve=None if until is None else AutoApproval(by=by, at=now, expires_at=until),
            marks=remember(self.marks, mark, bound=MARKS_MAX),
        )
        event = AutoApproveSet(
            address=self.address, at=now, by=by, request_id=request_id, expires_at=until
        )
        return Changed(after, outcome, (event,))


CONSENT_SETTINGS: Final[Collection[ConsentSettings]] = Collection(
    name=_NAME,
    members=(ConsentSettings,),
    permanent=True,
    index=lambda settings: Index(
        state="off" if settings.auto_approve is None else "on", due_at=None, sort=SETTINGS_ID
    ),
    identity=lambda settings: Identity(settings.scope, SETTINGS_ID),
    marks=lambda settings: settings.marks,
)
