"""A run's context: everything that a handler may do for its run, each with its contract.

The module is long because hosts read it as one page; what its methods do has modules of its own, a
door each.

What a handler promises in return: whatever it does to the world, and clock or chance that steer it,
go through the context; the same journal leads to the same names; modes are truthful; calls that are
made at the same time have distinct names; the event loop is never blocked; a cancellation and
`RunLeft` are not swallowed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias, TypeVar

from attrs import frozen

from turnkeep_application.turns.views import RunView
from turnkeep_application.worker.announcement import Announcement
from turnkeep_application.worker.approval_gates import ApprovalGates, ApprovalRequest
from turnkeep_application.worker.borrowing import Borrowing
from turnkeep_application.worker.checkpoints import Checkpoints
from turnkeep_application.worker.children import Children, ChildTurn
from turnkeep_application.worker.gates import Gates
from turnkeep_application.worker.run_thread import RunThread
from turnkeep_application.worker.runner import Runner
from turnkeep_application.worker.spends import Metering, SpendingStep, Spends
from turnkeep_application.worker.steps import Consenting, Leave, ModeName, Step, Steps
from turnkeep_domain.approvals.approval_id import ApprovalId
from turnkeep_domain.approvals.calls import Action, Effect
from turnkeep_domain.approvals.canonical import Json, JsonText
from turnkeep_domain.approvals.consent_rules import ConsentRule
from turnkeep_domain.approvals.quorum import Quorum
from turnkeep_domain.approvals.votes import Offer
from turnkeep_domain.budgets.dimensions import Dimension
from turnkeep_domain.budgets.holds import OnExpiry
from turnkeep_domain.principals import Principal
from turnkeep_domain.scope import Scope
from turnkeep_domain.secrets.material import Material
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.checkpoint import Checkpoint, CheckpointKind
from turnkeep_domain.turns.claims import Claim
from turnkeep_domain.turns.effect import Mode
from turnkeep_domain.turns.gates import GateKind
from turnkeep_domain.turns.names import Ref
from turnkeep_domain.turns.policy import TurnPolicy
from turnkeep_domain.turns.route import Route
from turnkeep_domain.turns.run import Run
from turnkeep_domain.turns.turn import Turn

T = TypeVar("T")


@frozen(kw_only=True, eq=False)
class RunContext:
    """What a handler is given of its run; good as long as the handler runs, and no longer.

    All methods raise `RunLeft` once the claim is over, `InvalidValue` for what no host should have
    handed over, and `CallRefused` for what the rules forbid (`effects_full`: the run is at a limit;
    `wrong_state`: it is called off). A store that does not answer is asked again for as long as the
    claim lasts; errors that cannot go away are raised.

    What a journaled call was answered when it was made, a replay answers: what it returned, and
    also with which code it was refused. A refused call takes its place like every other, so the
    next one of its name is another call. It is asked anew where the refusal ended the claim, by
    `raise TryAgain from refused`, or ended the run that is retried, failed or called off.

    Attributes:
        draining: Announced once the worker is to end: whoever can, comes to a good end soon.
    """

    draining: Announcement
    _runner: Runner
    _steps: Steps
    _spends: Spends
    _gates: Gates
    _approvals: ApprovalGates
    _children: Children
    _checkpoints: Checkpoints
    _borrowing: Borrowing

    @classmethod
    def over(cls, runner: Runner, *, draining: Announcement) -> RunContext:
        """The context of one claimed run."""
        gates = Gates(runner)
        approvals = ApprovalGates(runner, gates)
        return cls(
            draining=draining,
            runner=runner,
            steps=Steps(runner, approvals),
            spends=Spends(runner, gates),
            gates=gates,
            approvals=approvals,
            children=Children(runner),
            checkpoints=Checkpoints(runner),
            borrowing=Borrowing(runner),
        )

    # ---- what it is about -----------------------------------------------------------------------

    @property
    def run(self) -> Run:
        """The run as it was when it was claimed."""
        return self._runner.run

    @property
    def turn(self) -> Turn:
        """The turn that is to be carried out."""
        return self._runner.run.turn

    @property
    def claim(self) -> Claim:
        """What the worker presents; for use cases that take a claim."""
        return self._runner.claim

    @property
    def epoch(self) -> int:
        """The fence that this claim took: higher than that of every claim before."""
        return self._runner.claim.epoch

    # ---- how long -------------------------------------------------------------------------------

    @property
    def cancelling(self) -> Announcement:
        """Announced once the run is called off; `cancel_by` then says when that cancels it."""
        return self._runner.tenancy.cancelling

    @property
    def cancel_by(self) -> datetime | None:
        """Until when the handler may come to an end of its own, by the store's clock."""
        return self._runner.tenancy.cancel_by

    def remaining_seconds(self) -> float:
        """How long the handler may go on as things stand: heartbeats make it longer."""
        return self._runner.tenancy.remaining_seconds()

    # ---- the conversation -----------------------------------------------------------------------

    @property
    def thread(self) -> RunThread:
        """The run's thread: reads, and what is added to it, once.

        Raises:
            InvalidValue: The run has none.
        """
        return RunThread.over(self._runner)

    # ---- what it does ---------------------------------------------------------------------------

    async def effect(
        self,
        name: str,
        fn: Step[T],
        args: Json | bytes = None,
        *,
        mode: Mode | ModeName = Mode.ONCE,
        consent: Consenting | None = None,
        grant: str | None = None,
    ) -> T:
        """Does something to the world, journaled: a replay does not do it again.

        Args:
            name: The call's name; with how often that name was called before, it is the call's id.
            fn: What is done. It is given a key that is the same in every replay and retry, for
                services that take one, and returns what JSON can say, or bytes, at most 64 KiB. It
                raises `StepNotDone` where surely nothing happened.
            args: What it is called with: only a digest is kept, by which a replay that has come to
                other arguments is told.
            mode: `once`: never called twice, unless it was surely not done: its intent is stored
                first, and one that was cut off is left to an operator. `keyed`: may be called again
                with the same key. `safe`: may be called again.
            consent: Asked before a call that the journal does not know, as a rule
                `Policies.effective_consent`: unless it allows the call, other than by a grant, the
                call is not made. The intent of a `once` step is stored only while all that the
                consent rests on stands. None where the step needs none.
            grant: The id that `require_approval` has answered: the call is made on that yes, once
                at most whatever happens. Its grant is begun with the intent, and told of with the
                outcome; `args` are to the letter the input that was approved, and the mode is
                `once`. A yes whose time was up before it was used is asked for anew, which ends
                this claim; the handler is begun again when that is decided.

        Returns:
            What `fn` returned, as the journal has it: a tuple comes back as a list.

        Raises:
            StepNotDone: Nothing happened; any other error of a `keyed` or `safe` step counts as
                that, with the category `handler_error`, or that of its `GiveUp`; and so does one
                that did happen but returned what cannot be kept, as `output_invalid`. A replay
                raises it again, unless it was what ended the claim: then the step is done again.
            StepUncertain: A `once` step raised anything else, or returned what cannot be kept.
            CallRefused: `effects_full`: 1,000 calls were made, or 16 `once` steps are under way;
                `consent_withheld`: a person is to be asked (`require_approval`);
                `consent_denied`: nobody is; `consent_changed`: it was withdrawn meanwhile.
                With a grant: `fingerprint_mismatch`, `not_approved`, `not_eligible`: another run
                had asked; `tool_disabled`, `grant_busy`, `grant_spent`, `grant_revoked`: somebody
                took it back. The call was not made, and a replay is told the same: make another
                one.
            GateClosed: A grant was asked for anew, and was not given.
            RunLeft: The claim is over, or the arguments differ, which fails the run as
                `replay_diverged`.
        """
        leave = Leave(consent=consent, grant=grant)
        return await self._steps.effect(name, fn, args, mode, leave)

    async def spend(
        self,
        name: str,
        estimate: Mapping[Dimension, int],
        fn: SpendingStep[T],
        args: Json | bytes = None,
        *,
        mode: Mode | ModeName = Mode.ONCE,
        ttl_ms: int | None = None,
        on_expiry: OnExpiry = OnExpiry.RELEASE,
        price_version: str | None = None,
    ) -> T:
        """Does something that costs, as `effect` does, within the budgets that it concerns.

        The estimate is held on every account of the run's scope before `fn` is called, and
        longer while it lasts; what it has used is charged in the commit that journals its outcome.
        Where a budget asks somebody first, the run waits for that, which ends this claim, and
        then reserves again.

        Args:
            name: As of `effect`.
            estimate: What it may use at most; gauges are what it occupies meanwhile.
            fn: As of `effect`, but that it returns `Metered(value, usage)`.
            args: As of `effect`; the estimate is a part of them.
            mode: As of `effect`. A `once` step that was cut off keeps its hold until an operator
                has settled it, or its time is up; one of another mode is held anew.
            ttl_ms: How long it is held without being extended, 1,000 to 86,400,000; 15 minutes
                unless set.
            on_expiry: What becomes of a hold that nobody has closed by then.
            price_version: The price list of the estimate; carried along.

        Returns:
            The value of what `fn` returned, as the journal has it.

        Raises:
            StepNotDone: As of `effect`; nothing is charged.
            StepUncertain: As of `effect`; what was held stays held.
            CallRefused: `budget.limit_exceeded`, `budget.approval_declined` and the other
                refusals of a reserve; `effects_full`; `effects_open`: it would have to wait, and
                a step is under way. `fn` was not called.
            GateClosed: The wait for a budget was denied or withdrawn.
        """
        metering = Metering(
            estimate=estimate,
            mode=mode,
            ttl_ms=ttl_ms,
            on_expiry=on_expiry,
            price_version=price_version,
        )
        return await self._spends.spend(name, fn, args, metering)

    async def require_approval(
        self,
        name: str,
        *,
        action: Action,
        effects: frozenset[Effect],
        input: Json | JsonText,
        reason: str,
        display: str,
        requester: Principal | None = None,
        lifetime_seconds: int | None = None,
        quorum: Quorum | None = None,
        offers: frozenset[Offer] | None = None,
        cause: ConsentRule = ConsentRule.OTHERWISE,
    ) -> ApprovalId:
        """Puts one exact call before people, and goes on once they have said yes.

        Unless it was decided before, this ends the claim: the handler is begun again when it is
        decided, and passes here.

        Args:
            name: The call's name.
            action: What would be done, and what it is expected to use.
            effects: What it may do to the world.
            input: The call's arguments, as a model gave them.
            reason: Why, for people.
            display: What, for people.
            requester: Who wants it done; by default the scope's agent, or else whoever submitted.
            lifetime_seconds: How long it may be decided.
            quorum: Who decides; by default the scope's user alone.
            offers: What a yes may be given for; by default for this call alone.
            cause: The rule by which consent asked.

        Returns:
            The id under which the call was asked first, for the call itself: `effect(...,
            grant=id)`. It is the same in every replay, however often the call had to be asked.

        Raises:
            GateClosed: It was denied, has elapsed or was withdrawn.
            CallRefused: `invalid_input`, `input_too_deep`, `input_too_large`,
                `too_many_pending`, `effects_full` (8 approvals, 4 open ones), `effects_open`: a
                step is under way.
        """
        return await self._approvals.require(
            name,
            ApprovalRequest(
                action=action,
                effects=effects,
                input=input,
                reason=reason,
                display=display,
                requester=requester,
                lifetime_seconds=lifetime_seconds,
                quorum=quorum,
                offers=offers,
                cause=cause,
            ),
        )

    async def gate(
        self, name: str, *, kind: GateKind, ref: Ref, until: datetime | None = None
    ) -> None:
        """Waits for something outside, which the host resumes; ends the claim unless it is over.

        Args:
            name: The call's name.
            kind: `auth`, `resource` or `external_tool`.
            ref: What exactly; whoever resumes the run names it.
            until: When the wait elapses, by the store's clock; None for never.

        Raises:
            GateClosed: It was denied, has elapsed or was withdrawn.
            CallRefused: `effects_open`: a step is under way; `effects_full`.
        """
        await self._gates.gate(name, kind=kind, ref=ref, until=until)

    async def spawn(
        self,
        name: str,
        *,
        scope: Scope,
        payload: bytes = b"",
        message_ref: Ref | None = None,
        source_ref: Ref | None = None,
        reply_ref: Ref | None = None,
        policy: TurnPolicy | None = None,
    ) -> RunAddress:
        """Submits a run below this one, once; it is called off with this one.

        Args:
            name: The call's name.
            scope: The child's thread, or one without a thread; of the same tenant and user.
            payload: What stands for the request; only a digest is kept.
            message_ref: The message that asks for it.
            source_ref: Where it came from.
            reply_ref: Where an answer belongs.
            policy: How it is queued and repeated; the class of this run unless given.

        Raises:
            CallRefused: `thread_busy`, `at_capacity`, `tree_full`, `tree_cancelling`,
                `effects_full`, `not_found` (of another tenant or user) and the other refusals of a
                submit. To wait for a busy thread, `raise TryAgain from refused`.
        """
        return await self._children.spawn(
            name,
            ChildTurn(
                scope=scope,
                payload=payload,
                message_ref=message_ref,
                source_ref=source_ref,
                reply_ref=reply_ref,
                policy=policy,
            ),
        )

    async def join(self, name: str, children: Sequence[RunAddress]) -> tuple[RunView, ...]:
        """Waits until all these children have ended; ends the claim unless they have.

        Args:
            name: The call's name.
            children: What `spawn` answered; 16 are waited for at a time.

        Returns:
            How each ended, in the order given; one that was retired since is left out.

        Raises:
            CallRefused: `effects_open`: a step is under way; `unknown_gate`: neither this run nor
                one that it repeats has spawned it; `effects_full`.
        """
        return await self._gates.join(name, children)

    async def checkpoint(self, kind: CheckpointKind, *, schema: int, payload: bytes) -> Checkpoint:
        """Saves the handler's own state, so that the next claim may skip what led to it.

        Args:
            kind: At which point.
            schema: The host's number for the format of `payload`.
            payload: At most 65,536 bytes, opaque and never rendered. The newest four are kept.
        """
        return await self._checkpoints.save(kind, schema=schema, payload=payload)

    async def last_checkpoint(self) -> Checkpoint | None:
        """The newest checkpoint; calls that were made before it count as made.

        To be asked for before the calls that it lets the handler skip.
        """
        return await self._checkpoints.load()

    async def secret(self, handle: str, *, owner: Scope | None = None) -> Material:
        """Receives a secret's material once, as long as the claim is live; never journaled.

        Each call is a use of its own, a replay's too. The material is wiped by leaving its block:
        `with await ctx.secret("bank") as material: ...`.

        Args:
            handle: The secret's.
            owner: Whose it is: the run's tenant and user, and perhaps its agent and project; by
                default the tenant and user alone.

        Raises:
            CallRefused: `secret_unknown`, `secret_expired`, `quota_full`, `lease_revoked`: it was
                put anew or deleted meanwhile.
            MasterKeyMissing: The keep has no keys.
            Tampered, KeyMismatch: The material cannot be opened.
            Unsupported: The keep has its secrets in another store than its runs.
        """
        return await self._borrowing.material(handle, owner=owner)

    async def route(self, route: Route) -> None:
        """Notes by whom the run is served, once: a replay notes the same.

        Raises:
            CallRefused: `route_fixed`: it was noted otherwise before.
            InvalidValue: A part looks like a secret.
        """
        runner = self._runner
        await runner.ask(lambda: runner.turns.set_route(runner.claim, route))


Handler: TypeAlias = Callable[[RunContext], Awaitable[Ref | None]]
"""A host's handler: it carries out one run and returns a reference to the result, or None."""
