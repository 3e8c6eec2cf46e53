"""A runner: what a handler's context asks of the store, fenced, repeated and answered for.

Every door of a context (steps, gates, children, and those that are added beside them) is made of
the same three: the tenancy under which it writes, the journal in which it looks first, and this
one way to ask.

A call takes its place in the journal when it is made, whatever comes of it. What the store answers
it, a refusal included, is journaled before the handler is told, so that a replay is told the same;
a store that does not answer, or an error, is not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, NoReturn, TypeVar

from attrs import frozen

from turnkeep_application.keep import Keep
from turnkeep_application.turns.turns import Turns
from turnkeep_application.worker.exits import CallRefused, RunLeft
from turnkeep_application.worker.heartbeats import Heartbeats
from turnkeep_application.worker.insistence import Insistence
from turnkeep_application.worker.journal import Journal
from turnkeep_application.worker.tenancy import Tenancy
from turnkeep_domain.decisions import Refused
from turnkeep_domain.request_ids import RequestIdReused
from turnkeep_domain.turns.claims import Claim
from turnkeep_domain.turns.declined import declined, declined_with
from turnkeep_domain.turns.effect import EffectKind, EffectState, Intended, JournalCall, NotDone
from turnkeep_domain.turns.effect_ids import EffectId, IdempotencyKey, idempotency_key
from turnkeep_domain.turns.names import Category
from turnkeep_domain.turns.refusals import (
    CallDeclined,
    ClaimEnded,
    EffectsFull,
    LeaseExpired,
    LeaseLost,
    NotFound,
    ReplayDiverged,
    SettleRefusal,
    WrongState,
)
from turnkeep_domain.turns.run import Run
from turnkeep_domain.turns.run_states import RunStatus

T = TypeVar("T")

DIVERGED: Final = Category("replay_diverged")


@frozen(kw_only=True, eq=False)
class Runner:
    """One claimed run, as the doors of its context use it.

    Attributes:
        keep: What the doors ask for beside the run itself.
        run: As it was when it was claimed.
    """

    keep: Keep
    run: Run
    tenancy: Tenancy
    journal: Journal
    insistence: Insistence
    heartbeats: Heartbeats

    @property
    def turns(self) -> Turns:
        """The use cases of its run."""
        return self.keep.turns

    @property
    def claim(self) -> Claim:
        """What is presented."""
        return self.tenancy.claim

    def key(self, id: EffectId) -> IdempotencyKey:
        """The key of one call, the same in every replay and in every run of this journal."""
        return idempotency_key(self.run.scope, self.run.journal, id)

    async def entered(self, call: JournalCall) -> EffectState | None:
        """What the journal has of a call; None of one that is to be made, perhaps once more.

        Raises:
            RunLeft: The claim is over, or the handler made another call in this place before,
                which fails the run.
            CallRefused: It was refused before.
        """
        self.tenancy.require_open()
        entry = self.journal.entry(call.id)
        if entry is None:
            return None
        if not entry.is_call(call):
            await self.diverge()
        return None if entry.is_to_be_redone else self.stands(call.id, entry.state)

    def stands(self, id: EffectId, state: EffectState) -> EffectState:
        """The state of a call's entry.

        Raises:
            CallRefused: The call was refused.
        """
        code = declined_with(state) if isinstance(state, NotDone) else None
        if code is not None:
            raise CallRefused(CallDeclined(code), code, id)
        return state

    async def make(self, call: JournalCall, request: Callable[[], Awaitable[T]]) -> T:
        """Makes a call; one that is refused is journaled as refused before the handler is told.

        Args:
            call: Its place in the journal, and what it was given.
            request: Asks the store for it, by `ask`.

        Raises:
            RunLeft: The claim is over; nothing is written any more.
            CallRefused: The call is forbidden, now and in every replay.
            TurnkeepError: One that is not retryable; it is not journaled.
        """
        while True:
            try:
                return await request()
            except CallRefused as refused:
                if _stands_by_itself(refused.reason):
                    raise CallRefused(refused.reason, refused.code, call.id) from None
                answered = refused
            state = await self.ask(partial(self._decline, call, answered.code))
            called_off = isinstance(answered.reason, WrongState)
            if called_off and isinstance(state, Intended) and call.kind is EffectKind.STEP:
                # The intent had landed in doubt, and nothing was called on it.
                state = await self.ask(partial(self._undo, call, answered.code))
            # A run that is called off is refused before the store looks at what it knows.
            if called_off or isinstance(state, NotDone):
                raise CallRefused(answered.reason, answered.code, call.id)
            # A request that had been in doubt has landed since: the store answers by it now.

    def _decline(
        self, call: JournalCall, code: str
    ) -> Awaitable[EffectState | Refused[SettleRefusal]]:
        return self.turns.decline(self.claim, call, code=code)

    def _undo(
        self, call: JournalCall, code: str
    ) -> Awaitable[EffectState | Refused[SettleRefusal]]:
        return self.turns.settle(
            self.claim,
            call.id,
            mode=call.mode,
            arguments=call.arguments,
            outcome=declined(code),
        )

    async def ask(self, request: Callable[[], Awaitable[T | Refused[object]]]) -> T:
        """Makes one request under the claim, and answers what was not refused.

        Raises:
            RunLeft: The claim is over; nothing is written any more.
            CallRefused: The request is forbidden.
            TurnkeepError: One that is not retryable.
        """
        answer = await self.insistence.until_answered(request, allowed=self.tenancy.require_open)
        if isinstance(answer, Refused):
            await self.refused(answer.reason)
        # While it was on its way, the handler may have been told to go.
        self.tenancy.require_open()
        return answer

    async def refused(self, reason: object) -> NoReturn:
        """What a refusal means for whoever is told it; a lost claim is told to all."""
        match reason:
            case NotFound(run=run) if run != self.claim.run.id:
                pass
            case NotFound() | ClaimEnded() | LeaseLost() | LeaseExpired():
                self.tenancy.lose()
                raise RunLeft
            case WrongState(status=RunStatus.CANCEL_REQUESTED):
                # The deadline of the cancel is learned at once, not with the next beat.
                await self.heartbeats.beat()
                self.tenancy.require_open()
                # Known in any case, for how the claim ends depends on it.
                self.tenancy.cancelling.announce()
            case ReplayDiverged():
                await self.diverge()
            case _:
                pass
        raise CallRefused(reason, str(getattr(reason, "code", "refused")))

    async def diverge(self) -> NoReturn:
        """Fails the run: its handler no longer makes the calls that it made before."""
        self.tenancy.close()
        await self.insistence.until_answered(
            lambda: self.turns.fail(self.claim, category=DIVERGED),
            allowed=self.tenancy.require_standing,
        )
        self.tenancy.end()
        raise RunLeft

    def leave(self) -> NoReturn:
        """Ends the handler: what it asked for has ended its claim."""
        self.tenancy.end()
        raise RunLeft


def _stands_by_itself(reason: object) -> bool:
    """Whether a refusal needs no entry: every replay meets it, or none comes.

    A journal that is full never has room again. What was answered by what is kept of an earlier
    call stands there. A run that is called off is not replayed, but a retry that follows it is told
    what it was told.
    """
    match reason:
        case EffectsFull(limit="effects") | CallDeclined() | RequestIdReused():
            return True
        case _:
            return False
