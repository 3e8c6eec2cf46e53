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
from turnkeep_adapters.cipher.settings import KeySettings
from turnkeep_adapters.files.settings import FilesSettings
from turnkeep_adapters.postgres.settings import PostgresSettings
from turnkeep_adapters.telemetry.tallies import Tallies
from turnkeep_application.approval_settings import ApprovalSettings
from turnkeep_application.approval_views import ApprovalView, PendingPage, StillPending
from turnkeep_application.approvals import Approvals, Erased
from turnkeep_application.credential_sessions import Used
from turnkeep_application.credential_views import AccountPage, AccountView, SessionView
from turnkeep_application.credentials import Credentials
from turnkeep_application.errors import Contended
from turnkeep_application.event_log import (
    EVERYBODY,
    EventLog,
    Recorded,
    RecordedPage,
    UnreadableEvent,
)
from turnkeep_application.keep import Keep
from turnkeep_application.lease_holding import Holding, LeaseHeld
from turnkeep_application.lease_settings import LeaseSettings
from turnkeep_application.lease_views import LeaseView
from turnkeep_application.leases import Leases
from turnkeep_application.pacing import Pacing
from turnkeep_application.reading import Unreadable
from turnkeep_application.rekeying import KeyRetired, Rekeyed
from turnkeep_application.secret_audit import Audit, KeyUse
from turnkeep_application.secret_lending import Opened
from turnkeep_application.secret_settings import SecretSettings
from turnkeep_application.secret_sweeping import SecretsSwept
from turnkeep_application.secret_views import (
    SecretLeasePage,
    SecretLeaseView,
    SecretMetadata,
    SecretPage,
)
from turnkeep_application.secrets import Secrets
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
from turnkeep_domain.credentials.account import AccountTerms
from turnkeep_domain.credentials.account_id import AccountId
from turnkeep_domain.credentials.account_outcomes import AccountOutcome, AccountState
from turnkeep_domain.credentials.details import AccountDetails
from turnkeep_domain.credentials.events import (
    AccountDeleted,
    AccountPut,
    AccountWithdrawn,
    Released,
    SessionEnd,
    SessionEnded,
    SessionOpened,
    SessionUsed,
)
from turnkeep_domain.credentials.operations import OperationSpent, UseReceipt
from turnkeep_domain.credentials.refusals import (
    AccountDeleteRefusal,
    AccountExpired,
    AccountPutRefusal,
    AccountRevoked,
    AccountRevokeRefusal,
    AccountUnknown,
    HandleRefused,
    OpenRefusal,
    SessionExhausted,
    SessionExpired,
    SessionRevokeCause,
    SessionRevoked,
    SessionUnknown,
    TargetRefused,
    UseRefusal,
)
from turnkeep_domain.credentials.session import SessionTicket
from turnkeep_domain.credentials.session_id import SessionId
from turnkeep_domain.credentials.session_phases import (
    ExhaustedSession,
    ExpiredSession,
    OpenSession,
    RevokedSession,
)
from turnkeep_domain.credentials.targets import PathMatch, Target
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue, TurnkeepError
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Address
from turnkeep_domain.leases.events import LeaseAcquired, LeaseLapsed, LeaseReleased
from turnkeep_domain.leases.guards import Guard, Guarding, Guards
from turnkeep_domain.leases.lease import TenureReleased
from turnkeep_domain.leases.refusals import (
    AcquireRefusal,
    Held,
    HolderRefusal,
    NotHolder,
    TenureExpired,
)
from turnkeep_domain.leases.tenancy import Tenancy
from turnkeep_domain.leases.tenure import Tenure
from turnkeep_domain.principals import Principal, PrincipalKind
from turnkeep_domain.request_ids import Digest, RequestId, RequestIdReused, digest_of
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_domain.secrets.events import (
    LeaseEnd,
    MasterKeyAdded,
    MasterKeyRetired,
    SecretDeleted,
    SecretLeaseEnded,
    SecretLeaseIssued,
    SecretLeaseUsed,
    SecretPut,
)
from turnkeep_domain.secrets.generations import ABSENT, ANY, Expected
from turnkeep_domain.secrets.handles import Handle
from turnkeep_domain.secrets.lease_phases import (
    ActiveLease,
    ConsumedLease,
    ExpiredLease,
    RevokedLease,
)
from turnkeep_domain.secrets.lease_ref import LeaseRef
from turnkeep_domain.secrets.material import Material
from turnkeep_domain.secrets.receipts import Receipt, Spent
from turnkeep_domain.secrets.refusals import (
    ConsumeRefusal,
    DeleteRefusal,
    GenerationMismatch,
    GuardLost,
    IssueRefusal,
    KeyInUse,
    PutRefusal,
    QuotaFull,
    RevokeCause,
    RevokeRefusal,
    SecretExpired,
    SecretLeaseConsumed,
    SecretLeaseExpired,
    SecretLeaseRevoked,
    SecretLeaseUnknown,
    SecretUnknown,
)
from turnkeep_domain.secrets.sealing import KeyId
from turnkeep_domain.secrets.states import SecretOutcome, SecretState
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
from turnkeep_ports.cipher import Cipher
from turnkeep_ports.clock import Clock
from turnkeep_ports.errors import (
    Corrupt,
    OutcomeUnknown,
    PayloadTooLarge,
    SchemaTooNew,
    Unavailable,
    Unsupported,
)
from turnkeep_ports.key_errors import KeyMismatch, MasterKeyInvalid, MasterKeyMissing, Tampered
from turnkeep_ports.store import START, CommitId, Cursor, CursorLost, RecordStore
from turnkeep_ports.telemetry import Counter, Telemetry

__all__ = [
    "ABSENT",
    "ANY",
    "EVERYBODY",
    "START",
    "AccountDeleteRefusal",
    "AccountDeleted",
    "AccountDetails",
    "AccountExpired",
    "AccountId",
    "AccountOutcome",
    "AccountPage",
    "AccountPut",
    "AccountPutRefusal",
    "AccountRevokeRefusal",
    "AccountRevoked",
    "AccountState",
    "AccountTerms",
    "AccountUnknown",
    "AccountView",
    "AccountWithdrawn",
    "AcquireRefusal",
    "Action",
    "ActiveLease",
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
    "Audit",
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
    "Cipher",
    "Claim",
    "ClaimEnd",
    "ClaimEnded",
    "ClaimPass",
    "ClaimRefusal",
    "ClaimedRun",
    "Clock",
    "CommitId",
    "Completed",
    "ConsumeRefusal",
    "ConsumedLease",
    "Container",
    "Contended",
    "CorrelationId",
    "Corrupt",
    "Counter",
    "Credentials",
    "Cursor",
    "CursorLost",
    "DeleteRefusal",
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
    "ExhaustedSession",
    "Expected",
    "ExpireRefusal",
    "ExpiredLease",
    "ExpiredSession",
    "Failed",
    "FilesSettings",
    "Gate",
    "GateClosed",
    "GateKind",
    "GateMismatch",
    "GatePending",
    "GenerationMismatch",
    "GiveUp",
    "Guard",
    "GuardLost",
    "Guarding",
    "Guards",
    "Handle",
    "HandleRefused",
    "Handler",
    "Heartbeat",
    "Held",
    "HolderRefusal",
    "Holding",
    "IdSpent",
    "IdempotencyKey",
    "InputTooDeep",
    "InputTooLarge",
    "IntendRefusal",
    "Intended",
    "InvalidInput",
    "InvalidValue",
    "InvocationId",
    "IssueRefusal",
    "JournalEntry",
    "Json",
    "JsonText",
    "Keep",
    "KeyId",
    "KeyInUse",
    "KeyMismatch",
    "KeyRetired",
    "KeySettings",
    "KeyUse",
    "LaneId",
    "LaneLimitChanged",
    "LaneStanding",
    "LeaseAcquired",
    "LeaseEnd",
    "LeaseExpired",
    "LeaseHeld",
    "LeaseLapsed",
    "LeaseLost",
    "LeaseRef",
    "LeaseReleased",
    "LeaseSettings",
    "LeaseView",
    "Leases",
    "LimitChanged",
    "LimitStanding",
    "Lineage",
    "MasterKeyAdded",
    "MasterKeyInvalid",
    "MasterKeyMissing",
    "MasterKeyRetired",
    "Material",
    "MissingExtra",
    "Mode",
    "NeedsOperator",
    "NotDone",
    "NotDue",
    "NotEligible",
    "NotFound",
    "NotHolder",
    "NotPending",
    "NotPermitted",
    "Offer",
    "OpenRefusal",
    "OpenSession",
    "Opened",
    "OperationSpent",
    "OutcomeUnknown",
    "Pacing",
    "PathMatch",
    "PayloadTooLarge",
    "PendingPage",
    "PostgresSettings",
    "Principal",
    "PrincipalKind",
    "PutRefusal",
    "Queued",
    "Quorum",
    "QuotaFull",
    "RaiseRefusal",
    "Receipt",
    "RecordStore",
    "Recorded",
    "RecordedPage",
    "Ref",
    "Refused",
    "Rekeyed",
    "Released",
    "Relinquishment",
    "ReplayDiverged",
    "RequestId",
    "RequestIdReused",
    "ResumeRefusal",
    "Retired",
    "RetryRefusal",
    "RevokeCause",
    "RevokeRefusal",
    "RevokedLease",
    "RevokedSession",
    "Role",
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
    "SecretDeleted",
    "SecretExpired",
    "SecretLeaseConsumed",
    "SecretLeaseEnded",
    "SecretLeaseExpired",
    "SecretLeaseIssued",
    "SecretLeasePage",
    "SecretLeaseRevoked",
    "SecretLeaseUnknown",
    "SecretLeaseUsed",
    "SecretLeaseView",
    "SecretMetadata",
    "SecretOutcome",
    "SecretPage",
    "SecretPut",
    "SecretSettings",
    "SecretState",
    "SecretUnknown",
    "Secrets",
    "SecretsSwept",
    "SessionEnd",
    "SessionEnded",
    "SessionExhausted",
    "SessionExpired",
    "SessionId",
    "SessionOpened",
    "SessionRevokeCause",
    "SessionRevoked",
    "SessionTicket",
    "SessionUnknown",
    "SessionUsed",
    "SessionView",
    "Settings",
    "SettleRefusal",
    "Spawn",
    "SpawnRefusal",
    "Spent",
    "StaleGate",
    "StepNotDone",
    "StepUncertain",
    "StillPending",
    "Submission",
    "SubmitRefusal",
    "Swept",
    "Tallies",
    "Tampered",
    "Target",
    "TargetRefused",
    "Telemetry",
    "Tenancy",
    "Tenure",
    "TenureExpired",
    "TenureReleased",
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
    "UseReceipt",
    "UseRefusal",
    "Used",
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
