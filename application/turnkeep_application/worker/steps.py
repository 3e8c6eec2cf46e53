"""A step: something that a handler does to the world, journaled so that it is not done twice.

The order is fixed. A step that is known is not called: what it came to is returned, or raised,
again. One that is new, or was not done and is to be redone, is called; a step that may be called
once at most has its intent stored before. Then what became of it is stored, and only then does the
handler learn of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal, TypeAlias, TypeVar, cast

from attrs import frozen

from turnkeep_application.consent_views import EffectiveConsent
from turnkeep_application.worker.approval_gates import ApprovalGates
from turnkeep_application.worker.exits import (
    HANDLER_ERROR,
    OUTPUT_INVALID,
    CallRefused,
    GiveUp,
    StepNotDone,
    StepUncertain,
)
from turnkeep_application.worker.granted_calls import GrantedCall, approved_input
from turnkeep_application.worker.insistence import to_its_end
from turnkeep_application.worker.runner import Runner
from turnkeep_application.worker.step_values import decoded, digest, step_output
from turnkeep_domain.approvals.canonical import CanonicalInput
from turnkeep_domain.approvals.consent_refusals import ConsentDenied, ConsentWithheld
from turnkeep_domain.approvals.consent_rules import ConsentAnswer, ConsentRule
from turnkeep_domain.approvals.refusals import InputRefusal
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.turns.effect import (
    Done,
    EffectKind,
    EffectState,
    Intended,
    JournalCall,
    Mode,
    NotDone,
    Uncertain,
    Unclear,
)
from turnkeep_domain.turns.effect_ids import EffectId, IdempotencyKey

T = TypeVar("T")
O = TypeVar("O")

Step: TypeAlias = Callable[[IdempotencyKey], Awaitable[T]]
"""What a handler has done: given its key, it returns JSON or bytes, or raises `StepNotDone`."""

Consenting: TypeAlias = Callable[[], Awaitable[EffectiveConsent | Refused[InputRefusal]]]
"""Asks what consent says to a call: `Policies.effective_consent`, with all that it takes."""

ModeName: TypeAlias = Literal["once", "keyed", "safe"]


@frozen(kw_only=True)
class Leave:
    """By what a step may be made; as of `RunContext.effect`."""

    consent: Consenting | None
    grant: str | None


@frozen
class Steps:
    """The steps of one handler."""

    runner: Runner
    approvals: ApprovalGates

    async def effect(
        self,
        name: str,
        fn: Step[T],
        args: object,
        mode: Mode | ModeName,
        leave: Leave,
    ) -> T:
        """As `RunContext.effect` promises."""
        wanted, arguments = mode_of(mode), digest("args", args)
        input = None if leave.grant is None else approved_input(args)
        if input is not None and (wanted is not Mode.ONCE or leave.consent is not None):
            raise InvalidValue("grant", "must be of a step of mode once that asks no consent")
        call = JournalCall(
            id=self.runner.journal.next_call(name),
            kind=EffectKind.STEP,
            mode=wanted,
            arguments=arguments,
        )
        known = await self.runner.entered(call)
        if known is None and input is not None and leave.grant is not None:
            output = await self._granted(call, fn, leave.grant, input)
        elif known is None:
            output = await self._performed(call, fn, leave.consent)
        else:
            output = output_of(call.id, known)
        # A replay gives what the first call gave: the host's own type, as far as JSON goes.
        return cast("T", output)

    async def _performed(
        self, call: JournalCall, fn: Step[T], consent: Consenting | None
    ) -> object:
        consented = None if consent is None else await self._consented(call, consent)
        if call.mode is Mode.ONCE:
            state = await self.runner.make(call, lambda: self._intended(call, consented))
            if not isinstance(state, Intended):
                return output_of(call.id, self.runner.stands(call.id, state))
        return await self._settled(call, *await self._outcome(call, fn))

    async def _granted(
        self, call: JournalCall, fn: Step[T], grant: str, input: CanonicalInput
    ) -> object:
        asked = self.approvals.asked(grant)
        granted = GrantedCall(self.runner, call, input, grant, asked)
        state = await self.runner.make(call, granted.begin)
        if not isinstance(state, Intended):
            return output_of(call.id, self.runner.stands(call.id, state))
        async with granted.held():
            outcome, cause = await self._outcome(call, fn)
        return await self._settled(call, outcome, cause)

    async def _settled(
        self, call: JournalCall, outcome: Done | NotDone | Unclear, cause: BaseException | None
    ) -> object:
        turns, claim = self.runner.turns, self.runner.claim
        settled: EffectState = await to_its_end(
            self.runner.ask(
                lambda: turns.settle(
                    claim,
                    call.id,
                    mode=call.mode,
                    arguments=call.arguments,
                    outcome=outcome,
                )
            )
        )
        return output_of(call.id, settled, cause)

    async def _intended(self, call: JournalCall, consent: EffectiveConsent | None) -> EffectState:
        turns, claim = self.runner.turns, self.runner.claim
        state: EffectState = await self.runner.ask(
            lambda: turns.intend(claim, call.id, arguments=call.arguments, consent=consent)
        )
        return state

    async def _consented(self, call: JournalCall, consent: Consenting) -> EffectiveConsent:
        """What lets a call pass unasked.

        Raises:
            CallRefused: Nothing does; the call was not made.
        """

        async def asked() -> EffectiveConsent:
            answer = await self.runner.ask(consent)
            if answer.answer is ConsentAnswer.ALLOW and answer.rule is not ConsentRule.GRANTED:
                return answer
            refusal: ConsentDenied | ConsentWithheld = ConsentWithheld(answer.rule)
            if answer.answer is ConsentAnswer.DENY:
                refusal = ConsentDenied(answer.rule)
            raise CallRefused(refusal, refusal.code)

        return await self.runner.make(call, asked)

    async def _outcome(
        self, call: JournalCall, fn: Step[T]
    ) -> tuple[Done | NotDone | Unclear, BaseException | None]:
        """Calls the step; a cancellation passes, and leaves an intent as it is."""
        try:
            value = await fn(self.runner.key(call.id))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - what a host raises is the outcome
            return failure_of(error, call.mode), error
        try:
            return Done(output=step_output(value), disposition=None), None
        except InvalidValue as error:
            return unkept(call.mode), error


def failure_of(error: BaseException, mode: Mode) -> NotDone | Unclear:
    """What has become of a step that raised.

    Of one that is called once at most nothing is known, unless it says so itself.
    """
    match error:
        case StepNotDone(category=category):
            return NotDone(category=category, redo=False)
        case _ if mode is Mode.ONCE:
            return Unclear()
        case GiveUp(category=category):
            return NotDone(category=category, redo=False)
        case _:
            return NotDone(category=HANDLER_ERROR, redo=False)


def unkept(mode: Mode) -> NotDone | Unclear:
    """What has become of a step that ended well, and returned what the journal cannot keep.

    One that may be made again counts as not done, under a category that says otherwise.
    """
    if mode is Mode.ONCE:
        return Unclear()
    return NotDone(category=OUTPUT_INVALID, redo=False)


def mode_of(mode: Mode | ModeName) -> Mode:
    """A mode, by itself or by its name.

    Raises:
        InvalidValue: It is none.
    """
    try:
        return Mode(mode)
    except ValueError:
        raise InvalidValue("mode", "must be once, keyed or safe") from None


def output_of(id: EffectId, state: EffectState, cause: BaseException | None = None) -> object:
    """What a call has come to, returned or raised as it is in every replay.

    Raises:
        StepNotDone: Surely nothing happened, or nothing that is to be relied upon.
        StepUncertain: Nobody knows.
    """
    match state:
        case Done(output=output):
            return decoded(output)
        case NotDone(category=category):
            raise StepNotDone(category, id) from cause
        case Intended() | Uncertain():
            raise StepUncertain(id) from cause
