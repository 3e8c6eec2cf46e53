"""The formats of Turnkeep: every class that is stored, under its tag and newest schema.

A format is for ever. When the stored fields of a class change (its own or those of a class nested
in it, an enumeration's values included), its schema rises by one, an upcaster is added for the
number that it had, the golden files of that number stay, and one of the new number joins them. A
tag that has been written is never given to another class.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from turnkeep_adapters.codec.format import Format
from turnkeep_adapters.codec.grant_formats import GRANT_EVENTS, GRANT_RECORDS, GRANT_VARIANTS
from turnkeep_adapters.codec.older_approvals import (
    questions_had_no_run,
    questions_told_no_cause,
)
from turnkeep_adapters.codec.thread_formats import (
    THREAD_EVENTS,
    THREAD_RECORDS,
    THREAD_VARIANTS,
)
from turnkeep_domain.approvals.approval import Approval
from turnkeep_domain.approvals.calls import Dispatch, Spawn
from turnkeep_domain.approvals.discarded import Discarded
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
from turnkeep_domain.approvals.payload import ApprovalPayload
from turnkeep_domain.approvals.phases import Approved, Denied, Expired, Pending
from turnkeep_domain.budgets import gate as budget_gates
from turnkeep_domain.budgets import phases as reservation_phases
from turnkeep_domain.budgets.account import Account
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
from turnkeep_domain.budgets.periods import Calendar, Lifetime, Rolling
from turnkeep_domain.budgets.pruned import PrunedGate, PrunedReservation
from turnkeep_domain.budgets.reservation import Reservation
from turnkeep_domain.consent.consent_settings import ConsentSettings
from turnkeep_domain.consent.events import (
    AutoApproveSet,
    ToolAllowed,
    ToolDisallowed,
    ToolOverrideCleared,
    ToolOverrideSet,
)
from turnkeep_domain.consent.tool_policy import ToolPolicy
from turnkeep_domain.credentials.account import (
    ActiveAccount,
    CredentialAccount,
    DeletedAccount,
    RevokedAccount,
)
from turnkeep_domain.credentials.events import (
    AccountDeleted,
    AccountPut,
    AccountWithdrawn,
    SessionEnded,
    SessionOpened,
    SessionUsed,
)
from turnkeep_domain.credentials.session import CredentialSession
from turnkeep_domain.credentials.session_phases import (
    ExhaustedSession,
    ExpiredSession,
    OpenSession,
    RevokedSession,
)
from turnkeep_domain.credentials.swept_session import SweptSession
from turnkeep_domain.event_readers.reader import EventReader
from turnkeep_domain.leases.events import LeaseAcquired, LeaseLapsed, LeaseReleased
from turnkeep_domain.leases.lease import Lease, Vacant
from turnkeep_domain.leases.tenure import Tenure
from turnkeep_domain.secrets.canary import Canary
from turnkeep_domain.secrets.events import (
    MasterKeyAdded,
    MasterKeyRetired,
    SecretDeleted,
    SecretLeaseEnded,
    SecretLeaseIssued,
    SecretLeaseUsed,
    SecretPut,
)
from turnkeep_domain.secrets.lease_phases import (
    ActiveLease,
    ConsumedLease,
    ExpiredLease,
    RevokedLease,
)
from turnkeep_domain.secrets.lease_roll import LeaseRoll
from turnkeep_domain.secrets.secret import DeletedSecret, Secret
from turnkeep_domain.secrets.secret_lease import SecretLease
from turnkeep_domain.secrets.swept_lease import SweptLease
from turnkeep_domain.transfers.import_mark import ImportMark
from turnkeep_domain.turns.bucket import Bucket
from turnkeep_domain.turns.checkpoint import Checkpoint
from turnkeep_domain.turns.effect import Done, Intended, NotDone, RunEffect, Uncertain
from turnkeep_domain.turns.ended import EndedRun, RetiredRun
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
    RunFailed,
    RunNeedsOperator,
    RunRequeued,
    RunResumed,
    RunRetired,
    RunRouted,
    RunSubmitted,
)
from turnkeep_domain.turns.lane import Lane
from turnkeep_domain.turns.run_states import (
    Blocked,
    Cancelled,
    CancelRequested,
    Completed,
    Failed,
    NeedsOperator,
    Queued,
    Running,
)
from turnkeep_domain.turns.spawn_tree import SpawnTree
from turnkeep_domain.turns.turn_state import TurnState

RECORDS: Final = (
    Format(
        cls=Approval,
        tag="approval",
        schema=3,
        upcasters=(questions_had_no_run, questions_told_no_cause),
    ),
    Format(cls=Discarded, tag="approval_discarded", schema=1, upcasters=()),
    Format(cls=ApprovalPayload, tag="approval_payload", schema=1, upcasters=()),
    Format(cls=Account, tag="budget_account", schema=1, upcasters=()),
    Format(cls=budget_gates.BudgetGate, tag="budget_gate", schema=1, upcasters=()),
    Format(cls=PrunedGate, tag="budget_gate_pruned", schema=1, upcasters=()),
    Format(cls=Reservation, tag="budget_reservation", schema=1, upcasters=()),
    Format(cls=PrunedReservation, tag="budget_reservation_pruned", schema=1, upcasters=()),
    Format(cls=CredentialAccount, tag="credential_account", schema=1, upcasters=()),
    Format(cls=DeletedAccount, tag="credential_account_deleted", schema=1, upcasters=()),
    Format(cls=CredentialSession, tag="credential_session", schema=1, upcasters=()),
    Format(cls=SweptSession, tag="credential_session_swept", schema=1, upcasters=()),
    Format(cls=EventReader, tag="event_reader", schema=1, upcasters=()),
    *GRANT_RECORDS,
    Format(cls=ConsentSettings, tag="consent_settings", schema=1, upcasters=()),
    Format(cls=ToolPolicy, tag="tool_policy", schema=1, upcasters=()),
    Format(cls=ImportMark, tag="import_mark", schema=1, upcasters=()),
    Format(cls=Lease, tag="lease", schema=1, upcasters=()),
    Format(cls=Canary, tag="key_canary", schema=1, upcasters=()),
    Format(cls=LeaseRoll, tag="lease_roll", schema=1, upcasters=()),
    Format(cls=Secret, tag="secret", schema=1, upcasters=()),
    Format(cls=DeletedSecret, tag="secret_deleted", schema=1, upcasters=()),
    Format(cls=SecretLease, tag="secret_lease", schema=1, upcasters=()),
    Format(cls=SweptLease, tag="secret_lease_swept", schema=1, upcasters=()),
    Format(cls=Bucket, tag="bucket", schema=1, upcasters=()),
    Format(cls=Checkpoint, tag="checkpoint", schema=1, upcasters=()),
    Format(cls=EndedRun, tag="run", schema=1, upcasters=()),
    Format(cls=Lane, tag="lane", schema=1, upcasters=()),
    Format(cls=RetiredRun, tag="run_retired", schema=1, upcasters=()),
    Format(cls=RunEffect, tag="effect", schema=1, upcasters=()),
    Format(cls=SpawnTree, tag="spawn_tree", schema=1, upcasters=()),
    Format(cls=TurnState, tag="turn_state", schema=1, upcasters=()),
    *THREAD_RECORDS,
)

EVENTS: Final = (
    Format(cls=ApprovalRaised, tag="approval.raised", schema=1, upcasters=()),
    Format(cls=ApprovalVoted, tag="approval.voted", schema=1, upcasters=()),
    Format(cls=ApprovalApproved, tag="approval.approved", schema=1, upcasters=()),
    Format(cls=ApprovalDenied, tag="approval.denied", schema=1, upcasters=()),
    Format(cls=ApprovalExpired, tag="approval.expired", schema=1, upcasters=()),
    Format(cls=ApprovalDiscarded, tag="approval.discarded", schema=1, upcasters=()),
    Format(cls=ApprovalErased, tag="approval.erased", schema=1, upcasters=()),
    Format(cls=ApprovalPruned, tag="approval.pruned", schema=1, upcasters=()),
    Format(cls=BudgetReserved, tag="budget.reserved", schema=1, upcasters=()),
    Format(cls=BudgetWarned, tag="budget.warned", schema=1, upcasters=()),
    Format(cls=BudgetReconciled, tag="budget.reconciled", schema=1, upcasters=()),
    Format(cls=BudgetReleased, tag="budget.released", schema=1, upcasters=()),
    Format(cls=BudgetExpired, tag="budget.expired", schema=1, upcasters=()),
    Format(cls=BudgetMetered, tag="budget.metered", schema=1, upcasters=()),
    Format(cls=BudgetAdopted, tag="budget.adopted", schema=1, upcasters=()),
    Format(cls=BudgetLimitChanged, tag="budget.limit_changed", schema=1, upcasters=()),
    Format(cls=BudgetGateOpened, tag="budget.gate_opened", schema=1, upcasters=()),
    Format(cls=BudgetGateApproved, tag="budget.gate_approved", schema=1, upcasters=()),
    Format(cls=BudgetGateCancelled, tag="budget.gate_cancelled", schema=1, upcasters=()),
    Format(cls=BudgetGateExpired, tag="budget.gate_expired", schema=1, upcasters=()),
    Format(cls=AutoApproveSet, tag="consent_settings.auto_approve_set", schema=1, upcasters=()),
    Format(cls=ToolAllowed, tag="tool_policy.allowed", schema=1, upcasters=()),
    Format(cls=ToolDisallowed, tag="tool_policy.disallowed", schema=1, upcasters=()),
    Format(cls=ToolOverrideSet, tag="tool_policy.override_set", schema=1, upcasters=()),
    Format(cls=ToolOverrideCleared, tag="tool_policy.override_cleared", schema=1, upcasters=()),
    Format(cls=AccountPut, tag="credential_account.put", schema=1, upcasters=()),
    Format(cls=AccountWithdrawn, tag="credential_account.revoked", schema=1, upcasters=()),
    Format(cls=AccountDeleted, tag="credential_account.deleted", schema=1, upcasters=()),
    Format(cls=SessionOpened, tag="credential_session.opened", schema=1, upcasters=()),
    Format(cls=SessionUsed, tag="credential_session.used", schema=1, upcasters=()),
    Format(cls=SessionEnded, tag="credential_session.ended", schema=1, upcasters=()),
    *GRANT_EVENTS,
    Format(cls=LeaseAcquired, tag="lease.acquired", schema=1, upcasters=()),
    Format(cls=LeaseReleased, tag="lease.released", schema=1, upcasters=()),
    Format(cls=LeaseLapsed, tag="lease.lapsed", schema=1, upcasters=()),
    Format(cls=MasterKeyAdded, tag="master_key.added", schema=1, upcasters=()),
    Format(cls=MasterKeyRetired, tag="master_key.retired", schema=1, upcasters=()),
    Format(cls=SecretPut, tag="secret.put", schema=1, upcasters=()),
    Format(cls=SecretDeleted, tag="secret.deleted", schema=1, upcasters=()),
    Format(cls=SecretLeaseIssued, tag="secret_lease.issued", schema=1, upcasters=()),
    Format(cls=SecretLeaseUsed, tag="secret_lease.used", schema=1, upcasters=()),
    Format(cls=SecretLeaseEnded, tag="secret_lease.ended", schema=1, upcasters=()),
    Format(cls=EffectSettled, tag="run.effect_settled", schema=1, upcasters=()),
    Format(cls=EffectUncertain, tag="run.effect_uncertain", schema=1, upcasters=()),
    Format(cls=LaneLimitChanged, tag="lane_limit.changed", schema=1, upcasters=()),
    Format(cls=LimitChanged, tag="limit.changed", schema=1, upcasters=()),
    Format(cls=RunBlocked, tag="run.blocked", schema=1, upcasters=()),
    Format(cls=RunCancelRequested, tag="run.cancel_requested", schema=1, upcasters=()),
    Format(cls=RunCancelled, tag="run.cancelled", schema=1, upcasters=()),
    Format(cls=RunClaimed, tag="run.claimed", schema=1, upcasters=()),
    Format(cls=RunCompleted, tag="run.completed", schema=1, upcasters=()),
    Format(cls=RunFailed, tag="run.failed", schema=1, upcasters=()),
    Format(cls=RunNeedsOperator, tag="run.needs_operator", schema=1, upcasters=()),
    Format(cls=RunRequeued, tag="run.requeued", schema=1, upcasters=()),
    Format(cls=RunResumed, tag="run.resumed", schema=1, upcasters=()),
    Format(cls=RunRetired, tag="run.retired", schema=1, upcasters=()),
    Format(cls=RunRouted, tag="run.routed", schema=1, upcasters=()),
    Format(cls=RunSubmitted, tag="run.submitted", schema=1, upcasters=()),
    *THREAD_EVENTS,
)

VARIANTS: Final[Mapping[type[object], str]] = {
    ActiveAccount: "active",
    ActiveLease: "active",
    Approved: "approved",
    Blocked: "blocked",
    Calendar: "calendar",
    CancelRequested: "cancel_requested",
    Cancelled: "cancelled",
    Completed: "completed",
    ConsumedLease: "consumed",
    Denied: "denied",
    Dispatch: "dispatch",
    Done: "done",
    ExhaustedSession: "exhausted",
    Expired: "expired",
    ExpiredLease: "expired",
    ExpiredSession: "expired",
    Failed: "failed",
    Intended: "intended",
    **GRANT_VARIANTS,
    Lifetime: "lifetime",
    NeedsOperator: "needs_operator",
    NotDone: "not_done",
    OpenSession: "open",
    Pending: "pending",
    Queued: "queued",
    Rolling: "rolling",
    RevokedAccount: "revoked",
    RevokedLease: "revoked",
    RevokedSession: "revoked",
    Running: "running",
    Spawn: "spawn",
    Tenure: "tenure",
    Uncertain: "uncertain",
    **THREAD_VARIANTS,
    budget_gates.GateApproved: "approved",
    budget_gates.GateCancelled: "cancelled",
    budget_gates.GateExpired: "expired",
    budget_gates.GateOpen: "open",
    reservation_phases.Active: "active",
    reservation_phases.Expired: "expired",
    reservation_phases.Reconciled: "reconciled",
    reservation_phases.Released: "released",
    Vacant: "vacant",
}

KEPT: Final[frozenset[type[object]]] = frozenset(
    {Account, Approval, Bucket, Lane, Reservation, SpawnTree, TurnState}
)
"""The records that commands read again and again, and of which a process may keep some in memory:
they name things, and hold nothing that a host must be able to erase."""
