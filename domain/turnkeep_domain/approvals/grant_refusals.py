"""A grant's refusal: why a yes could not be used. A closed set, each with a stable code."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, TypeAlias

from attrs import frozen

from turnkeep_domain.approvals.consent_refusals import ToolDisabled
from turnkeep_domain.approvals.grant_phases import GrantRevokeCause, GrantStep
from turnkeep_domain.approvals.names import CapabilityId
from turnkeep_domain.approvals.states import ApprovalState
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestIdReused


@frozen
class NotApproved:
    """Nobody said yes to the call: it is pending still, or has ended otherwise."""

    code: ClassVar[str] = "not_approved"

    state: ApprovalState


@frozen
class NotGrantee:
    """The grant is for whoever asked, and this is somebody else."""

    code: ClassVar[str] = "not_eligible"

    by: Principal


@frozen
class FingerprintMismatch:
    """The call that is presented is not the one that was approved; the grant is untouched."""

    code: ClassVar[str] = "fingerprint_mismatch"


@frozen
class EffectsWidened:
    """The call may do more to the world than was approved; the grant is untouched.

    Attributes:
        effects: The effects beyond those that were approved, by name.
    """

    code: ClassVar[str] = "effects_widened"

    effects: tuple[str, ...]


@frozen
class CallForbidden:
    """The host forbids the call by now: by the tool's manifest, or by where the call comes from."""

    code: ClassVar[str] = "tool_disabled"

    capability: CapabilityId


@frozen
class GrantBusy:
    """Somebody else holds the grant, until `until` unless that is put off; retry then."""

    code: ClassVar[str] = "grant_busy"

    until: datetime


@frozen
class ClaimLost:
    """The token does not hold the grant: it never did, its time is up, or another took over."""

    code: ClassVar[str] = "claim_lost"


@frozen
class NotBegun:
    """The call was never begun, so nothing can have become of it."""

    code: ClassVar[str] = "not_begun"


@frozen
class AlreadyDispatching:
    """The call was begun before: it may be under way, or have been made."""

    code: ClassVar[str] = "already_dispatching"


@frozen
class OutcomeUncertain:
    """The call was begun, and nobody told in time what became of it: an operator has to settle it.

    Attributes:
        since: When the time was up.
    """

    code: ClassVar[str] = "outcome_uncertain"

    since: datetime


@frozen
class SettleWithRun:
    """The call is a step of a run that has not ended: the run's retry settles both."""

    code: ClassVar[str] = "settle_with_run"

    step: GrantStep


@frozen
class GrantSpent:
    """The call was made."""

    code: ClassVar[str] = "grant_spent"


@frozen
class GrantRevoked:
    """The grant can no longer be used."""

    code: ClassVar[str] = "grant_revoked"

    cause: GrantRevokeCause


@frozen
class GrantNotDue:
    """The grant may still be used, until `expires_at`."""

    code: ClassVar[str] = "not_due"

    expires_at: datetime


GrantEnd: TypeAlias = GrantSpent | GrantRevoked
"""The grant has ended."""

PresentedRefusal: TypeAlias = NotGrantee | FingerprintMismatch | EffectsWidened
"""What is wrong with the call that is presented."""

GrantHeld: TypeAlias = GrantBusy | OutcomeUncertain
"""Somebody else has it."""

GrantBar: TypeAlias = CallForbidden | ToolDisabled
"""The call may not be made by now, whatever was approved."""

GrantClaimRefusal: TypeAlias = RequestIdReused | PresentedRefusal | GrantHeld | ClaimLost | GrantEnd
GrantBeginRefusal: TypeAlias = RequestIdReused | ClaimLost | AlreadyDispatching | GrantEnd
GrantStepRefusal: TypeAlias = PresentedRefusal | GrantHeld | GrantEnd
GrantExtendRefusal: TypeAlias = ClaimLost | GrantEnd
GrantAbortRefusal: TypeAlias = RequestIdReused | ClaimLost | SettleWithRun | GrantEnd
GrantConsumeRefusal: TypeAlias = RequestIdReused | ClaimLost | NotBegun | SettleWithRun | GrantEnd
GrantSettleRefusal: TypeAlias = RequestIdReused | NotBegun | GrantBusy | SettleWithRun | GrantEnd
GrantRevokeRefusal: TypeAlias = RequestIdReused | AlreadyDispatching | GrantEnd
GrantExpireRefusal: TypeAlias = GrantNotDue | AlreadyDispatching | GrantEnd
