"""Turns: the use cases by which a request is accepted, queued, carried out once, and recorded.

The host stamps scope, actor and claim; clients supply none of them. Another scope's run is absent:
reads answer None or nothing, commands `NotFound`, and nothing is written. Time is the store's
alone: a claim whose deadline has come is over for everybody at once, whether or not that was noted.

Commands answer an outcome, or `Refused` with a reason that has a stable `code`; they raise what
`Updates.update` raises. Reads raise `Unavailable`, `Corrupt` and `SchemaTooNew`. Every use case
raises `InvalidValue` for what no host should have handed over, before anything is read and
without repeating it. A refusal is never recorded: the same request id may succeed later.

Whatever a worker does, it does under a claim, and it is checked in this order: the run exists in
its scope (`NotFound`); the claim has not ended (the same end with the same arguments answers as it
did, else `ClaimEnded`); epoch and token are the run's (`LeaseLost`); the deadline has not come
(`LeaseExpired`); the state allows it (`WrongState`). The store judges the deadline once more inside
the write, so a worker that was paused in between writes nothing.

The module is long because every use case has its whole contract beside it; what they do has
modules of its own, one a noun.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from attrs import Factory, field, frozen

from turnkeep_application.approval_raising import ApprovalRaising, Asked
from turnkeep_application.approval_settings import ApprovalSettings
from turnkeep_application.budgets.budget_settings import BudgetSettings
from turnkeep_application.consent_views import EffectiveConsent
from turnkeep_application.reading import Reading
from turnkeep_application.turns.budget_waits import BudgetWaits
from turnkeep_application.turns.cancelling import Cancelling
from turnkeep_application.turns.claim_pass import ClaimPass
from turnkeep_application.turns.claiming import Claiming
from turnkeep_application.turns.gating import Gating
from turnkeep_application.turns.granted_steps import GrantedRefusal, StepGrant
from turnkeep_application.turns.limit_standings import LimitStanding
from turnkeep_application.turns.limiting import Limiting
from turnkeep_application.turns.message_marks import MessageRefusal
from turnkeep_application.turns.recovering import Recovering
from turnkeep_application.turns.retiring import Retired, Retiring
from turnkeep_application.turns.retrying import Retrying
from turnkeep_application.turns.run_history import RunHistories
from turnkeep_application.turns.run_listing import RunListing
from turnkeep_application.turns.run_reading import RunReading
from turnkeep_application.turns.run_waiting import RunWaits
from turnkeep_application.turns.running import Running
from turnkeep_application.turns.spend import Spend, SpendRefusal
from turnkeep_application.turns.spending import Spending
from turnkeep_application.turns.submitting import Submitting
from turnkeep_application.turns.sweeping import Sweeping
from turnkeep_application.turns.swept import Swept
from turnkeep_application.turns.turn_settings import WAIT_SECONDS_DEFAULT, TurnSettings
from turnkeep_application.turns.views import RunHistory, RunPage, RunView
from turnkeep_application.updates import Updates
from turnkeep_domain.approvals.calls import Action, Effect
from turnkeep_domain.approvals.canonical import Json, JsonText
from turnkeep_domain.approvals.consent_refusals import ConsentChanged
from turnkeep_domain.approvals.consent_rules import ConsentRule
from turnkeep_domain.approvals.names import CorrelationId, InvocationId
from turnkeep_domain.approvals.quorum import Quorum
from turnkeep_domain.approvals.refusals import RaiseRefusal
from turnkeep_domain.approvals.votes import Offer
from turnkeep_domain.budgets.receipts import Receipt
from turnkeep_domain.budgets.refusals import ExtendRefusal
from turnkeep_domain.budgets.tallies import Usage
from turnkeep_domain.decisions import Refused
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import Digest, RequestId
from turnkeep_domain.scope import Scope, ScopePrefix
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
from turnkeep_ports.admission import Admission
from turnkeep_ports.archive import Archive
from turnkeep_ports.clock import Clock
from turnkeep_ports.ids import Ids
from turnkeep_ports.randomness import Random
from turnkeep_ports.store import START, Cursor, RecordStore

HOST: Final = Ref("host")
"""What brings turns about where the host says nothing else."""


@frozen(kw_only=True)
class Turns:
    """The use cases of turns; safe to share between tasks.

    Attributes:
        store: Whose changes a wait watches, by `clock`; everything else goes through `updates`
            and `reading`.
        random: Jitter of backoffs, and where a scan of lanes begins.
        ids: Where a worker's tokens come from.
        admission: The host's policy on new turns.
        archive: Where retired runs go.
        approvals: Lifetimes and bounds of the approvals that runs raise.
        budgets: For how long the calls of runs are held.
    """

    updates: Updates
    reading: Reading
    store: RecordStore
    clock: Clock
    random: Random
    ids: Ids
    admission: Admission
    archive: Archive
    settings: TurnSettings = field(factory=TurnSettings)
    approvals: ApprovalSettings = field(factory=ApprovalSettings)
    budgets: BudgetSettings = field(factory=BudgetSettings)
    _submitting: Submitting = field(
        init=False,
        repr=False,
        default=Factory(
            lambda self: Submitting(updates=self.updates, admission=self.admission),
            takes_self=True,
        ),
    )
    _claiming: Claiming = field(
        init=False,
        repr=False,
        default=Factory(
            lambda self: Claiming(
                updates=self.updates,
                reading=self.reading,
                random=self.random,
                settings=self.settings,
            ),
            takes_self=True,
        ),
    )
    _running: Running = field(
        init=False,
        repr=False,
        default=Factory(
            lambda self: Running(
                updates=self.updates,
                random=self.random,
                settings=self.settings,
                approvals=self.approvals,
            ),
            takes_self=True,
        ),
    )
    _spending: Spending = field(
        init=False,
        repr=False,
        default=Factory(
            lambda self: Spending(updates=self.updates, ids=self.ids, budgets=self.budgets),
            takes_self=True,
        ),
    )
    _budget_waits: BudgetWaits = field(
        init=False,
        repr=False,
        default=Factory(
            lambda self: BudgetWaits(updates=self.updates, reading=self.reading), takes_self=True
        ),
    )
    _gating: Gating = field(
        init=False,
        repr=False,
        default=Factory(
            lambda self: Gating(
                updates=self.updates,
                raising=ApprovalRaising(reading=self.reading, settings=self.approvals),
            ),
            takes_self=True,
        ),
    )
    _cancelling: Cancelling = field(
        init=False,
        repr=False,
        default=Factory(
            lambda self: Cancelling(
                updates=self.updates, reading=self.reading, settings=self.settings
            ),
            takes_self=True,
        ),
    )
    _retrying: Retrying = field(
        init=False,
        repr=False,
        default=Factory(
            lambda self: Retrying(
                updates=self.updates,
                retention=self.settings.retirement if self.archive.accepts else None,
            ),
            takes_self=True,
        ),
    )
    _recovering: Recovering = field(
        init=False,
        repr=False,
        default=Factory(
            lambda self: Recovering(
                updates=self.updates,
                reading=self.reading,
                random=self.random,
                settings=self.settings,
            ),
            takes_self=True,
        ),
    )
    _limiting: Limiting = field(
        init=False,
        repr=False,
        default=Factory(
            lambda self: Limiting(updates=self.updates, reading=self.reading), takes_self=True
        ),
    )
    _retiring: Retiring = field(
        init=False,
        repr=False,
        default=Factory(
            lambda self: Retiring(
                updates=self.updates,
                reading=self.reading,
                archive=self.archive,
                settings=self.settings,
            ),
            takes_self=True,
        ),
    )
    _sweeping: Sweeping = field(
        init=False,
        repr=False,
        default=Factory(
            lambda self: Sweeping(
                updates=self.updates,
                reading=self.reading,
                limiting=self._limiting,
                recovering=self._recovering,
                budget_waits=self._budget_waits,
                cancelling=self._cancelling,
                retiring=self._retiring,
            ),
            takes_self=True,
        ),
    )
    _runs: RunReading = field(
        init=False,
        repr=False,
        default=Factory(lambda self: RunReading(reading=self.reading), takes_self=True),
    )

    # ---- accepting ------------------------------------------------------------------------------

    async def submit(
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
        return await self._submitting.submit(
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

    async def submit_child(
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
        return await self._submitting.submit_child(
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

    async def claim(
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
        return await self._claiming.claim(
            holder=holder, token=token, classes=classes, count=count, prefix=prefix, lanes=lanes
        )

    # ---- under a claim --------------------------------------------------------------------------

    async def heartbeat(self, claim: Claim) -> Heartbeat | Refused[ClaimRefusal]:
        """Extends a claim, never past `cancel_by`, and never to less than it had.

        Returns:
            Until when the claim lasts, and whether and by when the run is to be called off.
            The refusals of a claim.
        """
        return await self._running.heartbeat(claim)

    async def start(self, claim: Claim) -> RunStanding | Refused[ClaimRefusal]:
        """Notes that the handler is about to be called. Idempotent.

        Needed for runs that are not journaled: one that was started and is lost goes to an
        operator, because nobody knows what it did.
        """
        return await self._running.start(claim)

    async def checkpoint(
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
        return await self._running.checkpoint(
            claim, kind=kind, schema=schema, payload=payload, ordinals=ordinals
        )

    async def intend(
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
        return await self._running.intend(
            claim, id, arguments=arguments, consent=consent, grant=grant
        )

    async def settle(
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
        return await self._running.settle(
            claim, id, mode=mode, arguments=arguments, outcome=outcome
        )

    async def decline(
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
        return await self._running.decline(claim, call, code=code)

    async def begin_spend(
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
        return await self._spending.begin(claim, spend)

    async def settle_spend(
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
        return await self._spending.settle(
            claim, spend, reservation=reservation, outcome=outcome, usage=usage
        )

    async def abandon_spend(
        self, claim: Claim, spend: Spend, *, reservation: RequestId
    ) -> bool | Refused[ClaimRefusal]:
        """Closes the hold of a call that was cut off and may be made again, as its expiry would.

        Returns:
            Whether it was closed here.
            The refusals of a claim: whoever holds the run since may use the hold.
        """
        return await self._spending.abandon(claim, spend, reservation=reservation)

    async def extend_spend(
        self, claim: Claim, spend: Spend, *, reservation: RequestId
    ) -> Receipt | Refused[ExtendRefusal]:
        """Holds on for as long again, once half of its time is over; as `Budgets.extend`."""
        return await self._spending.extend(claim, spend, reservation=reservation)

    async def set_route(self, claim: Claim, route: Route) -> RunStanding | Refused[RouteRefusal]:
        """Notes which model and configuration serve the run, once.

        Returns:
            Where the run stands; equal repeats change nothing.
            The refusals of a claim; `RouteFixed` where another route was noted.

        Raises:
            InvalidValue: A part of it looks like a secret.
        """
        return await self._running.set_route(claim, route)

    async def complete(
        self, claim: Claim, *, result_ref: Ref | None = None
    ) -> RunStanding | Refused[EndRefusal]:
        """Ends a run that was carried out; one that is to be cancelled ends as cancelled.

        A repeat with the same reference answers the same, also after the next run.

        Returns:
            Where the run stands.
            The refusals of a claim; `EffectsOpen` where steps are neither done nor not done.
        """
        return await self._running.complete(claim, result_ref=result_ref)

    async def fail(
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
        return await self._running.fail(claim, category=category, effect=effect)

    async def relinquish(
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
        return await self._running.relinquish(claim, reason=reason, redo=redo)

    async def block(
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
        return await self._gating.block(claim, gate=gate, until=until)

    async def require_approval(
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
        require_kind("claim", claim, Claim)
        asked = Asked(
            invocation=invocation,
            action=action,
            effects=effects,
            requester=requester,
            correlation_id=CorrelationId(claim.run.id)
            if correlation_id is None
            else correlation_id,
            input=input,
            reason=reason,
            display=display,
            lifetime_seconds=lifetime_seconds,
            quorum=quorum,
            attempt=attempt,
            offers=offers,
            cause=cause,
        )
        return await self._gating.require_approval(claim, effect, asked)

    # ---- from outside ---------------------------------------------------------------------------

    async def resume(
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
        return await self._gating.resume(
            run, kind=kind, ref=ref, disposition=disposition, actor=actor, request_id=request_id
        )

    async def request_cancel(
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
        return await self._cancelling.request_cancel(
            run, reason=reason, actor=actor, request_id=request_id
        )

    async def retry(
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
        return await self._retrying.retry(
            run, settlements=settlements, actor=actor, request_id=request_id
        )

    async def give_up(
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
        return await self._retrying.give_up(
            run, settlements=settlements, category=category, actor=actor, request_id=request_id
        )

    async def set_limit(
        self,
        of: BucketId | LaneId,
        *,
        limits: BucketLimits | int | None,
        by: Actor,
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
        return await self._limiting.set_limit(of, limits=limits, by=by)

    async def limit_of(self, of: BucketId | LaneId) -> LimitStanding | None:
        """What is in force for a bucket or a lane, and how much of it is used; None for nothing."""
        return await self._limiting.limit_of(of)

    # ---- tidying --------------------------------------------------------------------------------

    async def recover(self, *, limit: int = 100) -> Swept:
        """Ends claims whose deadline has come, one commit a run.

        Their runs are queued again, or fail, are cancelled or go to an operator. A record that is
        unreadable is reported and passed over, and so is the corrupt record of a parent: its
        child ends as if it had none, and the parent, once it is mended, is resumed by the host.

        Args:
            limit: For how many runs at most something is stored; what fails counts for nothing.
        """
        return await self._recovering.recover(limit=limit)

    async def resume_budget_waits(self, *, limit: int = 100) -> Swept:
        """Queues runs that wait for a budget gate which is open no more; each reserves again.

        A part of every sweep; for whoever has heard that a gate was answered, alone.

        Args:
            limit: How many runs to resume at most.
        """
        return await self._budget_waits.go_on(limit=limit)

    async def sweep(self, *, limit: int = 100) -> Swept:
        """Tidies whatever time or a crash has left, `recover` included; safe to run anywhere.

        Args:
            limit: For how many records of each kind at most something is stored; what fails
                counts for nothing, so that it hides none of the others.
        """
        return await self._sweeping.sweep(limit=limit)

    async def retire(self, *, limit: int = 100, dry_run: bool = False) -> Retired:
        """Hands ended runs past their retention over to the archive, and keeps tombstones.

        Live runs, roots with live members and journals in use are spared. Without an archive
        nothing is retired.

        Args:
            limit: How many runs at most.
            dry_run: Whether to list only what would be retired.
        """
        return await self._retiring.retire(limit=limit, dry_run=dry_run)

    # ---- reads ----------------------------------------------------------------------------------

    async def get(self, run: RunAddress) -> RunView | None:
        """The run as it stands; None where there is none, or it was retired."""
        return await self._runs.get(run)

    async def journal(self, run: RunAddress) -> tuple[RunEffect, ...]:
        """All calls that a run and those that it repeats have journaled, outputs included.

        They come in the order of the times at which they were entered, those of one instant in
        any order; none where there is no such run.
        """
        return await self._runs.journal(run)

    async def last_checkpoint(self, run: RunAddress) -> Checkpoint | None:
        """The newest checkpoint of a run, or else of the one that it repeats."""
        return await self._runs.last_checkpoint(run)

    async def list(
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
        listing = RunListing(reading=self.reading)
        return await listing.page(prefix, statuses=statuses, after=after, limit=self._page(limit))

    async def history(
        self, run: RunAddress, *, after: Cursor = START, limit: int | None = None
    ) -> RunHistory | None:
        """What became of a run: events, journal, checkpoints, children; None where it is none.

        Args:
            run: Which.
            after: The `next` of the page of events before.
            limit: How many events of the thread are examined, 1 to 200; a page tells those of the
                run among them.
        """
        histories = RunHistories(reading=self.reading, runs=self._runs)
        return await histories.page(run, after=after, limit=self._page(limit))

    async def wait(
        self,
        run: RunAddress,
        *,
        after_version: int | None = None,
        timeout_seconds: float = WAIT_SECONDS_DEFAULT,
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
        waits = RunWaits(
            runs=self._runs, store=self.store, clock=self.clock, settings=self.settings
        )
        return await waits.ended(run, after_version=after_version, timeout_seconds=timeout_seconds)

    def _page(self, limit: int | None) -> int:
        return self.settings.page if limit is None else limit
