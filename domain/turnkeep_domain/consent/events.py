"""An event of consent: who changed what stands for a tool or a user."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from attrs import field, frozen
from attrs.validators import optional

from turnkeep_domain.approvals.approval_id import ApprovalId
from turnkeep_domain.approvals.names import CapabilityId
from turnkeep_domain.consent.overrides import OverrideKind
from turnkeep_domain.events import Event
from turnkeep_domain.identifiers import identifier, optional_identifier
from turnkeep_domain.instants import instant, optional_instant
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId


@frozen(kw_only=True)
class ConsentEvent(Event):
    """What every event of consent tells: whose change it was, under which id."""

    by: Principal = field(validator=of_kind(Principal))
    request_id: RequestId = field(validator=identifier)


@frozen(kw_only=True)
class ToolPolicyEvent(ConsentEvent):
    """What every event of a tool policy tells.

    Attributes:
        capability: Of which tool.
    """

    capability: CapabilityId = field(validator=identifier)


@frozen(kw_only=True)
class ToolAllowed(ToolPolicyEvent):
    """Calls of the grantee need not be asked about any more; an override has ended with it.

    Attributes:
        source: The approval that was taken always; None where a host has allowed it.
    """

    kind: ClassVar[str] = "tool_policy.allowed"

    grantee: Principal = field(validator=of_kind(Principal))
    source: ApprovalId | None = field(validator=optional_identifier)
    expires_at: datetime = field(validator=instant)


@frozen(kw_only=True)
class ToolDisallowed(ToolPolicyEvent):
    """Allows were withdrawn.

    Attributes:
        grantee: Whose; None for everybody's.
        source: The approval that they came from; None for all, wherever they came from.
    """

    kind: ClassVar[str] = "tool_policy.disallowed"

    grantee: Principal | None = field(validator=optional(of_kind(Principal)))
    source: ApprovalId | None = field(validator=optional_identifier)


@frozen(kw_only=True)
class ToolOverrideSet(ToolPolicyEvent):
    """The tool asks each time from now on, or is disabled; its allows have ended with it."""

    kind: ClassVar[str] = "tool_policy.override_set"

    override: OverrideKind = field(validator=of_kind(OverrideKind))


@frozen(kw_only=True)
class ToolOverrideCleared(ToolPolicyEvent):
    """The tool is neither disabled nor asked about each time any more."""

    kind: ClassVar[str] = "tool_policy.override_cleared"


@frozen(kw_only=True)
class AutoApproveSet(ConsentEvent):
    """Auto-approval was switched.

    Attributes:
        expires_at: On until then; None: off.
    """

    kind: ClassVar[str] = "consent_settings.auto_approve_set"

    expires_at: datetime | None = field(validator=optional_instant)
