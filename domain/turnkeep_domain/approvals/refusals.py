"""A refusal: why a command on an approval was not done. A closed set, each with a stable code."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, TypeAlias

from attrs import frozen

from turnkeep_domain.approvals.consent_refusals import ToolDisabled, TooManyAllows
from turnkeep_domain.approvals.states import ApprovalState
from turnkeep_domain.approvals.votes import Ruling
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestIdReused


@frozen
class InvalidInput:
    """The call's input is not what can be put before people.

    Attributes:
        rule: What it must be; nothing of the input is repeated.
    """

    code: ClassVar[str] = "invalid_input"

    rule: str


@frozen
class InputTooDeep:
    """The call's input nests arrays and objects deeper than `levels_max`."""

    code: ClassVar[str] = "input_too_deep"

    levels_max: int


@frozen
class InputTooLarge:
    """The call's input has more than `bytes_max` bytes of canonical UTF-8.

    Text that has more than eight times as many characters is refused unread.
    """

    code: ClassVar[str] = "payload_too_large"

    bytes_max: int


@frozen
class Unknown:
    """There is no such approval in this scope."""

    code: ClassVar[str] = "unknown_gate"

    id: str


@frozen
class InvalidGateRef:
    """The reference names no gate: it is `approval:` and the id of an approval."""

    code: ClassVar[str] = "invalid_gate_ref"


@frozen
class AmbiguousGate:
    """The answer names no gate, and several stood open when its prompt was shown.

    Attributes:
        refs: The references of those among which an answer must choose, oldest first.
    """

    code: ClassVar[str] = "ambiguous_gate"

    refs: tuple[str, ...]


@frozen
class NothingToAnswer:
    """The answer names no gate, and none stood open when its prompt was shown."""

    code: ClassVar[str] = "unknown_gate"


@frozen
class IdSpent:
    """The call was already asked on other terms, or discarded: ask with the next attempt."""

    code: ClassVar[str] = "id_spent"

    id: str


@frozen
class NotEligible:
    """The principal is not among those who may decide this request."""

    code: ClassVar[str] = "not_eligible"

    decider: Principal


@frozen
class NotPending:
    """The approval has ended.

    Attributes:
        state: How it ended.
        ruling: The vote that decided; None where none did.
    """

    code: ClassVar[str] = "stale_gate"

    state: ApprovalState
    ruling: Ruling | None


@frozen
class StaleGate:
    """The run that raised the approval does not wait for it any more: nobody may decide it."""

    code: ClassVar[str] = "stale_gate"

    id: str


@frozen
class AlwaysAllowUnsupported:
    """The request does not offer this decider to be always allowed from now on."""

    code: ClassVar[str] = "always_allow_unsupported"

    id: str


@frozen
class NotDue:
    """The approval may still be decided, until `expires_at`."""

    code: ClassVar[str] = "not_due"

    expires_at: datetime


@frozen
class NotOver:
    """The approval has not ended, or not long enough ago."""

    code: ClassVar[str] = "not_over"

    id: str


@frozen
class TooManyPending:
    """The scope already has `pending_max` approvals that wait; retry when some have ended."""

    code: ClassVar[str] = "too_many_pending"

    pending_max: int


InputRefusal: TypeAlias = InvalidInput | InputTooDeep | InputTooLarge
RaiseRefusal: TypeAlias = InputRefusal | IdSpent | TooManyPending
VoteRefusal: TypeAlias = (
    RequestIdReused | NotEligible | NotPending | StaleGate | AlwaysAllowUnsupported
)
ApproveRefusal: TypeAlias = VoteRefusal | ToolDisabled | TooManyAllows
DiscardRefusal: TypeAlias = RequestIdReused | NotPending
ExpireRefusal: TypeAlias = NotDue | NotPending
