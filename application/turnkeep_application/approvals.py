"""Approvals: the use cases by which one exact call is put before people, and decided.

The host stamps scope and actor; clients supply neither. Another scope's approval is absent: reads
answer None or nothing, commands `Unknown`, and nothing is written. Time is the store's alone, so
what is overdue is expired for everybody at once, whether or not that was noted.

Commands answer an outcome, or `Refused` with a reason that has a stable `code`; they raise what
`Updates.update` raises. Reads raise `Unavailable`, `Corrupt` and `SchemaTooNew`. Every use case
raises `InvalidValue` for what no host should have handed over, values of another class included,
before anything is read and without repeating it; what a model handed over as input is refused.

The module is long because every use case has its whole contract beside it; what is not one has a
module of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TypeAlias, TypeVar, assert_never

from attrs import Factory, evolve, field, frozen

from turnkeep_application.approval_answering import GateAnswered, OpenGates
from turnkeep_application.approval_cells import approval_key, grant_key, payload_key
from turnkeep_application.approval_explaining import ApprovalExplaining, ApprovalExplanation
from turnkeep_application.approval_granting import (
    BeginRefusal,
    Granting,
    Presented,
    TakeRefusal,
)
from turnkeep_application.approval_pending import PendingApprovals
from turnkeep_application.approval_raising import ApprovalRaising, Asked
from turnkeep_application.approval_retention import ApprovalRetention, ApprovalsPruned, erased
from turnkeep_application.approval_ruling import ruled, with_release
from turnkeep_application.approval_settings import (
    SWEEP_RECORDS_MAX,
    WAIT_SECONDS_DEFAULT,
    ApprovalSettings,
)
from turnkeep_application.approval_sweeping import ApprovalsSwept, ApprovalSweep
from turnkeep_application.approval_views import (
    ApprovalView,
    PendingPage,
    StillPending,
    approval_view,
    view_of,
)
from turnkeep_application.approval_waiting import ApprovalWait
from turnkeep_application.grant_views import GrantView, grant_view
from turnkeep_application.reading import Reading
from turnkeep_application.records import Need, Records
from turnkeep_application.updates import Updates
from turnkeep_application.waiting import require_timeout
from turnkeep_application.watching import Watch
from turnkeep_domain.approvals.approval import APPROVALS, Approval, ApprovalRecord
from turnkeep_domain.approvals.approval_id import ApprovalId
from turnkeep_domain.approvals.calls import Action, Effect
from turnkeep_domain.approvals.canonical import Json, JsonText
from turnkeep_domain.approvals.consent_rules import ConsentRule
from turnkeep_domain.approvals.discarded import Discarded
from turnkeep_domain.approvals.gate_option import GateOption
from turnkeep_domain.approvals.gate_ref import GateRef
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
from turnkeep_domain.approvals.limits import require_whole
from turnkeep_domain.approvals.names import CorrelationId, InvocationId
from turnkeep_domain.approvals.payload import ApprovalPayload
from turnkeep_domain.approvals.quorum import Quorum
from turnkeep_domain.approvals.refusals import (
    AmbiguousGate,
    ApproveRefusal,
    DiscardRefusal,
    ExpireRefusal,
    InvalidGateRef,
    NothingToAnswer,
    RaiseRefusal,
    StaleGate,
    Unknown,
    VoteRefusal,
)
from turnkeep_domain.approvals.states import ApprovalOutcome
from turnkeep_domain.approvals.votes import Offer
from turnkeep_domain.consent.manifest import Manifest
from turnkeep_domain.consent.origin import Origin
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import require_identifier
from turnkeep_domain.instants import require_instant
from turnkeep_domain.keys import ReadKey
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_ports.clock import Clock, Deadline
from turnkeep_ports.store import Interest, RecordStore

O = TypeVar("O")
Q = TypeVar("Q")
R = TypeVar("R")

AnswerRefusal: TypeAlias = (
    InvalidGateRef | AmbiguousGate | NothingToAnswer | Unknown | ApproveRefusal
)
Command: TypeAlias = Callable[[ApprovalRecord, datetime], Decision[ApprovalRecord, O, R]]
Along: TypeAlias = Callable[
    [Records, Approval, Decision[Records, O, R], datetime], Decision[Records, O, Q] | Need
]
"""Adds to a decision on an approval what is stored along, or refuses it."""


@frozen
class Erased:
    """The payload of an approval is erased, now or before."""

    id: str


@frozen(kw_only=True)
class Approvals:
    """The use cases of approvals; safe to share between tasks.

    Attributes:
        store: Whose changes a wait watches, by `clock`; everything else goes through `updates`
            and `reading`.
    """

    updates: Updates
    reading: Reading
    store: RecordStore
    clock: Clock
    settings: ApprovalSettings = field(factory=ApprovalSettings)
    _granting: Granting = field(
        init=False,
        default=Factory(
            lambda self: Granting(updates=self.updates, settings=self.settings), takes_self=True
        ),
    )
    _pending: PendingApprovals = field(
        init=False, default=Factory(lambda self: PendingApprovals(self.reading), takes_self=True)
    )

    # ---- commands -------------------------------------------------------------------------------

    async def raise_request(
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
        asked = Asked(
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
        return await self._raise(scope, asked)

    async def approve(
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
        require_kind("by", by, Principal)
        require_kind("offer", offer, Offer)
        require_identifier("decision_id", decision_id)

        def command(
            record: ApprovalRecord, now: datetime
        ) -> Decision[ApprovalRecord, ApprovalOutcome, VoteRefusal]:
            return record.approve(by=by, decision_id=decision_id, offer=offer, now=now)

        along = partial(ruled, unless_parked=StaleGate(id), settings=self.settings)
        return await self._command(scope, id, command, along, hints=[grant_key(scope, id)])

    async def deny(
        self, scope: Scope, id: str, *, by: Principal, decision_id: RequestId
    ) -> ApprovalOutcome | Refused[VoteRefusal | Unknown]:
        """Says no to a call, which decides, even after an own yes.

        It is idempotent, and answers, as `approve` does.
        """
        require_kind("by", by, Principal)
        require_identifier("decision_id", decision_id)

        def command(
            record: ApprovalRecord, now: datetime
        ) -> Decision[ApprovalRecord, ApprovalOutcome, VoteRefusal]:
            return record.deny(by=by, decision_id=decision_id, now=now)

        along = partial(with_release, unless_parked=StaleGate(id))
        return await self._command(scope, id, command, along)

    async def discard(
        self, scope: Scope, id: str, *, by: Principal, request_id: RequestId
    ) -> ApprovalOutcome | Refused[DiscardRefusal | Unknown]:
        """Withdraws a pending request, its payload included; its id is spent for ever.

        This is the raiser's way back: who may use it, the host decides. Repeated, under any
        request id, it answers the same.

        Returns:
            The state `DISCARDED`.
            `Unknown`, `RequestIdReused`, or `NotPending` with the ruling.
        """
        require_kind("by", by, Principal)
        require_identifier("request_id", request_id)

        def command(
            record: ApprovalRecord, now: datetime
        ) -> Decision[ApprovalRecord, ApprovalOutcome, DiscardRefusal]:
            return record.discard(by=by, request_id=request_id, now=now)

        along = partial(with_release, unless_parked=None)
        return await self._command(scope, id, command, along, keys=[payload_key(scope, id)])

    async def expire(
        self, scope: Scope, id: str
    ) -> ApprovalOutcome | Refused[ExpireRefusal | Unknown]:
        """Notes that the deadline of a request has come. Idempotent by state.

        Nothing waits for it: an overdue request is refused and shown as expired all the same.

        Returns:
            The state `EXPIRED`.
            `Unknown`, `NotDue` with the deadline, or `NotPending` with the ruling.
        """

        def command(
            record: ApprovalRecord, now: datetime
        ) -> Decision[ApprovalRecord, ApprovalOutcome, ExpireRefusal]:
            return record.expire(now=now)

        along = partial(with_release, unless_parked=None)
        return await self._command(scope, id, command, along)

    async def erase_payload(self, scope: Scope, id: str) -> Erased | Refused[Unknown]:
        """Erases reason and display, in any state; the approval itself stands. Idempotent.

        What a store's files still hold of it is gone after a scrub.
        """
        gate, shown = approval_key(scope, id), payload_key(scope, id)

        def decide(records: Records, now: datetime) -> Decision[Records, Erased, Unknown]:
            record = records[gate]
            if record is None:
                return Refused(Unknown(id))
            if not isinstance(record, Approval) or (record.erased and records[shown] is None):
                return Unchanged(Erased(id))
            change = erased(records, record, now)
            return Changed(change.state, Erased(id), change.events)

        return await self.updates.update([gate, shown], decide)

    async def answer(
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
        require_kind("decider", decider, Principal)
        require_kind("option", option, GateOption)
        require_identifier("decision_id", decision_id)
        id = await self._meant(scope, ref, shown_at=shown_at, decision_id=decision_id)
        if isinstance(id, Refused):
            return id
        answer = await self._voted(scope, id, option, by=decider, decision_id=decision_id)
        if isinstance(answer, Refused):
            return answer
        return GateAnswered(ref=GateRef(id), outcome=answer)

    async def sweep(self, *, limit: int | None = None) -> ApprovalsSwept:
        """Notes which requests and grants time has ended, earliest first. Any host may, any time.

        Nothing waits for it: what is overdue is refused and shown as expired all the same.

        Args:
            limit: How many of each are noted at most, 1 to 500; 100 unless the settings say
                otherwise.
        """
        at_most = self.settings.sweep_records if limit is None else limit
        require_whole("limit", at_most, least=1, most=SWEEP_RECORDS_MAX)
        sweep = ApprovalSweep(
            reading=self.reading, expire=self._expires, expire_grant=self._expires_grant
        )
        return await sweep.sweep(limit=at_most)

    async def prune(self, *, limit: int | None = None, dry_run: bool = False) -> ApprovalsPruned:
        """Erases what people read of approvals that are over, and leaves tombstones of old ones.

        Reason and display are erased `payload_days` after the end; `retention_days` after it the
        approval becomes a tombstone that keeps its id, its end and its answers, and its grant is
        deleted. A grant that is not finished for as long, and a run that has not ended, spare it.

        Args:
            limit: How many are erased, and how many pruned, at most, 1 to 500; 100 unless the
                settings say otherwise.
            dry_run: Only tells what would be done.
        """
        at_most = self.settings.sweep_records if limit is None else limit
        require_whole("limit", at_most, least=1, most=SWEEP_RECORDS_MAX)
        require_kind("dry_run", dry_run, bool)
        retention = ApprovalRetention(
            updates=self.updates, reading=self.reading, settings=self.settings
        )
        return await retention.prune(limit=at_most, dry_run=dry_run)

    # ---- grants ---------------------------------------------------------------------------------

    async def claim(
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
        presented = Presented(
            by=by,
            invocation=invocation,
            action=action,
            effects=effects,
            input=input,
            manifest=manifest,
            origin=origin,
        )
        return await self._granting.claim(
            scope, id, presented, token=token, request_id=request_id, ttl_seconds=ttl_seconds
        )

    async def begin(
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
        return await self._granting.begin(
            scope, id, token=token, request_id=request_id, ttl_seconds=ttl_seconds
        )

    async def extend(
        self, scope: Scope, id: str, *, token: GrantToken, ttl_seconds: int | None = None
    ) -> GrantOutcome | Refused[GrantExtendRefusal | Unknown]:
        """Puts off the deadline of a claim, never past the end of the grant, or of a call.

        It is never shortened, so a repeat does no harm, and there is no request id.

        Returns:
            Where the grant stands, and the deadline.
            `Unknown`, `ClaimLost`, `GrantSpent`, `GrantRevoked`.
        """
        return await self._granting.extend(scope, id, token=token, ttl_seconds=ttl_seconds)

    async def abort(
        self, scope: Scope, id: str, *, token: GrantToken, request_id: RequestId
    ) -> GrantOutcome | Refused[GrantAbortRefusal | Unknown]:
        """Gives the grant back, for the caller vouches that nothing has happened.

        Returns:
            The state `ACTIVE`: it may be claimed again; or `REVOKED` where the run that had asked
            has ended since the call was begun.
            `Unknown`, `RequestIdReused`, `ClaimLost`, `GrantSpent`, `GrantRevoked`;
            `SettleWithRun`: it is bound to a step of a run, whose journal tells.
        """
        return await self._granting.abort(scope, id, token=token, request_id=request_id)

    async def consume(
        self, scope: Scope, id: str, *, token: GrantToken, request_id: RequestId
    ) -> GrantOutcome | Refused[GrantConsumeRefusal | Unknown]:
        """Notes that the call was made, whatever it returned. It counts however late it is told.

        If it cannot be stored, what the call returned is still to be told to whoever waits for it.

        Returns:
            The state `CONSUMED`.
            `Unknown`, `RequestIdReused`, `NotBegun`, `ClaimLost`, `GrantSpent`, `GrantRevoked`;
            `SettleWithRun`: it is bound to a step of a run, whose journal tells.
        """
        return await self._granting.consume(scope, id, token=token, request_id=request_id)

    async def settle(
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
        return await self._granting.settle(
            scope, id, happened=happened, by=by, request_id=request_id
        )

    async def revoke_grant(
        self, scope: Scope, id: str, *, by: Principal, request_id: RequestId
    ) -> GrantOutcome | Refused[GrantRevokeRefusal | Unknown]:
        """Takes back a yes that has not been used. Who may, the host decides.

        Returns:
            The state `REVOKED`.
            `Unknown`, `RequestIdReused`; `AlreadyDispatching`: it is too late; `GrantSpent`.
        """
        return await self._granting.revoke(scope, id, by=by, request_id=request_id)

    async def expire_grant(
        self, scope: Scope, id: str
    ) -> GrantOutcome | Refused[GrantExpireRefusal | Unknown]:
        """Notes that the time of a grant is up. Idempotent by state; nothing waits for it.

        Returns:
            The state `REVOKED`.
            `Unknown`, `GrantNotDue` with the end, `AlreadyDispatching`, `GrantSpent`,
            `GrantRevoked` where it was revoked before.
        """
        return await self._granting.expire(scope, id)

    async def grant(self, scope: Scope, id: str) -> GrantView | None:
        """The grant of an approval as it stands; None where there is none, or it was deleted."""
        seen = await self.reading.record(grant_key(scope, id))
        return None if seen.record is None else grant_view(seen.record, seen.now)

    # ---- reads ----------------------------------------------------------------------------------

    async def get(self, scope: Scope, id: str) -> ApprovalView | None:
        """The approval as it stands; None where there is none, or it was discarded."""
        seen = await self.reading.record(approval_key(scope, id))
        return view_of(seen.record, seen.now)

    async def payload(self, scope: Scope, id: str) -> ApprovalPayload | None:
        """Reason and display, for whoever is to decide; None where there are none any more."""
        return (await self.reading.record(payload_key(scope, id))).record

    async def list_pending(
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
        at_most = self.settings.page if limit is None else limit
        return await self._pending.page(prefix, after=after, limit=at_most)

    async def wait(
        self,
        scope: Scope,
        id: str,
        *,
        seen: int,
        timeout_seconds: float = WAIT_SECONDS_DEFAULT,
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
        require_kind("seen", seen, int)
        require_timeout(timeout_seconds)
        gate = approval_key(scope, id)
        interest = Interest(collection=APPROVALS.name, prefix=ScopePrefix.exactly(scope))
        wait = ApprovalWait(
            reading=self.reading,
            watch=Watch(store=self.store, clock=self.clock, interest=interest),
            gate=gate,
            seen=seen,
            until=Deadline.after(self.clock, timeout_seconds),
            poll_seconds=self.settings.poll_seconds,
        )
        return await wait.ended()

    async def explain(self, scope: Scope, id: str) -> ApprovalExplanation | None:
        """Why a call was asked, what was said to it, and what became of the yes.

        Events that were trimmed are not told any more; the approval itself tells votes and ruling
        for as long as it is kept.

        Returns:
            None where there is no such approval, or it was discarded or pruned.
        """
        return await ApprovalExplaining(self.reading).explained(scope, id)

    # ---- steps ----------------------------------------------------------------------------------

    async def _meant(
        self, scope: Scope, ref: str | None, *, shown_at: datetime | None, decision_id: RequestId
    ) -> ApprovalId | Refused[InvalidGateRef | AmbiguousGate | NothingToAnswer]:
        if ref is not None:
            parsed = GateRef.parse(ref)
            return Refused(parsed) if isinstance(parsed, InvalidGateRef) else parsed.id
        if shown_at is None:
            raise InvalidValue("shown_at", "must be told of an answer that names no gate")
        require_instant("shown_at", shown_at)
        require_kind("scope", scope, Scope)
        scope.require_work()
        gates = OpenGates(self.reading)
        return await gates.meant(scope, shown_at=shown_at, decision_id=decision_id)

    async def _voted(
        self, scope: Scope, id: str, option: GateOption, *, by: Principal, decision_id: RequestId
    ) -> ApprovalOutcome | Refused[ApproveRefusal | Unknown]:
        match option:
            case GateOption.ALLOW_ONCE:
                offer = Offer.ONCE
            case GateOption.ALWAYS_ALLOW:
                offer = Offer.ALWAYS
            case GateOption.DENY:
                return await self.deny(scope, id, by=by, decision_id=decision_id)
            case _:
                assert_never(option)
        return await self.approve(scope, id, by=by, decision_id=decision_id, offer=offer)

    async def _expires(self, scope: Scope, id: str) -> bool:
        return not isinstance(await self.expire(scope, id), Refused)

    async def _expires_grant(self, scope: Scope, id: str) -> bool:
        return not isinstance(await self.expire_grant(scope, id), Refused)

    async def _raise(self, scope: Scope, asked: Asked) -> ApprovalView | Refused[RaiseRefusal]:
        raising = ApprovalRaising(reading=self.reading, settings=self.settings)
        asking = await raising.asking(scope, asked, run=None)
        if isinstance(asking, Refused):
            return asking

        def decide(
            records: Records, now: datetime
        ) -> Decision[Records, ApprovalView, RaiseRefusal]:
            match asking.raised(records, now):
                case Changed(after, raised, events):
                    return Changed(after, approval_view(raised, now), events)
                case Unchanged(approval):
                    return Unchanged(approval_view(approval, now))
                case refused:
                    return refused

        return await self.updates.update([asking.gate, asking.shown], decide)

    async def _command(
        self,
        scope: Scope,
        id: str,
        command: Command[O, R],
        along: Along[O, R, Q],
        *,
        keys: Sequence[ReadKey[object]] = (),
        hints: Sequence[ReadKey[object]] = (),
    ) -> O | Refused[Q | R | Unknown]:
        gate, shown = approval_key(scope, id), payload_key(scope, id)

        def decide(records: Records, now: datetime) -> Decision[Records, O, Q | R | Unknown] | Need:
            record = records[gate]
            if record is None:
                return Refused(Unknown(id))
            decision = records.adopt(gate, command(record, now))
            if not isinstance(record, Approval):
                return decision
            if isinstance(decision, Changed) and isinstance(decision.state[gate], Discarded):
                decision = evolve(decision, state=decision.state.delete(shown))
            return along(records, record, decision, now)

        return await self.updates.update([gate, *keys], decide, hints=hints)
