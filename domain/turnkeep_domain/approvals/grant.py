"""A grant: the authority that one yes gives, for at most one making of the approved call.

```text
    issued --> Active --a--> Claimed --c--> Dispatching --e--> Consumed
                ^ ^            | |b            | |
                | '-----d------' '             | '--f (it happened)--> Consumed
                '----------d, f (it did not)---'
    Active, Claimed --g, h--> Revoked

    a  claim        b  claim by somebody else once the deadline has passed; extend
    c  begin        d  abort: whoever holds it vouches that nothing happened
    e  consume, however late, while the token holds
    f  settle, by an operator
    g  revoke, or the end of the run that had asked     h  its time is up, noted or not
```

What is claimed may be taken over, for nothing has run; what is dispatching never is. What d and f
give back of a run that has ended by then, goes on to Revoked.

Every command that has a request id asks the marks first. A repeat of a and c is an authority to go
on, not news of the past: it is answered as it was only while nothing has followed but b. The module
is long because the commands of one aggregate, and what its cells are, stand together.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, TypeVar, assert_never

from attrs import evolve, field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.approvals.approval_id import ApprovalId
from turnkeep_domain.approvals.calls import Action, Dispatch, Effect, Spawn
from turnkeep_domain.approvals.fingerprint import Fingerprint, fingerprint
from turnkeep_domain.approvals.grant_events import (
    GrantAborted,
    GrantBegan,
    GrantClaimed,
    GrantConsumed,
    GrantExtended,
    GrantIssued,
    GrantSettled,
    GrantTold,
    GrantWithdrawn,
)
from turnkeep_domain.approvals.grant_phases import (
    ActiveGrant,
    ClaimedGrant,
    ConsumedGrant,
    DispatchingGrant,
    GrantOutcome,
    GrantPhase,
    GrantRevokeCause,
    GrantState,
    GrantStep,
    RevokedGrant,
    grant_state_of,
)
from turnkeep_domain.approvals.grant_refusals import (
    AlreadyDispatching,
    ClaimLost,
    EffectsWidened,
    FingerprintMismatch,
    GrantAbortRefusal,
    GrantBeginRefusal,
    GrantBusy,
    GrantClaimRefusal,
    GrantConsumeRefusal,
    GrantEnd,
    GrantExpireRefusal,
    GrantExtendRefusal,
    GrantHeld,
    GrantNotDue,
    GrantRevoked,
    GrantRevokeRefusal,
    GrantSettleRefusal,
    GrantSpent,
    GrantStepRefusal,
    NotBegun,
    NotGrantee,
    OutcomeUncertain,
    PresentedRefusal,
    SettleWithRun,
)
from turnkeep_domain.approvals.limits import (
    GRANT_SECONDS_MAX,
    GRANT_SECONDS_MIN,
    require_grant_lifetime,
)
from turnkeep_domain.approvals.names import CapabilityId, CorrelationId
from turnkeep_domain.approvals.presented import PresentedCall
from turnkeep_domain.approvals.request import ApprovalRequest
from turnkeep_domain.approvals.votes import Ruling
from turnkeep_domain.decisions import Changed, Decision, Refused, Settled, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.events import Event
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant, sorted_from
from turnkeep_domain.keys import Address, Collection, Identity, Index
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.principals import Principal
from turnkeep_domain.replay import replayed
from turnkeep_domain.request_ids import (
    MARKS_MAX,
    Digest,
    Mark,
    Marks,
    RequestId,
    digest_of,
    remember,
)
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.addresses import RunAddress

_NAME: Final = "grant"

B = TypeVar("B")


@frozen(kw_only=True)
class _Request:
    """A request id, and what tells a repeat under it from another command."""

    id: RequestId
    arguments: Digest = field(repr=False)


@frozen(kw_only=True)
class Grant:
    """What one approval allows, and what has become of that. Its id is the approval's.

    Attributes:
        effects: What the call may do to the world at most.
        grantee: Who may make the call: the one that had asked.
        run: The run that had asked, whose end takes an unspent grant back; None where none had.
        issued_by: Whose vote decided.
        expires_at: From this instant on it can neither be claimed nor begun; 10 seconds to 7 days
            after `issued_at`.
        marks: The last 32 request ids with what they were answered.
    """

    id: ApprovalId = field(validator=identifier)
    scope: Scope = field(validator=of_kind(Scope))
    fingerprint: Fingerprint = field(validator=fingerprint, repr=False)
    correlation_id: CorrelationId = field(validator=identifier)
    action: Action = field(validator=of_kind(Dispatch, Spawn))
    effects: frozenset[Effect] = field(validator=deep_iterable(of_kind(Effect), of_kind(frozenset)))
    grantee: Principal = field(validator=of_kind(Principal))
    run: RunAddress | None = field(validator=of_kind(RunAddress, type(None)))
    issued_by: Principal = field(validator=of_kind(Principal))
    issued_at: datetime = field(validator=instant)
    expires_at: datetime = field(validator=instant)
    phase: GrantPhase = field(
        validator=of_kind(ActiveGrant, ClaimedGrant, DispatchingGrant, ConsumedGrant, RevokedGrant)
    )
    marks: Marks[GrantOutcome] = field(validator=of_kind(Marks))

    def __attrs_post_init__(self) -> None:
        self.scope.require_work()
        least, most = timedelta(seconds=GRANT_SECONDS_MIN), timedelta(seconds=GRANT_SECONDS_MAX)
        if not least <= self.expires_at - self.issued_at <= most:
            raise InvalidValue("expires_at", "must be 10 seconds to 7 days after issued_at")
        if isinstance(self.phase, ClaimedGrant) and self.phase.deadline > self.expires_at:
            raise InvalidValue("phase", "must not be claimed past the end of the grant")
        if len(self.marks.entries) > MARKS_MAX:
            raise InvalidValue("marks", f"must be {MARKS_MAX} at most")

    @classmethod
    def issued(
        cls, request: ApprovalRequest, ruling: Ruling, *, lifetime_seconds: int, now: datetime
    ) -> Changed[Grant, GrantOutcome]:
        """The last yes that was needed has come.

        Raises:
            InvalidValue: The lifetime is outside 10 seconds to 7 days.
        """
        require_grant_lifetime(lifetime_seconds)
        question, phase = request.question, ActiveGrant()
        grant = cls(
            id=request.id,
            scope=request.scope,
            fingerprint=question.fingerprint,
            correlation_id=question.correlation_id,
            action=question.action,
            effects=question.effects,
            grantee=question.requester,
            run=question.run,
            issued_by=ruling.decider,
            issued_at=now,
            expires_at=now + timedelta(seconds=lifetime_seconds),
            phase=phase,
            marks=Marks.none(),
        )
        event = GrantIssued(
            address=grant.address,
            at=now,
            capability=grant.capability,
            correlation_id=grant.correlation_id,
            by=ruling.decider,
            grantee=grant.grantee,
            expires_at=grant.expires_at,
        )
        return Changed(grant, GrantOutcome.of(phase), (event,))

    # ---- what it says ---------------------------------------------------------------------------

    @property
    def address(self) -> Address:
        """Where it is kept."""
        return Address(_NAME, self.scope, self.id)

    @property
    def capability(self) -> CapabilityId:
        """What the call uses."""
        return self.action.capability

    @property
    def ended_at(self) -> datetime | None:
        """When it was consumed or revoked; None where it was not."""
        return self.phase.at if isinstance(self.phase, ConsumedGrant | RevokedGrant) else None

    @property
    def end(self) -> GrantEnd | None:
        """What whoever wants to use it is told once it has ended; None where it has not."""
        phase = self.phase
        return _end(phase) if isinstance(phase, ConsumedGrant | RevokedGrant) else None

    def is_live_at(self, now: datetime) -> bool:
        """Whether the call may still be begun with it."""
        return isinstance(self.phase, ActiveGrant | ClaimedGrant) and now < self.expires_at

    def state_at(self, now: datetime) -> GrantState:
        """Where it stands; what was not begun in time is revoked, noted or not."""
        return GrantState.REVOKED if self._is_overdue(now) else grant_state_of(self.phase)

    # ---- before the call ------------------------------------------------------------------------

    def claim(
        self,
        call: PresentedCall,
        *,
        token: Digest,
        request_id: RequestId,
        ttl: timedelta,
        barred: B | None,
        now: datetime,
    ) -> Decision[Grant, GrantOutcome, GrantClaimRefusal | B]:
        """The grantee is about to make the call (a, b).

        In this order: mark, grantee, fingerprint, effects, barred, where the grant stands. A repeat
        takes nothing again once the claim has ended.

        Args:
            call: What would be done, and by whom.
            token: The digest of the claimant's token.
            request_id: The caller's.
            ttl: For how long; never past the end of the grant.
            barred: The refusal where standing consent forbids the call by now.
            now: The store's.
        """
        arguments = digest_of("claim", token.hex(), call.words())
        replay = replayed(self.marks, request_id, arguments)
        if isinstance(replay, Refused) or (replay and self._is_at(request_id, ClaimedGrant, now)):
            return replay
        wrong = self.fault_of(call)
        if wrong is not None:
            return Refused(wrong)
        if barred is not None:
            return Refused(barred)
        overdue = self._overdue(now)
        if overdue is not None:
            return overdue
        match self._claimable(token, now):
            case None if replay is not None:
                return Refused(ClaimLost())
            case None:
                phase = ClaimedGrant(
                    token=token, by=call.by, deadline=min(now + ttl, self.expires_at)
                )
                event = GrantClaimed(**self._told(now), by=call.by, until=phase.deadline)
                request = _Request(id=request_id, arguments=arguments)
                return self._moved(phase, event, request=request, until=self.expires_at)
            case answer:
                return answer

    def begin(
        self,
        *,
        token: Digest,
        request_id: RequestId,
        ttl: timedelta,
        barred: B | None,
        now: datetime,
    ) -> Decision[Grant, GrantOutcome, GrantBeginRefusal | B]:
        """The claimant makes the call from now on (c). In this order: mark, token, barred.

        Whoever repeats it under another request id, as a process does that was started anew, or
        past the deadline, is told that it was begun; and that the claim is lost, once it was
        settled or aborted: by then another may have begun.
        """
        arguments = digest_of("begin", token.hex())
        replay = replayed(self.marks, request_id, arguments)
        if isinstance(replay, Refused) or (
            replay and self._is_at(request_id, DispatchingGrant, now)
        ):
            return replay
        overdue = self._overdue(now)
        if overdue is not None:
            return overdue
        match self.phase:
            case ClaimedGrant(token=held, by=by, deadline=deadline) if held == token:
                if replay is not None or now >= deadline:
                    return Refused(ClaimLost())
                if barred is not None:
                    return Refused(barred)
                request = _Request(id=request_id, arguments=arguments)
                return self._begun(token, by, ttl, None, request, until=deadline, now=now)
            case DispatchingGrant(token=held) if held == token:
                return Refused(AlreadyDispatching())
            case ActiveGrant() | ClaimedGrant() | DispatchingGrant():
                return Refused(ClaimLost())
            case ConsumedGrant() | RevokedGrant() as ended:
                return Refused(_end(ended))
            case _:
                assert_never(self.phase)

    def begin_step(
        self,
        call: PresentedCall,
        *,
        step: GrantStep,
        token: Digest,
        ttl: timedelta,
        barred: B | None,
        now: datetime,
    ) -> (
        Changed[Grant, GrantOutcome] | Refused[GrantStepRefusal | B] | Settled[Grant, GrantRevoked]
    ):
        """A journaled step begins with it, in the commit of its intent (a and c in one).

        Nothing lies between claim and begin, so there is neither a claim to be lost nor an event
        of one. The journal recognises repeats. Else it is judged as `claim` is.
        """
        wrong = self.fault_of(call)
        if wrong is not None:
            return Refused(wrong)
        if barred is not None:
            return Refused(barred)
        overdue = self._overdue(now)
        if overdue is not None:
            return overdue
        taken = self._claimable(token, now)
        if isinstance(taken, Refused):
            return taken
        return self._begun(token, call.by, ttl, step, None, until=self.expires_at, now=now)

    def fault_of(self, call: PresentedCall) -> PresentedRefusal | None:
        """What is wrong with a call that is presented for it. Grantee, fingerprint, effects."""
        if call.by != self.grantee:
            return NotGrantee(call.by)
        if call.fingerprint != self.fingerprint:
            return FingerprintMismatch()
        widened = call.effects - self.effects
        if widened:
            return EffectsWidened(tuple(sorted(effect.value for effect in widened)))
        return None

    # ---- while it is held -----------------------------------------------------------------------

    def extend(
        self, *, token: Digest, ttl: timedelta, now: datetime
    ) -> Decision[Grant, GrantOutcome, GrantExtendRefusal]:
        """Its holder needs longer (b): never shorter, a claim never past the end of the grant.

        It has no request id: what is repeated says how long it is held.
        """
        overdue = self._overdue(now)
        if overdue is not None:
            return overdue
        held = self._held_by(token, now)
        if isinstance(held, Refused):
            return held
        until = max(held.deadline, now + ttl)
        if isinstance(held, ClaimedGrant):
            until = min(until, self.expires_at)
        if until == held.deadline:
            return Unchanged(GrantOutcome.of(held))
        phase = evolve(held, deadline=until)
        event = GrantExtended(**self._told(now), by=held.by, until=until)
        return self._moved(phase, event, request=None, until=held.deadline)

    def abort(
        self,
        *,
        token: Digest,
        request_id: RequestId,
        withdrawn_by: Principal | None,
        now: datetime,
    ) -> Decision[Grant, GrantOutcome, GrantAbortRefusal]:
        """Its holder vouches that nothing happened (d): it may be claimed again.

        Args:
            token: The digest of the holder's token.
            request_id: The caller's.
            withdrawn_by: Who takes back at once what is given back, where the run that had asked
                has ended meanwhile; else None.
            now: The store's.
        """
        request = _Request(id=request_id, arguments=digest_of("abort", token.hex()))
        replay = replayed(self.marks, request.id, request.arguments)
        if replay is not None:
            return replay
        overdue = self._overdue(now)
        if overdue is not None:
            return overdue
        held = self._held_by(token, now)
        if isinstance(held, Refused):
            return held
        if isinstance(held, DispatchingGrant) and held.step is not None:
            return Refused(SettleWithRun(held.step))
        event = GrantAborted(**self._told(now), by=held.by)
        return self._given_back(event, request, withdrawn_by, until=held.deadline, now=now)

    # ---- after the call -------------------------------------------------------------------------

    def consume(
        self, *, token: Digest, request_id: RequestId, now: datetime
    ) -> Decision[Grant, GrantOutcome, GrantConsumeRefusal]:
        """The call was made, whatever it returned (e): true however late its holder tells."""
        request = _Request(id=request_id, arguments=digest_of("consume", token.hex()))
        replay = replayed(self.marks, request.id, request.arguments)
        if replay is not None:
            return replay
        overdue = self._overdue(now)
        if overdue is not None:
            return overdue
        match self.phase:
            case DispatchingGrant(token=held, by=by, step=None) if held == token:
                event = GrantConsumed(**self._told(now), by=by)
                return self._moved(ConsumedGrant(token=token, at=now), event, request=request)
            case DispatchingGrant(token=held, step=GrantStep() as step) if held == token:
                return Refused(SettleWithRun(step))
            case ClaimedGrant(token=held, deadline=deadline) if held == token and now < deadline:
                return Refused(NotBegun())
            case ConsumedGrant(token=held) if held == token:
                return Unchanged(GrantOutcome.of(self.phase))
            case ActiveGrant() | ClaimedGrant() | DispatchingGrant():
                return Refused(ClaimLost())
            case ConsumedGrant() | RevokedGrant() as ended:
                return Refused(_end(ended))
            case _:
                assert_never(self.phase)

    def settle(
        self,
        *,
        happened: bool,
        by: Principal,
        request_id: RequestId,
        run_lives: bool,
        withdrawn_by: Principal | None,
        now: datetime,
    ) -> Decision[Grant, GrantOutcome, GrantSettleRefusal]:
        """An operator found out what had become of a call of which nobody had told (f).

        Args:
            happened: Whether the call was made.
            by: The operator.
            request_id: The caller's.
            run_lives: Whether the run has not ended whose step began with it.
            withdrawn_by: As of `abort`.
            now: The store's; before the deadline its holder may still tell.
        """
        arguments = digest_of("settle", by.kind.value, by.id, "happened" if happened else "did not")
        request = _Request(id=request_id, arguments=arguments)
        replay = replayed(self.marks, request.id, request.arguments)
        if replay is not None:
            return replay
        overdue = self._overdue(now)
        if overdue is not None:
            return overdue
        match self.phase:
            case DispatchingGrant(step=GrantStep() as step) if run_lives:
                return Refused(SettleWithRun(step))
            case DispatchingGrant(deadline=deadline) if now < deadline:
                return Refused(GrantBusy(deadline))
            case DispatchingGrant() as held:
                return self._settled(
                    held, by, request, happened=happened, withdrawn_by=withdrawn_by, now=now
                )
            case ActiveGrant() | ClaimedGrant():
                return Refused(NotBegun())
            case ConsumedGrant() if happened:
                return Unchanged(GrantOutcome.of(self.phase))
            case ConsumedGrant() | RevokedGrant() as ended:
                return Refused(_end(ended))
            case _:
                assert_never(self.phase)

    def step_ended(
        self, *, step: GrantStep, happened: bool, by: Principal | None, now: datetime
    ) -> Changed[Grant, GrantOutcome] | Unchanged[GrantOutcome]:
        """The step that began with it is settled, in the commit that says so in the journal.

        The journal has judged who may tell, and when; so the deadline here decides nothing. What
        is given back of a run that is over, `run_ended` takes back in the same commit.

        Args:
            step: Which step; a grant that another began with stays as it is.
            happened: Whether the call was made.
            by: The operator who found out; None where the runner itself tells (e, d).
            now: The store's.
        """
        held = self.phase
        if not isinstance(held, DispatchingGrant) or held.step != step:
            return Unchanged(GrantOutcome.of(held))
        if by is not None:
            return self._settled(held, by, None, happened=happened, withdrawn_by=None, now=now)
        if happened:
            consumed = ConsumedGrant(token=held.token, at=now)
            return self._moved(consumed, GrantConsumed(**self._told(now), by=held.by))
        return self._moved(ActiveGrant(), GrantAborted(**self._told(now), by=held.by))

    # ---- instead of the call --------------------------------------------------------------------

    def revoke(
        self, *, by: Principal, request_id: RequestId, now: datetime
    ) -> Decision[Grant, GrantOutcome, GrantRevokeRefusal]:
        """Somebody takes it back before the call is begun (g)."""
        request = _Request(id=request_id, arguments=digest_of("revoke", by.kind.value, by.id))
        replay = replayed(self.marks, request.id, request.arguments)
        if replay is not None:
            return replay
        return self._revoked(by, GrantRevokeCause.WITHDRAWN, request, now)

    def run_ended(
        self, *, by: Principal, now: datetime
    ) -> Decision[Grant, GrantOutcome, GrantRevokeRefusal]:
        """The run that had asked has ended, in that commit (g). What is dispatching stays."""
        return self._revoked(by, GrantRevokeCause.RUN_ENDED, None, now)

    def expire(self, *, now: datetime) -> Decision[Grant, GrantOutcome, GrantExpireRefusal]:
        """Notes that its time is up (h). Idempotent by state."""
        match self.phase:
            case RevokedGrant(cause=GrantRevokeCause.EXPIRED):
                return Unchanged(GrantOutcome.of(self.phase))
            case ConsumedGrant() | RevokedGrant() as ended:
                return Refused(_end(ended))
            case DispatchingGrant():
                return Refused(AlreadyDispatching())
            case ActiveGrant() | ClaimedGrant() if now < self.expires_at:
                return Refused(GrantNotDue(self.expires_at))
            case ActiveGrant() | ClaimedGrant():
                return self._moved(*self._expiry(now))
            case _:
                assert_never(self.phase)

    # ---- steps ----------------------------------------------------------------------------------

    def _is_at(
        self, request_id: RequestId, kind: type[ClaimedGrant | DispatchingGrant], now: datetime
    ) -> bool:
        """Whether what a known command led to still holds, its deadline put off at most.

        The token is in the digest of its mark; and what is held anew, another mark has come for.
        """
        last = self.marks.entries[-1].request_id
        held = self.phase
        return isinstance(held, kind) and now < held.deadline and last == request_id

    def _claimable(
        self, token: Digest, now: datetime
    ) -> Unchanged[GrantOutcome] | Refused[GrantHeld | GrantEnd] | None:
        """What a claimant is answered; None where the grant is free for the taking."""
        match self.phase:
            case ActiveGrant():
                return None
            case ClaimedGrant(token=held, deadline=deadline) as claimed:
                if now >= deadline:
                    return None
                if held == token:
                    return Unchanged(GrantOutcome.of(claimed))
                return Refused(GrantBusy(deadline))
            case DispatchingGrant(deadline=deadline):
                late = now >= deadline
                return Refused(OutcomeUncertain(deadline) if late else GrantBusy(deadline))
            case ConsumedGrant() | RevokedGrant() as ended:
                return Refused(_end(ended))
            case _:
                assert_never(self.phase)

    def _held_by(
        self, token: Digest, now: datetime
    ) -> ClaimedGrant | DispatchingGrant | Refused[ClaimLost | GrantEnd]:
        match self.phase:
            case (
                ClaimedGrant(token=held, deadline=deadline)
                | DispatchingGrant(token=held, deadline=deadline)
            ) if held == token and now < deadline:
                return self.phase
            case ActiveGrant() | ClaimedGrant() | DispatchingGrant():
                return Refused(ClaimLost())
            case ConsumedGrant() | RevokedGrant() as ended:
                return Refused(_end(ended))
            case _:
                assert_never(self.phase)

    def _begun(
        self,
        token: Digest,
        by: Principal,
        ttl: timedelta,
        step: GrantStep | None,
        request: _Request | None,
        *,
        until: datetime,
        now: datetime,
    ) -> Changed[Grant, GrantOutcome]:
        phase = DispatchingGrant(token=token, by=by, deadline=now + ttl, step=step)
        event = GrantBegan(**self._told(now), by=by, until=phase.deadline)
        return self._moved(phase, event, request=request, until=until)

    def _settled(
        self,
        held: DispatchingGrant,
        by: Principal,
        request: _Request | None,
        *,
        happened: bool,
        withdrawn_by: Principal | None,
        now: datetime,
    ) -> Changed[Grant, GrantOutcome]:
        event = GrantSettled(**self._told(now), by=by, happened=happened)
        if not happened:
            return self._given_back(event, request, withdrawn_by, until=None, now=now)
        return self._moved(ConsumedGrant(token=held.token, at=now), event, request=request)

    def _given_back(
        self,
        event: Event,
        request: _Request | None,
        withdrawn_by: Principal | None,
        *,
        until: datetime | None,
        now: datetime,
    ) -> Changed[Grant, GrantOutcome]:
        """Nothing happened: it may be claimed again, unless it is taken back at once."""
        if withdrawn_by is None:
            return self._moved(ActiveGrant(), event, request=request, until=until)
        cause = GrantRevokeCause.RUN_ENDED
        withdrawn = GrantWithdrawn(**self._told(now), by=withdrawn_by, cause=cause)
        phase = RevokedGrant(by=withdrawn_by, at=now, cause=cause)
        return self._moved(phase, event, withdrawn, request=request, until=until)

    def _revoked(
        self, by: Principal, cause: GrantRevokeCause, request: _Request | None, now: datetime
    ) -> Decision[Grant, GrantOutcome, AlreadyDispatching | GrantEnd]:
        overdue = self._overdue(now)
        if overdue is not None:
            return overdue
        match self.phase:
            case ActiveGrant() | ClaimedGrant():
                event = GrantWithdrawn(**self._told(now), by=by, cause=cause)
                phase = RevokedGrant(by=by, at=now, cause=cause)
                return self._moved(phase, event, request=request, until=self.expires_at)
            case DispatchingGrant():
                return Refused(AlreadyDispatching())
            case RevokedGrant(by=Principal()):
                return Unchanged(GrantOutcome.of(self.phase))
            case ConsumedGrant() | RevokedGrant() as ended:
                return Refused(_end(ended))
            case _:
                assert_never(self.phase)

    def _overdue(self, now: datetime) -> Settled[Grant, GrantRevoked] | None:
        if not self._is_overdue(now):
            return None
        phase, event = self._expiry(now)
        refusal = GrantRevoked(GrantRevokeCause.EXPIRED)
        return Settled(evolve(self, phase=phase), refusal, (event,), tidy=True)

    def _is_overdue(self, now: datetime) -> bool:
        return isinstance(self.phase, ActiveGrant | ClaimedGrant) and now >= self.expires_at

    def _expiry(self, now: datetime) -> tuple[RevokedGrant, GrantWithdrawn]:
        cause = GrantRevokeCause.EXPIRED
        event = GrantWithdrawn(**self._told(now), by=None, cause=cause)
        return RevokedGrant(by=None, at=now, cause=cause), event

    def _moved(
        self,
        phase: GrantPhase,
        *events: Event,
        request: _Request | None = None,
        until: datetime | None = None,
    ) -> Changed[Grant, GrantOutcome]:
        outcome, marks = GrantOutcome.of(phase), self.marks
        if request is not None:
            mark = Mark(request.id, request.arguments, outcome)
            marks = remember(marks, mark, bound=MARKS_MAX)
        return Changed(evolve(self, phase=phase, marks=marks), outcome, events, until)

    def _told(self, now: datetime) -> GrantTold:
        return GrantTold(
            address=self.address,
            at=now,
            capability=self.capability,
            correlation_id=self.correlation_id,
        )


def _end(ended: ConsumedGrant | RevokedGrant) -> GrantEnd:
    return GrantRevoked(ended.cause) if isinstance(ended, RevokedGrant) else GrantSpent()


def _index(grant: Grant) -> Index:
    unbegun = isinstance(grant.phase, ActiveGrant | ClaimedGrant)
    # Ties are broken by the id.
    return Index(
        state=grant_state_of(grant.phase).value,
        due_at=grant.expires_at if unbegun else None,
        sort=f"{sorted_from(grant.issued_at)}{grant.id}",
    )


GRANTS: Final[Collection[Grant]] = Collection(
    name=_NAME,
    members=(Grant,),
    permanent=False,
    index=_index,
    identity=lambda grant: Identity(grant.scope, grant.id),
    marks=lambda grant: grant.marks,
)
