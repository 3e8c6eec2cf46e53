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
from turnkeep_application.budget_holding import BudgetHold, NotReserved
from turnkeep_application.budget_listing import BudgetPage, GateView, ReservationView
from turnkeep_application.budget_settings import BudgetSettings
from turnkeep_application.budget_sweeping import Pruned, Swept
from turnkeep_application.budgets import Budgets
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
    LimitChanged,
    LimitExceeded,
    LimitRefusal,
    LimitsInvalid,
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
from turnkeep_domain.request_ids import RequestId, RequestIdReused
from turnkeep_domain.scope import Scope, ScopePrefix
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
    "Address",
    "Amount",
    "AmountInvalid",
    "AmountOverflow",
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
    "BudgetReconciled",
    "BudgetReleased",
    "BudgetReserved",
    "BudgetSettings",
    "BudgetSnapshot",
    "BudgetWarned",
    "Budgets",
    "Calendar",
    "CalendarUnit",
    "CancelGateRefusal",
    "CapabilityId",
    "Ceiling",
    "Clock",
    "CommitId",
    "Container",
    "Contended",
    "CorrelationId",
    "Corrupt",
    "Counter",
    "Cursor",
    "CursorLost",
    "Dimension",
    "DimensionView",
    "DiscardRefusal",
    "Dispatch",
    "Effect",
    "Erased",
    "Estimate",
    "EstimateEmpty",
    "Event",
    "EventLog",
    "ExpireRefusal",
    "ExtendRefusal",
    "Figures",
    "FilesSettings",
    "GatePointer",
    "GateStatus",
    "GateView",
    "IdSpent",
    "InputTooDeep",
    "InputTooLarge",
    "InvalidInput",
    "InvalidValue",
    "InvocationId",
    "Json",
    "JsonText",
    "Keep",
    "Level",
    "Lifetime",
    "LimitChanged",
    "LimitExceeded",
    "LimitRefusal",
    "Limits",
    "LimitsInvalid",
    "LimitsSet",
    "MissingExtra",
    "NotDue",
    "NotEligible",
    "NotPending",
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
    "Pruned",
    "Quorum",
    "RaiseRefusal",
    "RaiseTooSmall",
    "Receipt",
    "ReconcileRefusal",
    "RecordStore",
    "Recorded",
    "RecordedPage",
    "Refused",
    "ReleaseRefusal",
    "RequestId",
    "RequestIdReused",
    "ReservationClosed",
    "ReservationExpired",
    "ReservationSpent",
    "ReservationStatus",
    "ReservationUnknown",
    "ReservationView",
    "ReserveRefusal",
    "Rolling",
    "Ruling",
    "SchemaTooNew",
    "Scope",
    "ScopePrefix",
    "Settings",
    "Spawn",
    "StillPending",
    "Swept",
    "Tallies",
    "Tally",
    "Telemetry",
    "TokenCounts",
    "TooManyHolds",
    "TooManyPending",
    "TtlInvalid",
    "TurnkeepError",
    "Unavailable",
    "Unknown",
    "Unreadable",
    "UnreadableEvent",
    "Unsupported",
    "Usage",
    "Verdict",
    "Vote",
    "VoteRefusal",
    "WindowId",
    "WindowUnresolvable",
    "open_keep",
]
