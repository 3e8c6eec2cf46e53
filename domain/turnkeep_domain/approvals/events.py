"""An event of an approval: who did what to it. Never reason, display, input or fingerprint."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from attrs import field, frozen

from turnkeep_domain.approvals.names import CapabilityId, CorrelationId, InvocationId
from turnkeep_domain.events import Event
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId


@frozen(kw_only=True)
class ApprovalEvent(Event):
    """What every event of an approval tells.

    Attributes:
        capability: What the call would use.
        correlation_id: The work that the call belongs to.
    """

    capability: CapabilityId = field(validator=identifier)
    correlation_id: CorrelationId = field(validator=identifier)


@frozen(kw_only=True)
class ApprovalRaised(ApprovalEvent):
    """A call waits to be decided, until `expires_at`."""

    kind: ClassVar[str] = "approval.raised"

    invocation: InvocationId = field(validator=identifier)
    requester: Principal = field(validator=of_kind(Principal))
    expires_at: datetime = field(validator=instant)


@frozen(kw_only=True)
class BallotEvent(ApprovalEvent):
    """What every event of a vote tells: whose it was, under which id."""

    decider: Principal = field(validator=of_kind(Principal))
    decision_id: RequestId = field(validator=identifier)


@frozen(kw_only=True)
class ApprovalVoted(BallotEvent):
    """Somebody approved, and more must."""

    kind: ClassVar[str] = "approval.voted"


@frozen(kw_only=True)
class ApprovalApproved(BallotEvent):
    """The last approval that was needed came."""

    kind: ClassVar[str] = "approval.approved"


@frozen(kw_only=True)
class ApprovalDenied(BallotEvent):
    """Somebody denied, which decides."""

    kind: ClassVar[str] = "approval.denied"


@frozen(kw_only=True)
class ApprovalExpired(ApprovalEvent):
    """Nobody decided in time."""

    kind: ClassVar[str] = "approval.expired"


@frozen(kw_only=True)
class ApprovalDiscarded(ApprovalEvent):
    """The request was withdrawn before it was decided."""

    kind: ClassVar[str] = "approval.discarded"

    by: Principal = field(validator=of_kind(Principal))
    request_id: RequestId = field(validator=identifier)


@frozen(kw_only=True)
class ApprovalErased(ApprovalEvent):
    """Reason and display were erased; the approval stands."""

    kind: ClassVar[str] = "approval.erased"


@frozen(kw_only=True)
class ApprovalPruned(ApprovalEvent):
    """What was long over became a tombstone; its grant is gone."""

    kind: ClassVar[str] = "approval.pruned"
