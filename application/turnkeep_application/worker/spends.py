"""A spend: a metered step, which begins only when its budgets hold what it may cost.

It is journaled as any other step. What it may cost at most is held before it is made, longer while
it lasts, and replaced by what it did cost in the commit that journals what became of it.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final, Generic, TypeAlias, TypeVar, cast

from attrs import field, frozen

from turnkeep_application.turns.budget_waits import budget_wait
from turnkeep_application.turns.spend import Spend
from turnkeep_application.worker.exits import CallRefused, GateClosed
from turnkeep_application.worker.gates import Gates
from turnkeep_application.worker.insistence import to_its_end
from turnkeep_application.worker.runner import Runner
from turnkeep_application.worker.step_values import digest, step_output
from turnkeep_application.worker.steps import ModeName, failure_of, mode_of, output_of, unkept
from turnkeep_domain.budgets.dimensions import Dimension
from turnkeep_domain.budgets.gate_id import GateStatus
from turnkeep_domain.budgets.holds import OnExpiry
from turnkeep_domain.budgets.receipts import Receipt, ReservationStatus
from turnkeep_domain.budgets.refusals import AmountInvalid, BudgetApprovalNeeded
from turnkeep_domain.budgets.tallies import Usage, faulty_amount
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue, TurnkeepError
from turnkeep_domain.request_ids import Digest
from turnkeep_domain.turns.effect import (
    Done,
    EffectState,
    Mode,
    NotDone,
    Unclear,
)
from turnkeep_domain.turns.effect_ids import EffectId, IdempotencyKey
from turnkeep_domain.turns.gates import Disposition, Gate, GateKind
from turnkeep_domain.turns.names import Category, Ref

_LOG: Final = logging.getLogger("turnkeep.worker")

HOLD_EXPIRED: Final = Category("budget.reservation_expired")
"""What a call is put down to whose hold was over before it could be made."""

T = TypeVar("T")

# So that it is extended at half of its life, also where an earlier claim has used some of it.
_LOOKS_A_LIFE: Final = 4
_RETRIES_A_LOOK: Final = 10
_REFUSED_ENTRY: Final = frozenset({Disposition.DENIED, Disposition.WITHDRAWN})


@frozen
class Metered(Generic[T]):
    """What a metered step came to.

    Attributes:
        value: What it returned: JSON or bytes.
        usage: What it has used, of counters alone; what is not named is 0.

    Raises:
        InvalidValue: An amount is none, or is of a gauge.
    """

    value: T
    usage: Mapping[Dimension, int] = field()

    @usage.validator
    def _are_amounts(self, _: object, usage: Mapping[Dimension, int]) -> None:
        faulty = faulty_amount(usage, gauges=False)
        if faulty is not None:
            raise InvalidValue(faulty.value, AmountInvalid(faulty).sentence)


SpendingStep: TypeAlias = Callable[[IdempotencyKey], Awaitable[Metered[T]]]
"""What a handler has done at a cost: given its key, it returns `Metered`, or raises as a `Step`."""


@frozen(kw_only=True)
class Metering:
    """How a call is metered; as of `RunContext.spend`."""

    estimate: Mapping[Dimension, int]
    mode: Mode | ModeName
    ttl_ms: int | None
    on_expiry: OnExpiry
    price_version: str | None


@frozen
class _Outcome:
    """What has become of a call, what it has used, and the error that says so."""

    state: Done | NotDone | Unclear
    usage: Usage | None = field(default=None)
    cause: BaseException | None = field(default=None)


@frozen
class Spends:
    """The metered steps of one handler."""

    runner: Runner
    gates: Gates

    async def spend(self, name: str, fn: SpendingStep[T], args: object, metering: Metering) -> T:
        """As `RunContext.spend` promises."""
        id = self.runner.journal.next_call(name)
        faulty = faulty_amount(metering.estimate, gauges=True)
        if faulty is not None:
            # The same amount is refused in every replay: nothing is to be remembered of it.
            reason = AmountInvalid(faulty)
            raise CallRefused(reason, reason.code, id)
        spend = Spend(
            id=id,
            mode=mode_of(metering.mode),
            arguments=_digest(args, metering),
            estimate=dict(metering.estimate),
            ttl_ms=metering.ttl_ms,
            on_expiry=metering.on_expiry,
            price_version=metering.price_version,
        )
        known = await self.runner.entered(spend.call)
        if known is None:
            output = await self._performed(spend, fn)
        else:
            output = output_of(spend.id, known)
        # A replay gives what the first call gave: the host's own type, as far as JSON goes.
        return cast("T", output)

    async def _performed(self, spend: Spend, fn: SpendingStep[T]) -> object:
        begun = await self.runner.make(spend.call, lambda: self._begun(spend))
        if not isinstance(begun, Receipt):
            return output_of(spend.id, self.runner.stands(spend.id, begun))
        if begun.standing is ReservationStatus.ACTIVE:
            outcome = await self._made(spend, begun, fn)
        else:
            outcome = _Outcome(NotDone(category=HOLD_EXPIRED, redo=False))
        turns, claim = self.runner.turns, self.runner.claim
        settled: EffectState = await to_its_end(
            self.runner.ask(
                lambda: turns.settle_spend(
                    claim,
                    spend,
                    reservation=begun.id,
                    outcome=outcome.state,
                    usage=outcome.usage,
                )
            )
        )
        return output_of(spend.id, settled, outcome.cause)

    # ---- before ---------------------------------------------------------------------------------

    async def _begun(self, spend: Spend) -> Receipt | EffectState:
        """Holds what the call may cost; waits where a budget asks somebody first."""
        turns, claim = self.runner.turns, self.runner.claim
        for ordinal in itertools.count():
            place = budget_wait(self.runner.key(spend.id), ordinal=ordinal)
            waited = self.gates.disposition(place)
            if waited in _REFUSED_ENTRY:
                raise GateClosed(waited, place)
            if waited is not None:
                continue
            try:
                begun: Receipt | EffectState = await self.runner.ask(
                    lambda: turns.begin_spend(claim, spend)
                )
                return begun
            except CallRefused as refused:
                if not isinstance(refused.reason, BudgetApprovalNeeded):
                    raise
                needed = refused.reason
            await self._wait(place, needed)
        raise AssertionError("waits have no end")

    async def _wait(self, place: EffectId, needed: BudgetApprovalNeeded) -> None:
        """Blocks the run at a budget's gate, unless that was answered meanwhile."""
        runner = self.runner
        account = needed.pauses[0].account
        view = await runner.insistence.until_answered(
            lambda: runner.keep.budgets.gate(account, needed.gate),
            allowed=runner.tenancy.require_open,
        )
        until = None if view is None or view.status is not GateStatus.OPEN else view.gate.expires_at
        if until is None:
            return
        gate = Gate.of(kind=GateKind.RESOURCE, ref=Ref(needed.gate), effect=place)
        turns, claim = runner.turns, runner.claim
        self.gates.answered(
            place, await runner.ask(lambda: turns.block(claim, gate=gate, until=until))
        )

    # ---- meanwhile ------------------------------------------------------------------------------

    async def _made(self, spend: Spend, held: Receipt, fn: SpendingStep[T]) -> _Outcome:
        """Calls the step, with a task beside it that holds on."""
        holding = asyncio.create_task(self._hold_on(spend, held), name="turnkeep hold")
        try:
            return await self._outcome(spend, fn)
        except BaseException:
            if spend.mode is not Mode.ONCE:
                await self._abandon(spend, held)
            raise
        finally:
            holding.cancel()

    async def _outcome(self, spend: Spend, fn: SpendingStep[T]) -> _Outcome:
        """What becomes of it; a cancellation passes, and leaves an intent as it is."""
        try:
            metered = await fn(self.runner.key(spend.id))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - what a host raises is the outcome
            return _Outcome(failure_of(error, spend.mode), cause=error)
        try:
            if not isinstance(metered, Metered):
                raise InvalidValue("output", "must be Metered")
            done = Done(output=step_output(metered.value), disposition=None)
            return _Outcome(done, Usage.of(metered.usage))
        except InvalidValue as error:
            return _Outcome(unkept(spend.mode), cause=error)

    async def _hold_on(self, spend: Spend, held: Receipt) -> None:
        turns, claim = self.runner.turns, self.runner.claim
        ttl_ms = turns.budgets.ttl_ms if spend.ttl_ms is None else spend.ttl_ms
        usual_seconds = pause_seconds = ttl_ms / 1_000 / _LOOKS_A_LIFE
        while True:
            await turns.clock.sleep(pause_seconds)
            pause_seconds = usual_seconds
            try:
                answer = await turns.extend_spend(claim, spend, reservation=held.id)
            except TurnkeepError as error:
                _LOG.warning("a hold could not be extended: %s", error)
                pause_seconds /= _RETRIES_A_LOOK
                continue
            if isinstance(answer, Refused):
                _LOG.warning("a hold ends before its work: %s", answer.reason.code)
                return

    async def _abandon(self, spend: Spend, held: Receipt) -> None:
        """A call that may be made again was cut off: whoever makes it holds anew."""
        runner = self.runner
        if not runner.tenancy.stands:
            return
        with suppress(TurnkeepError):
            await to_its_end(runner.turns.abandon_spend(runner.claim, spend, reservation=held.id))


def _digest(args: object, metering: Metering) -> Digest:
    estimate = {of.value: amount for of, amount in metering.estimate.items() if amount}
    return digest("args", args, estimate, metering.on_expiry.value)
