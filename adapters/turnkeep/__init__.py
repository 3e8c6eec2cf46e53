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
from turnkeep_application.errors import Contended
from turnkeep_application.event_log import (
    EVERYBODY,
    EventLog,
    Recorded,
    RecordedPage,
    UnreadableEvent,
)
from turnkeep_application.keep import Keep
from turnkeep_application.last_seen_settings import LastSeenSettings
from turnkeep_application.pacing import Pacing
from turnkeep_application.reading import Unreadable
from turnkeep_application.round_settings import RoundSettings
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
    "Action",
    "Actor",
    "Address",
    "Admission",
    "Amount",
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
    "Archive",
    "AtCapacity",
    "Axis",
    "BlockRefusal",
    "Blocked",
    "BucketId",
    "BucketLimits",
    "BucketStanding",
    "CallRefused",
    "CancelRefusal",
    "CancelRequested",
    "Cancelled",
    "CapabilityId",
    "Category",
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
    "Event",
    "EventLog",
    "Evidence",
    "ExpireRefusal",
    "Failed",
    "FilesSettings",
    "Gate",
    "GateClosed",
    "GateKind",
    "GateMismatch",
    "GatePending",
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
    "LastSeenSettings",
    "LeaseExpired",
    "LeaseLost",
    "LimitChanged",
    "LimitStanding",
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
    "Offer",
    "OutcomeUnknown",
    "Pacing",
    "PayloadTooLarge",
    "PendingPage",
    "PostgresSettings",
    "Principal",
    "PrincipalKind",
    "Queued",
    "Quorum",
    "RaiseRefusal",
    "RecordStore",
    "Recorded",
    "RecordedPage",
    "Ref",
    "Refused",
    "Relinquishment",
    "ReplayDiverged",
    "RequestId",
    "RequestIdReused",
    "ResumeRefusal",
    "Retired",
    "RetryRefusal",
    "Role",
    "RoundSettings",
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
    "Telemetry",
    "ThreadBusy",
    "ThreadDeleted",
    "Token",
    "TooManyPending",
    "TreeCancelling",
    "TreeFull",
    "TryAgain",
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
    "Verdict",
    "Vote",
    "VoteRefusal",
    "Worker",
    "WorkerSettings",
    "WrongState",
    "digest_of",
    "drained_by_signals",
    "open_keep",
    "step_output",
]
