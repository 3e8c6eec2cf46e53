"""Blocking services: those of a keep, each method waiting for the one that it is named like.

Written from the async services by `python -m tests.blocking.generation`; not by hand. It is as long
as the services are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from typing import Self, TypeVar

from attrs import field, frozen

from turnkeep.blocking_holds import BlockingBudgetHold, BlockingHolding
from turnkeep.blocks import Block, iterated, telling
from turnkeep.portal import Portal
from turnkeep_application.approval_answering import GateAnswered
from turnkeep_application.approval_explaining import ApprovalExplanation
from turnkeep_application.approval_granting import BeginRefusal, TakeRefusal
from turnkeep_application.approval_retention import ApprovalsPruned
from turnkeep_application.approval_sweeping import ApprovalsSwept
from turnkeep_application.approval_views import ApprovalView, PendingPage, StillPending
from turnkeep_application.approvals import AnswerRefusal, Approvals, Erased
from turnkeep_application.budgets.budget_listing import BudgetPage, GateView, ReservationView
from turnkeep_application.budgets.budget_sweeping import BudgetPruned, BudgetSwept
from turnkeep_application.budgets.budgets import Budgets
from turnkeep_application.consent_views import ConsentExplanation, ConsentPage, EffectiveConsent
from turnkeep_application.credential_sessions import Used
from turnkeep_application.credential_views import AccountPage, CredentialAccountView, SessionView
from turnkeep_application.credentials import Credentials
from turnkeep_application.event_log import EventLog
from turnkeep_application.event_pages import Recorded, RecordedPage, UnreadableEvent
from turnkeep_application.event_reading import ReaderView
from turnkeep_application.event_trimming import Trimmed
from turnkeep_application.grant_views import GrantView
from turnkeep_application.keep import Keep
from turnkeep_application.lease_views import LeaseView
from turnkeep_application.leases import Leases
from turnkeep_application.policies import Policies
from turnkeep_application.reading import Unreadable
from turnkeep_application.rekeying import KeyRetired, Rekeyed
from turnkeep_application.secret_audit import Audit
from turnkeep_application.secret_lending import Opened
from turnkeep_application.secret_sweeping import SecretsSwept
from turnkeep_application.secret_views import SecretLeasePage, SecretMetadata, SecretPage
from turnkeep_application.secrets import Secrets
from turnkeep_application.thread_drafting import InterruptRefusal, UpdateRefusal
from turnkeep_application.thread_redacting import ErasurePage
from turnkeep_application.thread_runs import RunWrite
from turnkeep_application.thread_sweeps import ThreadsRetired, ThreadsSwept
from turnkeep_application.thread_transferring import Exported
from turnkeep_application.thread_views import (
    HistoryPage,
    ThreadDeletion,
    ThreadPage,
    ThreadReceipt,
    ThreadView,
    WaitingPage,
    Window,
)
from turnkeep_application.threads import Threads
from turnkeep_application.turns.claim_pass import ClaimPass
from turnkeep_application.turns.granted_steps import GrantedRefusal, StepGrant
from turnkeep_application.turns.limit_standings import LimitStanding
from turnkeep_application.turns.message_marks import MessageRefusal
from turnkeep_application.turns.retiring import Retired
from turnkeep_application.turns.spend import Spend, SpendRefusal
from turnkeep_application.turns.swept import Swept
from turnkeep_application.turns.turns import HOST, Turns
from turnkeep_application.turns.views import RunHistory, RunPage, RunView
from turnkeep_domain.approvals.approval_id import ApprovalId
from turnkeep_domain.approvals.calls import Action, Effect
from turnkeep_domain.approvals.canonical import Json, JsonText
from turnkeep_domain.approvals.consent_refusals import AllowRefusal, ConsentChanged, PolicyRefusal
from turnkeep_domain.approvals.consent_rules import ConsentRule
from turnkeep_domain.approvals.gate_option import GateOption
from turnkeep_domain.approvals.grant_phases import GrantOutcome
from turnkeep_domain.approvals.grant_refusals import (
    GrantAbortRefusal,
    GrantConsumeRefusal,
    GrantExpireRefusal,
    GrantExtendRefusal,
    GrantRevokeRefusal,
    GrantSettleRefusal,
)
from turnkeep_domain.approvals.grant_token import GrantToken
from turnkeep_domain.approvals.names import CapabilityId, CorrelationId, InvocationId
from turnkeep_domain.approvals.payload import ApprovalPayload
from turnkeep_domain.approvals.quorum import Quorum
from turnkeep_domain.approvals.refusals import (
    ApproveRefusal,
    DiscardRefusal,
    ExpireRefusal,
    InputRefusal,
    RaiseRefusal,
    Unknown,
    VoteRefusal,
)
from turnkeep_domain.approvals.states import ApprovalOutcome
from turnkeep_domain.approvals.votes import Offer
from turnkeep_domain.budgets.account import LimitsSet
from turnkeep_domain.budgets.account_ref import AccountRef
from turnkeep_domain.budgets.ceilings import Limits
from turnkeep_domain.budgets.dimensions import Dimension
from turnkeep_domain.budgets.gate import BudgetGate
from turnkeep_domain.budgets.gate_id import BudgetGateId
from turnkeep_domain.budgets.holds import OnExpiry
from turnkeep_domain.budgets.receipts import Receipt, ReservationStatus
from turnkeep_domain.budgets.refusals import (
    ApproveGateRefusal,
    CancelGateRefusal,
    ExtendRefusal,
    LimitRefusal,
    ReconcileRefusal,
    ReleaseRefusal,
    ReserveRefusal,
)
from turnkeep_domain.budgets.snapshot import AccountView, BudgetSnapshot
from turnkeep_domain.budgets.tallies import Usage
from turnkeep_domain.consent.action_kinds import ActionKind
from turnkeep_domain.consent.consent_settings import AutoApproveOutcome
from turnkeep_domain.consent.manifest import Manifest
from turnkeep_domain.consent.origin import ORDINARY, Origin
from turnkeep_domain.consent.overrides import OverrideKind
from turnkeep_domain.consent.tool_policy import PolicyOutcome
from turnkeep_domain.credentials.account_outcomes import AccountOutcome
from turnkeep_domain.credentials.details import AccountDetails
from turnkeep_domain.credentials.operations import OperationSpent
from turnkeep_domain.credentials.refusals import (
    AccountDeleteRefusal,
    AccountPutRefusal,
    AccountRevokeRefusal,
    OpenRefusal,
    SessionUnknown,
    UseRefusal,
)
from turnkeep_domain.credentials.session import SessionTicket
from turnkeep_domain.credentials.session_id import SessionId
from turnkeep_domain.credentials.session_phases import EndedSession
from turnkeep_domain.credentials.targets import Target
from turnkeep_domain.decisions import Refused
from turnkeep_domain.event_readers.reader import ReaderName
from turnkeep_domain.event_readers.refusals import AdvanceRefusal, RegisterRefusal
from turnkeep_domain.leases.guards import Guard
from turnkeep_domain.leases.lease import TenureReleased
from turnkeep_domain.leases.refusals import AcquireRefusal, HolderRefusal
from turnkeep_domain.leases.tenancy import Tenancy
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import Digest, RequestId
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_domain.secrets.generations import Expected
from turnkeep_domain.secrets.lease_phases import EndedPhase
from turnkeep_domain.secrets.lease_ref import LeaseRef
from turnkeep_domain.secrets.material import Material
from turnkeep_domain.secrets.receipts import Spent
from turnkeep_domain.secrets.refusals import (
    ConsumeRefusal,
    IssueRefusal,
    KeyInUse,
    PutRefusal,
    RevokeRefusal,
    SecretDeleteRefusal,
)
from turnkeep_domain.secrets.sealing import KeyId
from turnkeep_domain.secrets.states import SecretOutcome
from turnkeep_domain.threads.claims import InboundClaim
from turnkeep_domain.threads.content import Content
from turnkeep_domain.threads.headers import ThreadEdit
from turnkeep_domain.threads.message_id import Inbound
from turnkeep_domain.threads.message_states import MessageKind
from turnkeep_domain.threads.message_views import MessageReceipt, MessageView
from turnkeep_domain.threads.names import SummaryId
from turnkeep_domain.threads.refusals import (
    AcceptRefusal,
    DeleteRefusal,
    DraftEndRefusal,
    ExportMoved,
    ForkRefusal,
    GateRefusal,
    GoalRefusal,
    HeaderRefusal,
    ImportRefusal,
    MarkRefusal,
    MessageConflict,
    MessageNotFound,
    SummariseRefusal,
    ThreadFull,
    ToolResultConflict,
    UnsafeSummary,
    WrongMessageState,
)
from turnkeep_domain.threads.summaries import Summary, SummaryPolicy
from turnkeep_domain.threads.summary_set import Summarised
from turnkeep_domain.threads.thread_states import ThreadState
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.bucket_ids import BucketId
from turnkeep_domain.turns.bucket_limits import BucketLimits
from turnkeep_domain.turns.checkpoint import Checkpoint, CheckpointKind
from turnkeep_domain.turns.claims import Claim, Heartbeat, Relinquishment, RunStanding, Token
from turnkeep_domain.turns.effect import (
    Done,
    EffectState,
    JournalCall,
    Mode,
    NotDone,
    RunEffect,
    Unclear,
)
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.gates import Disposition, Gate, GateKind
from turnkeep_domain.turns.lane_ids import LaneId
from turnkeep_domain.turns.names import Category, Ref
from turnkeep_domain.turns.policy import TurnClass, TurnPolicy
from turnkeep_domain.turns.refusals import (
    BlockRefusal,
    CancelRefusal,
    ClaimRefusal,
    EndRefusal,
    IntendRefusal,
    NotPermitted,
    ResumeRefusal,
    RetryRefusal,
    RouteRefusal,
    SettleRefusal,
    SpawnRefusal,
    SubmitRefusal,
)
from turnkeep_domain.turns.route import Route
from turnkeep_domain.turns.run_states import RunStatus
from turnkeep_ports.store import START, Cursor, CursorLost

R = TypeVar("R")


@frozen
class BlockingApprovals:
    """`Approvals` for synchronous callers; any thread may call."""

    _portal: Portal[object] = field(repr=False)
    _service: Approvals

    def raise_request(
        self,
        scope: Scope,
        *,
        invocation: InvocationId,
        action: Action,
        effects: frozenset[Effect],
        requester: Principal,
        correlation_id: CorrelationId,
        input: Json | JsonText,
        reason: str,
        display: str,
        lifetime_seconds: int | None = None,
        quorum: Quorum | None = None,
        attempt: int = 1,
        offers: frozenset[Offer] | None = None,
        cause: ConsentRule = ConsentRule.OTHERWISE,
    ) -> ApprovalView | Refused[RaiseRefusal]:
        """Puts one exact call before the people who may decide it.

        The call and its attempt are the idempotency key: raising the same call again, from any
        process, answers the one approval as it stands, whatever became of it, and stores nothing.

        Args:
            scope: Who owns the approval; has a tenant and a user.
            invocation: The intended execution. Another one is another call.
            action: What would be done, and what it is expected to use.
            effects: What it may do to the world.
            requester: Who wants it done, as a rule the agent.
            correlation_id: The work it belongs to; told in events, never compared.
            input: The call's arguments, as a model gave them: at most 1 MiB of canonical JSON,
                64 levels deep; as `JsonText` at most 8 Mi characters, white space included. Only
                its fingerprint is kept.
            reason: Why, for people; redacted, escaped and cut to 2 KiB.
            display: What, for people; redacted, escaped and cut to 4 KiB.
            lifetime_seconds: How long it may be decided, 10 to 2,592,000 (30 days).
            quorum: Who decides; by default the scope's user alone.
            attempt: 1 for the first time; the next once an id is spent.
            offers: What a yes may be given for; by default for this call alone. Always, only where
                the user of the scope may decide alone, and nothing is asked that must be asked
                each time.
            cause: The rule by which consent asked, as `effective_consent` answered it.

        Returns:
            The approval as it stands.
            `InvalidInput`, `InputTooDeep`, `InputTooLarge`: it is not what can be asked.
            `IdSpent`: this attempt was raised on other terms, or discarded.
            `TooManyPending`: too many wait in this scope.

        Raises:
            InvalidValue: An argument but the input is of another class or breaks a rule.
            Unavailable: Also where those that wait could not be counted within one deadline.
        """
        return self._portal.call(
            self._service.raise_request(
                scope,
                invocation=invocation,
                action=action,
                effects=effects,
                requester=requester,
                correlation_id=correlation_id,
                input=input,
                reason=reason,
                display=display,
                lifetime_seconds=lifetime_seconds,
                quorum=quorum,
                attempt=attempt,
                offers=offers,
                cause=cause,
            )
        )

    def approve(
        self,
        scope: Scope,
        id: str,
        *,
        by: Principal,
        decision_id: RequestId,
        offer: Offer = Offer.ONCE,
    ) -> ApprovalOutcome | Refused[ApproveRefusal | Unknown]:
        """Says yes to a call, once or, where that is offered, always.

        Always also allows the requester's further calls of the same tool and kind that may do no
        more than this one, until `ApprovalSettings.allow_seconds` from now; it ends that the tool
        asks each time. Only the user of the scope may take it.

        Repeated with the same `decision_id` it answers what it answered first, whatever happened
        since; an approver who says the same under a new id is told how things stand.

        Returns:
            The state afterwards, and how many approvals are still missing.
            `Unknown`, `RequestIdReused`, `NotEligible`, `NotPending` with the ruling, `StaleGate`,
            `AlwaysAllowUnsupported`, `ToolDisabled`, `TooManyAllows`.
        """
        return self._portal.call(
            self._service.approve(scope, id, by=by, decision_id=decision_id, offer=offer)
        )

    def deny(
        self, scope: Scope, id: str, *, by: Principal, decision_id: RequestId
    ) -> ApprovalOutcome | Refused[VoteRefusal | Unknown]:
        """Says no to a call, which decides, even after an own yes.

        It is idempotent, and answers, as `approve` does.
        """
        return self._portal.call(self._service.deny(scope, id, by=by, decision_id=decision_id))

    def discard(
        self, scope: Scope, id: str, *, by: Principal, request_id: RequestId
    ) -> ApprovalOutcome | Refused[DiscardRefusal | Unknown]:
        """Withdraws a pending request, its payload included; its id is spent for ever.

        This is the raiser's way back: who may use it, the host decides. Repeated, under any
        request id, it answers the same.

        Returns:
            The state `DISCARDED`.
            `Unknown`, `RequestIdReused`, or `NotPending` with the ruling.
        """
        return self._portal.call(self._service.discard(scope, id, by=by, request_id=request_id))

    def expire(self, scope: Scope, id: str) -> ApprovalOutcome | Refused[ExpireRefusal | Unknown]:
        """Notes that the deadline of a request has come. Idempotent by state.

        Nothing waits for it: an overdue request is refused and shown as expired all the same.

        Returns:
            The state `EXPIRED`.
            `Unknown`, `NotDue` with the deadline, or `NotPending` with the ruling.
        """
        return self._portal.call(self._service.expire(scope, id))

    def erase_payload(self, scope: Scope, id: str) -> Erased | Refused[Unknown]:
        """Erases reason and display, in any state; the approval itself stands. Idempotent.

        What a store's files still hold of it is gone after a scrub.
        """
        return self._portal.call(self._service.erase_payload(scope, id))

    def answer(
        self,
        scope: Scope,
        *,
        decider: Principal,
        ref: str | None,
        option: GateOption,
        decision_id: RequestId,
        shown_at: datetime | None = None,
    ) -> GateAnswered | Refused[AnswerRefusal]:
        """Takes what a client says about a prompt, once: a vote on the gate that it means.

        In this order: the reference is read, the gate found, a repeat answered as it was, the
        decider found eligible, the gate still pending, and the option one that is offered.

        Args:
            scope: Who owns the gate.
            decider: Who answers, as the host has established it.
            ref: `approval:<uuid>`, exactly as a view's `ref` says it; it means this gate or none.
                None of an answer that names no gate, a bare "yes".
            option: What the answer says.
            decision_id: The client's idempotency key. Repeated, it answers what it answered first.
            shown_at: Of an answer without a reference: when its prompt was shown, by the store's
                clock, as `PendingPage.read_at` tells it. What counts is what stood open then in
                exactly this scope, a record that cannot be read included: one gate is meant,
                several are ambiguous, and what has ended since is stale.

        Returns:
            The gate, and its state afterwards.
            `InvalidGateRef`, `Unknown`, `NothingToAnswer`, `AmbiguousGate`, or what `approve` and
            `deny` refuse.

        Raises:
            InvalidValue: An argument is of another class, or an answer without a reference does
                not say when its prompt was shown.
            Unavailable: Also where the gates could not be looked through within one deadline.
        """
        return self._portal.call(
            self._service.answer(
                scope,
                decider=decider,
                ref=ref,
                option=option,
                decision_id=decision_id,
                shown_at=shown_at,
            )
        )

    def sweep(self, *, limit: int | None = None) -> ApprovalsSwept:
        """Notes which requests and grants time has ended, earliest first. Any host may, any time.

        Nothing waits for it: what is overdue is refused and shown as expired all the same.

        Args:
            limit: How many of each are noted at most, 1 to 500; 100 unless the settings say
                otherwise.
        """
        return self._portal.call(self._service.sweep(limit=limit))

    def prune(self, *, limit: int | None = None, dry_run: bool = False) -> ApprovalsPruned:
        """Erases what people read of approvals that are over, and leaves tombstones of old ones.

        Reason and display are erased `payload_days` after the end; `retention_days` after it the
        approval becomes a tombstone that keeps its id, its end and its answers, and its grant is
        deleted. A grant that is not finished for as long, and a run that has not ended, spare it.

        Args:
            limit: How many are erased, and how many pruned, at most, 1 to 500; 100 unless the
                settings say otherwise.
            dry_run: Only tells what would be done.
        """
        return self._portal.call(self._service.prune(limit=limit, dry_run=dry_run))

    def claim(
        self,
        scope: Scope,
        id: str,
        *,
        by: Principal,
        invocation: InvocationId,
        action: Action,
        effects: frozenset[Effect],
        input: Json | JsonText,
        token: GrantToken,
        request_id: RequestId,
        ttl_seconds: int | None = None,
        manifest: Manifest | None = None,
        origin: Origin | None = None,
    ) -> GrantOutcome | Refused[TakeRefusal]:
        """Takes the grant of an approved call, for as long as it takes to prepare the call.

        Nobody else can use it meanwhile, and nothing has happened: past its deadline another may
        take it over. A yes is used in this order: `claim`, then what else has to be got (money,
        secrets), then `begin`, the call itself, and `consume`.

        Args:
            scope: Who owns the approval.
            id: Its id, which is the grant's.
            by: Who is about to make the call; the one that had asked.
            invocation: As of `raise_request`, as are the next three: the call as it is about to be
                made. It has to be the one that was approved, to the letter.
            action: What would be done.
            effects: What it may do to the world by now; no more than what was approved.
            input: The call's arguments.
            token: 16 random bytes, minted for this claim and kept to oneself.
            request_id: The caller's idempotency key. A repeat takes nothing anew: once the claim
                has ended, it is refused.
            ttl_seconds: For how long, 1 to 86,400, never past the end of the grant; that of the
                settings unless given.
            manifest: The tool's as the host has it by now, which may forbid the call.
            origin: Where the call comes from, which may forbid it.

        Returns:
            Where the grant stands, and until when it is claimed.
            `InvalidInput`, `InputTooDeep`, `InputTooLarge`: it is not what can be asked.
            `Unknown`; `NotApproved` with the state; `RequestIdReused`; `NotGrantee`;
            `FingerprintMismatch`, `EffectsWidened`: it is not the call that was approved, and the
            grant is untouched; `CallForbidden`, `ToolDisabled`; `GrantBusy` with the deadline,
            retryable then; `OutcomeUncertain`: it was begun, and an operator has to settle it;
            `ClaimLost`: a repeat of a claim that has ended; `GrantSpent`, `GrantRevoked` with the
            cause.

        Raises:
            InvalidValue: An argument but the input is of another class or breaks a rule.
            Corrupt: Also where what the user has said of the tool is unreadable.
        """
        return self._portal.call(
            self._service.claim(
                scope,
                id,
                by=by,
                invocation=invocation,
                action=action,
                effects=effects,
                input=input,
                token=token,
                request_id=request_id,
                ttl_seconds=ttl_seconds,
                manifest=manifest,
                origin=origin,
            )
        )

    def begin(
        self,
        scope: Scope,
        id: str,
        *,
        token: GrantToken,
        request_id: RequestId,
        ttl_seconds: int | None = None,
    ) -> GrantOutcome | Refused[BeginRefusal]:
        """Notes that the call is made from now on: it is never begun again by anybody.

        To be repeated with the same request id until it is answered, and only by the process that
        minted it: one that was started anew mints another, and is told that the call was begun.
        A repeat may make the call only while that is held under its token, before the deadline.
        Then the call counts as begun; and what was settled or aborted since, is nobody's to make
        without another claim. Whoever is refused makes no call.

        Args:
            scope: Who owns the approval.
            id: Its id.
            token: That of the claim.
            request_id: The caller's idempotency key.
            ttl_seconds: How long the call may take, 1 to 86,400, before its outcome counts as
                uncertain; that of the settings unless given.

        Returns:
            Where the grant stands, and by when the outcome is to be told.
            `Unknown`, `RequestIdReused`, `ClaimLost`, `AlreadyDispatching`, `ToolDisabled`,
            `GrantSpent`, `GrantRevoked`.
        """
        return self._portal.call(
            self._service.begin(
                scope, id, token=token, request_id=request_id, ttl_seconds=ttl_seconds
            )
        )

    def extend(
        self, scope: Scope, id: str, *, token: GrantToken, ttl_seconds: int | None = None
    ) -> GrantOutcome | Refused[GrantExtendRefusal | Unknown]:
        """Puts off the deadline of a claim, never past the end of the grant, or of a call.

        It is never shortened, so a repeat does no harm, and there is no request id.

        Returns:
            Where the grant stands, and the deadline.
            `Unknown`, `ClaimLost`, `GrantSpent`, `GrantRevoked`.
        """
        return self._portal.call(
            self._service.extend(scope, id, token=token, ttl_seconds=ttl_seconds)
        )

    def abort(
        self, scope: Scope, id: str, *, token: GrantToken, request_id: RequestId
    ) -> GrantOutcome | Refused[GrantAbortRefusal | Unknown]:
        """Gives the grant back, for the caller vouches that nothing has happened.

        Returns:
            The state `ACTIVE`: it may be claimed again; or `REVOKED` where the run that had asked
            has ended since the call was begun.
            `Unknown`, `RequestIdReused`, `ClaimLost`, `GrantSpent`, `GrantRevoked`;
            `SettleWithRun`: it is bound to a step of a run, whose journal tells.
        """
        return self._portal.call(self._service.abort(scope, id, token=token, request_id=request_id))

    def consume(
        self, scope: Scope, id: str, *, token: GrantToken, request_id: RequestId
    ) -> GrantOutcome | Refused[GrantConsumeRefusal | Unknown]:
        """Notes that the call was made, whatever it returned. It counts however late it is told.

        If it cannot be stored, what the call returned is still to be told to whoever waits for it.

        Returns:
            The state `CONSUMED`.
            `Unknown`, `RequestIdReused`, `NotBegun`, `ClaimLost`, `GrantSpent`, `GrantRevoked`;
            `SettleWithRun`: it is bound to a step of a run, whose journal tells.
        """
        return self._portal.call(
            self._service.consume(scope, id, token=token, request_id=request_id)
        )

    def settle(
        self, scope: Scope, id: str, *, happened: bool, by: Principal, request_id: RequestId
    ) -> GrantOutcome | Refused[GrantSettleRefusal | Unknown]:
        """An operator says what had become of a call of which nobody had told in time.

        Who may use it, the host decides.

        Returns:
            `CONSUMED` if it happened; else `ACTIVE`: it may be claimed again; or `REVOKED` where
            the run that had asked has ended.
            `Unknown`, `RequestIdReused`; `NotBegun`; `GrantBusy` before the deadline;
            `SettleWithRun`: it is a step of a run that has not ended, whose retry settles both;
            `GrantSpent`, `GrantRevoked`.
        """
        return self._portal.call(
            self._service.settle(scope, id, happened=happened, by=by, request_id=request_id)
        )

    def revoke_grant(
        self, scope: Scope, id: str, *, by: Principal, request_id: RequestId
    ) -> GrantOutcome | Refused[GrantRevokeRefusal | Unknown]:
        """Takes back a yes that has not been used. Who may, the host decides.

        Returns:
            The state `REVOKED`.
            `Unknown`, `RequestIdReused`; `AlreadyDispatching`: it is too late; `GrantSpent`.
        """
        return self._portal.call(
            self._service.revoke_grant(scope, id, by=by, request_id=request_id)
        )

    def expire_grant(
        self, scope: Scope, id: str
    ) -> GrantOutcome | Refused[GrantExpireRefusal | Unknown]:
        """Notes that the time of a grant is up. Idempotent by state; nothing waits for it.

        Returns:
            The state `REVOKED`.
            `Unknown`, `GrantNotDue` with the end, `AlreadyDispatching`, `GrantSpent`,
            `GrantRevoked` where it was revoked before.
        """
        return self._portal.call(self._service.expire_grant(scope, id))

    def grant(self, scope: Scope, id: str) -> GrantView | None:
        """The grant of an approval as it stands; None where there is none, or it was deleted."""
        return self._portal.call(self._service.grant(scope, id))

    def get(self, scope: Scope, id: str) -> ApprovalView | None:
        """The approval as it stands; None where there is none, or it was discarded."""
        return self._portal.call(self._service.get(scope, id))

    def payload(self, scope: Scope, id: str) -> ApprovalPayload | None:
        """Reason and display, for whoever is to decide; None where there are none any more."""
        return self._portal.call(self._service.payload(scope, id))

    def list_pending(
        self, prefix: ScopePrefix, *, after: str | None = None, limit: int | None = None
    ) -> PendingPage:
        """The approvals under a scope prefix that may still be decided, oldest first.

        What is overdue is left out, noted or not. A call examines a bounded number of records
        within one deadline, so a page may hold fewer than `limit` though there are more, and may
        even be empty: the end is where `next` is None, and nowhere else. An approval that does
        not change while one pages is listed once.

        Args:
            prefix: Through the user at least, for example `ScopePrefix.owner(scope)`.
            after: The `next` of the page before; None for the first.
            limit: 1 to 200 approvals, unreadable ones included; 50 unless the settings say
                otherwise.

        Raises:
            InvalidValue: The prefix is too short, the limit out of bounds, or `after` not, letter
                by letter, a `next` that this prefix was answered.
        """
        return self._portal.call(self._service.list_pending(prefix, after=after, limit=limit))

    def wait(
        self, scope: Scope, id: str, *, seen: int, timeout_seconds: float = 30.0
    ) -> ApprovalView | StillPending | None:
        """Waits until an approval has ended, or is no longer as it was seen.

        It writes nothing, and holds no connection while it sleeps. It wakes by the store's hint,
        by a poll, at the deadline of the approval or at the timeout, whichever comes first. A
        store that is unavailable meanwhile is asked again until the timeout.

        Args:
            scope: Who owns the approval.
            id: Its id.
            seen: The `changes` of the view that the caller has.
            timeout_seconds: 0 to 600; 0 looks once. One read more may pass before the answer.

        Returns:
            The view, if the approval has ended or changed; `StillPending` after the timeout; None
            where there is no such approval, or it was discarded.

        Raises:
            Unavailable: The store did not serve when the time was up.
            InvalidValue: The timeout is out of bounds.
        """
        return self._portal.call(
            self._service.wait(scope, id, seen=seen, timeout_seconds=timeout_seconds)
        )

    def explain(self, scope: Scope, id: str) -> ApprovalExplanation | None:
        """Why a call was asked, what was said to it, and what became of the yes.

        Events that were trimmed are not told any more; the approval itself tells votes and ruling
        for as long as it is kept.

        Returns:
            None where there is no such approval, or it was discarded or pruned.
        """
        return self._portal.call(self._service.explain(scope, id))


@frozen
class BlockingBudgets:
    """`Budgets` for synchronous callers; any thread may call."""

    _portal: Portal[object] = field(repr=False)
    _service: Budgets

    def reserve(
        self,
        scope: Scope,
        *,
        id: RequestId,
        estimate: Mapping[Dimension, int],
        owner: str,
        ttl_ms: int | None = None,
        on_expiry: OnExpiry = OnExpiry.RELEASE,
        price_version: str | None = None,
    ) -> Receipt | Refused[ReserveRefusal]:
        """Holds an estimate on every account concerned, all or none; then work may start.

        Whoever starts the work closes the hold. The id is the idempotency key: asking again
        with it answers the original receipt, with where it stands now, and holds nothing more. A
        refusal is not remembered: the id may try again.

        Args:
            scope: Whose work it is; has a tenant and a user.
            id: Of the reservation; spent for ever once it was granted.
            estimate: What the work may use at most; gauges are what it occupies meanwhile.
            owner: Who does the work, for listings; no credential.
            ttl_ms: How long it holds, 1,000 to 86,400,000 (24 hours).
            on_expiry: What becomes of it at its deadline if nobody has closed it.
            price_version: The price list that the estimate was made with; carried along.

        Returns:
            The receipt. Its `standing` must be `ACTIVE` for work to start.
            `AmountInvalid`, `EstimateEmpty`, `TtlInvalid`: it is not what can be reserved.
            `ReservationSpent`, `RequestIdReused`: the id was used otherwise.
            `WindowUnresolvable`, `AmountOverflow`, `TooManyHolds`: an account cannot take it.
            `LimitExceeded`: with every ceiling that it would pass.
            `BudgetApprovalNeeded`: with the gate that somebody has to approve first.
            `BudgetApprovalDeclined`: somebody has declined.
        """
        return self._portal.call(
            self._service.reserve(
                scope,
                id=id,
                estimate=estimate,
                owner=owner,
                ttl_ms=ttl_ms,
                on_expiry=on_expiry,
                price_version=price_version,
            )
        )

    def reconcile(
        self, scope: Scope, id: RequestId, *, request_id: RequestId, usage: Mapping[Dimension, int]
    ) -> Receipt | Refused[ReconcileRefusal]:
        """Replaces the hold by what was used, in the window that it was reserved in.

        No ceiling refuses it: an over-run is recorded in full and blocks what comes after. Past
        its deadline a reservation accepts one late reconcile.

        Args:
            scope: Whose work it was.
            id: The reservation.
            request_id: The idempotency key of this command.
            usage: What was used, of counters alone; what is not named is 0.

        Returns:
            The receipt, `RECONCILED`.
            `AmountInvalid`, `ReservationUnknown`, `ReservationSpent`, `RequestIdReused`.
            `ReservationClosed`: another command has closed it.
            `AmountOverflow`: the sum would pass 2^63 - 1; the hold stays.
        """
        return self._portal.call(
            self._service.reconcile(scope, id, request_id=request_id, usage=usage)
        )

    def release(
        self, scope: Scope, id: RequestId, *, request_id: RequestId
    ) -> Receipt | Refused[ReleaseRefusal]:
        """Gives everything back: nothing was used. Past its deadline it expires instead.

        Returns:
            The receipt, `RELEASED` or `EXPIRED`.
            `ReservationUnknown`, `ReservationSpent`, `RequestIdReused`, `ReservationClosed`.
            `AmountOverflow`: where it expires, and its charge would pass 2^63 - 1.
        """
        return self._portal.call(self._service.release(scope, id, request_id=request_id))

    def extend(
        self, scope: Scope, id: RequestId, *, ttl_ms: int
    ) -> Receipt | Refused[ExtendRefusal]:
        """Lets a reservation hold for so long from now on. Idempotent by state.

        It never shortens, moves no window, and changes nothing while over half of the time
        remains, so a worker may ask with each of its heartbeats.

        Returns:
            The receipt, with its deadline.
            `TtlInvalid`: out of bounds, or past the seven days that a reservation lasts in all.
            `ReservationUnknown`, `ReservationSpent`, `ReservationClosed`.
            `ReservationExpired`: its deadline has come, or an account no longer holds it. Stop.
        """
        return self._portal.call(self._service.extend(scope, id, ttl_ms=ttl_ms))

    def hold(
        self,
        scope: Scope,
        *,
        id: RequestId,
        estimate: Mapping[Dimension, int],
        owner: str,
        ttl_ms: int | None = None,
        on_expiry: OnExpiry = OnExpiry.RELEASE,
        price_version: str | None = None,
    ) -> AbstractContextManager[BlockingBudgetHold]:
        """Reserves, runs the block, and closes the reservation however the block ends.

        What the block has told with `use` is reconciled; if it has told nothing, what
        `on_expiry` says is done at once. No cancellation cuts the closing off. If it fails in
        spite of retries, the error of the block goes first, and the reservation ends at its
        deadline.

        Raises:
            NotReserved: The block does not run.
            Unavailable, Contended, OutcomeUnknown: It may not run, or could not be closed.
        """
        return Block(
            self._portal,
            self._service.hold(
                scope,
                id=id,
                estimate=estimate,
                owner=owner,
                ttl_ms=ttl_ms,
                on_expiry=on_expiry,
                price_version=price_version,
            ),
            partial(BlockingBudgetHold, self._portal),
        )

    def meter(self, account: AccountRef) -> AccountView | Refused[LimitRefusal]:
        """Begins to count what an account spends and holds, and limits nothing. Idempotent.

        Returns:
            The account as it stands.
        """
        return self._portal.call(self._service.meter(account))

    def set_limit(
        self,
        account: AccountRef,
        limits: Limits | None,
        *,
        by: Principal,
        request_id: RequestId,
        expected_revision: int | None = None,
    ) -> LimitsSet | Refused[LimitRefusal]:
        """Changes what an account may hold and spend; spend and holds stay as they are.

        An account that was not metered is metered first, and adopts what runs already, so that
        its first limit binds at once. Killed on the way and repeated, it goes on. Its open gates
        are cancelled. Another period begins with what counted until now.

        Args:
            account: Whose.
            limits: What it may; None to let everything pass.
            by: Who wants it; told in the event.
            request_id: The idempotency key of this command.
            expected_revision: The limit revision that the caller knows, 0 where it never was
                limited; None for any.

        Returns:
            The limit revision afterwards; unchanged where the limits are equal.
            `RequestIdReused`, `LimitsInvalid` with the field, `LimitsRevised`.
            `WindowUnresolvable`: the zone of its present period is not known here.
            `AmountOverflow`, `TooManyHolds`: it cannot hold what runs already.
        """
        return self._portal.call(
            self._service.set_limit(
                account, limits, by=by, request_id=request_id, expected_revision=expected_revision
            )
        )

    def approve_gate(
        self,
        account: AccountRef,
        gate: BudgetGateId,
        *,
        new_max: int,
        by: Principal,
        request_id: RequestId,
    ) -> BudgetGate | Refused[ApproveGateRefusal]:
        """Raises the ceiling that a gate asks about; whoever waited reserves again.

        Args:
            account: Whose ceiling it is.
            gate: Its id.
            new_max: The ceiling afterwards; the gate's `least_max` lets its reservation pass.
            by: Who has decided, as the host has established it.
            request_id: The idempotency key of this command.

        Returns:
            The gate, approved.
            `BudgetGateUnknown`, `RequestIdReused`, `BudgetGateClosed`, `BudgetGateOverdue`.
            `LimitsRevised`: the ceiling is another one since.
            `RaiseTooSmall`: it is as high already.

        Raises:
            InvalidValue: `new_max` is no amount.
        """
        return self._portal.call(
            self._service.approve_gate(account, gate, new_max=new_max, by=by, request_id=request_id)
        )

    def cancel_gate(
        self, account: AccountRef, gate: BudgetGateId, *, by: Principal, request_id: RequestId
    ) -> BudgetGate | Refused[CancelGateRefusal]:
        """Declines: until the gate would have expired, or the limits change, so does `reserve`.

        It is idempotent, and answers, as `approve_gate` does.
        """
        return self._portal.call(
            self._service.cancel_gate(account, gate, by=by, request_id=request_id)
        )

    def snapshot(self, scope: Scope) -> BudgetSnapshot:
        """Every account that some work concerns, at one moment, rolled and not stored."""
        return self._portal.call(self._service.snapshot(scope))

    def account(self, account: AccountRef) -> AccountView:
        """One account as it stands, metered or not."""
        return self._portal.call(self._service.account(account))

    def accounts(
        self, prefix: ScopePrefix, *, after: str | None = None, limit: int | None = None
    ) -> BudgetPage[AccountView]:
        """The metered accounts under a scope prefix of any depth, in key order.

        Args:
            prefix: For example of depth 1 for all of a tenant.
            after: The `next` of the page before; None for the first.
            limit: 1 to 200; 50 unless the settings say otherwise.

        Raises:
            InvalidValue: The limit is out of bounds, or `after` no `next` of this prefix.
        """
        return self._portal.call(self._service.accounts(prefix, after=after, limit=limit))

    def reservation(self, scope: Scope, id: RequestId) -> ReservationView | None:
        """A reservation as it stands; None where there is none, or it was pruned."""
        return self._portal.call(self._service.reservation(scope, id))

    def reservations(
        self,
        prefix: ScopePrefix,
        *,
        status: ReservationStatus = ReservationStatus.ACTIVE,
        after: str | None = None,
        limit: int | None = None,
    ) -> BudgetPage[ReservationView]:
        """The reservations of one status under a prefix, earliest first.

        What is overdue is no longer active; it is listed as expired once a sweep has noted it.

        Args:
            prefix: Through the user at least, for example `ScopePrefix.owner(scope)`.
            status: Which ones.
            after: The `next` of the page before; None for the first.
            limit: 1 to 200; 50 unless the settings say otherwise.

        Raises:
            InvalidValue: The prefix is too short, the limit out of bounds, or `after` no `next`
                of this listing.
        """
        return self._portal.call(
            self._service.reservations(prefix, status=status, after=after, limit=limit)
        )

    def gate(self, account: AccountRef, gate: BudgetGateId) -> GateView | None:
        """A gate as it stands; None where the account has none of this id, or it was pruned."""
        return self._portal.call(self._service.gate(account, gate))

    def gates(
        self, prefix: ScopePrefix, *, after: str | None = None, limit: int | None = None
    ) -> BudgetPage[GateView]:
        """The open gates under a prefix of any depth; paged as `accounts` is."""
        return self._portal.call(self._service.gates(prefix, after=after, limit=limit))

    def expire_due(self) -> BudgetSwept:
        """Notes of some reservations that their deadline has come, earliest first.

        Nothing waits for it: overdue holds stop counting by the clock alone. What was to be
        charged at its expiry is charged here, or by a late reconcile.
        """
        return self._portal.call(self._service.expire_due())

    def expire_gates(self) -> BudgetSwept:
        """Notes of some gates that nobody has answered in time, earliest first."""
        return self._portal.call(self._service.expire_gates())

    def prune(self, *, dry_run: bool = False) -> BudgetPruned:
        """Makes tombstones of some reservations and gates that ended long ago, earliest first.

        What has not ended is never pruned. An id that was pruned is spent for ever.

        Args:
            dry_run: Whether only to count.
        """
        return self._portal.call(self._service.prune(dry_run=dry_run))


@frozen
class BlockingCredentials:
    """`Credentials` for synchronous callers; any thread may call."""

    _portal: Portal[object] = field(repr=False)
    _service: Credentials

    def put(
        self,
        owner: Scope,
        id: str,
        *,
        provider: str,
        handles: Collection[str],
        targets: Collection[Target],
        details: AccountDetails,
        expected: Expected,
        request_id: RequestId,
        expires_at: datetime | None = None,
    ) -> AccountOutcome | Refused[AccountPutRefusal]:
        """Keeps an account, in the place of what is there.

        Sessions end at their next use where handles, targets or expiry are other than before.

        Args:
            owner: Whose it is: a scope without mission and thread.
            id: 1 to 128 of letters, digits, ``_`` and ``-``.
            provider: Whose account it is there, an identifier.
            handles: Secrets of the same owner, 1 to 8; they may be put later.
            targets: Where they may go, 1 to 32.
            details: A label and metadata; kept encrypted.
            expected: What must be there: `ABSENT`, a generation, or `ANY`.
            request_id: The idempotency key.
            expires_at: From this instant on the account is over; None: never.

        Returns:
            The generation and epoch that it became.
            `GenerationMismatch`: something else is there.
            `AccountRevoked`: it was revoked, for good; delete it first.
            `AccountExpired`: `expires_at` has come. `RequestIdReused`.
        """
        return self._portal.call(
            self._service.put(
                owner,
                id,
                provider=provider,
                handles=handles,
                targets=targets,
                details=details,
                expected=expected,
                request_id=request_id,
                expires_at=expires_at,
            )
        )

    def revoke(
        self, owner: Scope, id: str, *, request_id: RequestId
    ) -> AccountOutcome | Refused[AccountRevokeRefusal]:
        """Ends all use of an account, for good: no use commits after this. Idempotent by state.

        Returns:
            The state `REVOKED`. `AccountUnknown`, `RequestIdReused`.
        """
        return self._portal.call(self._service.revoke(owner, id, request_id=request_id))

    def delete(
        self, owner: Scope, id: str, *, expected: Expected, request_id: RequestId
    ) -> AccountOutcome | Refused[AccountDeleteRefusal]:
        """Deletes an account, revoked or not; a tombstone without details stays.

        Returns:
            The generation of the tombstone, made now or before; 0 where there never was one.
            `GenerationMismatch`, `RequestIdReused`.
        """
        return self._portal.call(
            self._service.delete(owner, id, expected=expected, request_id=request_id)
        )

    def get(self, owner: Scope, id: str) -> CredentialAccountView | None:
        """An account with its details, a deleted one without; None where there never was one."""
        return self._portal.call(self._service.get(owner, id))

    def list(
        self, owner: Scope, *, after: str | None = None, limit: int | None = None
    ) -> AccountPage:
        """The accounts of exactly one owner by id, deleted ones included; details unopened.

        Args:
            owner: Whose.
            after: The `next` of the page before; None for the first.
            limit: 1 to 200, unreadable ones included; 50 unless the settings say otherwise.
        """
        return self._portal.call(self._service.list(owner, after=after, limit=limit))

    def new_session_id(self) -> SessionId:
        """A bearer for one session: mint it before opening, so that a repeat opens the same."""
        return self._portal.ask(self._service.new_session_id)

    def open(
        self,
        scope: Scope,
        session: SessionId,
        *,
        owner: Scope,
        account: str,
        handles: Collection[str] | None = None,
        targets: Collection[Target] | None = None,
        ttl_seconds: float = 900.0,
        uses_max: int | None = None,
    ) -> SessionTicket | Refused[OpenRefusal]:
        """Opens a session of an account. A repeat answers the same and resets nothing.

        Args:
            scope: Whose the session is: work that the account's owner contains.
            session: A fresh bearer; stored nowhere, and the idempotency key of its opening.
            owner: Whose the account is; nothing is looked for elsewhere.
            account: Its id.
            handles: Some of the account's, 1 to 8; None for all of them.
            targets: Some of the account's, equal to them, 1 to 32; None for all of them.
            ttl_seconds: How long, 1 to 86,400; never past the account's own expiry.
            uses_max: How often, 1 to 10,000; None: until its deadline.

        Returns:
            When it will be over.
            `AccountUnknown`, `AccountRevoked`, `AccountExpired`, `HandleRefused`,
            `TargetRefused`, `QuotaFull`, `RequestIdReused`.
        """
        return self._portal.call(
            self._service.open(
                scope,
                session,
                owner=owner,
                account=account,
                handles=handles,
                targets=targets,
                ttl_seconds=ttl_seconds,
                uses_max=uses_max,
            )
        )

    def use(
        self,
        scope: Scope,
        session: SessionId,
        *,
        operation_id: RequestId,
        method: str,
        url: str,
        handles: Sequence[str],
    ) -> Used | OperationSpent | Refused[UseRefusal]:
        """Receives material for one request to one URL, and counts one use for it.

        The use is counted before the material leaves. A repeat with the same operation id answers
        `OperationSpent` and never material; an id older than the last 64 uses counts again. The
        present generation of each secret is released, and named in the receipt.

        Args:
            scope: Whose the session is.
            session: The bearer.
            operation_id: The idempotency key of the use.
            method: Of the request, in capitals.
            url: Where the request would go, letter by letter; each redirect asks anew.
            handles: Which secrets it needs, none twice, up to 8; there may be none.

        Returns:
            The material by handle, each to be wiped by leaving its block; or `OperationSpent`.
            `SessionUnknown`, `SessionExhausted`, `SessionExpired`, `RequestIdReused`.
            `SessionRevoked`: it was closed, or its account is not what it was.
            `TargetRefused`, `HandleRefused`, `SecretUnknown`, `SecretExpired`: nothing is counted.
        """
        return self._portal.call(
            self._service.use(
                scope, session, operation_id=operation_id, method=method, url=url, handles=handles
            )
        )

    def close(self, scope: Scope, session: SessionId) -> EndedSession | Refused[SessionUnknown]:
        """Ends a session before its time. Idempotent by state.

        Returns:
            How it ended: now by this, or before by something else, which stays.
            `SessionUnknown`.
        """
        return self._portal.call(self._service.close(scope, session))

    def peek(self, scope: Scope, session: SessionId) -> SessionView | None:
        """A session as it stands: a hint, for only its next use decides. Writes nothing."""
        return self._portal.call(self._service.peek(scope, session))


@frozen
class BlockingEventLog:
    """`EventLog` for synchronous callers; any thread may call."""

    _portal: Portal[object] = field(repr=False)
    _service: EventLog

    def read(
        self,
        prefix: ScopePrefix,
        *,
        after: Cursor = START,
        collections: frozenset[str] | None = None,
        limit: int = 200,
    ) -> RecordedPage | CursorLost:
        """The events after a cursor, in order and without gaps.

        Args:
            prefix: Whose events: `ScopePrefix.owner(scope)` for a user's, `EVERYBODY` for all.
            after: `START`, or a cursor that this store has handed out.
            collections: Names of collections, or None for all.
            limit: 1 to 500. A page may hold fewer, even none, and not be the last: the log ends
                where `next` no longer moves.

        Returns:
            A page; or `CursorLost` where events after the cursor were trimmed, or the cursor is
            of another store: re-read the records, and continue at its floor.

        Raises:
            Unavailable: The store did not serve.
            InvalidValue: The limit is out of bounds.
        """
        return self._portal.call(
            self._service.read(prefix, after=after, collections=collections, limit=limit)
        )

    def follow(
        self,
        prefix: ScopePrefix,
        *,
        after: Cursor = START,
        collections: frozenset[str] | None = None,
    ) -> Generator[Recorded | UnreadableEvent | CursorLost, None, None]:
        """The events after a cursor, and then each as it is stored, for ever.

        It wakes by the store's hint, or by a poll, and holds no connection while it sleeps. Each
        event is told at least once: continue after the cursor of the last that was dealt with.

        Args:
            prefix: As for `read`.
            after: As for `read`.
            collections: As for `read`.

        Yields:
            Events in order; and `CursorLost`, as of `read`, with which it ends.

        Raises:
            Unavailable: The store did not serve; follow again, after the last cursor.
        """
        return iterated(
            self._portal, self._service.follow(prefix, after=after, collections=collections)
        )

    def register(
        self, name: ReaderName, *, after: Cursor = START
    ) -> ReaderView | Refused[RegisterRefusal]:
        """Has the store remember how far a reader has come, and keep what it has still to read.

        A reader that is there stays as it is: call this at every start, and continue at the
        view's cursor. Whoever is never forgotten holds the log for ever.

        Args:
            name: An identifier, one for all of the store.
            after: Where a reader that is not there yet begins.

        Returns:
            How far it has come.
            `TooManyReaders`: there are 100; racers may exceed them by their number.
            `CursorRefused`: the cursor is none of this store, or what came after it is trimmed.
        """
        return self._portal.call(self._service.register(name, after=after))

    def advance(self, name: ReaderName, cursor: Cursor) -> ReaderView | Refused[AdvanceRefusal]:
        """Notes that a reader has dealt with all before a cursor. Idempotent by state.

        It may go back, too, as far as nothing was trimmed.

        Returns:
            How far it has come.
            `ReaderNotFound`; `CursorRefused`, as for `register`.
        """
        return self._portal.call(self._service.advance(name, cursor))

    def forget(self, name: ReaderName) -> bool:
        """Forgets a reader, so that it holds nothing any more; whether there was one."""
        return self._portal.call(self._service.forget(name))

    def readers(self) -> tuple[ReaderView | Unreadable, ...]:
        """Every reader, by name; one that is unreadable hides no other."""
        return self._portal.call(self._service.readers())

    def trim(self, *, keep_seconds: float | None = None, dry_run: bool = False) -> Trimmed:
        """Forgets events that are old, and that every named reader has dealt with.

        A call walks a bounded way, `EventSettings.trim_pages`.

        Args:
            keep_seconds: How old an event may become, from 0, and an hour at least while there are
                readers; None for what the settings say, and where they say nothing, all are kept.
            dry_run: Only count them.

        Raises:
            Corrupt: A reader is unreadable, so what it still needs is not known: forget it.
            InvalidValue: The time is out of bounds.
        """
        return self._portal.call(self._service.trim(keep_seconds=keep_seconds, dry_run=dry_run))


@frozen
class BlockingLeases:
    """`Leases` for synchronous callers; any thread may call."""

    _portal: Portal[object] = field(repr=False)
    _service: Leases

    def acquire(
        self,
        scope: Scope,
        name: str,
        *,
        holder: str,
        request_id: RequestId,
        ttl_seconds: float | None = None,
    ) -> Tenancy | Refused[AcquireRefusal]:
        """Begins a tenure, if nobody holds the lease.

        A tenure whose deadline has come is no obstacle: its end is noted in the same commit.
        Repeated with the same request id it answers the same tenure, also when others have held
        the lease since: compare its deadline before relying on it.

        Args:
            scope: Who owns the lease; any level.
            name: What is owned, an identifier.
            holder: Who wants it, an identifier. A process that was started anew takes another.
            request_id: The idempotency key of this acquisition.
            ttl_seconds: How long, above the deadline of an update and at most an hour.

        Returns:
            The tenure under its fence.
            `Held`: somebody holds it, be it under the same name.
            `RequestIdReused`.
        """
        return self._portal.call(
            self._service.acquire(
                scope, name, holder=holder, request_id=request_id, ttl_seconds=ttl_seconds
            )
        )

    def renew(
        self, scope: Scope, name: str, *, holder: str, fence: int, ttl_seconds: float | None = None
    ) -> Tenancy | Refused[HolderRefusal]:
        """Lets a tenure last so long from now; it is never shortened. May be repeated.

        Returns:
            The tenure as it stands.
            `TenureExpired`: its deadline has come, whether or not somebody else holds the lease.
            `NotHolder`: the holder has no such tenure, as far as is remembered (16 tenures).
        """
        return self._portal.call(
            self._service.renew(scope, name, holder=holder, fence=fence, ttl_seconds=ttl_seconds)
        )

    def release(
        self, scope: Scope, name: str, *, holder: str, fence: int
    ) -> TenureReleased | Refused[HolderRefusal]:
        """Gives a tenure back. May be repeated, also when others have held the lease since.

        Returns:
            The tenure's fence, released now or before.
            `TenureExpired`, `NotHolder`: as for `renew`.
        """
        return self._portal.call(self._service.release(scope, name, holder=holder, fence=fence))

    def expire(self, scope: Scope, name: str) -> None:
        """Notes that the deadline of a tenure has come, if it has. Idempotent by state.

        Nothing waits for it: a tenure that is over is refused, and shown as none, all the same.
        """
        return self._portal.call(self._service.expire(scope, name))

    def sweep(self, *, limit: int = 500) -> int:
        """Notes the ends of tenures whose deadline has come, the earliest first.

        Args:
            limit: How many leases are looked at, 1 to 500.

        Returns:
            How many were looked at; fewer than `limit` means that no more are due. A lease that
            cannot be read, or that others are busy with, is passed over.
        """
        return self._portal.call(self._service.sweep(limit=limit))

    def get(self, scope: Scope, name: str) -> LeaseView:
        """The lease as it stands; one that was never seen is vacant at fence 0."""
        return self._portal.call(self._service.get(scope, name))

    def hold(
        self,
        scope: Scope,
        name: str,
        *,
        holder: str,
        ttl_seconds: float | None = None,
        patience_seconds: float | None = None,
    ) -> AbstractContextManager[BlockingHolding]:
        """Holds a lease for the block: acquires it, renews it, and releases it.

        It is renewed every third of its time. `Holding.lost` is set before the tenure ends by
        this host's own clock, or when a renewal is refused: the block must stop then, for the
        next holder may begin. Whatever it writes elsewhere carries `Holding.fence`.

        The block's end gives the lease back; where the store does not serve then, the tenure
        ends by its deadline.

        Args:
            scope: Who owns the lease; any level.
            name: What is owned.
            holder: Who wants it.
            ttl_seconds: How long the tenure lasts if this process dies.
            patience_seconds: How long to wait while others hold it, up to an hour; 0 tries once.

        Raises:
            LeaseHeld: Others held it all the time; the block did not run.
            Contended, Unavailable, OutcomeUnknown: It could not be had within the patience.
        """
        return Block(
            self._portal,
            self._service.hold(
                scope,
                name,
                holder=holder,
                ttl_seconds=ttl_seconds,
                patience_seconds=patience_seconds,
            ),
            partial(BlockingHolding, self._portal),
        )


@frozen
class BlockingPolicies:
    """`Policies` for synchronous callers; any thread may call."""

    _portal: Portal[object] = field(repr=False)
    _service: Policies

    def allow(
        self,
        scope: Scope,
        capability: CapabilityId,
        *,
        grantee: Principal,
        kinds: frozenset[ActionKind],
        effects: frozenset[Effect],
        by: Principal,
        request_id: RequestId,
        lifetime_seconds: int | None = None,
    ) -> PolicyOutcome | Refused[AllowRefusal]:
        """Allows a grantee's calls of a tool from now on, and clears any override of it.

        The same grantee, kinds and effects again replace what was allowed.

        Args:
            scope: Any of the user's.
            capability: The tool, or the kind of agent.
            grantee: Whose calls; as a rule an agent.
            kinds: Of which kinds, one at least.
            effects: What they may do at most; nothing that must be asked each time.
            by: Who allows it: a person or a service.
            request_id: The caller's idempotency key.
            lifetime_seconds: How long it stands, 1 to 31,536,000 (365 days); by default
                `ApprovalSettings.allow_seconds`.

        Returns:
            What stands for the tool.
            `RequestIdReused`; `TooManyAllows`: 64 stand already.
        """
        return self._portal.call(
            self._service.allow(
                scope,
                capability,
                grantee=grantee,
                kinds=kinds,
                effects=effects,
                by=by,
                request_id=request_id,
                lifetime_seconds=lifetime_seconds,
            )
        )

    def revoke(
        self,
        scope: Scope,
        capability: CapabilityId,
        *,
        grantee: Principal | None = None,
        by: Principal,
        request_id: RequestId,
    ) -> PolicyOutcome | Refused[PolicyRefusal]:
        """Removes what a grantee, by default everybody, was allowed of a tool: every kind at once.

        Revoking what is absent creates nothing. What was begun before runs on.

        Returns:
            What stands for the tool.
            `RequestIdReused`.
        """
        return self._portal.call(
            self._service.revoke(scope, capability, grantee=grantee, by=by, request_id=request_id)
        )

    def revoke_if_source(
        self,
        scope: Scope,
        capability: CapabilityId,
        *,
        source: ApprovalId,
        by: Principal,
        request_id: RequestId,
    ) -> PolicyOutcome | Refused[PolicyRefusal]:
        """Removes what one approval has allowed of a tool, unless newer consent has replaced it.

        It answers as `revoke` does.
        """
        return self._portal.call(
            self._service.revoke_if_source(
                scope, capability, source=source, by=by, request_id=request_id
            )
        )

    def set_override(
        self,
        scope: Scope,
        capability: CapabilityId,
        kind: OverrideKind,
        *,
        by: Principal,
        request_id: RequestId,
    ) -> PolicyOutcome | Refused[PolicyRefusal]:
        """Has a tool ask each time, or disables it; every allow of it ends.

        A grant of a disabled tool can neither be claimed nor begun. The override stands until it
        is cleared, or the tool is allowed.

        Returns:
            What stands for the tool.
            `RequestIdReused`.
        """
        return self._portal.call(
            self._service.set_override(scope, capability, kind, by=by, request_id=request_id)
        )

    def clear_override(
        self, scope: Scope, capability: CapabilityId, *, by: Principal, request_id: RequestId
    ) -> PolicyOutcome | Refused[PolicyRefusal]:
        """Ends that a tool asks each time or is disabled; no allow comes back with it.

        Returns:
            What stands for the tool.
            `RequestIdReused`.
        """
        return self._portal.call(
            self._service.clear_override(scope, capability, by=by, request_id=request_id)
        )

    def set_auto_approve(
        self,
        scope: Scope,
        *,
        on: bool,
        by: Principal,
        request_id: RequestId,
        lifetime_seconds: int | None = None,
    ) -> AutoApproveOutcome | Refused[PolicyRefusal]:
        """Switches auto-approval on, anew where it is on, or off.

        Args:
            scope: Any of the user's.
            on: Whether calls that their manifests make eligible pass unasked.
            by: Who switches it: a person or a service.
            request_id: The caller's idempotency key.
            lifetime_seconds: How long it is on, 1 to 31,536,000 (365 days); by default
                `ApprovalSettings.auto_approve_seconds`. None where it is switched off.

        Returns:
            Until when it is on.
            `RequestIdReused`.
        """
        return self._portal.call(
            self._service.set_auto_approve(
                scope, on=on, by=by, request_id=request_id, lifetime_seconds=lifetime_seconds
            )
        )

    def consents(
        self, scope: Scope, *, after: str | None = None, limit: int | None = None
    ) -> ConsentPage:
        """What stands for a user: overrides, allows that have not expired, and auto-approval.

        Args:
            scope: Any of the user's.
            after: The `next` of the page before; None for the first.
            limit: 1 to 200 tools; 50 unless the settings say otherwise.

        Raises:
            InvalidValue: The limit is out of bounds, or `after` no `next` of this user.
            Unavailable: The store did not serve.
        """
        return self._portal.call(self._service.consents(scope, after=after, limit=limit))

    def effective_consent(
        self,
        scope: Scope,
        *,
        invocation: InvocationId,
        action: Action,
        effects: frozenset[Effect],
        requester: Principal,
        input: Json | JsonText,
        manifest: Manifest | None,
        origin: Origin = ORDINARY,
        attempt: int = 1,
    ) -> EffectiveConsent | Refused[InputRefusal]:
        """What consent says to one exact call: to let it pass, to ask, or to refuse it.

        It only narrows what the host has authorised, and writes nothing. A record of consent that
        is damaged makes it ask. What it answers may be withdrawn a moment later: a commit that
        acts on it checks what it rests on (`Turns.intend`).

        Args:
            scope: In which the call is made.
            invocation: As of `Approvals.raise_request`, and so the next four.
            action: What would be done.
            effects: What it may do to the world.
            requester: Who wants it done.
            input: The call's arguments, as a model gave them.
            manifest: What the host declares of the tool; None where it declares nothing.
            origin: What the call comes from.
            attempt: Under which it was asked, if it was.

        Returns:
            The answer with its rule, and what it rests on.
            `InvalidInput`, `InputTooDeep`, `InputTooLarge`: it is not what can be asked.

        Raises:
            Unavailable: The store did not serve; it never means yes.
        """
        return self._portal.call(
            self._service.effective_consent(
                scope,
                invocation=invocation,
                action=action,
                effects=effects,
                requester=requester,
                input=input,
                manifest=manifest,
                origin=origin,
                attempt=attempt,
            )
        )

    def explain(
        self,
        scope: Scope,
        *,
        invocation: InvocationId,
        action: Action,
        effects: frozenset[Effect],
        requester: Principal,
        input: Json | JsonText,
        manifest: Manifest | None,
        origin: Origin = ORDINARY,
        attempt: int = 1,
    ) -> ConsentExplanation | Refused[InputRefusal]:
        """Why consent says what it says: all ten rules, met or not, and who set what they rest on.

        It is asked, refuses and raises as `effective_consent`.
        """
        return self._portal.call(
            self._service.explain(
                scope,
                invocation=invocation,
                action=action,
                effects=effects,
                requester=requester,
                input=input,
                manifest=manifest,
                origin=origin,
                attempt=attempt,
            )
        )


@frozen
class BlockingSecrets:
    """`Secrets` for synchronous callers; any thread may call."""

    _portal: Portal[object] = field(repr=False)
    _service: Secrets

    def begin(self) -> None:
        """Makes sure that the keys are the store's. Idempotent; the first use does it, too.

        Raises:
            MasterKeyMissing: No key was given.
            KeyMismatch: The store was written under a key that is not in the ring, or the primary
                was retired.
            Tampered: A key is in the ring, and does not open what it is listed with.
        """
        return self._portal.call(self._service.begin())

    def put(
        self,
        owner: Scope,
        handle: str,
        *,
        material: Material,
        expected: Expected,
        request_id: RequestId,
        expires_at: datetime | None = None,
    ) -> SecretOutcome | Refused[PutRefusal]:
        """Keeps material under a handle, in the place of what is there.

        Leases of an earlier generation end at their next use. A repeat with the same request id
        stores nothing, and answers what the first was answered.

        Args:
            owner: Whose the secret is: a scope without mission and thread.
            handle: 1 to 128 of ``a-z``, ``0-9``, ``_``, ``.`` and ``-``.
            material: 1 byte to 64 KiB; it stays the caller's to wipe.
            expected: What must be there: `ABSENT`, which a deleted one is too; a generation; or
                `ANY`.
            request_id: The idempotency key; nothing but a keyed code is kept of what it put.
            expires_at: From this instant on the material is over; None: never.

        Returns:
            The generation that it became.
            `GenerationMismatch`: something else is there.
            `SecretExpired`: `expires_at` has come.
            `RequestIdReused`: also where the key is gone under which the first was told.
        """
        return self._portal.call(
            self._service.put(
                owner,
                handle,
                material=material,
                expected=expected,
                request_id=request_id,
                expires_at=expires_at,
            )
        )

    def delete(
        self, owner: Scope, handle: str, *, expected: Expected, request_id: RequestId
    ) -> SecretOutcome | Refused[SecretDeleteRefusal]:
        """Deletes a secret for good: its material goes, a tombstone without it stays.

        What a store's files still hold of the envelope is gone after a scrub.

        Returns:
            The generation of the tombstone, made now or before; 0 where there never was one.
            `GenerationMismatch`, `RequestIdReused`.
        """
        return self._portal.call(
            self._service.delete(owner, handle, expected=expected, request_id=request_id)
        )

    def metadata(self, owner: Scope, handle: str) -> SecretMetadata | None:
        """What may be told of a secret, a deleted one included; nothing is opened."""
        return self._portal.call(self._service.metadata(owner, handle))

    def list(
        self, owner: Scope, *, after: str | None = None, limit: int | None = None
    ) -> SecretPage:
        """The secrets of exactly one owner by handle, deleted ones included; nothing is opened.

        Args:
            owner: Whose.
            after: The `next` of the page before; None for the first.
            limit: 1 to 200, unreadable ones included; 50 unless the settings say otherwise.
        """
        return self._portal.call(self._service.list(owner, after=after, limit=limit))

    def issue(
        self,
        scope: Scope,
        *,
        owner: Scope,
        handle: str,
        request_id: RequestId,
        ttl_seconds: float | None = None,
        uses_max: int = 1,
        guard: Guard | None = None,
    ) -> LeaseRef | Refused[IssueRefusal]:
        """Lends the present generation of a secret; no material leaves yet.

        A repeat with the same request id answers the same reference. The reference is no bearer:
        it works in its own scope alone, and who may use it, the host decides.

        Args:
            scope: Who borrows: work of the owner's tenant and user, and of its agent and project
                where the owner has one.
            owner: Whose the secret is; nothing is looked for elsewhere.
            handle: The secret's.
            request_id: The idempotency key.
            ttl_seconds: How long, 1 to 3,600; never past the secret's own expiry.
            uses_max: How often it may be received, 1 to 64.
            guard: A tenure (of a lease, of a run) that must be live now and at each use.

        Returns:
            What to name the lease by.
            `SecretUnknown`: there is none, or it is not for this scope.
            `SecretExpired`, `GuardLost`, `QuotaFull`, `RequestIdReused`.
        """
        return self._portal.call(
            self._service.issue(
                scope,
                owner=owner,
                handle=handle,
                request_id=request_id,
                ttl_seconds=ttl_seconds,
                uses_max=uses_max,
                guard=guard,
            )
        )

    def consume(
        self, ref: LeaseRef, *, request_id: RequestId
    ) -> Opened | Spent | Refused[ConsumeRefusal]:
        """Receives the material, and spends one use for it.

        The use is counted before the material leaves. A repeat with the same request id answers
        `Spent` and never material: where the first call did not return (the process died), the
        use is spent, and a further lease must be issued.

        Returns:
            The material, to be wiped by leaving its block; or `Spent`.
            `SecretLeaseUnknown`: there is none that this reference fits.
            `SecretLeaseConsumed`, `SecretLeaseExpired`, `RequestIdReused`.
            `SecretLeaseRevoked`: on request; its guard is gone; the secret is not what it was.

        Raises:
            OutcomeUnknown: The use may have been counted; no material was handed over.
            Tampered, KeyMismatch: The material cannot be opened; the use was not counted.
        """
        return self._portal.call(self._service.consume(ref, request_id=request_id))

    def revoke(
        self, ref: LeaseRef, *, request_id: RequestId
    ) -> EndedPhase | Refused[RevokeRefusal]:
        """Ends a lease before its time. Idempotent by state.

        Returns:
            How it ended: now by this, or before by something else, which stays.
            `SecretLeaseUnknown`, `RequestIdReused`.
        """
        return self._portal.call(self._service.revoke(ref, request_id=request_id))

    def leases(
        self, scope: Scope, *, after: str | None = None, limit: int | None = None
    ) -> SecretLeasePage:
        """The leases of exactly one scope by id, ended ones included for a day; writes nothing.

        Args:
            scope: Whose.
            after: The `next` of the page before; None for the first.
            limit: 1 to 200, unreadable ones included; 50 unless the settings say otherwise. A
                page may hold fewer, or none, and not be the last.
        """
        return self._portal.call(self._service.leases(scope, after=after, limit=limit))

    def rekey(self) -> Rekeyed:
        """Writes every sealed record anew under the primary key; everything opens throughout.

        One commit for each record; generations and times are kept. It may be interrupted and begun
        again, and run by several processes at once.

        Rotation: give all hosts the new key among the older ones; make it the primary; rekey;
        retire the old one; take it out of the rings.
        """
        return self._portal.call(self._service.rekey())

    def retire(self, key_id: KeyId) -> KeyRetired | Refused[KeyInUse]:
        """Forbids for good to write under a key, and forgets it once nothing needs it. Idempotent.

        Hosts whose primary it is are refused from now on, at each commit that seals.

        Args:
            key_id: Not the primary's.

        Returns:
            That nothing needs it any more; or `KeyInUse`: rekey, and retire it again.

        Raises:
            InvalidValue: It is the primary.
        """
        return self._portal.call(self._service.retire(key_id))

    def sweep(self, *, dry_run: bool = False) -> SecretsSwept:
        """Tidies up: notes ends, makes tombstones of what ended a day ago, forgets old ones.

        Nothing waits for it: what is over is refused, and counts in no quota, all the same.

        Args:
            dry_run: Tell what would be done, and do nothing.
        """
        return self._portal.call(self._service.sweep(dry_run=dry_run))

    def audit(self) -> Audit:
        """Looks at every sealed record and its events, and writes nothing.

        A seal tells what was changed; the events tell where a whole older record was put back.
        """
        return self._portal.call(self._service.audit())


@frozen
class BlockingTurns:
    """`Turns` for synchronous callers; any thread may call."""

    _portal: Portal[object] = field(repr=False)
    _service: Turns

    def submit(
        self,
        scope: Scope,
        *,
        actor: Principal,
        request_id: RequestId,
        payload: bytes = b"",
        message_ref: Ref | None = None,
        source_ref: Ref | None = None,
        reply_ref: Ref | None = None,
        origin: Ref = HOST,
        policy: TurnPolicy | None = None,
    ) -> RunView | Refused[SubmitRefusal | MessageRefusal]:
        """Accepts a turn and queues its run.

        The request id is the idempotency key: its repeat, in any process and at any time, answers
        the first run, also once that has ended, and whatever the host's policy says by then.

        Args:
            scope: The full scope of the thread, or one without a thread for a run of its own.
                Has a tenant and a user.
            actor: Who submits; whoever else acts on the run as its submitter must be the same.
            request_id: The caller's, one for each turn.
            payload: What is asked, or anything that stands for it. Only a digest is kept, so that
                a reused request id is told from a repeat.
            message_ref: The message that asks for it, 1 to 256 bytes. The id of a message in a
                thread (`m-` and 32 hexadecimal digits) is one of this thread: the commit that
                accepts the turn marks it as submitted. Every other reference is opaque.
            source_ref: Where it came from, opaque, 1 to 256 bytes.
            reply_ref: Where an answer belongs, likewise.
            origin: What brought it about, in the host's words.
            policy: How it is queued and repeated; `TurnPolicy.interactive()` unless given.

        Returns:
            The run as it stands.
            `RequestIdReused`, `RunIdSpent`: the request id stands for something else, or for a run
            that was retired. `NotPermitted`: by the host's policy. `ThreadClosed`, `ThreadBusy`.
            `ThreadNotFound`, `ThreadImporting`, `MessageNotFound`, `MessageIsRedacted`,
            `AlreadySubmitted` (as another turn), `AlreadyRejected`, `WrongMessageState`: no turn
            can be made of the message.
            `AtCapacity`: a limit of runs is reached; retry after the seconds that it names.

        Raises:
            Exception: Whatever the host's policy raised, unless the request was accepted before.
        """
        return self._portal.call(
            self._service.submit(
                scope,
                actor=actor,
                request_id=request_id,
                payload=payload,
                message_ref=message_ref,
                source_ref=source_ref,
                reply_ref=reply_ref,
                origin=origin,
                policy=policy,
            )
        )

    def submit_child(
        self,
        claim: Claim,
        effect: EffectId,
        *,
        scope: Scope,
        payload: bytes = b"",
        message_ref: Ref | None = None,
        source_ref: Ref | None = None,
        reply_ref: Ref | None = None,
        policy: TurnPolicy | None = None,
        arguments: Digest,
    ) -> RunView | Refused[SpawnRefusal | MessageRefusal]:
        """Queues a run that a running one spawns, and journals the call.

        Its place in the journal is the idempotency key: a replay answers the same child.

        Args:
            claim: The parent's.
            effect: The call's place in the parent's journal.
            scope: The child's thread; of the parent's tenant and user, else `NotFound`.
            payload: As of `submit`.
            message_ref: As of `submit`: of a message in the child's own thread, if of any.
            source_ref: As of `submit`.
            reply_ref: As of `submit`.
            policy: As of `submit`; the parent's class unless given.
            arguments: The digest of what the call was given; another one under the same place is
                `ReplayDiverged`.

        Returns:
            The child as it stands.
            The refusals of a claim, those of `submit`, `TreeFull`, `TreeCancelling`,
            `EffectsFull`, `ReplayDiverged`, `CallDeclined`.
        """
        return self._portal.call(
            self._service.submit_child(
                claim,
                effect,
                scope=scope,
                payload=payload,
                message_ref=message_ref,
                source_ref=source_ref,
                reply_ref=reply_ref,
                policy=policy,
                arguments=arguments,
            )
        )

    def claim(
        self,
        *,
        holder: str,
        token: Token,
        classes: Sequence[TurnClass] = (TurnClass.INTERACTIVE, TurnClass.BACKGROUND),
        count: int = 1,
        prefix: ScopePrefix | None = None,
        lanes: Sequence[LaneId] | None = None,
    ) -> ClaimPass:
        """Gives a worker up to `count` runs that are due, fairly among users.

        Args:
            holder: Who claims; told in events and views.
            token: 16 random bytes, minted for this pass.
            classes: Which queues to look at, the first one first.
            count: 1 to 8.
            prefix: Only runs under this prefix; None for all.
            lanes: Only these lanes, unscanned: to repeat a pass whose outcome was in doubt. With
                the same token they answer the same grants.

        Returns:
            What was granted, the lanes whose outcome is in doubt, and what could not be read.

        Raises:
            Contended, Unavailable: No lane could be served.
        """
        return self._portal.call(
            self._service.claim(
                holder=holder, token=token, classes=classes, count=count, prefix=prefix, lanes=lanes
            )
        )

    def heartbeat(self, claim: Claim) -> Heartbeat | Refused[ClaimRefusal]:
        """Extends a claim, never past `cancel_by`, and never to less than it had.

        Returns:
            Until when the claim lasts, and whether and by when the run is to be called off.
            The refusals of a claim.
        """
        return self._portal.call(self._service.heartbeat(claim))

    def start(self, claim: Claim) -> RunStanding | Refused[ClaimRefusal]:
        """Notes that the handler is about to be called. Idempotent.

        Needed for runs that are not journaled: one that was started and is lost goes to an
        operator, because nobody knows what it did.
        """
        return self._portal.call(self._service.start(claim))

    def checkpoint(
        self,
        claim: Claim,
        *,
        kind: CheckpointKind,
        schema: int,
        payload: bytes,
        ordinals: Mapping[str, int],
    ) -> Checkpoint | Refused[ClaimRefusal]:
        """Saves a handler's own state; the fifth newest is deleted.

        It is no idempotent command: a repeat saves once more, under the next sequence number.

        Args:
            claim: The worker's.
            kind: At which point.
            schema: The host's number for the format of `payload`.
            payload: At most 65,536 bytes, opaque and never rendered.
            ordinals: How often each name has been called by then.
        """
        return self._portal.call(
            self._service.checkpoint(
                claim, kind=kind, schema=schema, payload=payload, ordinals=ordinals
            )
        )

    def intend(
        self,
        claim: Claim,
        id: EffectId,
        *,
        arguments: Digest,
        consent: EffectiveConsent | None = None,
        grant: StepGrant | None = None,
    ) -> EffectState | Refused[IntendRefusal | ConsentChanged | GrantedRefusal]:
        """Journals that a `once` step is about to be called.

        Args:
            claim: The worker's.
            id: The call's place in the journal.
            arguments: The digest of what it is called with.
            consent: What `Policies.effective_consent` has allowed it by; the commit checks all that
                it rests on. None where the step needs none.
            grant: The yes that this run has asked for and been given: the grant is begun in the
                same commit, and told of in the one that settles the step, whoever settles it.

        Returns:
            The state of the entry: `Intended` where this claim may call it now, and what became of
            it where it was called before. A `NotDone` that is to be redone is intended anew.
            The refusals of a claim (`WrongState` also once a cancel was requested);
            `ReplayDiverged`: the place is known with other arguments; `EffectsFull`;
            `ConsentChanged`: what the consent rested on has changed or expired since.
            With a grant: `Unknown`, `NotApproved`; `NotGrantee`: another run had asked;
            `FingerprintMismatch`: other input was approved; `ToolDisabled`; `GrantBusy`,
            `OutcomeUncertain`, `GrantSpent`, `GrantRevoked` with the cause.

        Raises:
            InvalidValue: The consent does not allow it, is a grant's, or is that of another user;
                or a grant is named beside it.
            Corrupt: What the consent rests on has become unreadable; nothing was written.
        """
        return self._portal.call(
            self._service.intend(claim, id, arguments=arguments, consent=consent, grant=grant)
        )

    def settle(
        self,
        claim: Claim,
        id: EffectId,
        *,
        mode: Mode,
        arguments: Digest,
        outcome: Done | NotDone | Unclear,
    ) -> EffectState | Refused[SettleRefusal]:
        """Journals what became of a step.

        It is all that `keyed` and `safe` steps journal. It is accepted while a cancel is
        requested. A repeat answers the stored state. What a worker reports of its own intent
        after it has lost its claim is kept as evidence for an operator, and decides nothing: it is
        answered with the refusal.

        Args:
            claim: The worker's.
            id: The call's place.
            mode: What the step promises about being called twice.
            arguments: The digest of what it was called with.
            outcome: What happened; `Unclear` of a `once` step of which the worker does not know.

        Returns:
            The state of the entry.
            The refusals of a claim, `ReplayDiverged`, `EffectsFull`.
        """
        return self._portal.call(
            self._service.settle(claim, id, mode=mode, arguments=arguments, outcome=outcome)
        )

    def decline(
        self, claim: Claim, call: JournalCall, *, code: str
    ) -> EffectState | Refused[SettleRefusal]:
        """Journals that a call was refused, so that every replay is told the same.

        What use cases refuse they never record themselves. Whoever replays a handler must answer
        its calls as they were answered, so it journals a refusal before it tells of it: from then
        on the call stands as `NotDone`, and whatever asks for it is refused with `CallDeclined`,
        until it is to be done again. Accepted while a cancel is requested; idempotent.

        Args:
            claim: The worker's.
            call: The call that was refused.
            code: The refusal's.

        Returns:
            The state of the entry: of a call that had happened after all, how it stands.
            The refusals of a claim, `ReplayDiverged`, `EffectsFull`: the journal has no room.
        """
        return self._portal.call(self._service.decline(claim, call, code=code))

    def begin_spend(
        self, claim: Claim, spend: Spend
    ) -> Receipt | EffectState | Refused[SpendRefusal]:
        """Holds what a call may cost, before it is made.

        A call that is made once at most is journaled as intended in the same commit, under a
        reservation of its own for each claim that intends it. One that may be made again
        is journaled when it has been made; its hold outlives a claim that was lost, and the next
        one finds it. Idempotent: the reservation's id follows from the call's place in the journal.

        Args:
            claim: The worker's.
            spend: The call, and what it may use.

        Returns:
            The receipt of the hold; the call may be made where its `standing` is `ACTIVE`.
            What the journal says of a call that needs none any more.
            The refusals of a claim and of `Budgets.reserve`, `EffectsFull`, `ReplayDiverged`.
            `BudgetApprovalNeeded`: block at its gate with `budget_wait`, then begin again.
        """
        return self._portal.call(self._service.begin_spend(claim, spend))

    def settle_spend(
        self,
        claim: Claim,
        spend: Spend,
        *,
        reservation: RequestId,
        outcome: Done | NotDone | Unclear,
        usage: Usage | None,
    ) -> EffectState | Refused[SettleRefusal]:
        """Journals what became of a metered call, and closes its hold in the same commit.

        What was not done is charged nothing. What is unclear stays held, until an operator
        settles the call (`retry`, `give_up`), its reservation is closed by hand, or its time is up.
        A hold that was closed by hand before changes nothing. Idempotent, as `settle` is.

        Args:
            claim: The worker's.
            spend: The call.
            reservation: The id of its receipt.
            outcome: As of `settle`.
            usage: What it has used, of counters alone; exactly where it was done.

        Returns:
            What the journal says of it.
            The refusals of `settle`; a fenced runner's report is evidence, and closes nothing.
        """
        return self._portal.call(
            self._service.settle_spend(
                claim, spend, reservation=reservation, outcome=outcome, usage=usage
            )
        )

    def abandon_spend(
        self, claim: Claim, spend: Spend, *, reservation: RequestId
    ) -> bool | Refused[ClaimRefusal]:
        """Closes the hold of a call that was cut off and may be made again, as its expiry would.

        Returns:
            Whether it was closed here.
            The refusals of a claim: whoever holds the run since may use the hold.
        """
        return self._portal.call(self._service.abandon_spend(claim, spend, reservation=reservation))

    def extend_spend(
        self, claim: Claim, spend: Spend, *, reservation: RequestId
    ) -> Receipt | Refused[ExtendRefusal]:
        """Holds on for as long again, once half of its time is over; as `Budgets.extend`."""
        return self._portal.call(self._service.extend_spend(claim, spend, reservation=reservation))

    def set_route(self, claim: Claim, route: Route) -> RunStanding | Refused[RouteRefusal]:
        """Notes which model and configuration serve the run, once.

        Returns:
            Where the run stands; equal repeats change nothing.
            The refusals of a claim; `RouteFixed` where another route was noted.

        Raises:
            InvalidValue: A part of it looks like a secret.
        """
        return self._portal.call(self._service.set_route(claim, route))

    def complete(
        self, claim: Claim, *, result_ref: Ref | None = None
    ) -> RunStanding | Refused[EndRefusal]:
        """Ends a run that was carried out; one that is to be cancelled ends as cancelled.

        A repeat with the same reference answers the same, also after the next run.

        Returns:
            Where the run stands.
            The refusals of a claim; `EffectsOpen` where steps are neither done nor not done.
        """
        return self._portal.call(self._service.complete(claim, result_ref=result_ref))

    def fail(
        self, claim: Claim, *, category: Category, effect: EffectId | None = None
    ) -> RunStanding | Refused[EndRefusal]:
        """Ends a run that cannot be carried out.

        Where `once` steps are open it goes to an operator instead; where it is to be cancelled, it
        ends as cancelled.

        Args:
            claim: The worker's.
            category: Why, in the host's words; never a backend's text.
            effect: The call whose failure ended it, which a retry does again.
        """
        return self._portal.call(self._service.fail(claim, category=category, effect=effect))

    def relinquish(
        self, claim: Claim, *, reason: Relinquishment, redo: EffectId | None = None
    ) -> RunStanding | Refused[EndRefusal]:
        """Gives a run back to be claimed again.

        Args:
            claim: The worker's.
            reason: `DRAIN`: due at once, at most `returned_max` times in a row; `ERROR`: due after
                a backoff, at most `lost_max` times in a row. One more fails the run.
            redo: The call whose error ended the claim, which the next one does again; or, where
                the run is called off, the retry that follows it.
        """
        return self._portal.call(self._service.relinquish(claim, reason=reason, redo=redo))

    def block(
        self, claim: Claim, *, gate: Gate, until: datetime | None = None
    ) -> RunStanding | Disposition | Refused[BlockRefusal]:
        """Lets a run wait at a gate, which ends the claim.

        Args:
            claim: The worker's.
            gate: What for. An approval must be one that this run raised; runs must be its
                children.
            until: When the wait elapses; None for never. Of an approval: its deadline, always.

        Returns:
            Where the run stands, blocked; or, where the gate is settled already, how: then the
            run goes on running, and that is journaled.
            The refusals of a claim; `EffectsOpen`; `EffectsFull`; `ReplayDiverged`;
            `CallDeclined`; `UnknownGate`: no such approval, or none of this run, or a run that is
            none of its children.
        """
        return self._portal.call(self._service.block(claim, gate=gate, until=until))

    def require_approval(
        self,
        claim: Claim,
        effect: EffectId,
        *,
        invocation: InvocationId,
        action: Action,
        effects: frozenset[Effect],
        requester: Principal,
        input: Json | JsonText,
        reason: str,
        display: str,
        correlation_id: CorrelationId | None = None,
        lifetime_seconds: int | None = None,
        quorum: Quorum | None = None,
        attempt: int = 1,
        offers: frozenset[Offer] | None = None,
        cause: ConsentRule = ConsentRule.OTHERWISE,
    ) -> RunStanding | Disposition | Refused[BlockRefusal | RaiseRefusal]:
        """Puts one exact call before people and lets the run wait for them, in one commit.

        The deciding vote, the discard and the expiry of the approval resume the run in theirs.

        Args:
            claim: The worker's.
            effect: The call's place in the journal, where the disposition is kept.
            invocation: As of `Approvals.raise_request`, and so all that follows.
            action: What would be done.
            effects: What it may do to the world.
            requester: Who wants it done.
            input: The call's arguments, as a model gave them.
            reason: Why, for people.
            display: What, for people.
            correlation_id: The run's id unless given.
            lifetime_seconds: How long it may be decided.
            quorum: Who decides; by default the scope's user alone.
            attempt: 1 for the first time; the next once an id is spent.
            offers: What a yes may be given for; by default for this call alone.
            cause: The rule by which consent asked.

        Returns:
            As of `block`, and the refusals of `Approvals.raise_request`.
        """
        return self._portal.call(
            self._service.require_approval(
                claim,
                effect,
                invocation=invocation,
                action=action,
                effects=effects,
                requester=requester,
                input=input,
                reason=reason,
                display=display,
                correlation_id=correlation_id,
                lifetime_seconds=lifetime_seconds,
                quorum=quorum,
                attempt=attempt,
                offers=offers,
                cause=cause,
            )
        )

    def resume(
        self,
        run: RunAddress,
        *,
        kind: GateKind,
        ref: Ref,
        disposition: Disposition | None = None,
        actor: Actor,
        request_id: RequestId,
    ) -> RunStanding | Refused[ResumeRefusal]:
        """Lets a blocked run go on; a denied one too, whose handler sees that.

        Args:
            run: Which.
            kind: Of the gate that it waits at.
            ref: Of that gate.
            disposition: How the gate ended: granted, denied or withdrawn. None of an approval,
                whose disposition is read from it, and of nothing else.
            actor: The submitter, or the gate's system; a system alone where runs are waited for.
            request_id: The caller's; a repeat answers as it did.

        Returns:
            Where the run stands. A wait that had elapsed by then ends as elapsed.
            `NotFound`, `RequestIdReused`, `NotPermitted`, `WrongState`, `GateMismatch`,
            `GatePending`.
        """
        return self._portal.call(
            self._service.resume(
                run, kind=kind, ref=ref, disposition=disposition, actor=actor, request_id=request_id
            )
        )

    def request_cancel(
        self, run: RunAddress, *, reason: Ref, actor: Actor, request_id: RequestId
    ) -> RunStanding | Refused[CancelRefusal]:
        """Calls a run and all that descends from it off. It answers in every state.

        One that no worker holds ends at once. One that is held ends with its claim, by `cancel_by`
        at the latest, as cancelled, whatever the worker says. What descends from it follows one by
        one in this call; a sweep finishes what a crash cuts off.

        Args:
            run: Which.
            reason: Why, in the host's words, 1 to 256 bytes.
            actor: The submitter, an operator or a system.
            request_id: The caller's; a repeat answers as it did.

        Returns:
            Where the run stands.
            `NotFound`, `RequestIdReused`, `NotPermitted`.
        """
        return self._portal.call(
            self._service.request_cancel(run, reason=reason, actor=actor, request_id=request_id)
        )

    def retry(
        self,
        run: RunAddress,
        *,
        settlements: Mapping[EffectId, Done | NotDone],
        actor: Actor,
        request_id: RequestId,
    ) -> RunStanding | Refused[RetryRefusal]:
        """Lets a run that needs an operator go on, or does a failed one again.

        From needs-operator, the uncertain steps are settled and the run is queued, its counts in a
        row zeroed. From failed, a *new* run of the same turn is submitted, all checks of a submit
        but the host's policy included, which continues the same journal: finished steps stay
        finished, the failing one is done again. A failed run is done again once: whoever asks
        again, under whatever request id, is told where that run stands, whatever they settle; if
        it has failed, too, it is the one to retry. A retry that was called off is ended and has
        not been that once: the next request begins another, 8 in all, which goes on from where it
        had come to. So no two that have not ended ever stand on one journal.

        Args:
            run: Which.
            settlements: What the operator has found out of every uncertain step, and of no other;
                a failed run has some where it was given up with steps that nobody settled, or a
                retry of it was called off within them.
                Of a step that happened, a worker's handler is answered what `step_output` has made
                of an output, or None for an empty one; with any other it fails at that step.
            actor: An operator.
            request_id: The caller's; a repeat answers as it did, or, of a failed run, where the
                run that it began stands by now, called off or not.

        Returns:
            Where the run stands; of a failed one, where the new run does.
            `NotFound`, `RequestIdReused`, `NotPermitted`, `WrongState`, `EffectsUnsettled`, and
            those of `submit`.
        """
        return self._portal.call(
            self._service.retry(run, settlements=settlements, actor=actor, request_id=request_id)
        )

    def give_up(
        self,
        run: RunAddress,
        *,
        settlements: Mapping[EffectId, Done | NotDone],
        category: Category,
        actor: Actor,
        request_id: RequestId,
    ) -> RunStanding | Refused[RetryRefusal]:
        """Fails a run that needs an operator.

        Arguments and answers are as of `retry`, but that steps may be left out of `settlements`:
        they stay uncertain, and a retry of the failed run waits for them. `category` says why it
        failed.
        """
        return self._portal.call(
            self._service.give_up(
                run, settlements=settlements, category=category, actor=actor, request_id=request_id
            )
        )

    def set_limit(
        self, of: BucketId | LaneId, *, limits: BucketLimits | int | None, by: Actor
    ) -> BucketLimits | int | Refused[NotPermitted] | None:
        """Bounds how many runs are held or claimed at once; nobody is evicted.

        A bucket that is limited for the first time refuses nobody until older runs are counted,
        which takes a sweep and 15 seconds.

        Args:
            of: A bucket, or a user's lane of one class.
            limits: Of a bucket `BucketLimits`; of a lane how many runs may be claimed at once, None
                for any number.
            by: An operator.

        Returns:
            What is now in force. `NotPermitted`.
        """
        return self._portal.call(self._service.set_limit(of, limits=limits, by=by))

    def limit_of(self, of: BucketId | LaneId) -> LimitStanding | None:
        """What is in force for a bucket or a lane, and how much of it is used; None for nothing."""
        return self._portal.call(self._service.limit_of(of))

    def recover(self, *, limit: int = 100) -> Swept:
        """Ends claims whose deadline has come, one commit a run.

        Their runs are queued again, or fail, are cancelled or go to an operator. A record that is
        unreadable is reported and passed over, and so is the corrupt record of a parent: its
        child ends as if it had none, and the parent, once it is mended, is resumed by the host.

        Args:
            limit: For how many runs at most something is stored; what fails counts for nothing.
        """
        return self._portal.call(self._service.recover(limit=limit))

    def resume_budget_waits(self, *, limit: int = 100) -> Swept:
        """Queues runs that wait for a budget gate which is open no more; each reserves again.

        A part of every sweep; for whoever has heard that a gate was answered, alone.

        Args:
            limit: How many runs to resume at most.
        """
        return self._portal.call(self._service.resume_budget_waits(limit=limit))

    def sweep(self, *, limit: int = 100) -> Swept:
        """Tidies whatever time or a crash has left, `recover` included; safe to run anywhere.

        Args:
            limit: For how many records of each kind at most something is stored; what fails
                counts for nothing, so that it hides none of the others.
        """
        return self._portal.call(self._service.sweep(limit=limit))

    def retire(self, *, limit: int = 100, dry_run: bool = False) -> Retired:
        """Hands ended runs past their retention over to the archive, and keeps tombstones.

        Live runs, roots with live members and journals in use are spared. Without an archive
        nothing is retired.

        Args:
            limit: How many runs at most.
            dry_run: Whether to list only what would be retired.
        """
        return self._portal.call(self._service.retire(limit=limit, dry_run=dry_run))

    def get(self, run: RunAddress) -> RunView | None:
        """The run as it stands; None where there is none, or it was retired."""
        return self._portal.call(self._service.get(run))

    def journal(self, run: RunAddress) -> tuple[RunEffect, ...]:
        """All calls that a run and those that it repeats have journaled, outputs included.

        They come in the order of the times at which they were entered, those of one instant in
        any order; none where there is no such run.
        """
        return self._portal.call(self._service.journal(run))

    def last_checkpoint(self, run: RunAddress) -> Checkpoint | None:
        """The newest checkpoint of a run, or else of the one that it repeats."""
        return self._portal.call(self._service.last_checkpoint(run))

    def list(
        self,
        prefix: ScopePrefix,
        *,
        statuses: frozenset[RunStatus] | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> RunPage:
        """The runs under a scope prefix: those that have not ended, then those that have.

        They come state by state, oldest first. One that changes its state while one pages may be
        listed twice, or not.

        Args:
            prefix: Through the user at least, for example `ScopePrefix.owner(scope)`.
            statuses: Only runs in these states; None for all.
            after: The `next` of the page before, which had the same prefix and states; None for
                the first.
            limit: 1 to 200, unreadable ones included.
        """
        return self._portal.call(
            self._service.list(prefix, statuses=statuses, after=after, limit=limit)
        )

    def history(
        self, run: RunAddress, *, after: Cursor = START, limit: int | None = None
    ) -> RunHistory | None:
        """What became of a run: events, journal, checkpoints, children; None where it is none.

        Args:
            run: Which.
            after: The `next` of the page of events before.
            limit: How many events of the thread are examined, 1 to 200; a page tells those of the
                run among them.
        """
        return self._portal.call(self._service.history(run, after=after, limit=limit))

    def wait(
        self, run: RunAddress, *, after_version: int | None = None, timeout_seconds: float = 30.0
    ) -> RunView | None:
        """Waits until a run has ended, is blocked or needs an operator.

        It writes nothing and holds no connection while it sleeps. A store that is unavailable
        meanwhile is asked again until the timeout.

        Args:
            run: Which.
            after_version: The `version` of a view that the caller has: a run that is still as it
                was then is waited for. None for none.
            timeout_seconds: 0 to 600; 0 looks once.

        Returns:
            The run; as it is at the timeout, where nothing of that came about. None where there is
            none, or it was retired.
        """
        return self._portal.call(
            self._service.wait(run, after_version=after_version, timeout_seconds=timeout_seconds)
        )


@frozen
class BlockingThreads:
    """`Threads` for synchronous callers; any thread may call."""

    _portal: Portal[object] = field(repr=False)
    _service: Threads

    def accept_inbound(
        self,
        scope: Scope,
        thread_id: str,
        identity: Inbound,
        content: Content,
        *,
        actor: str | None,
        reply_binding: str | None = None,
        epoch: int | None = None,
    ) -> MessageReceipt | Refused[AcceptRefusal]:
        """Appends what a user sends, once.

        The event or the request is the idempotency key: delivered again, by any process, whatever
        happened since, it answers the one message as it stands, and stores nothing. An event is
        one message of one thread for all threads of its owner.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: The thread.
            identity: The event, or the client's request.
            content: What was sent.
            actor: Who sent it, as the host has established; None where nobody knows.
            reply_binding: Where an answer goes to.
            epoch: What the caller knows the thread by; None for whatever it is.

        Returns:
            The message's receipt.
            A refusal of the gate; `EventThreadMismatch`, `EventActorMismatch`,
            `EventPayloadMismatch`, `MessageConflict`: it was delivered otherwise before;
            `ThreadIsArchived`, `ThreadFull`.

        Raises:
            InvalidValue, ThreadLimitExceeded: The content is none that a message may have.
        """
        return self._portal.call(
            self._service.accept_inbound(
                scope,
                thread_id,
                identity,
                content,
                actor=actor,
                reply_binding=reply_binding,
                epoch=epoch,
            )
        )

    def mark_submitted(
        self, scope: Scope, thread_id: str, message_id: str, *, turn_id: str, run_id: str
    ) -> MessageReceipt | Refused[GateRefusal | MessageNotFound | MarkRefusal]:
        """Notes that a turn and a run were made of a message; for schedulers of the host's own.

        Idempotent: the same ids again change nothing.

        Returns:
            The message's receipt.
            A refusal of the gate; `MessageNotFound`, `MessageIsRedacted`; `AlreadySubmitted` with
            the ids that it was submitted as, `AlreadyRejected`, `WrongMessageState`.
        """
        return self._portal.call(
            self._service.mark_submitted(
                scope, thread_id, message_id, turn_id=turn_id, run_id=run_id
            )
        )

    def mark_rejected_busy(
        self, scope: Scope, thread_id: str, message_id: str
    ) -> MessageReceipt | Refused[GateRefusal | MessageNotFound | MarkRefusal]:
        """Notes that a message was turned away for good, because the thread was busy.

        Idempotent by state; it answers as `mark_submitted` does.
        """
        return self._portal.call(self._service.mark_rejected_busy(scope, thread_id, message_id))

    def lookup(
        self, scope: Scope, *, source_binding: str, event_id: str, actor: str | None
    ) -> InboundClaim | None:
        """What was claimed for an event: one load of one cell, however long the thread is.

        Returns:
            The claim, which names thread and message; None where nothing was claimed in this
            owner's scope, or for another actor.
        """
        return self._portal.call(
            self._service.lookup(
                scope, source_binding=source_binding, event_id=event_id, actor=actor
            )
        )

    def open_draft(
        self,
        scope: Scope,
        thread_id: str,
        *,
        run_id: str,
        slot: int,
        content: Content | None = None,
        epoch: int | None = None,
        write: RunWrite[R] | None = None,
    ) -> MessageReceipt | Refused[GateRefusal | ThreadFull | R]:
        """Appends a message that a run is about to write, once for each run and slot.

        Repeated, it answers the message as it stands, in any state: the run goes on from the
        draft's version, or adopts what it had ended before.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: The thread.
            run_id: Whose message it is.
            slot: Which of the run's messages, from 0.
            content: What it says so far; nothing unless it is given.
            epoch: What the caller knows the thread by; None for whatever it is.
            write: The run's right to write; None where nobody keeps such rights.
        """
        return self._portal.call(
            self._service.open_draft(
                scope,
                thread_id,
                run_id=run_id,
                slot=slot,
                content=content,
                epoch=epoch,
                write=write,
            )
        )

    def update_draft(
        self,
        scope: Scope,
        thread_id: str,
        *,
        run_id: str,
        slot: int,
        version: int,
        content: Content,
        write: RunWrite[R] | None = None,
    ) -> MessageReceipt | Refused[UpdateRefusal | R]:
        """Lets a draft say something else: all of it, under a higher version.

        A version that is not higher stores nothing: updates that arrive late overwrite nothing.
        Nothing but the draft's own cell is written or checked, and no event is told.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: The thread.
            run_id: Whose message it is.
            slot: Which of the run's messages.
            version: From 1; each update has a higher one.
            content: All that it says from now on.
            write: The run's right to write; it bounds the write, and is not checked in it.

        Returns:
            The message's receipt.
            A refusal of the gate or of the right; `MessageNotFound`, `MessageIsRedacted`;
            `DraftConflict`: this version says something else; `AlreadyFinalized` with the message
            as it was ended, `AlreadyInterrupted`.
        """
        return self._portal.call(
            self._service.update_draft(
                scope,
                thread_id,
                run_id=run_id,
                slot=slot,
                version=version,
                content=content,
                write=write,
            )
        )

    def finalize(
        self,
        scope: Scope,
        thread_id: str,
        *,
        run_id: str,
        slot: int,
        content: Content,
        provider: bytes | None = None,
        epoch: int | None = None,
        write: RunWrite[R] | None = None,
    ) -> MessageReceipt | Refused[GateRefusal | ThreadFull | DraftEndRefusal | R]:
        """Ends a run's message: its draft, or, where there is none, a message that it appends.

        The same content again stores nothing.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: The thread.
            run_id: Whose message it is.
            slot: Which of the run's messages.
            content: All that it will ever say.
            provider: Private data of the provider, at most 32 KiB.
            epoch: What the caller knows the thread by; None for whatever it is.
            write: The run's right to write.

        Returns:
            The message's receipt.
            A refusal of the gate or of the right; `ThreadFull`, `MessageIsRedacted`;
            `AlreadyFinalized` with the message as it was ended, `AlreadyInterrupted`.
        """
        return self._portal.call(
            self._service.finalize(
                scope,
                thread_id,
                run_id=run_id,
                slot=slot,
                content=content,
                provider=provider,
                epoch=epoch,
                write=write,
            )
        )

    def append_assistant(
        self,
        scope: Scope,
        thread_id: str,
        *,
        run_id: str,
        slot: int,
        content: Content,
        provider: bytes | None = None,
        epoch: int | None = None,
        write: RunWrite[R] | None = None,
    ) -> MessageReceipt | Refused[GateRefusal | ThreadFull | DraftEndRefusal | R]:
        """Appends a run's message that was never a draft; where it is one, `finalize` it is."""
        return self._portal.call(
            self._service.append_assistant(
                scope,
                thread_id,
                run_id=run_id,
                slot=slot,
                content=content,
                provider=provider,
                epoch=epoch,
                write=write,
            )
        )

    def interrupt(
        self,
        scope: Scope,
        thread_id: str,
        *,
        run_id: str,
        slot: int,
        code: str,
        write: RunWrite[R] | None = None,
    ) -> MessageReceipt | Refused[InterruptRefusal | R]:
        """Gives a draft up: what it says so far stands, and nobody goes on with it.

        The same code again stores nothing.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: The thread.
            run_id: Whose message it is.
            slot: Which of the run's messages.
            code: Why, as a word of the host's.
            write: The run's right to write.
        """
        return self._portal.call(
            self._service.interrupt(
                scope, thread_id, run_id=run_id, slot=slot, code=code, write=write
            )
        )

    def append_tool_result(
        self,
        scope: Scope,
        thread_id: str,
        *,
        run_id: str,
        result_ref: str,
        safe_summary: str,
        observation: Json | JsonText = None,
        content: Content | None = None,
        provider: bytes | None = None,
        epoch: int | None = None,
        write: RunWrite[R] | None = None,
    ) -> (
        MessageReceipt | Refused[GateRefusal | ThreadFull | UnsafeSummary | ToolResultConflict | R]
    ):
        """Appends what a tool has answered to a run, once for each ref.

        Repeated, it stores nothing, also after a redaction; private data or an observation that
        was not there before is filled in, once.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: The thread.
            run_id: The run that has called the tool.
            result_ref: `result:` and letters, digits, `_`, `.` or `-`: where the host keeps all.
            safe_summary: 1 to 512 characters that may be shown to models and people.
            observation: `{"version": 1, "status": "succeeded" | "failed" | "partial", "facts":
                [{"name": ..., "value": ...}]}`. One that is something else, too large, or not safe
                is dropped, and the receipt says so.
            content: Parts beside it; none unless they are given.
            provider: Private data of the provider, at most 32 KiB.
            epoch: What the caller knows the thread by; None for whatever it is.
            write: The run's right to write.

        Returns:
            The message's receipt.
            A refusal of the gate or of the right; `ThreadFull`; `UnsafeSummary` with the rule that
            it breaks; `ToolResultConflict`: another result is kept under this ref.
        """
        return self._portal.call(
            self._service.append_tool_result(
                scope,
                thread_id,
                run_id=run_id,
                result_ref=result_ref,
                safe_summary=safe_summary,
                observation=observation,
                content=content,
                provider=provider,
                epoch=epoch,
                write=write,
            )
        )

    def append(
        self,
        scope: Scope,
        thread_id: str,
        kind: MessageKind,
        content: Content,
        *,
        request_id: RequestId,
        actor: str | None = None,
        run_id: str | None = None,
        epoch: int | None = None,
        write: RunWrite[R] | None = None,
    ) -> MessageReceipt | Refused[GateRefusal | ThreadFull | MessageConflict | R]:
        """Appends a message of the system, or a checkpoint, once for each request id.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: The thread.
            kind: `SYSTEM` or `CHECKPOINT`; checkpoints are in no window.
            content: What it says.
            request_id: The idempotency key, among all messages of the thread.
            actor: Who wrote it.
            run_id: The run that it belongs to; None for none.
            epoch: What the caller knows the thread by; None for whatever it is.
            write: The run's right to write.
        """
        return self._portal.call(
            self._service.append(
                scope,
                thread_id,
                kind,
                content,
                request_id=request_id,
                actor=actor,
                run_id=run_id,
                epoch=epoch,
                write=write,
            )
        )

    def append_preview(
        self,
        scope: Scope,
        thread_id: str,
        content: Content,
        *,
        run_id: str,
        invocation: str,
        epoch: int | None = None,
        write: RunWrite[R] | None = None,
    ) -> MessageReceipt | Refused[GateRefusal | ThreadFull | MessageConflict | R]:
        """Appends what a run would do, before it is done, once for each invocation.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: The thread.
            content: At most 16 KiB of text; it is in no window.
            run_id: Whose invocation it is.
            invocation: The host's name for the intended execution.
            epoch: What the caller knows the thread by; None for whatever it is.
            write: The run's right to write.
        """
        return self._portal.call(
            self._service.append_preview(
                scope,
                thread_id,
                content,
                run_id=run_id,
                invocation=invocation,
                epoch=epoch,
                write=write,
            )
        )

    def summarise(
        self,
        scope: Scope,
        thread_id: str,
        *,
        start: int,
        end: int,
        kind: str,
        text: str,
        policy: SummaryPolicy,
        basis: int,
        request_id: RequestId,
        absorbs: Iterable[SummaryId] = (),
        run_id: str | None = None,
        epoch: int | None = None,
        write: RunWrite[R] | None = None,
    ) -> Summarised | Refused[SummariseRefusal | R]:
        """Lets a text stand for the messages `start` to `end`, or beside them as a note.

        Repeated with the same request id it answers what it answered first, also after the summary
        was absorbed. After a redaction in the range it is refused: read again, summarise again.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: The thread.
            start: The first message.
            end: The last message.
            kind: What sort of summary it is, as a word of the host's.
            text: At most 16 KiB of UTF-8.
            policy: Whether it replaces the messages in windows, or is a note on them.
            basis: As the window or the history answered it from which the text was made.
            request_id: The idempotency key.
            absorbs: The replacing summaries within the range, all of them; they give way.
            run_id: The run that wrote it; None for none.
            epoch: What the caller knows the thread by; None for whatever it is.
            write: The run's right to write.

        Returns:
            What was added, and how many gave way.
            A refusal of the gate or of the right; `RequestIdReused`, `SummaryRange`, `BasisMoved`,
            `RangeUnsettled` (a draft is in the range), `SummaryOverlap`, `SummarySetFull`.
        """
        return self._portal.call(
            self._service.summarise(
                scope,
                thread_id,
                start=start,
                end=end,
                kind=kind,
                text=text,
                policy=policy,
                basis=basis,
                request_id=request_id,
                absorbs=absorbs,
                run_id=run_id,
                epoch=epoch,
                write=write,
            )
        )

    def summaries(self, scope: Scope, thread_id: str) -> tuple[Summary, ...]:
        """The summaries of a thread, as they were added; none where the thread is gone."""
        return self._portal.call(self._service.summaries(scope, thread_id))

    def redact(
        self, scope: Scope, thread_id: str, message_id: str, *, code: str, by: str
    ) -> MessageReceipt | Refused[GateRefusal | MessageNotFound]:
        """Cuts a message to its identity, here and in every fork that shows it, in one commit.

        Gone with it are the digest by which a redelivery was compared, a title that was derived
        from it, and every summary that covers it. Titles that were set, goals and metadata are
        the caller's to change. A redelivery restores nothing. Idempotent: the first code stands.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: A thread that shows the message: its own, or a fork.
            message_id: The message, in any state.
            code: Why, as a word of the host's; it is kept and shown.
            by: Who does it.

        Returns:
            The message's receipt.
            A refusal of the gate; `MessageNotFound`.
        """
        return self._portal.call(
            self._service.redact(scope, thread_id, message_id, code=code, by=by)
        )

    def erasures(self, *, after: str | None = None, limit: int | None = None) -> ErasurePage:
        """The redacted messages of all owners, files of which the host has still to delete.

        Args:
            after: The `next` of the page before; None for the first.
            limit: How many redacted messages are looked at, 1 to 200; 50 unless the settings say
                otherwise.
        """
        return self._portal.call(self._service.erasures(after=after, limit=limit))

    def confirm_erasure(
        self, scope: Scope, message_id: str
    ) -> MessageReceipt | Refused[MessageNotFound | WrongMessageState]:
        """Notes that the host has deleted the files of a redacted message, and forgets their keys.

        The erasure is done once the store was scrubbed afterwards, which a sweep does. Idempotent.

        Args:
            scope: The thread's own, as `erasures` answers it.
            message_id: The message.
        """
        return self._portal.call(self._service.confirm_erasure(scope, message_id))

    def fork(
        self,
        scope: Scope,
        thread_id: str,
        *,
        to: str,
        through: int,
        created_by: str,
        epoch: int | None = None,
    ) -> ThreadReceipt | Refused[ForkRefusal]:
        """Makes a thread that begins with the messages of another up to `through`.

        The messages are shared under their numbers; the fork's own go on from there. Only a
        redaction reaches through a fork. The fork is as its own id says: repeated, it answers the
        fork that is there. Whoever wants an independent copy exports and imports.

        Args:
            scope: The owner's, or the source's own.
            thread_id: The source.
            to: The id of the fork, among the threads of the same owner.
            through: The last message that is shared, from 1.
            created_by: Who forks.
            epoch: What the caller knows the source by; None for whatever it is.

        Returns:
            The fork as it stands.
            A refusal of the gate; `ThreadExists`, `ForkRange`, `RangeUnsettled` (a draft is in the
            range), `FamilyFull`, `BaseTooDeep`.
        """
        return self._portal.call(
            self._service.fork(
                scope, thread_id, to=to, through=through, created_by=created_by, epoch=epoch
            )
        )

    def list_threads(
        self,
        scope: Scope,
        *,
        state: ThreadState = ThreadState.ACTIVE,
        after: str | None = None,
        limit: int | None = None,
    ) -> ThreadPage:
        """The threads of exactly this owner scope, the latest activity first.

        A thread without activity while one pages is listed once, one with activity at most once.

        Args:
            scope: The owner's; it has no thread.
            state: `ACTIVE` or `ARCHIVED`.
            after: The `next` of the page before; None for the first.
            limit: 1 to 200 threads; 50 unless the settings say otherwise.

        Raises:
            InvalidValue: The scope is no owner's, the state none that is listed, the limit out of
                bounds, or `after` no `next` of these very threads.
        """
        return self._portal.call(
            self._service.list_threads(scope, state=state, after=after, limit=limit)
        )

    def list_unsubmitted(
        self, *, after: str | None = None, limit: int | None = None
    ) -> WaitingPage:
        """The messages of all owners that were accepted a while ago, and that nobody has taken.

        Whoever accepted them was cut off before it could submit them: submit them now. What is in
        a thread that was deleted is left out.

        Args:
            after: The `next` of the page before; None for the first.
            limit: How many are looked at, 1 to 200; 50 unless the settings say otherwise.
        """
        return self._portal.call(self._service.list_unsubmitted(after=after, limit=limit))

    def export(
        self,
        scope: Scope,
        thread_id: str,
        *,
        write: Callable[[str], object],
        epoch: int | None = None,
    ) -> Exported | Refused[GateRefusal | ExportMoved]:
        """Writes a thread as an archive, one line of JSON after the other.

        Messages that are appended meanwhile are not in it. Where a message of the thread is
        redacted meanwhile, the last line is not written, so that it is no archive: delete it.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: The thread.
            write: Called with each line, without its end.
            epoch: What the caller knows the thread by; None for whatever it is.

        Returns:
            What the archive has.
            A refusal of the gate; `ExportMoved`.
        """
        return telling(
            self._portal,
            lambda write: self._service.export(scope, thread_id, write=write, epoch=epoch),
            write,
        )

    def import_thread(
        self, scope: Scope, thread_id: str, archive: str, *, imported_by: str
    ) -> ThreadReceipt | Refused[ImportRefusal]:
        """Makes a thread from an archive, all of it or nothing that anybody sees.

        The whole archive is checked before anything is written. Numbers, ids and times stay;
        drafts are interrupted; nothing of it is due. While it is under way, the thread is refused
        and not listed; repeated with the same archive, by any process, it goes on where it was
        cut off. A sweep gives up what takes longer than the settings allow.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: The id of the thread, which nobody has used.
            archive: All that `export` wrote, each line ended by a line feed.
            imported_by: Who imports.

        Returns:
            The thread as it stands.
            `ScopeMismatch`; `ImportInvalid` with the first line that is wrong; `ThreadExists`,
            `ThreadIsDeleted`.
        """
        return self._portal.call(
            self._service.import_thread(scope, thread_id, archive, imported_by=imported_by)
        )

    def get(self, scope: Scope, thread_id: str) -> ThreadView | None:
        """The thread as a whole; None where there is none, or it is deleted or not yet whole."""
        return self._portal.call(self._service.get(scope, thread_id))

    def message(self, scope: Scope, thread_id: str, message_id: str) -> MessageView | None:
        """One message of a thread, or of what it shares; None where there is none."""
        return self._portal.call(self._service.message(scope, thread_id, message_id))

    def history(
        self,
        scope: Scope,
        thread_id: str,
        *,
        after: int = 0,
        through: int | None = None,
        newest_first: bool = False,
        limit: int | None = None,
        epoch: int | None = None,
    ) -> HistoryPage | Refused[GateRefusal]:
        """The messages after one number through another, by pages.

        Redacted messages are placeholders. A page may hold fewer messages than its limit, where
        they are large: the end is where `next` is None, and nowhere else.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: The thread.
            after: The message before the first; 0 for the beginning.
            through: The last message; None for the last that there is.
            newest_first: Whether the last come first; `next` is then the next `through`.
            limit: 1 to 1,000 messages; 100 unless the settings say otherwise. At most 4 MiB.
            epoch: What the caller knows the thread by; None for whatever it is.

        Raises:
            Corrupt: A message is unreadable, or not there.
        """
        return self._portal.call(
            self._service.history(
                scope,
                thread_id,
                after=after,
                through=through,
                newest_first=newest_first,
                limit=limit,
                epoch=epoch,
            )
        )

    def window(
        self,
        scope: Scope,
        thread_id: str,
        *,
        through: int | None = None,
        run_id: str | None = None,
        limit: int | None = None,
        bytes_max: int | None = None,
        with_provider: bool = False,
        epoch: int | None = None,
    ) -> Window | Refused[GateRefusal]:
        """What a model is shown: the newest entries, in order, summaries for what they replace.

        Visible are messages that are accepted, submitted or finalized, without previews and
        checkpoints, up to `through` or of the run itself. Where the window is cut, it does not
        begin with the result of a call that was cut off.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: The thread.
            through: The last message of others; None for the last that there is.
            run_id: The run whose own messages are visible after `through`, too.
            limit: 1 to 1,000 entries; 200 unless the settings say otherwise.
            bytes_max: Stored bytes of all entries, at most 4 MiB; 1 MiB unless the settings say
                otherwise. One entry is shown though it alone is larger.
            with_provider: Whether messages come with the private data of their provider.
            epoch: What the caller knows the thread by; None for whatever it is.

        Raises:
            Corrupt: A message is unreadable, or not there.
        """
        return self._portal.call(
            self._service.window(
                scope,
                thread_id,
                through=through,
                run_id=run_id,
                limit=limit,
                bytes_max=bytes_max,
                with_provider=with_provider,
                epoch=epoch,
            )
        )

    def sweep(self) -> ThreadsSwept:
        """Tidies up whatever is due, within bounds; call it now and then, from anywhere.

        In this order: imports that took too long are deleted, archived threads retired (where the
        settings say so), messages of deleted threads deleted, drafts of ended runs interrupted,
        claims forgotten, and the store is scrubbed where a redaction waits for it.

        Raises:
            Unavailable: The store did not serve; what was done before stands.
        """
        return self._portal.call(self._service.sweep())

    def retire(self, *, dry_run: bool) -> ThreadsRetired:
        """Deletes the archived threads whose last activity is longer ago than the settings allow.

        A thread in which a run is active is left alone.

        Args:
            dry_run: Whether to tell only what would be deleted.

        Returns:
            At most 1,000 threads, the longest inactive first; none where the settings keep all.
        """
        return self._portal.call(self._service.retire(dry_run=dry_run))

    def ensure_thread(
        self,
        scope: Scope,
        thread_id: str,
        *,
        created_by: str,
        title: str | None = None,
        metadata: Json | JsonText | None = None,
    ) -> ThreadReceipt | Refused[GateRefusal]:
        """Makes a thread, where it is not there. Of those who ensure it at once, one makes it.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: What it is called among the owner's threads, for ever.
            created_by: Who makes it.
            title: At most 200 characters; None until its first message gives one.
            metadata: A JSON object of at most 16 KiB.

        Returns:
            The thread as it stands; the arguments do not change one that is there.
            `ScopeMismatch`, `ThreadImporting`, `ThreadIsDeleted`.
        """
        return self._portal.call(
            self._service.ensure_thread(
                scope, thread_id, created_by=created_by, title=title, metadata=metadata
            )
        )

    def rename(
        self,
        scope: Scope,
        thread_id: str,
        title: str | None,
        *,
        request_id: RequestId,
        epoch: int | None = None,
    ) -> ThreadEdit | Refused[HeaderRefusal]:
        """Sets the title, at most 200 characters, or clears it, so that the derived one is shown.

        Repeated with the same request id it answers what it answered first.
        """
        return self._portal.call(
            self._service.rename(scope, thread_id, title, request_id=request_id, epoch=epoch)
        )

    def set_metadata(
        self,
        scope: Scope,
        thread_id: str,
        metadata: Json | JsonText | None,
        *,
        request_id: RequestId,
        epoch: int | None = None,
    ) -> ThreadEdit | Refused[HeaderRefusal]:
        """Sets the metadata, all of it, a JSON object of at most 16 KiB.

        Repeated with the same request id it answers what it answered first.
        """
        return self._portal.call(
            self._service.set_metadata(
                scope, thread_id, metadata, request_id=request_id, epoch=epoch
            )
        )

    def archive(
        self, scope: Scope, thread_id: str, *, request_id: RequestId, epoch: int | None = None
    ) -> ThreadEdit | Refused[HeaderRefusal]:
        """Puts the thread aside: it takes no inbound message, and is listed apart.

        Runs that are under way may still write. Idempotent by state and by request id.
        """
        return self._portal.call(
            self._service.archive(scope, thread_id, request_id=request_id, epoch=epoch)
        )

    def unarchive(
        self, scope: Scope, thread_id: str, *, request_id: RequestId, epoch: int | None = None
    ) -> ThreadEdit | Refused[HeaderRefusal]:
        """Takes the thread up again. Idempotent by state and by request id."""
        return self._portal.call(
            self._service.unarchive(scope, thread_id, request_id=request_id, epoch=epoch)
        )

    def set_goal(
        self,
        scope: Scope,
        thread_id: str,
        statement: str,
        *,
        expected: int,
        request_id: RequestId,
        epoch: int | None = None,
    ) -> ThreadEdit | Refused[GoalRefusal]:
        """States what the thread is for, or refines it, where nobody has meanwhile.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: The thread.
            statement: 1 to 4,000 characters after trimming.
            expected: The `refinement_count` that the caller has seen; 0 for no goal.
            request_id: Repeated with the same, it answers what it answered first.
            epoch: What the caller knows the thread by; None for whatever it is.

        Returns:
            The edit, with the count after it.
            A refusal of the gate, `RequestIdReused`; `GoalMoved` with the present count.
        """
        return self._portal.call(
            self._service.set_goal(
                scope, thread_id, statement, expected=expected, request_id=request_id, epoch=epoch
            )
        )

    def delete(
        self, scope: Scope, thread_id: str, *, force: bool = False
    ) -> ThreadDeletion | Refused[DeleteRefusal]:
        """Deletes a thread, for ever: its id is spent, and everything in flight loses.

        What is left is a tombstone. The messages are swept afterwards (`sweep`); those that living
        forks share are kept for them. Whoever needs to delete the files of attachments lists them
        before.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: The thread; one that is still being imported may be deleted, too.
            force: Whether a run that is active does not matter.

        Returns:
            The deletion, now or before. A record that was to be told of the end of the thread's
            run and is corrupt holds it up no more than it holds up that run; the deletion names it.
            `ScopeMismatch`, `ThreadNotFound`; `ThreadHasRun` with the run that is active.
        """
        return self._portal.call(self._service.delete(scope, thread_id, force=force))


@frozen(kw_only=True, eq=False)
class BlockingServices:
    """The services of a keep, for synchronous callers; any thread may call.

    Attributes:
        portal: Where they run, for whoever adds to them.
        async_keep: The keep itself; it is awaited in the portal, and nowhere else.
        approvals: Puts calls of agents before the people who may decide them.
        budgets: Says before metered work starts whether it may.
        credentials: Lets bearers of sessions use accounts for their targets; needs a master key.
        events: Tells what has happened, in order.
        leases: Lets one holder at a time own a named resource.
        policies: Keeps what users have allowed once for all, and says what that means for a call.
        secrets: Keeps material, and lends it a counted number of times; needs a master key.
        turns: Accepts what agents are asked to do, and has it carried out once.
        threads: Keeps the transcripts of conversations.
    """

    portal: Portal[object] = field(repr=False)
    async_keep: Keep = field(repr=False)
    approvals: BlockingApprovals
    budgets: BlockingBudgets
    credentials: BlockingCredentials
    events: BlockingEventLog
    leases: BlockingLeases
    policies: BlockingPolicies
    secrets: BlockingSecrets
    turns: BlockingTurns
    threads: BlockingThreads

    @classmethod
    def over(cls, keep: Keep, portal: Portal[object]) -> Self:
        """The services of a keep that stands open in a portal."""
        return cls(
            portal=portal,
            async_keep=keep,
            approvals=BlockingApprovals(portal, keep.approvals),
            budgets=BlockingBudgets(portal, keep.budgets),
            credentials=BlockingCredentials(portal, keep.credentials),
            events=BlockingEventLog(portal, keep.events),
            leases=BlockingLeases(portal, keep.leases),
            policies=BlockingPolicies(portal, keep.policies),
            secrets=BlockingSecrets(portal, keep.secrets),
            turns=BlockingTurns(portal, keep.turns),
            threads=BlockingThreads(portal, keep.threads),
        )
