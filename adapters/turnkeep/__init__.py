"""Turnkeep: the durable state kernel that a Python program embeds when it hosts agents.

Open a keep, and ask its services::

    async with open_keep("memory:") as keep:
        view = await keep.approvals.raise_request(...)

Everything that a host needs is exported here; other packages are free to change.
"""

from turnkeep.container import Container
from turnkeep.extras import MissingExtra
from turnkeep.opening import open_keep
from turnkeep.settings import Settings
from turnkeep_adapters.files.settings import FilesSettings
from turnkeep_adapters.postgres.settings import PostgresSettings
from turnkeep_adapters.telemetry.tallies import Tallies
from turnkeep_application.approval_settings import ApprovalSettings
from turnkeep_application.approval_views import ApprovalView, PendingPage, StillPending
from turnkeep_application.approvals import Approvals, Erased
from turnkeep_application.budgets.budget_holding import BudgetHold, NotReserved
from turnkeep_application.budgets.budget_listing import BudgetPage, GateView, ReservationView
from turnkeep_application.budgets.budget_settings import BudgetSettings
from turnkeep_application.budgets.budget_sweeping import BudgetPruned, BudgetSwept
from turnkeep_application.budgets.budgets import Budgets
from turnkeep_application.errors import Contended
from turnkeep_application.event_log import (
    EVERYBODY,
    EventLog,
    Recorded,
    RecordedPage,
    UnreadableEvent,
)
from turnkeep_application.keep import Keep
from turnkeep_application.pacing import Pacing
from turnkeep_application.reading import Unreadable
from turnkeep_application.turns.claim_pass import ClaimedRun, ClaimPass
from turnkeep_application.turns.limit_standings import BucketStanding, LaneStanding, LimitStanding
from turnkeep_application.turns.retiring import Retired
from turnkeep_application.turns.swept import Swept
from turnkeep_application.turns.turn_settings import TurnSettings
from turnkeep_application.turns.turns import Turns
from turnkeep_application.turns.views import (
    CheckpointHeader,
    JournalEntry,
    RunHistory,
    RunPage,
    RunView,
)
from turnkeep_application.worker.announcement import Announcement
from turnkeep_application.worker.context import Handler, RunContext
from turnkeep_application.worker.exits import (
    CallRefused,
    GateClosed,
    GiveUp,
    RunLeft,
    StepNotDone,
    StepUncertain,
    TryAgain,
)
from turnkeep_application.worker.signals import drained_by_signals
from turnkeep_application.worker.step_values import step_output
from turnkeep_application.worker.worker import Worker
from turnkeep_application.worker.worker_settings import WorkerSettings
from turnkeep_domain.approvals.approval_id import ApprovalId
from turnkeep_domain.approvals.calls import Action, Amount, Dispatch, Effect, Estimate, Spawn
from turnkeep_domain.approvals.canonical import Json, JsonText
from turnkeep_domain.approvals.events import (
    ApprovalApproved,
    ApprovalDenied,
    ApprovalDiscarded,
    ApprovalErased,
    ApprovalExpired,
    ApprovalRaised,
    ApprovalVoted,
)
from turnkeep_domain.approvals.names import CapabilityId, CorrelationId, InvocationId
from turnkeep_domain.approvals.payload import ApprovalPayload
from turnkeep_domain.approvals.quorum import Quorum
from turnkeep_domain.approvals.refusals import (
    DiscardRefusal,
    ExpireRefusal,
    IdSpent,
    InputTooDeep,
    InputTooLarge,
    InvalidInput,
    NotDue,
    NotEligible,
    NotPending,
    RaiseRefusal,
    StaleGate,
    TooManyPending,
    Unknown,
    VoteRefusal,
)
from turnkeep_domain.approvals.states import ApprovalOutcome, ApprovalState
from turnkeep_domain.approvals.votes import Offer, Ruling, Verdict, Vote
from turnkeep_domain.budgets.account import LimitsSet
from turnkeep_domain.budgets.account_ref import AccountRef, Level
from turnkeep_domain.budgets.ceilings import Ceiling, Limits
from turnkeep_domain.budgets.dimensions import Dimension
from turnkeep_domain.budgets.events import (
    BudgetAdopted,
    BudgetExpired,
    BudgetGateApproved,
    BudgetGateCancelled,
    BudgetGateExpired,
    BudgetGateOpened,
    BudgetLimitChanged,
    BudgetMetered,
    BudgetReconciled,
    BudgetReleased,
    BudgetReserved,
    BudgetWarned,
)
from turnkeep_domain.budgets.figures import Figures
from turnkeep_domain.budgets.gate import BudgetGate
from turnkeep_domain.budgets.gate_id import BudgetGateId, GatePointer, GateStatus
from turnkeep_domain.budgets.holds import OnExpiry, Placement, WindowId
from turnkeep_domain.budgets.periods import Calendar, CalendarUnit, Lifetime, Period, Rolling
from turnkeep_domain.budgets.prices import Price, PriceList, TokenCounts
from turnkeep_domain.budgets.receipts import Receipt, ReservationStatus
from turnkeep_domain.budgets.refusals import (
    AmountInvalid,
    AmountOverflow,
    ApproveGateRefusal,
    BudgetApprovalDeclined,
    BudgetApprovalNeeded,
    BudgetGateClosed,
    BudgetGateOverdue,
    BudgetGateUnknown,
    CancelGateRefusal,
    EstimateEmpty,
    ExtendRefusal,
    LimitExceeded,
    LimitRefusal,
    LimitsInvalid,
    LimitsRevised,
    OutputUnbounded,
    PriceRefusal,
    PriceUnknown,
    RaiseTooSmall,
    ReconcileRefusal,
    ReleaseRefusal,
    ReservationClosed,
    ReservationExpired,
    ReservationSpent,
    ReservationUnknown,
    ReserveRefusal,
    TooManyHolds,
    TtlInvalid,
    WindowUnresolvable,
)
from turnkeep_domain.budgets.snapshot import AccountView, BudgetSnapshot, DimensionView
from turnkeep_domain.budgets.tallies import Tally, Usage
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue, TurnkeepError
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Address
from turnkeep_domain.principals import Principal, PrincipalKind
from turnkeep_domain.request_ids import Digest, RequestId, RequestIdReused, digest_of
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_domain.turns.actors import Actor, Role
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.bucket_ids import Axis, BucketId
from turnkeep_domain.turns.bucket_limits import BucketLimits
from turnkeep_domain.turns.checkpoint import Checkpoint, CheckpointKind
from turnkeep_domain.turns.claims import (
    Claim,
    ClaimEnd,
    Heartbeat,
    Relinquishment,
    RunStanding,
    Token,
)
from turnkeep_domain.turns.effect import (
    Done,
    EffectKind,
    EffectState,
    Evidence,
    Intended,
    Mode,
    NotDone,
    RunEffect,
    Uncertain,
    Unclear,
)
from turnkeep_domain.turns.effect_ids import EffectId, IdempotencyKey
from turnkeep_domain.turns.ended import EndedRun
from turnkeep_domain.turns.events import (
    EffectSettled,
    EffectUncertain,
    LaneLimitChanged,
    LimitChanged,
    RunBlocked,
    RunCancelled,
    RunCancelRequested,
    RunClaimed,
    RunCompleted,
    RunEvent,
    RunFailed,
    RunNeedsOperator,
    RunRequeued,
    RunResumed,
    RunRetired,
    RunRouted,
    RunSubmitted,
)
from turnkeep_domain.turns.gates import Disposition, Gate, GateKind
from turnkeep_domain.turns.lane_ids import LaneId
from turnkeep_domain.turns.lineage import Lineage
from turnkeep_domain.turns.names import Category, Ref, RunId, TurnId
from turnkeep_domain.turns.policy import TurnClass, TurnPolicy
from turnkeep_domain.turns.refusals import (
    AtCapacity,
    BlockRefusal,
    CancelRefusal,
    ClaimEnded,
    ClaimRefusal,
    EffectsFull,
    EffectsOpen,
    EffectsUnsettled,
    EndRefusal,
    GateMismatch,
    GatePending,
    IntendRefusal,
    LeaseExpired,
    LeaseLost,
    NotFound,
    NotPermitted,
    ReplayDiverged,
    ResumeRefusal,
    RetryRefusal,
    RouteFixed,
    RouteRefusal,
    RunIdSpent,
    SettleRefusal,
    SpawnRefusal,
    SubmitRefusal,
    ThreadBusy,
    ThreadDeleted,
    TreeCancelling,
    TreeFull,
    UnknownGate,
    WrongState,
)
from turnkeep_domain.turns.route import Route
from turnkeep_domain.turns.run import Run, RunApproval, RunCounters
from turnkeep_domain.turns.run_states import (
    Blocked,
    Cancelled,
    CancelRequested,
    Completed,
    Failed,
    NeedsOperator,
    Queued,
    Running,
    RunState,
    RunStatus,
)
from turnkeep_domain.turns.turn import Turn
from turnkeep_ports.admission import Admission, Submission
from turnkeep_ports.archive import Archive
from turnkeep_ports.clock import Clock
from turnkeep_ports.errors import (
    Corrupt,
    OutcomeUnknown,
    PayloadTooLarge,
    SchemaTooNew,
    Unavailable,
    Unsupported,
)
from turnkeep_ports.store import START, CommitId, Cursor, CursorLost, RecordStore
from turnkeep_ports.telemetry import Counter, Telemetry

__all__ = [
    "EVERYBODY",
    "START",
    "AccountRef",
    "AccountView",
    "Action",
    "Actor",
    "Address",
    "Admission",
    "Amount",
    "AmountInvalid",
    "AmountOverflow",
    "Announcement",
    "ApprovalApproved",
    "ApprovalDenied",
    "ApprovalDiscarded",
    "ApprovalErased",
    "ApprovalExpired",
    "ApprovalId",
    "ApprovalOutcome",
    "ApprovalPayload",
    "ApprovalRaised",
    "ApprovalSettings",
    "ApprovalState",
    "ApprovalView",
    "ApprovalVoted",
    "Approvals",
    "ApproveGateRefusal",
    "Archive",
    "AtCapacity",
    "Axis",
    "BlockRefusal",
    "Blocked",
    "BucketId",
    "BucketLimits",
    "BucketStanding",
    "BudgetAdopted",
    "BudgetApprovalDeclined",
    "BudgetApprovalNeeded",
    "BudgetExpired",
    "BudgetGate",
    "BudgetGateApproved",
    "BudgetGateCancelled",
    "BudgetGateClosed",
    "BudgetGateExpired",
    "BudgetGateId",
    "BudgetGateOpened",
    "BudgetGateOverdue",
    "BudgetGateUnknown",
    "BudgetHold",
    "BudgetLimitChanged",
    "BudgetMetered",
    "BudgetPage",
    "BudgetPruned",
    "BudgetReconciled",
    "BudgetReleased",
    "BudgetReserved",
    "BudgetSettings",
    "BudgetSnapshot",
    "BudgetSwept",
    "BudgetWarned",
    "Budgets",
    "Calendar",
    "CalendarUnit",
    "CallRefused",
    "CancelGateRefusal",
    "CancelRefusal",
    "CancelRequested",
    "Cancelled",
    "CapabilityId",
    "Category",
    "Ceiling",
    "Checkpoint",
    "CheckpointHeader",
    "CheckpointKind",
    "Claim",
    "ClaimEnd",
    "ClaimEnded",
    "ClaimPass",
    "ClaimRefusal",
    "ClaimedRun",
    "Clock",
    "CommitId",
    "Completed",
    "Container",
    "Contended",
    "CorrelationId",
    "Corrupt",
    "Counter",
    "Cursor",
    "CursorLost",
    "Digest",
    "Dimension",
    "DimensionView",
    "DiscardRefusal",
    "Dispatch",
    "Disposition",
    "Done",
    "Effect",
    "EffectId",
    "EffectKind",
    "EffectSettled",
    "EffectState",
    "EffectUncertain",
    "EffectsFull",
    "EffectsOpen",
    "EffectsUnsettled",
    "EndRefusal",
    "EndedRun",
    "Erased",
    "Estimate",
    "EstimateEmpty",
    "Event",
    "EventLog",
    "Evidence",
    "ExpireRefusal",
    "ExtendRefusal",
    "Failed",
    "Figures",
    "FilesSettings",
    "Gate",
    "GateClosed",
    "GateKind",
    "GateMismatch",
    "GatePending",
    "GatePointer",
    "GateStatus",
    "GateView",
    "GiveUp",
    "Handler",
    "Heartbeat",
    "IdSpent",
    "IdempotencyKey",
    "InputTooDeep",
    "InputTooLarge",
    "IntendRefusal",
    "Intended",
    "InvalidInput",
    "InvalidValue",
    "InvocationId",
    "JournalEntry",
    "Json",
    "JsonText",
    "Keep",
    "LaneId",
    "LaneLimitChanged",
    "LaneStanding",
    "LeaseExpired",
    "LeaseLost",
    "Level",
    "Lifetime",
    "LimitChanged",
    "LimitExceeded",
    "LimitRefusal",
    "LimitStanding",
    "Limits",
    "LimitsInvalid",
    "LimitsRevised",
    "LimitsSet",
    "Lineage",
    "MissingExtra",
    "Mode",
    "NeedsOperator",
    "NotDone",
    "NotDue",
    "NotEligible",
    "NotFound",
    "NotPending",
    "NotPermitted",
    "NotReserved",
    "Offer",
    "OnExpiry",
    "OutcomeUnknown",
    "OutputUnbounded",
    "Pacing",
    "PayloadTooLarge",
    "PendingPage",
    "Period",
    "Placement",
    "PostgresSettings",
    "Price",
    "PriceList",
    "PriceRefusal",
    "PriceUnknown",
    "Principal",
    "PrincipalKind",
    "Queued",
    "Quorum",
    "RaiseRefusal",
    "RaiseTooSmall",
    "Receipt",
    "ReconcileRefusal",
    "RecordStore",
    "Recorded",
    "RecordedPage",
    "Ref",
    "Refused",
    "ReleaseRefusal",
    "Relinquishment",
    "ReplayDiverged",
    "RequestId",
    "RequestIdReused",
    "ReservationClosed",
    "ReservationExpired",
    "ReservationSpent",
    "ReservationStatus",
    "ReservationUnknown",
    "ReservationView",
    "ReserveRefusal",
    "ResumeRefusal",
    "Retired",
    "RetryRefusal",
    "Role",
    "Rolling",
    "Route",
    "RouteFixed",
    "RouteRefusal",
    "Ruling",
    "Run",
    "RunAddress",
    "RunApproval",
    "RunBlocked",
    "RunCancelRequested",
    "RunCancelled",
    "RunClaimed",
    "RunCompleted",
    "RunContext",
    "RunCounters",
    "RunEffect",
    "RunEvent",
    "RunFailed",
    "RunHistory",
    "RunId",
    "RunIdSpent",
    "RunLeft",
    "RunNeedsOperator",
    "RunPage",
    "RunRequeued",
    "RunResumed",
    "RunRetired",
    "RunRouted",
    "RunStanding",
    "RunState",
    "RunStatus",
    "RunSubmitted",
    "RunView",
    "Running",
    "SchemaTooNew",
    "Scope",
    "ScopePrefix",
    "Settings",
    "SettleRefusal",
    "Spawn",
    "SpawnRefusal",
    "StaleGate",
    "StepNotDone",
    "StepUncertain",
    "StillPending",
    "Submission",
    "SubmitRefusal",
    "Swept",
    "Tallies",
    "Tally",
    "Telemetry",
    "ThreadBusy",
    "ThreadDeleted",
    "Token",
    "TokenCounts",
    "TooManyHolds",
    "TooManyPending",
    "TreeCancelling",
    "TreeFull",
    "TryAgain",
    "TtlInvalid",
    "Turn",
    "TurnClass",
    "TurnId",
    "TurnPolicy",
    "TurnSettings",
    "TurnkeepError",
    "Turns",
    "Unavailable",
    "Uncertain",
    "Unclear",
    "Unknown",
    "UnknownGate",
    "Unreadable",
    "UnreadableEvent",
    "Unsupported",
    "Usage",
    "Verdict",
    "Vote",
    "VoteRefusal",
    "WindowId",
    "WindowUnresolvable",
    "Worker",
    "WorkerSettings",
    "WrongState",
    "digest_of",
    "drained_by_signals",
    "open_keep",
    "step_output",
]
