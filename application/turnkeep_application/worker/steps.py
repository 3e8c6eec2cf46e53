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

from turnkeep_application.worker.exits import HANDLER_ERROR, StepNotDone, StepUncertain
from turnkeep_application.worker.insistence import to_its_end
from turnkeep_application.worker.runner import Runner
from turnkeep_application.worker.step_values import decoded, digest, step_output
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.request_ids import Digest
from turnkeep_domain.turns.effect import (
    Done,
    EffectKind,
    EffectState,
    Intended,
    Mode,
    NotDone,
    Uncertain,
    Unclear,
)
from turnkeep_domain.turns.effect_ids import EffectId, IdempotencyKey

T = TypeVar("T")

Step: TypeAlias = Callable[[IdempotencyKey], Awaitable[T]]
"""What a handler has done: given its key, it returns JSON or bytes, or raises `StepNotDone`."""

ModeName: TypeAlias = Literal["once", "keyed", "safe"]


@frozen(kw_only=True)
class _Call:
    id: EffectId
    mode: Mode
    arguments: Digest


@frozen
class Steps:
    """The steps of one handler."""

    runner: Runner

    async def effect(self, name: str, fn: Step[T], args: object, mode: Mode | ModeName) -> T:
        """As `RunContext.effect` promises."""
        call = _Call(
            id=self.runner.journal.next_call(name),
            mode=_mode(mode),
            arguments=digest("args", args),
        )
        self.runner.tenancy.require_open()
        if not self.runner.require_same(
            call.id, kind=EffectKind.STEP, mode=call.mode, arguments=call.arguments
        ):
            await self.runner.diverge()
        known = self.runner.journal.state(call.id)
        if known is None or (isinstance(known, NotDone) and known.redo):
            output = await self._performed(call, fn)
        else:
            output = _known(call.id, known)
        # A replay gives what the first call gave: the host's own type, as far as JSON goes.
        return cast("T", output)

    async def _performed(self, call: _Call, fn: Step[T]) -> object:
        turns, claim = self.runner.turns, self.runner.claim
        if call.mode is Mode.ONCE:
            state: EffectState = await self.runner.ask(
                lambda: turns.intend(claim, call.id, arguments=call.arguments)
            )
            if not isinstance(state, Intended):
                return _known(call.id, state)
        outcome, cause = await self._outcome(call, fn)
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
        return _known(call.id, settled, cause)

    async def _outcome(
        self, call: _Call, fn: Step[T]
    ) -> tuple[Done | NotDone | Unclear, Exception | None]:
        """Calls the step; a cancellation passes, and leaves an intent as it is."""
        try:
            value = await fn(self.runner.key(call.id))
            return Done(output=step_output(value), disposition=None), None
        except StepNotDone as error:
            return NotDone(category=error.category, redo=False), error
        except Exception as error:  # noqa: BLE001 - whatever a host raises is what became of it
            if call.mode is Mode.ONCE:
                return Unclear(), error
            return NotDone(category=HANDLER_ERROR, redo=False), error


def _mode(mode: Mode | ModeName) -> Mode:
    try:
        return Mode(mode)
    except ValueError:
        raise InvalidValue("mode", "must be once, keyed or safe") from None


def _known(id: EffectId, state: EffectState, cause: Exception | None = None) -> object:
    match state:
        case Done(output=output):
            return decoded(output)
        case NotDone(category=category):
            raise StepNotDone(category, id) from cause
        case Intended() | Uncertain():
            raise StepUncertain(id) from cause
