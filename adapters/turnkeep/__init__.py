"""Turnkeep: the durable state kernel that a Python program embeds when it hosts agents.

Open a keep, and ask its services::

    async with open_keep("memory:") as keep:
        view = await keep.approvals.raise_request(...)

Everything that a host needs is exported here; other packages are free to change.

A name is imported from its home when it is first asked for: a program that imports Turnkeep pays
for what it uses, when it uses it.
"""

from typing import TYPE_CHECKING

from turnkeep.deferral import deferred as _deferred
from turnkeep.homes import HOMES as _HOMES

if TYPE_CHECKING:
    from turnkeep.blocking import BlockingKeep, open_blocking_keep
    from turnkeep.blocking_holds import BlockingBudgetHold, BlockingHolding
    from turnkeep.blocking_services import (
        BlockingApprovals,
        BlockingBudgets,
        BlockingCredentials,
        BlockingEventLog,
        BlockingLeases,
        BlockingPolicies,
        BlockingSecrets,
        BlockingThreads,
        BlockingTurns,
    )
    from turnkeep.blocking_worker import BlockingWorker
    from turnkeep.building import build_keep
    from turnkeep.container import Container
    from turnkeep.environment import InvalidSetting
    from turnkeep.extras import MissingExtra
    from turnkeep.mounting import composite_store
    from turnkeep.observing import open_telemetry
    from turnkeep.opening import open_keep
    from turnkeep.portal_errors import CalledFromPortal, KeepClosed, KeepForked
    from turnkeep.settings import Settings
    from turnkeep.tidying import tidy_store
    from turnkeep.transferring import export_store, import_store, roll_back_import
    from turnkeep_adapters.cipher.settings import KeySettings
    from turnkeep_adapters.files.settings import FilesSettings
    from turnkeep_adapters.postgres.settings import PostgresSettings
    from turnkeep_adapters.system.collector import settle_collector
    from turnkeep_adapters.telemetry.logged import LoggedTelemetry
    from turnkeep_adapters.telemetry.tallies import Tallies
    from turnkeep_adapters.transfers.export_writer import Exportation
    from turnkeep_adapters.web.gate_code import GateCode
    from turnkeep_adapters.web.gate_problem import Coded, GateProblem
    from turnkeep_application.approval_answering import GateAnswered
    from turnkeep_application.approval_explaining import ApprovalExplanation
    from turnkeep_application.approval_retention import ApprovalsPruned
    from turnkeep_application.approval_settings import ApprovalSettings
    from turnkeep_application.approval_sweeping import ApprovalsSwept
    from turnkeep_application.approval_views import ApprovalView, PendingPage, StillPending
    from turnkeep_application.approvals import AnswerRefusal, Approvals, Erased
    from turnkeep_application.budgets.budget_holding import BudgetHold, NotReserved
    from turnkeep_application.budgets.budget_listing import BudgetPage, GateView, ReservationView
    from turnkeep_application.budgets.budget_settings import BudgetSettings
    from turnkeep_application.budgets.budget_sweeping import BudgetPruned, BudgetSwept
    from turnkeep_application.budgets.budgets import Budgets
    from turnkeep_application.consent_views import (
        ConsentExplanation,
        ConsentPage,
        ConsentRead,
        EffectiveConsent,
        ToolConsent,
    )
    from turnkeep_application.credential_sessions import Used
    from turnkeep_application.credential_views import (
        AccountPage,
        CredentialAccountView,
        SessionView,
    )
    from turnkeep_application.credentials import Credentials
    from turnkeep_application.errors import Contended
    from turnkeep_application.event_log import EventLog
    from turnkeep_application.event_pages import Recorded, RecordedPage, UnreadableEvent
    from turnkeep_application.event_reading import EVERYBODY, ReaderView
    from turnkeep_application.event_settings import EventSettings
    from turnkeep_application.event_trimming import Trimmed
    from turnkeep_application.grant_views import GrantView
    from turnkeep_application.keep import Keep
    from turnkeep_application.last_seen_settings import LastSeenSettings
    from turnkeep_application.lease_holding import Holding, LeaseHeld
    from turnkeep_application.lease_settings import LeaseSettings
    from turnkeep_application.lease_views import LeaseView
    from turnkeep_application.leases import Leases
    from turnkeep_application.pacing import Pacing
    from turnkeep_application.policies import Policies
    from turnkeep_application.reading import Unreadable
    from turnkeep_application.rekeying import KeyRetired, Rekeyed
    from turnkeep_application.round_settings import RoundSettings
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
    from turnkeep_application.store_parts import Feature
    from turnkeep_application.thread_redacting import ErasurePage, PendingErasure
    from turnkeep_application.thread_runs import NoRuns, RunWrite, ThreadRuns
    from turnkeep_application.thread_settings import ThreadSettings
    from turnkeep_application.thread_sweeps import ThreadsRetired, ThreadsSwept
    from turnkeep_application.thread_transferring import Exported
    from turnkeep_application.thread_views import (
        HistoryPage,
        ThreadDeletion,
        ThreadPage,
        ThreadReceipt,
        ThreadView,
        WaitingMessage,
        WaitingPage,
        Window,
    )
    from turnkeep_application.threads import Threads
    from turnkeep_application.transfers.errors import (
        ExportDamaged,
        ImportUnfinished,
        TransferRefused,
    )
    from turnkeep_application.transfers.importing import Cleared, Imported
    from turnkeep_application.turns.claim_pass import ClaimedRun, ClaimPass
    from turnkeep_application.turns.claim_write import ClaimWrite
    from turnkeep_application.turns.granted_steps import GrantedRefusal, StepGrant
    from turnkeep_application.turns.limit_standings import (
        BucketStanding,
        LaneStanding,
        LimitStanding,
    )
    from turnkeep_application.turns.message_marks import MessageRefusal
    from turnkeep_application.turns.retiring import Retired
    from turnkeep_application.turns.scheduled_runs import ScheduledRuns
    from turnkeep_application.turns.spend import Spend, SpendRefusal
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
    from turnkeep_application.upkeep import ChoreDone, Upkeep
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
    from turnkeep_application.worker.run_thread import RunDraft, RunThread
    from turnkeep_application.worker.signals import drained_by_signals
    from turnkeep_application.worker.spends import Metered, SpendingStep
    from turnkeep_application.worker.step_values import step_output
    from turnkeep_application.worker.steps import Consenting
    from turnkeep_application.worker.worker import Worker
    from turnkeep_application.worker.worker_settings import WorkerSettings
    from turnkeep_domain.approvals.approval_id import ApprovalId
    from turnkeep_domain.approvals.calls import Action, Amount, Dispatch, Effect, Estimate, Spawn
    from turnkeep_domain.approvals.canonical import Json, JsonText
    from turnkeep_domain.approvals.consent_refusals import (
        AllowRefusal,
        ConsentChanged,
        ConsentDenied,
        ConsentWithheld,
        PolicyRefusal,
        ToolDisabled,
        TooManyAllows,
    )
    from turnkeep_domain.approvals.consent_rules import ConsentAnswer, ConsentRule
    from turnkeep_domain.approvals.events import (
        ApprovalApproved,
        ApprovalDenied,
        ApprovalDiscarded,
        ApprovalErased,
        ApprovalExpired,
        ApprovalPruned,
        ApprovalRaised,
        ApprovalVoted,
    )
    from turnkeep_domain.approvals.gate_option import GateOption
    from turnkeep_domain.approvals.gate_ref import GateRef
    from turnkeep_domain.approvals.grant_events import (
        GrantAborted,
        GrantBegan,
        GrantClaimed,
        GrantConsumed,
        GrantExtended,
        GrantIssued,
        GrantSettled,
        GrantWithdrawn,
    )
    from turnkeep_domain.approvals.grant_phases import (
        GrantOutcome,
        GrantRevokeCause,
        GrantState,
        GrantStep,
    )
    from turnkeep_domain.approvals.grant_refusals import (
        AlreadyDispatching,
        CallForbidden,
        ClaimLost,
        EffectsWidened,
        FingerprintMismatch,
        GrantAbortRefusal,
        GrantBusy,
        GrantConsumeRefusal,
        GrantExpireRefusal,
        GrantExtendRefusal,
        GrantNotDue,
        GrantRevoked,
        GrantRevokeRefusal,
        GrantSettleRefusal,
        GrantSpent,
        NotApproved,
        NotBegun,
        NotGrantee,
        OutcomeUncertain,
        SettleWithRun,
    )
    from turnkeep_domain.approvals.grant_token import GrantToken
    from turnkeep_domain.approvals.names import CapabilityId, CorrelationId, InvocationId
    from turnkeep_domain.approvals.payload import ApprovalPayload
    from turnkeep_domain.approvals.quorum import Quorum
    from turnkeep_domain.approvals.refusals import (
        AlwaysAllowUnsupported,
        AmbiguousGate,
        ApproveRefusal,
        DiscardRefusal,
        ExpireRefusal,
        IdSpent,
        InputTooDeep,
        InputTooLarge,
        InvalidGateRef,
        InvalidInput,
        NotDue,
        NotEligible,
        NothingToAnswer,
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
    from turnkeep_domain.consent.action_kinds import ActionKind
    from turnkeep_domain.consent.allow import Allow
    from turnkeep_domain.consent.consent_settings import AutoApproval, AutoApproveOutcome
    from turnkeep_domain.consent.effective import Weighed
    from turnkeep_domain.consent.events import (
        AutoApproveSet,
        ToolAllowed,
        ToolDisallowed,
        ToolOverrideCleared,
        ToolOverrideSet,
    )
    from turnkeep_domain.consent.manifest import Manifest
    from turnkeep_domain.consent.origin import ORDINARY, Origin
    from turnkeep_domain.consent.overrides import Override, OverrideKind
    from turnkeep_domain.consent.tool_policy import PolicyOutcome
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
    from turnkeep_domain.event_readers.reader import ReaderName
    from turnkeep_domain.event_readers.refusals import (
        AdvanceRefusal,
        CursorRefused,
        ReaderNotFound,
        RegisterRefusal,
        TooManyReaders,
    )
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
    from turnkeep_domain.scope import Scope, ScopePrefix, ThreadId
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
    from turnkeep_domain.secrets.receipts import SecretReceipt, Spent
    from turnkeep_domain.secrets.refusals import (
        ConsumeRefusal,
        GenerationMismatch,
        GuardLost,
        IssueRefusal,
        KeyInUse,
        PutRefusal,
        QuotaFull,
        RevokeCause,
        RevokeRefusal,
        SecretDeleteRefusal,
        SecretExpired,
        SecretLeaseConsumed,
        SecretLeaseExpired,
        SecretLeaseRevoked,
        SecretLeaseUnknown,
        SecretUnknown,
    )
    from turnkeep_domain.secrets.sealing import KeyId
    from turnkeep_domain.secrets.states import SecretOutcome, SecretState
    from turnkeep_domain.threads.addresses import ThreadAddress
    from turnkeep_domain.threads.attachments import Attachment, AttachmentKind
    from turnkeep_domain.threads.claims import InboundClaim
    from turnkeep_domain.threads.content import Content
    from turnkeep_domain.threads.goals import Goal
    from turnkeep_domain.threads.headers import ThreadEdit
    from turnkeep_domain.threads.limits import ThreadLimitExceeded, ThreadLimits
    from turnkeep_domain.threads.message_events import (
        MessageAccepted,
        MessageAppended,
        MessageErased,
        MessageFinalized,
        MessageInterrupted,
        MessageOpened,
        MessageRedacted,
        MessageRejectedBusy,
        MessageSubmitted,
    )
    from turnkeep_domain.threads.message_id import Inbound, InboundEvent, InboundRequest
    from turnkeep_domain.threads.message_states import MessageKind, MessageState
    from turnkeep_domain.threads.message_views import MessageReceipt, MessageView
    from turnkeep_domain.threads.names import MessageId, SummaryId
    from turnkeep_domain.threads.observations import Fact, Observation, ObservationStatus
    from turnkeep_domain.threads.parts import AttachmentPart, JsonPart, Part, TextPart, ToolCallPart
    from turnkeep_domain.threads.refusals import (
        AcceptRefusal,
        AlreadyFinalized,
        AlreadyInterrupted,
        AlreadyRejected,
        AlreadySubmitted,
        BaseTooDeep,
        BasisMoved,
        DeleteRefusal,
        DraftConflict,
        DraftEndRefusal,
        DraftRefusal,
        EpochStale,
        EventActorMismatch,
        EventPayloadMismatch,
        EventThreadMismatch,
        ExportMoved,
        FamilyFull,
        ForkRange,
        ForkRefusal,
        GateRefusal,
        GoalMoved,
        GoalRefusal,
        HeaderRefusal,
        ImportInvalid,
        ImportRefusal,
        InboundRefusal,
        MarkRefusal,
        MessageConflict,
        MessageIsRedacted,
        MessageNotFound,
        RangeUnsettled,
        ScopeMismatch,
        SummariseRefusal,
        SummaryOverlap,
        SummaryRange,
        SummarySetFull,
        ThreadExists,
        ThreadFull,
        ThreadHasRun,
        ThreadImporting,
        ThreadIsArchived,
        ThreadIsDeleted,
        ThreadNotFound,
        ToolResultConflict,
        UnsafeSummary,
        WrongMessageState,
    )
    from turnkeep_domain.threads.summaries import Summary, SummaryPolicy
    from turnkeep_domain.threads.summary_set import Summarised
    from turnkeep_domain.threads.thread_events import (
        SummaryAdded,
        SummaryDropped,
        ThreadArchived,
        ThreadCreated,
        ThreadDeleted,
        ThreadForked,
        ThreadGoalSet,
        ThreadImported,
        ThreadMetadataSet,
        ThreadRenamed,
        ThreadSwept,
        ThreadUnarchived,
    )
    from turnkeep_domain.threads.thread_states import ThreadState
    from turnkeep_domain.threads.tool_results import ToolResult
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
        JournalCall,
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
        CallDeclined,
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
        ThreadClosed,
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
    from turnkeep_ports.ids import Ids
    from turnkeep_ports.key_errors import KeyMismatch, MasterKeyInvalid, MasterKeyMissing, Tampered
    from turnkeep_ports.observer import Observer, Outcome, Span
    from turnkeep_ports.randomness import Random
    from turnkeep_ports.store import START, CommitId, Cursor, CursorLost, RecordStore
    from turnkeep_ports.telemetry import Counter, Telemetry
else:
    # What a type checker cannot see: it would believe that every name is here.
    __getattr__, __dir__ = _deferred(globals(), _HOMES)

__all__ = [
    "ABSENT",
    "ANY",
    "EVERYBODY",
    "ORDINARY",
    "START",
    "AcceptRefusal",
    "AccountDeleteRefusal",
    "AccountDeleted",
    "AccountDetails",
    "AccountExpired",
    "AccountId",
    "AccountOutcome",
    "AccountPage",
    "AccountPut",
    "AccountPutRefusal",
    "AccountRef",
    "AccountRevokeRefusal",
    "AccountRevoked",
    "AccountState",
    "AccountTerms",
    "AccountUnknown",
    "AccountView",
    "AccountWithdrawn",
    "AcquireRefusal",
    "Action",
    "ActionKind",
    "ActiveLease",
    "Actor",
    "Address",
    "Admission",
    "AdvanceRefusal",
    "Allow",
    "AllowRefusal",
    "AlreadyDispatching",
    "AlreadyFinalized",
    "AlreadyInterrupted",
    "AlreadyRejected",
    "AlreadySubmitted",
    "AlwaysAllowUnsupported",
    "AmbiguousGate",
    "Amount",
    "AmountInvalid",
    "AmountOverflow",
    "Announcement",
    "AnswerRefusal",
    "ApprovalApproved",
    "ApprovalDenied",
    "ApprovalDiscarded",
    "ApprovalErased",
    "ApprovalExpired",
    "ApprovalExplanation",
    "ApprovalId",
    "ApprovalOutcome",
    "ApprovalPayload",
    "ApprovalPruned",
    "ApprovalRaised",
    "ApprovalSettings",
    "ApprovalState",
    "ApprovalView",
    "ApprovalVoted",
    "Approvals",
    "ApprovalsPruned",
    "ApprovalsSwept",
    "ApproveGateRefusal",
    "ApproveRefusal",
    "Archive",
    "AtCapacity",
    "Attachment",
    "AttachmentKind",
    "AttachmentPart",
    "Audit",
    "AutoApproval",
    "AutoApproveOutcome",
    "AutoApproveSet",
    "Axis",
    "BaseTooDeep",
    "BasisMoved",
    "BlockRefusal",
    "Blocked",
    "BlockingApprovals",
    "BlockingBudgetHold",
    "BlockingBudgets",
    "BlockingCredentials",
    "BlockingEventLog",
    "BlockingHolding",
    "BlockingKeep",
    "BlockingLeases",
    "BlockingPolicies",
    "BlockingSecrets",
    "BlockingThreads",
    "BlockingTurns",
    "BlockingWorker",
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
    "CallDeclined",
    "CallForbidden",
    "CallRefused",
    "CalledFromPortal",
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
    "ChoreDone",
    "Cipher",
    "Claim",
    "ClaimEnd",
    "ClaimEnded",
    "ClaimLost",
    "ClaimPass",
    "ClaimRefusal",
    "ClaimWrite",
    "ClaimedRun",
    "Cleared",
    "Clock",
    "Coded",
    "CommitId",
    "Completed",
    "ConsentAnswer",
    "ConsentChanged",
    "ConsentDenied",
    "ConsentExplanation",
    "ConsentPage",
    "ConsentRead",
    "ConsentRule",
    "ConsentWithheld",
    "Consenting",
    "ConsumeRefusal",
    "ConsumedLease",
    "Container",
    "Contended",
    "Content",
    "CorrelationId",
    "Corrupt",
    "Counter",
    "CredentialAccountView",
    "Credentials",
    "Cursor",
    "CursorLost",
    "CursorRefused",
    "DeleteRefusal",
    "Digest",
    "Dimension",
    "DimensionView",
    "DiscardRefusal",
    "Dispatch",
    "Disposition",
    "Done",
    "DraftConflict",
    "DraftEndRefusal",
    "DraftRefusal",
    "Effect",
    "EffectId",
    "EffectKind",
    "EffectSettled",
    "EffectState",
    "EffectUncertain",
    "EffectiveConsent",
    "EffectsFull",
    "EffectsOpen",
    "EffectsUnsettled",
    "EffectsWidened",
    "EndRefusal",
    "EndedRun",
    "EpochStale",
    "Erased",
    "ErasurePage",
    "Estimate",
    "EstimateEmpty",
    "Event",
    "EventActorMismatch",
    "EventLog",
    "EventPayloadMismatch",
    "EventSettings",
    "EventThreadMismatch",
    "Evidence",
    "ExhaustedSession",
    "Expected",
    "ExpireRefusal",
    "ExpiredLease",
    "ExpiredSession",
    "ExportDamaged",
    "ExportMoved",
    "Exportation",
    "Exported",
    "ExtendRefusal",
    "Fact",
    "Failed",
    "FamilyFull",
    "Feature",
    "Figures",
    "FilesSettings",
    "FingerprintMismatch",
    "ForkRange",
    "ForkRefusal",
    "Gate",
    "GateAnswered",
    "GateClosed",
    "GateCode",
    "GateKind",
    "GateMismatch",
    "GateOption",
    "GatePending",
    "GatePointer",
    "GateProblem",
    "GateRef",
    "GateRefusal",
    "GateStatus",
    "GateView",
    "GenerationMismatch",
    "GiveUp",
    "Goal",
    "GoalMoved",
    "GoalRefusal",
    "GrantAbortRefusal",
    "GrantAborted",
    "GrantBegan",
    "GrantBusy",
    "GrantClaimed",
    "GrantConsumeRefusal",
    "GrantConsumed",
    "GrantExpireRefusal",
    "GrantExtendRefusal",
    "GrantExtended",
    "GrantIssued",
    "GrantNotDue",
    "GrantOutcome",
    "GrantRevokeCause",
    "GrantRevokeRefusal",
    "GrantRevoked",
    "GrantSettleRefusal",
    "GrantSettled",
    "GrantSpent",
    "GrantState",
    "GrantStep",
    "GrantToken",
    "GrantView",
    "GrantWithdrawn",
    "GrantedRefusal",
    "Guard",
    "GuardLost",
    "Guarding",
    "Guards",
    "Handle",
    "HandleRefused",
    "Handler",
    "HeaderRefusal",
    "Heartbeat",
    "Held",
    "HistoryPage",
    "HolderRefusal",
    "Holding",
    "IdSpent",
    "IdempotencyKey",
    "Ids",
    "ImportInvalid",
    "ImportRefusal",
    "ImportUnfinished",
    "Imported",
    "Inbound",
    "InboundClaim",
    "InboundEvent",
    "InboundRefusal",
    "InboundRequest",
    "InputTooDeep",
    "InputTooLarge",
    "IntendRefusal",
    "Intended",
    "InvalidGateRef",
    "InvalidInput",
    "InvalidSetting",
    "InvalidValue",
    "InvocationId",
    "IssueRefusal",
    "JournalCall",
    "JournalEntry",
    "Json",
    "JsonPart",
    "JsonText",
    "Keep",
    "KeepClosed",
    "KeepForked",
    "KeyId",
    "KeyInUse",
    "KeyMismatch",
    "KeyRetired",
    "KeySettings",
    "KeyUse",
    "LaneId",
    "LaneLimitChanged",
    "LaneStanding",
    "LastSeenSettings",
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
    "LoggedTelemetry",
    "Manifest",
    "MarkRefusal",
    "MasterKeyAdded",
    "MasterKeyInvalid",
    "MasterKeyMissing",
    "MasterKeyRetired",
    "Material",
    "MessageAccepted",
    "MessageAppended",
    "MessageConflict",
    "MessageErased",
    "MessageFinalized",
    "MessageId",
    "MessageInterrupted",
    "MessageIsRedacted",
    "MessageKind",
    "MessageNotFound",
    "MessageOpened",
    "MessageReceipt",
    "MessageRedacted",
    "MessageRefusal",
    "MessageRejectedBusy",
    "MessageState",
    "MessageSubmitted",
    "MessageView",
    "Metered",
    "MissingExtra",
    "Mode",
    "NeedsOperator",
    "NoRuns",
    "NotApproved",
    "NotBegun",
    "NotDone",
    "NotDue",
    "NotEligible",
    "NotFound",
    "NotGrantee",
    "NotHolder",
    "NotPending",
    "NotPermitted",
    "NotReserved",
    "NothingToAnswer",
    "Observation",
    "ObservationStatus",
    "Observer",
    "Offer",
    "OnExpiry",
    "OpenRefusal",
    "OpenSession",
    "Opened",
    "OperationSpent",
    "Origin",
    "Outcome",
    "OutcomeUncertain",
    "OutcomeUnknown",
    "OutputUnbounded",
    "Override",
    "OverrideKind",
    "Pacing",
    "Part",
    "PathMatch",
    "PayloadTooLarge",
    "PendingErasure",
    "PendingPage",
    "Period",
    "Placement",
    "Policies",
    "PolicyOutcome",
    "PolicyRefusal",
    "PostgresSettings",
    "Price",
    "PriceList",
    "PriceRefusal",
    "PriceUnknown",
    "Principal",
    "PrincipalKind",
    "PutRefusal",
    "Queued",
    "Quorum",
    "QuotaFull",
    "RaiseRefusal",
    "RaiseTooSmall",
    "Random",
    "RangeUnsettled",
    "ReaderName",
    "ReaderNotFound",
    "ReaderView",
    "Receipt",
    "ReconcileRefusal",
    "RecordStore",
    "Recorded",
    "RecordedPage",
    "Ref",
    "Refused",
    "RegisterRefusal",
    "Rekeyed",
    "ReleaseRefusal",
    "Released",
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
    "RevokeCause",
    "RevokeRefusal",
    "RevokedLease",
    "RevokedSession",
    "Role",
    "Rolling",
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
    "RunDraft",
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
    "RunThread",
    "RunView",
    "RunWrite",
    "Running",
    "ScheduledRuns",
    "SchemaTooNew",
    "Scope",
    "ScopeMismatch",
    "ScopePrefix",
    "SecretDeleteRefusal",
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
    "SecretReceipt",
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
    "SettleWithRun",
    "Span",
    "Spawn",
    "SpawnRefusal",
    "Spend",
    "SpendRefusal",
    "SpendingStep",
    "Spent",
    "StaleGate",
    "StepGrant",
    "StepNotDone",
    "StepUncertain",
    "StillPending",
    "Submission",
    "SubmitRefusal",
    "SummariseRefusal",
    "Summarised",
    "Summary",
    "SummaryAdded",
    "SummaryDropped",
    "SummaryId",
    "SummaryOverlap",
    "SummaryPolicy",
    "SummaryRange",
    "SummarySetFull",
    "Swept",
    "Tallies",
    "Tally",
    "Tampered",
    "Target",
    "TargetRefused",
    "Telemetry",
    "Tenancy",
    "Tenure",
    "TenureExpired",
    "TenureReleased",
    "TextPart",
    "ThreadAddress",
    "ThreadArchived",
    "ThreadBusy",
    "ThreadClosed",
    "ThreadCreated",
    "ThreadDeleted",
    "ThreadDeletion",
    "ThreadEdit",
    "ThreadExists",
    "ThreadForked",
    "ThreadFull",
    "ThreadGoalSet",
    "ThreadHasRun",
    "ThreadId",
    "ThreadImported",
    "ThreadImporting",
    "ThreadIsArchived",
    "ThreadIsDeleted",
    "ThreadLimitExceeded",
    "ThreadLimits",
    "ThreadMetadataSet",
    "ThreadNotFound",
    "ThreadPage",
    "ThreadReceipt",
    "ThreadRenamed",
    "ThreadRuns",
    "ThreadSettings",
    "ThreadState",
    "ThreadSwept",
    "ThreadUnarchived",
    "ThreadView",
    "Threads",
    "ThreadsRetired",
    "ThreadsSwept",
    "Token",
    "TokenCounts",
    "TooManyAllows",
    "TooManyHolds",
    "TooManyPending",
    "TooManyReaders",
    "ToolAllowed",
    "ToolCallPart",
    "ToolConsent",
    "ToolDisabled",
    "ToolDisallowed",
    "ToolOverrideCleared",
    "ToolOverrideSet",
    "ToolResult",
    "ToolResultConflict",
    "TransferRefused",
    "TreeCancelling",
    "TreeFull",
    "Trimmed",
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
    "UnsafeSummary",
    "Unsupported",
    "Upkeep",
    "Usage",
    "UseReceipt",
    "UseRefusal",
    "Used",
    "Verdict",
    "Vote",
    "VoteRefusal",
    "WaitingMessage",
    "WaitingPage",
    "Weighed",
    "Window",
    "WindowId",
    "WindowUnresolvable",
    "Worker",
    "WorkerSettings",
    "WrongMessageState",
    "WrongState",
    "build_keep",
    "composite_store",
    "digest_of",
    "drained_by_signals",
    "export_store",
    "import_store",
    "open_blocking_keep",
    "open_keep",
    "open_telemetry",
    "roll_back_import",
    "settle_collector",
    "step_output",
    "tidy_store",
]
