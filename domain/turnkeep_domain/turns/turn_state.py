"""A turn state: the one place of a thread where its active run stands, under one fence.

```text
    submit --a--> Queued --b--> Running --j--> Completed
                   ^  ^            | ^ |---k,m--> Failed <--p-- NeedsOperator
                   |  '-----l------+ c |---n--> NeedsOperator --o--> Queued
                   '--e-- Blocked <-d--'---g--> CancelRequested --i--> Cancelled
    Queued, Blocked, NeedsOperator --f--> Cancelled        CancelRequested, ended --h--> the same

    a  submit, submit_child, or the retry of a failed run     b  claim
    c  heartbeat, checkpoint, effect, route     d  block
    e  resume, the last awaited run, or the wait has elapsed
    f, g, h  request_cancel     i  whatever ends the claim, once a cancel was requested
    j  complete     k  fail     l  relinquish, expiry     m  the same, once too often
    n  fail, relinquish or expiry, while a step may have happened
    o  retry by an operator     p  give_up by an operator
```

Every command of a run is a method here, so this module is long; what each does stands in the
module of its own noun. A command that names a run takes `ended`, the run's record where there is
one, which answers repeats once the run has left the turn state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, assert_never

from attrs import evolve, field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant, sorted_from
from turnkeep_domain.keys import Collection, Identity, Index
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import Digest, Marks, RequestId, RequestIdReused, digest_of
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.active import Active, Request
from turnkeep_domain.turns.actors import Actor, Role
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.asked import Asked, request_of
from turnkeep_domain.turns.backoff import Backoff
from turnkeep_domain.turns.bucket_ids import BucketId
from turnkeep_domain.turns.cancellation import Cancellation
from turnkeep_domain.turns.checkpoint import Checkpoint, CheckpointKind
from turnkeep_domain.turns.claim_ending import ClaimEnding
from turnkeep_domain.turns.claims import (
    Claim,
    ClaimEnd,
    EndOperation,
    Heartbeat,
    Relinquishment,
    RunStanding,
    Token,
    token_digest,
)
from turnkeep_domain.turns.counts import count
from turnkeep_domain.turns.declined import declined_with
from turnkeep_domain.turns.effect import (
    Done,
    EffectKind,
    EffectState,
    JournalCall,
    Mode,
    NotDone,
    Outcome,
    RunEffect,
    Unclear,
)
from turnkeep_domain.turns.effect_ids import EffectId, words_of
from turnkeep_domain.turns.ended import EndedRun, RetiredRun, RunRecord
from turnkeep_domain.turns.gates import Disposition, Gate, GateKind
from turnkeep_domain.turns.journal import Journal, LateReport
from turnkeep_domain.turns.lane import Granted
from turnkeep_domain.turns.limits import ENDS_MAX
from turnkeep_domain.turns.lineage import Lineage
from turnkeep_domain.turns.moved import Moved
from turnkeep_domain.turns.names import Category, Ref, RunId
from turnkeep_domain.turns.parking import Parking, block_arguments
from turnkeep_domain.turns.policy import TurnPolicy
from turnkeep_domain.turns.refusals import (
    BlockRefusal,
    CallDeclined,
    CancelRefusal,
    ClaimRefusal,
    EndRefusal,
    GatePending,
    GrantRefusal,
    IntendRefusal,
    NotFound,
    NotPermitted,
    OperatorRefusal,
    OverdueRefusal,
    ReleaseRefusal,
    ResubmitRefusal,
    ResumeRefusal,
    RouteRefusal,
    RunIdSpent,
    RunNotDue,
    SettleRefusal,
    ThreadBusy,
    ThreadClosed,
    WrongState,
)
from turnkeep_domain.turns.release import Release, without_open
from turnkeep_domain.turns.repair import Repair
from turnkeep_domain.turns.route import Route
from turnkeep_domain.turns.run import Run
from turnkeep_domain.turns.run_states import Blocked, Failed, Queued, Running
from turnkeep_domain.turns.runner import Runner, held_by
from turnkeep_domain.turns.settlements import Settlements
from turnkeep_domain.turns.submission import Submission
from turnkeep_domain.turns.taking import Taking
from turnkeep_domain.turns.turn import Turn

_HOST: Final = "turnkeep"


@frozen(kw_only=True)
class TurnState:
    """A thread's active run, if it has one, and how the claims before ended.

    A threadless run has a turn state of its own, in a collection of its own, which its ending
    deletes.

    Attributes:
        id: The thread's id; of a threadless run, the run's.
        fence: Rises at each claim, which takes it as its epoch, and at each claim's end.
        closed: Whether the thread was deleted: nothing is submitted or claimed any more.
        active: The run that has not ended.
        ends: How the last 8 claims ended.
        requests: The last 32 request ids of resumes, retries and cancels.
    """

    scope: Scope = field(validator=of_kind(Scope))
    id: str = field(validator=identifier)
    fence: int = field(validator=count)
    closed: bool = field(validator=of_kind(bool))
    active: Run | None = field(validator=of_kind(Run, type(None)))
    ends: tuple[ClaimEnd, ...] = field(validator=deep_iterable(of_kind(ClaimEnd), of_kind(tuple)))
    requests: Marks[RunStanding] = field(validator=of_kind(Marks))
    updated_at: datetime = field(validator=instant)

    def __attrs_post_init__(self) -> None:
        if len(self.ends) > ENDS_MAX:
            raise InvalidValue("ends", f"must be at most {ENDS_MAX}")
        if self.active is not None:
            self._require_agreement(self.active)

    def _require_agreement(self, run: Run) -> None:
        if run.status.final or run.scope != self.scope:
            raise InvalidValue("active", "must be a run of the same scope that has not ended")
        if run.lease is not None and run.epoch != self.fence:
            raise InvalidValue("fence", "must be the epoch of the active claim")
        if run.epoch > self.fence:
            raise InvalidValue("fence", "must never be below an epoch")

    @classmethod
    def free(cls, *, scope: Scope, id: str, now: datetime) -> TurnState:
        """That of a thread in which nothing was ever submitted."""
        return cls(
            scope=scope,
            id=id,
            fence=0,
            closed=False,
            active=None,
            ends=(),
            requests=Marks.none(),
            updated_at=now,
        )

    def guarded_until(self, *, fence: int, now: datetime) -> datetime | None:
        """The deadline of the claim under this fence; None where it is not live now."""
        lease = None if self.active is None else self.active.lease
        if lease is None or fence != self.fence or lease.tenure.is_over(now):
            return None
        return lease.tenure.until

    # ---- submit ---------------------------------------------------------------------------------

    def recorded(
        self, *, id: RunId, payload: Digest, request_id: RequestId, ended: RunRecord | None
    ) -> Unchanged[Run] | Refused[RequestIdReused | RunIdSpent] | None:
        """What a repeated submit is answered: its run, active or ended; None for a fresh one."""
        run: Run | RetiredRun | None = None
        if self.active is not None and self.active.id == id:
            run = self.active
        elif isinstance(ended, EndedRun):
            run = ended.run
        elif isinstance(ended, RetiredRun):
            run = ended
        if run is None:
            return None
        known = run.turn.payload if isinstance(run, Run) else run.payload
        if known != payload:
            return Refused(RequestIdReused(request_id))
        return Unchanged(run) if isinstance(run, Run) else Refused(RunIdSpent(id))

    def submit(
        self,
        *,
        id: RunId,
        turn: Turn,
        policy: TurnPolicy,
        lineage: Lineage,
        holds: tuple[BucketId, ...],
        actor: Actor,
        now: datetime,
    ) -> Decision[Moved, Run, ThreadClosed | ThreadBusy]:
        """A turn is accepted (a). In this order: deleted, busy. Valid for 15 seconds."""
        return Submission(
            id=id,
            turn=turn,
            policy=policy,
            lineage=lineage,
            journal=None,
            effects=0,
            holds=holds,
            actor=actor,
        ).to(self, now=now)

    def resubmit(
        self,
        *,
        failed: EndedRun,
        called_off: Sequence[EndedRun],
        id: RunId,
        settlements: Mapping[EffectId, Outcome],
        effects: Sequence[RunEffect],
        holds: tuple[BucketId, ...],
        actor: Actor,
        request_id: RequestId,
        ended: RunRecord | None,
        now: datetime,
    ) -> Decision[Moved, Run, ResubmitRefusal]:
        """The one new run of a failed run's turn (a), on its journal; the failing call is redone.

        A retry that was called off is ended, and followed by another. In this order: request,
        actor, state, repeat, settlements, then as `submit`.

        Args:
            failed: The run as it failed.
            called_off: The retries of it that were called off, each a retry of the one before.
            id: The new run's, `retry_id` of the last of all these: a second retry meets the first.
            settlements: What became of each step that was left open.
            effects: The journal entries of those steps, which the last of these runs has left, and
                of the call that failed the run.
            holds: The buckets that count the new run.
            actor: An operator.
            request_id: The caller's.
            ended: The new run's record, where it was begun before and has ended.
            now: The store's.
        """
        run, found = failed.run, Settlements(outcomes=settlements)
        last = called_off[-1] if called_off else failed
        request = request_of(request_id, "retry", run.id, actor, found.words)
        repeated = self._repeated(request, (failed, *called_off), ended)
        if isinstance(repeated, RequestIdReused):
            return Refused(repeated)
        if actor.role is not Role.OPERATOR:
            return Refused(NotPermitted())
        if not isinstance(run.state, Failed):
            return Refused(WrongState(run.status))
        if repeated is not None:
            return Unchanged(repeated)
        payload = run.turn.payload
        known = self.recorded(id=id, payload=payload, request_id=request_id, ended=ended)
        if known is not None:
            return known
        settled = found.of_all(last.run, effects)
        if isinstance(settled, Refused):
            return settled
        # What a retry that was called off has left open of it, the operator has settled.
        culprit = None if run.state.effect in settlements else run.state.effect
        redone = [entry.redone() for entry in effects if entry.id == culprit]
        submission = Submission.again(last, id=id, holds=holds, actor=actor)
        return submission.to(self, settled=settled, redone=redone, request=request, now=now)

    def _repeated(
        self, request: Request, before: Sequence[EndedRun], ended: RunRecord | None
    ) -> Run | RequestIdReused | None:
        """The run before the new one that this very request had let go on or begun; a reused id."""
        records = [*before, *([ended] if isinstance(ended, EndedRun) else [])]
        for marks in (self.requests, *(record.requests for record in records)):
            known = marks.recall(request.id, request.arguments)
            if isinstance(known, RequestIdReused):
                return known
            if known is not None:
                begun = known.outcome.run
                return next((one.run for one in before if one.run.id == begun), None)
        return None

    # ---- claim and run --------------------------------------------------------------------------

    def claim(
        self, *, run: RunId, holder: str, token: Token, ttl: timedelta, now: datetime
    ) -> Decision[Moved, Granted, GrantRefusal]:
        """A worker takes the run (b). In this order: exists, repeat, state, deleted, due.

        One that is inside a closed thread is called off instead, by `call_off`.
        """
        active = Active.of(self, run, now)
        if active is None:
            return Refused(NotFound(run))
        return Taking(active=active, holder=holder, token=token_digest(token), ttl=ttl).take()

    def held(
        self, *, claim: Claim, ended: RunRecord | None, now: datetime
    ) -> Run | Refused[ClaimRefusal]:
        """The run that the claim holds: all checks of a runner but that of the state."""
        return held_by(self, claim, ended=ended, now=now)

    def heartbeat(
        self, *, claim: Claim, ttl: timedelta, ended: RunRecord | None, now: datetime
    ) -> Decision[Moved, Heartbeat, ClaimRefusal]:
        """The worker is alive (c): the lease alone changes, no version, no event."""
        runner = Runner.of(self, claim, ended=ended, now=now)
        return runner.heartbeat(ttl=ttl) if isinstance(runner, Runner) else runner

    def start(
        self, *, claim: Claim, ended: RunRecord | None, now: datetime
    ) -> Decision[Moved, RunStanding, ClaimRefusal]:
        """The handler is about to be called (c); noted for runs that are not journaled."""
        runner = Runner.of(self, claim, ended=ended, now=now)
        return runner.start() if isinstance(runner, Runner) else runner

    def checkpoint(
        self,
        *,
        claim: Claim,
        kind: CheckpointKind,
        schema: int,
        payload: bytes,
        ordinals: tuple[tuple[str, int], ...],
        ended: RunRecord | None,
        now: datetime,
    ) -> Decision[Moved, Checkpoint, ClaimRefusal]:
        """The handler saves its state (c); the outcome is the record to be put."""
        runner = Runner.of(self, claim, ended=ended, now=now)
        if not isinstance(runner, Runner):
            return runner
        return runner.checkpoint(kind=kind, schema=schema, payload=payload, ordinals=ordinals)

    def set_route(
        self, *, claim: Claim, route: Route, ended: RunRecord | None, now: datetime
    ) -> Decision[Moved, RunStanding, RouteRefusal]:
        """It was decided which model serves the run (c): once."""
        runner = Runner.of(self, claim, ended=ended, now=now)
        return runner.set_route(route) if isinstance(runner, Runner) else runner

    def intend(
        self,
        *,
        claim: Claim,
        id: EffectId,
        kind: EffectKind,
        arguments: Digest,
        effect: RunEffect | None,
        ended: RunRecord | None,
        now: datetime,
    ) -> Decision[Moved, EffectState, IntendRefusal]:
        """A `once` step is about to be called (c). After the runner's checks: repeat, limits.

        Args:
            claim: The runner's.
            id: The call's place in the journal.
            kind: A step or a spend.
            arguments: The digest of what it is called with.
            effect: The journal's entry of the call; None where there is none.
            ended: The run's record, where it has ended.
            now: The store's.
        """
        runner = Runner.of(self, claim, ended=ended, now=now)
        if not isinstance(runner, Runner):
            return runner
        call = JournalCall(id=id, kind=kind, mode=Mode.ONCE, arguments=arguments)
        return Journal(runner=runner, call=call, known=effect).intend()

    def settle(
        self,
        *,
        claim: Claim,
        id: EffectId,
        kind: EffectKind,
        mode: Mode,
        arguments: Digest,
        outcome: Outcome | Unclear,
        effect: RunEffect | None,
        ended: RunRecord | None,
        now: datetime,
    ) -> Decision[Moved, EffectState, SettleRefusal]:
        """A call has been made (c). After the runner's checks: repeat, limits.

        A runner that has lost its claim is refused, and what it says of its own step is kept as
        evidence. See `intend` for the arguments.

        Raises:
            InvalidValue: A call that may be made twice is said to be unclear.
        """
        call = JournalCall(id=id, kind=kind, mode=mode, arguments=arguments)
        runner = Runner.of(self, claim, ended=ended, now=now)
        if isinstance(runner, Runner):
            return Journal(runner=runner, call=call, known=effect).settle(outcome)
        late = LateReport(
            claim=claim, call=call, known=effect, outcome=outcome, refusal=runner.reason
        )
        return late.join(self, now)

    def decline(
        self,
        *,
        claim: Claim,
        call: JournalCall,
        code: str,
        effect: RunEffect | None,
        ended: RunRecord | None,
        now: datetime,
    ) -> Decision[Moved, EffectState, SettleRefusal]:
        """A call was refused (c), and is from now on. After the runner's checks: repeat, limits.

        See `intend` for the arguments.
        """
        runner = Runner.of(self, claim, ended=ended, now=now)
        if not isinstance(runner, Runner):
            return runner
        return Journal(runner=runner, call=call, known=effect).decline(code)

    def spawn(
        self,
        *,
        claim: Claim,
        id: EffectId,
        arguments: Digest,
        effect: RunEffect | None,
        ended: RunRecord | None,
        now: datetime,
    ) -> Decision[Moved, EffectState, SettleRefusal | CallDeclined]:
        """A child is submitted (c): the parent's side. After the runner's checks: state, repeat."""
        runner = Runner.of(self, claim, ended=ended, now=now)
        if not isinstance(runner, Runner):
            return runner
        run = runner.active.run
        if not isinstance(run.state, Running):
            return Refused(WrongState(run.status))
        call = JournalCall(id=id, kind=EffectKind.CHILD, mode=Mode.KEYED, arguments=arguments)
        done = Done(output=b"", disposition=None)
        entered = Journal(runner=runner, call=call, known=effect).settle(done)
        match entered:
            case Unchanged(NotDone() as refused):
                return Refused(CallDeclined(declined_with(refused) or refused.category))
            case _:
                return entered

    # ---- end a claim ----------------------------------------------------------------------------

    def block(
        self,
        *,
        claim: Claim,
        gate: Gate,
        live: tuple[RunAddress, ...],
        until: datetime | None,
        settled: Disposition | None,
        approval: str | None,
        effect: RunEffect | None,
        ended: RunRecord | None,
        now: datetime,
    ) -> Decision[Moved, RunStanding | Disposition, BlockRefusal]:
        """The handler waits at a gate (d), unless that has ended already: then it runs on (c).

        After the runner's checks: a cancel that was asked for (i), repeat, a gate that has ended,
        limits, open steps.

        Args:
            claim: The runner's.
            gate: As the call names it: of joined runs, all.
            live: Those of them that have not ended.
            until: When the wait elapses; of an approval, its deadline; None for never.
            settled: How the gate has ended already; None where it has not.
            approval: The id of the approval that is raised along. It is not to be put where the
                run has ended instead, or the outcome is a disposition.
            effect: The journal's entry of the call.
            ended: The run's record, where it has ended.
            now: The store's.
        """
        by, arguments = EndOperation.BLOCK, block_arguments(gate)
        runner = Runner.ending(self, claim, by=by, arguments=arguments, ended=ended, now=now)
        if not isinstance(runner, Runner):
            return runner
        return Parking(
            runner=runner,
            ending=runner.end(by, arguments),
            gate=gate,
            live=live,
            until=until,
            settled=settled,
            approval=approval,
            known=effect,
        ).park()

    def complete(
        self, *, claim: Claim, result_ref: Ref | None, ended: RunRecord | None, now: datetime
    ) -> Decision[Moved, RunStanding, EndRefusal]:
        """The run was carried out (j; i after a cancel was asked for, which keeps the result)."""
        by, arguments = EndOperation.COMPLETE, digest_of("complete", result_ref)
        runner = Runner.ending(self, claim, by=by, arguments=arguments, ended=ended, now=now)
        if not isinstance(runner, Runner):
            return runner
        return runner.end(by, arguments).complete(result_ref)

    def fail(
        self,
        *,
        claim: Claim,
        category: Category,
        effect: EffectId | None,
        ended: RunRecord | None,
        now: datetime,
    ) -> Decision[Moved, RunStanding, EndRefusal]:
        """The handler gives it up (k; n with a step open; i after a cancel was asked for).

        Args:
            claim: The runner's.
            category: Why.
            effect: The call whose failure is the reason, which a retry does again.
            ended: The run's record, where it has ended.
            now: The store's.
        """
        by, arguments = EndOperation.FAIL, digest_of("fail", category, *words_of(effect))
        runner = Runner.ending(self, claim, by=by, arguments=arguments, ended=ended, now=now)
        if not isinstance(runner, Runner):
            return runner
        return runner.end(by, arguments).fail(category, effect)

    def relinquish(
        self,
        *,
        claim: Claim,
        reason: Relinquishment,
        redo: EffectId | None,
        effect: RunEffect | None,
        backoff: Backoff,
        ended: RunRecord | None,
        now: datetime,
    ) -> Decision[Moved, RunStanding, EndRefusal]:
        """The worker gives the run back (l; m, n; i after a cancel was asked for).

        Args:
            claim: The runner's.
            reason: A drain, or an error.
            redo: The call whose error is the reason, which is done again.
            effect: The journal's entry of that call.
            backoff: How long the run rests after an error.
            ended: The run's record, where it has ended.
            now: The store's.
        """
        by = EndOperation.RELINQUISH
        arguments = digest_of("relinquish", reason.value, *words_of(redo))
        runner = Runner.ending(self, claim, by=by, arguments=arguments, ended=ended, now=now)
        if not isinstance(runner, Runner):
            return runner
        return runner.end(by, arguments).relinquish(reason, redo=effect, backoff=backoff)

    def expire(
        self, *, run: RunId, backoff: Backoff, now: datetime
    ) -> Decision[Moved, RunStanding, OverdueRefusal]:
        """The claim's deadline has come, and that is noted (l; m, n, i)."""
        active = Active.of(self, run, now)
        if active is None:
            return Refused(NotFound(run))
        lease = active.run.lease
        if lease is None:
            return Refused(WrongState(active.run.status))
        if not lease.tenure.is_over(now):
            return Refused(RunNotDue(lease.tenure.until))
        return ClaimEnding(
            active=active,
            lease=lease,
            operation=EndOperation.EXPIRY,
            arguments=digest_of("expiry"),
            valid_until=None,
        ).expire(backoff)

    # ---- resume ---------------------------------------------------------------------------------

    def resume(
        self,
        *,
        run: RunId,
        kind: GateKind,
        ref: Ref,
        disposition: Disposition | None,
        actor: Actor,
        request_id: RequestId,
        ended: RunRecord | None,
        now: datetime,
    ) -> Decision[Moved, RunStanding, ResumeRefusal]:
        """A gate ends (e). In this order: exists, request, actor, state and kind, gate, pending.

        Args:
            run: Which.
            kind: What it waits for.
            ref: What exactly.
            disposition: How the gate ends; of an approval, what the approval itself says: None
                while that is pending. A wait that has elapsed ends as elapsed, whatever is said.
            actor: The submitter or a part of the host; of joined runs, a part of the host alone.
            request_id: The caller's.
            ended: The run's record, where it has ended.
            now: The store's.
        """
        said = None if disposition is None or kind is GateKind.APPROVAL else disposition.value
        request = request_of(request_id, "resume", run, actor, kind.value, ref, said)
        asked = Asked.of(self, run, request=request, ended=ended, now=now)
        if isinstance(asked, Refused):
            return asked
        if asked.answered is not None:
            return asked.answered
        if not _may_resume(kind, actor, asked.submitter):
            return Refused(NotPermitted())
        if isinstance(asked.found, EndedRun):
            return Refused(WrongState(asked.standing.status))
        release = Release.at(asked.found, kind)
        if isinstance(release, Refused):
            return release
        mismatch = release.mismatch(ref)
        if mismatch is not None:
            return mismatch
        if disposition is None and not release.is_overdue:
            return Refused(GatePending(ref))
        return release.go(disposition or Disposition.ELAPSED, by=actor, request=request)

    def release(
        self,
        *,
        run: RunId,
        kind: GateKind,
        ref: Ref,
        disposition: Disposition,
        actor: Actor,
        now: datetime,
    ) -> Decision[Moved, RunStanding, ReleaseRefusal]:
        """A gate ends (e), as a part of what ended it: that has judged who may, and repeats."""
        active = Active.of(self, run, now)
        if active is None:
            return Refused(NotFound(run))
        release = Release.at(active, kind)
        if isinstance(release, Refused):
            return release
        return release.mismatch(ref) or release.go(disposition, by=actor)

    def awaited_ended(
        self, *, child: RunAddress, now: datetime
    ) -> Changed[Moved, RunStanding | None] | Unchanged[RunStanding | None]:
        """A run that the active one may await has ended; the last one lets it go (e)."""
        if self.active is None or not isinstance(self.active.state, Blocked):
            return Unchanged(None)
        active = Active(state=self, run=self.active, now=now)
        release = Release(active=active, blocked=self.active.state)
        return release.without(child, by=Actor.system(_HOST))

    def elapse(self, *, run: RunId, now: datetime) -> Decision[Moved, RunStanding, OverdueRefusal]:
        """The wait at a gate is over, and that is noted (e)."""
        active = Active.of(self, run, now)
        if active is None:
            return Refused(NotFound(run))
        release = Release.at(active)
        return release if isinstance(release, Refused) else release.elapse(by=Actor.system(_HOST))

    def approval_ended(
        self, *, run: RunId, approval: str, approved: bool, now: datetime
    ) -> Decision[Moved, RunStanding, NotFound]:
        """An approval of the run is decided or gone, and no gate of it goes along."""
        active = Active.of(self, run, now)
        if active is None:
            return Refused(NotFound(run))
        approvals = without_open(active.run, approval, approved=approved)
        if approvals == active.run.approvals:
            return Unchanged(active.run.standing)
        changed = active.stored(evolve(active.run, approvals=approvals))
        return Changed(active.moved(changed), changed.standing, ())

    # ---- cancel ---------------------------------------------------------------------------------

    def request_cancel(
        self,
        *,
        run: RunId,
        reason: Ref,
        actor: Actor,
        request_id: RequestId,
        grace: timedelta,
        ended: RunRecord | None,
        now: datetime,
    ) -> Decision[Moved, RunStanding, CancelRefusal]:
        """Somebody calls the run off (f, g, h). In this order: exists, request, actor.

        Args:
            run: Which, in any state.
            reason: Why.
            actor: The submitter, an operator or a part of the host.
            request_id: The caller's.
            grace: How long a worker may take to end it.
            ended: The run's record, where it has ended.
            now: The store's.
        """
        request = request_of(request_id, "cancel", run, actor, reason)
        asked = Asked.of(self, run, request=request, ended=ended, now=now)
        if isinstance(asked, Refused):
            return asked
        if asked.answered is not None:
            return asked.answered
        if not actor.may_stand_for(asked.submitter):
            return Refused(NotPermitted())
        if isinstance(asked.found, EndedRun):
            return Unchanged(asked.standing)
        return Cancellation(reason=reason, by=actor, grace=grace).of(asked.found, request)

    def call_off(
        self, *, run: RunId, reason: Ref, by: Actor, grace: timedelta, now: datetime
    ) -> Decision[Moved, RunStanding, NotFound]:
        """The run is called off along with its thread or its tree (f, g, h)."""
        active = Active.of(self, run, now)
        if active is None:
            return Refused(NotFound(run))
        return Cancellation(reason=reason, by=by, grace=grace).of(active)

    # ---- operate --------------------------------------------------------------------------------

    def retry(
        self,
        *,
        run: RunId,
        settlements: Mapping[EffectId, Outcome],
        effects: Sequence[RunEffect],
        actor: Actor,
        request_id: RequestId,
        ended: RunRecord | None,
        now: datetime,
    ) -> Decision[Moved, RunStanding, OperatorRefusal]:
        """An operator lets the run go on (o). In this order: exists, request, actor, state, steps.

        Args:
            run: Which. One that has failed goes on as a new run: `resubmit`.
            settlements: What became of each open step, of all of them.
            effects: The journal entries of those steps.
            actor: An operator.
            request_id: The caller's.
            ended: The run's record, where it has ended.
            now: The store's.
        """
        found = Settlements(outcomes=settlements)
        request = request_of(request_id, "retry", run, actor, found.words)
        repair = Repair.of(self, run, request=request, actor=actor, ended=ended, now=now)
        return repair.retry(found, effects) if isinstance(repair, Repair) else repair

    def give_up(
        self,
        *,
        run: RunId,
        settlements: Mapping[EffectId, Outcome],
        effects: Sequence[RunEffect],
        category: Category,
        actor: Actor,
        request_id: RequestId,
        ended: RunRecord | None,
        now: datetime,
    ) -> Decision[Moved, RunStanding, OperatorRefusal]:
        """An operator fails the run (p). Checked as `retry` is, but steps may stay uncertain."""
        found = Settlements(outcomes=settlements)
        request = request_of(request_id, "give_up", run, actor, category, found.words)
        repair = Repair.of(self, run, request=request, actor=actor, ended=ended, now=now)
        return repair.give_up(found, effects, category) if isinstance(repair, Repair) else repair

    # ---- what goes along ------------------------------------------------------------------------

    def close(self, *, now: datetime) -> Changed[Moved, None] | Unchanged[None]:
        """The thread is deleted: nothing is submitted or claimed any more."""
        if self.closed:
            return Unchanged(None)
        closed = evolve(self, closed=True, updated_at=now)
        return Changed(Moved(state=closed, ended=None, effects=()), None, ())

    def without_grants(self, ended: frozenset[str]) -> TurnState:
        """The same, whose run lists none of these grants: their end goes along with the commit."""
        run = self.active
        if run is None or not ended:
            return self
        unspent = tuple(entry for entry in run.approvals if entry.id not in ended)
        return evolve(self, active=evolve(run, approvals=unspent))

    def put_outside(self) -> TurnState:
        """The run, queued by the same commit, finds its lane full.

        Raises:
            InvalidValue: No run is queued.
        """
        run = self.active
        if run is None or not isinstance(run.state, Queued):
            raise InvalidValue("active", "must be queued")
        return evolve(self, active=evolve(run, state=evolve(run.state, outside=True)))

    def enter_lane(
        self, *, run: RunId, now: datetime
    ) -> Decision[Moved, RunStanding, NotFound | WrongState]:
        """A queued run that stood outside its lane enters it."""
        active = Active.of(self, run, now)
        if active is None:
            return Refused(NotFound(run))
        queued = active.run.state
        if not isinstance(queued, Queued):
            return Refused(WrongState(active.run.status))
        if not queued.outside:
            return Unchanged(active.run.standing)
        entered = active.stored(evolve(active.run, state=evolve(queued, outside=False)))
        return Changed(active.moved(entered), entered.standing, ())

    def join_bucket(
        self, *, run: RunId, bucket: BucketId, now: datetime
    ) -> Decision[Moved, RunStanding, NotFound]:
        """A bucket that was made after the run counts it, too."""
        active = Active.of(self, run, now)
        if active is None:
            return Refused(NotFound(run))
        if bucket in active.run.holds:
            return Unchanged(active.run.standing)
        joined = active.stored(evolve(active.run, holds=(*active.run.holds, bucket)))
        return Changed(active.moved(joined), joined.standing, ())


def _may_resume(kind: GateKind, actor: Actor, submitter: Principal) -> bool:
    match actor.role:
        case Role.SYSTEM:
            return True
        case Role.SUBMITTER:
            return kind is not GateKind.DEPENDENT_RUN and actor.may_stand_for(submitter)
        case Role.OPERATOR:
            return False
        case _:
            assert_never(actor.role)


def _index(state: TurnState) -> Index:
    run = state.active
    sort = f"{sorted_from(state.updated_at)}{state.id}"
    if run is None:
        return Index(state="closed" if state.closed else "free", due_at=None, sort=sort)
    # Fixed while the run lives, so that a listing repeats none.
    sort = f"{sorted_from(run.turn.created_at)}{run.id}"
    if run.lease is not None:
        return Index(state="held", due_at=run.lease.tenure.until, sort=sort)
    match run.state:
        case Blocked(gate=gate, until=until):
            return Index(state=f"blocked.{gate.kind.value}", due_at=until, sort=sort)
        case Queued(outside=True, due_at=due_at):
            return Index(state="outside", due_at=due_at, sort=sort)
        case _:
            return Index(state=run.status.value, due_at=None, sort=sort)


def _collection(name: str, *, permanent: bool) -> Collection[TurnState]:
    return Collection(
        name=name,
        members=(TurnState,),
        permanent=permanent,
        index=_index,
        identity=lambda state: Identity(state.scope, state.id),
        marks=lambda state: state.requests,
    )


TURN_STATES: Final[Collection[TurnState]] = _collection("turn_state", permanent=True)
THREADLESS: Final[Collection[TurnState]] = _collection("threadless_turn_state", permanent=False)
