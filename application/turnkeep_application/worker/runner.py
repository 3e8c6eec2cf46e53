"""A runner: what a handler's context asks of the store, fenced, repeated and answered for.

Every door of a context (steps, gates, children, and those that are added beside them) is made of
the same three: the tenancy under which it writes, the journal in which it looks first, and this
one way to ask.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
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
from turnkeep_domain.request_ids import Digest
from turnkeep_domain.turns.claims import Claim
from turnkeep_domain.turns.effect import EffectKind, Mode
from turnkeep_domain.turns.effect_ids import EffectId, IdempotencyKey, idempotency_key
from turnkeep_domain.turns.names import Category
from turnkeep_domain.turns.refusals import (
    ClaimEnded,
    LeaseExpired,
    LeaseLost,
    NotFound,
    ReplayDiverged,
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
            case NotFound() | ClaimEnded() | LeaseLost() | LeaseExpired():
                self.tenancy.lose()
                raise RunLeft
            case WrongState(status=RunStatus.CANCEL_REQUESTED):
                # The deadline of the cancel is learned at once, not with the next beat.
                await self.heartbeats.beat()
                self.tenancy.require_open()
            case ReplayDiverged():
                await self.diverge()
            case _:
                pass
        raise CallRefused(reason, str(getattr(reason, "code", "refused")))

    def require_same(
        self, id: EffectId, *, kind: EffectKind, mode: Mode | None, arguments: Digest
    ) -> bool:
        """Whether the journal knows a call with these arguments, or does not know it at all."""
        entry = self.journal.entry(id)
        if entry is None:
            return True
        alike = entry.kind is kind and entry.arguments == arguments
        return alike and mode in (None, entry.mode)

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
