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
from turnkeep_application.pacing import Pacing
from turnkeep_application.reading import Unreadable
from turnkeep_application.thread_redacting import ErasurePage, PendingErasure
from turnkeep_application.thread_runs import NoRuns, RunWrite, ThreadRuns
from turnkeep_application.thread_settings import ThreadSettings
from turnkeep_application.thread_sweeps import Retired, Swept
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
from turnkeep_domain.request_ids import RequestId, RequestIdReused
from turnkeep_domain.scope import Scope, ScopePrefix, ThreadId
from turnkeep_domain.threads.addresses import ThreadAddress
from turnkeep_domain.threads.attachments import Attachment, AttachmentKind
from turnkeep_domain.threads.claims import InboundClaim
from turnkeep_domain.threads.content import Content
from turnkeep_domain.threads.goals import Goal
from turnkeep_domain.threads.headers import ThreadEdit
from turnkeep_domain.threads.limits import LimitExceeded, ThreadLimits
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
    DraftRefusal,
    EndRefusal,
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
    ThreadBusy,
    ThreadExists,
    ThreadFull,
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
    "AcceptRefusal",
    "Action",
    "Address",
    "AlreadyFinalized",
    "AlreadyInterrupted",
    "AlreadyRejected",
    "AlreadySubmitted",
    "Amount",
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
    "Attachment",
    "AttachmentKind",
    "AttachmentPart",
    "BaseTooDeep",
    "BasisMoved",
    "CapabilityId",
    "Clock",
    "CommitId",
    "Container",
    "Contended",
    "Content",
    "CorrelationId",
    "Corrupt",
    "Counter",
    "Cursor",
    "CursorLost",
    "DeleteRefusal",
    "DiscardRefusal",
    "Dispatch",
    "DraftConflict",
    "DraftRefusal",
    "Effect",
    "EndRefusal",
    "EpochStale",
    "Erased",
    "ErasurePage",
    "Estimate",
    "Event",
    "EventActorMismatch",
    "EventLog",
    "EventPayloadMismatch",
    "EventThreadMismatch",
    "ExpireRefusal",
    "ExportMoved",
    "Exported",
    "Fact",
    "FamilyFull",
    "FilesSettings",
    "ForkRange",
    "ForkRefusal",
    "GateRefusal",
    "Goal",
    "GoalMoved",
    "GoalRefusal",
    "HeaderRefusal",
    "HistoryPage",
    "IdSpent",
    "ImportInvalid",
    "ImportRefusal",
    "Inbound",
    "InboundClaim",
    "InboundEvent",
    "InboundRefusal",
    "InboundRequest",
    "InputTooDeep",
    "InputTooLarge",
    "InvalidInput",
    "InvalidValue",
    "InvocationId",
    "Json",
    "JsonPart",
    "JsonText",
    "Keep",
    "LimitExceeded",
    "MarkRefusal",
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
    "MessageRejectedBusy",
    "MessageState",
    "MessageSubmitted",
    "MessageView",
    "MissingExtra",
    "NoRuns",
    "NotDue",
    "NotEligible",
    "NotPending",
    "Observation",
    "ObservationStatus",
    "Offer",
    "OutcomeUnknown",
    "Pacing",
    "Part",
    "PayloadTooLarge",
    "PendingErasure",
    "PendingPage",
    "PostgresSettings",
    "Principal",
    "PrincipalKind",
    "Quorum",
    "RaiseRefusal",
    "RangeUnsettled",
    "RecordStore",
    "Recorded",
    "RecordedPage",
    "Refused",
    "RequestId",
    "RequestIdReused",
    "Retired",
    "Ruling",
    "RunWrite",
    "SchemaTooNew",
    "Scope",
    "ScopeMismatch",
    "ScopePrefix",
    "Settings",
    "Spawn",
    "StillPending",
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
    "Telemetry",
    "TextPart",
    "ThreadAddress",
    "ThreadArchived",
    "ThreadBusy",
    "ThreadCreated",
    "ThreadDeleted",
    "ThreadDeletion",
    "ThreadEdit",
    "ThreadExists",
    "ThreadForked",
    "ThreadFull",
    "ThreadGoalSet",
    "ThreadId",
    "ThreadImported",
    "ThreadImporting",
    "ThreadIsArchived",
    "ThreadIsDeleted",
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
    "TooManyPending",
    "ToolCallPart",
    "ToolResult",
    "ToolResultConflict",
    "TurnkeepError",
    "Unavailable",
    "Unknown",
    "Unreadable",
    "UnreadableEvent",
    "UnsafeSummary",
    "Unsupported",
    "Verdict",
    "Vote",
    "VoteRefusal",
    "WaitingMessage",
    "WaitingPage",
    "Window",
    "WrongMessageState",
    "open_keep",
]
