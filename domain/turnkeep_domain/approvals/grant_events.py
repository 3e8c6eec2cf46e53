"""An event of a grant: who did what with a yes. Never fingerprint, input or token."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, TypedDict

from attrs import field, frozen

from turnkeep_domain.approvals.events import ApprovalEvent
from turnkeep_domain.approvals.grant_phases import GrantRevokeCause
from turnkeep_domain.approvals.names import CapabilityId, CorrelationId
from turnkeep_domain.instants import instant
from turnkeep_domain.keys import Address
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.principals import Principal


class GrantTold(TypedDict):
    """What every event of a grant tells."""

    address: Address
    at: datetime
    capability: CapabilityId
    correlation_id: CorrelationId


@frozen(kw_only=True)
class GrantIssued(ApprovalEvent):
    """The yes that was needed came: `grantee` may make the call once, until `expires_at`."""

    kind: ClassVar[str] = "grant.issued"

    by: Principal = field(validator=of_kind(Principal))
    grantee: Principal = field(validator=of_kind(Principal))
    expires_at: datetime = field(validator=instant)


@frozen(kw_only=True)
class HeldGrantEvent(ApprovalEvent):
    """What every event of a grant tells that somebody holds: who, and until when."""

    by: Principal = field(validator=of_kind(Principal))
    until: datetime = field(validator=instant)


@frozen(kw_only=True)
class GrantClaimed(HeldGrantEvent):
    """Somebody is about to make the call."""

    kind: ClassVar[str] = "grant.claimed"


@frozen(kw_only=True)
class GrantBegan(HeldGrantEvent):
    """The call is made from now on."""

    kind: ClassVar[str] = "grant.began"


@frozen(kw_only=True)
class GrantExtended(HeldGrantEvent):
    """Its holder needs longer."""

    kind: ClassVar[str] = "grant.extended"


@frozen(kw_only=True)
class GrantAborted(ApprovalEvent):
    """Its holder vouches that nothing happened: it may be claimed again."""

    kind: ClassVar[str] = "grant.aborted"

    by: Principal = field(validator=of_kind(Principal))


@frozen(kw_only=True)
class GrantConsumed(ApprovalEvent):
    """The call was made, whatever it returned."""

    kind: ClassVar[str] = "grant.consumed"

    by: Principal = field(validator=of_kind(Principal))


@frozen(kw_only=True)
class GrantSettled(ApprovalEvent):
    """Somebody found out what had become of a call of which nobody had told."""

    kind: ClassVar[str] = "grant.settled"

    by: Principal = field(validator=of_kind(Principal))
    happened: bool = field(validator=of_kind(bool))


@frozen(kw_only=True)
class GrantWithdrawn(ApprovalEvent):
    """It can no longer be used; `by` is None where its time was up."""

    kind: ClassVar[str] = "grant.revoked"

    by: Principal | None = field(validator=of_kind(Principal, type(None)))
    cause: GrantRevokeCause = field(validator=of_kind(GrantRevokeCause))
