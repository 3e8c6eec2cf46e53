"""The refusals of turns: what the rules forbid, each with a stable code."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, TypeAlias

from attrs import frozen

from turnkeep_domain.request_ids import RequestIdReused
from turnkeep_domain.turns.claims import ClaimEnd
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.names import Ref, RunId
from turnkeep_domain.turns.run_states import RunStatus


@frozen
class NotFound:
    """There is no such run in this scope."""

    code: ClassVar[str] = "not_found"

    run: str


@frozen
class NotPermitted:
    """Whoever asks may not: by the host's policy, or because they are not who may act."""

    code: ClassVar[str] = "not_permitted"


@frozen
class RunIdSpent:
    """The run of this request was retired; ask under another request id."""

    code: ClassVar[str] = "id_spent"

    run: RunId


@frozen
class ThreadClosed:
    """The thread was deleted."""

    code: ClassVar[str] = "thread_deleted"


@frozen
class ThreadBusy:
    """The thread has an active run. Not recorded: the same request id may succeed later."""

    code: ClassVar[str] = "thread_busy"

    run: RunId
    status: RunStatus


@frozen
class AtCapacity:
    """A limit is reached; `limit` names which: an axis and class, or `lane`."""

    code: ClassVar[str] = "at_capacity"

    limit: str
    retry_after_seconds: int


@frozen
class TreeFull:
    """The tree of runs has no room: 64 live, 1,000 ever, 8 levels.

    Attributes:
        limit: Which: `live`, `spawned` or `depth`.
        retry_after_seconds: None where waiting does not help.
    """

    code: ClassVar[str] = "tree_full"

    limit: str
    retry_after_seconds: int | None


@frozen
class TreeCancelling:
    """The tree of runs is being called off."""

    code: ClassVar[str] = "tree_cancelling"


@frozen
class LeaseLost:
    """Another claim holds the run, or none."""

    code: ClassVar[str] = "lease_lost"


@frozen
class LeaseExpired:
    """The claim's deadline has come, whether or not that was noted."""

    code: ClassVar[str] = "lease_expired"

    at: datetime


@frozen
class ClaimEnded:
    """The claim has ended otherwise; `end` says how."""

    code: ClassVar[str] = "claim_ended"

    end: ClaimEnd


@frozen
class WrongState:
    """The run's state does not allow it."""

    code: ClassVar[str] = "wrong_state"

    status: RunStatus


@frozen
class RunNotDue:
    """It is too early; `at` is when it may be done."""

    code: ClassVar[str] = "not_due"

    at: datetime


@frozen
class EffectsOpen:
    """Steps are open: settle them first."""

    code: ClassVar[str] = "effects_open"

    open: tuple[EffectId, ...]


@frozen
class EffectsFull:
    """The run is at a limit: 1,000 journal entries, 16 open steps, 8 approvals, 4 open ones."""

    code: ClassVar[str] = "effects_full"

    limit: str


@frozen
class EffectsUnsettled:
    """Uncertain steps are to be settled first, all of them and no others."""

    code: ClassVar[str] = "effects_unsettled"

    open: tuple[EffectId, ...]


@frozen
class ReplayDiverged:
    """The journal knows this call with other arguments, of another kind or in another mode."""

    code: ClassVar[str] = "replay_diverged"

    effect: EffectId


@frozen
class CallDeclined:
    """The call was refused when it was made first, and the journal says so: it is again.

    Attributes:
        code: That refusal's.
    """

    code: str


@frozen
class RouteFixed:
    """The route was chosen before, and another one."""

    code: ClassVar[str] = "route_fixed"


@frozen
class GateMismatch:
    """The run waits at another gate."""

    code: ClassVar[str] = "gate_mismatch"


@frozen
class UnknownGate:
    """The gate names an approval that this run has not raised, or a run that it did not spawn."""

    code: ClassVar[str] = "unknown_gate"

    ref: Ref


@frozen
class GatePending:
    """The approval that the run waits for is not decided."""

    code: ClassVar[str] = "gate_pending"

    ref: Ref


AdmissionRefusal: TypeAlias = NotPermitted | ThreadClosed | ThreadBusy | AtCapacity
SubmitRefusal: TypeAlias = RequestIdReused | RunIdSpent | AdmissionRefusal
ClaimRefusal: TypeAlias = NotFound | ClaimEnded | LeaseLost | LeaseExpired | WrongState
SpawnRefusal: TypeAlias = (
    ClaimRefusal
    | SubmitRefusal
    | TreeFull
    | TreeCancelling
    | EffectsFull
    | ReplayDiverged
    | CallDeclined
)
IntendRefusal: TypeAlias = ClaimRefusal | EffectsFull | ReplayDiverged
SettleRefusal: TypeAlias = ClaimRefusal | EffectsFull | ReplayDiverged
BlockRefusal: TypeAlias = (
    ClaimRefusal | EffectsOpen | EffectsFull | ReplayDiverged | UnknownGate | CallDeclined
)
EndRefusal: TypeAlias = ClaimRefusal | EffectsOpen
RouteRefusal: TypeAlias = ClaimRefusal | RouteFixed
ResumeRefusal: TypeAlias = (
    NotFound | RequestIdReused | NotPermitted | WrongState | GateMismatch | GatePending
)
ReleaseRefusal: TypeAlias = NotFound | WrongState | GateMismatch
GrantRefusal: TypeAlias = NotFound | ClaimEnded | WrongState | ThreadClosed | RunNotDue
OverdueRefusal: TypeAlias = NotFound | WrongState | RunNotDue
CancelRefusal: TypeAlias = NotFound | RequestIdReused | NotPermitted
OperatorRefusal: TypeAlias = (
    NotFound | RequestIdReused | NotPermitted | WrongState | EffectsUnsettled
)
ResubmitRefusal: TypeAlias = (
    RequestIdReused
    | NotPermitted
    | WrongState
    | RunIdSpent
    | EffectsUnsettled
    | ThreadClosed
    | ThreadBusy
)
RetryRefusal: TypeAlias = OperatorRefusal | SubmitRefusal
