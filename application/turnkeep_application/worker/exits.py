"""An exit: how a handler leaves its run, other than by returning.

What a handler raises itself: `GiveUp`, `TryAgain`, and `StepNotDone` inside a step. What its
context raises, and it may catch: `StepNotDone`, `StepUncertain`, `GateClosed`, `CallRefused`.
`RunLeft` is not to be caught: the run is no longer the handler's.
"""

from __future__ import annotations

from typing import Final

from attrs import Attribute, field, frozen

from turnkeep_domain.errors import TurnkeepError
from turnkeep_domain.turns.declined import require_made
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.gates import Disposition
from turnkeep_domain.turns.names import Category, ref

HANDLER_ERROR: Final = Category("handler_error")
"""What a failure is put down to that nobody has named."""

OUTPUT_INVALID: Final = Category("output_invalid")
"""What a step is put down to that did happen, and returned what the journal cannot keep."""


def _category(instance: object, attribute: Attribute[Category], category: Category) -> None:
    ref(instance, attribute, category)
    require_made(category)


class RunLeft(BaseException):
    """The claim has ended, by the handler's own blocking or because it was lost.

    It unwinds the handler. One that swallows it gains nothing: its context refuses everything from
    then on, and what it returns is ignored.
    """


class HandlerExited(Exception):
    """A handler called `sys.exit`, which is an error of its run and of nothing else."""


@frozen
class GiveUp(TurnkeepError):
    """Raised by a handler: the run cannot be carried out, and fails.

    Raised inside a step, its category becomes the step's: `StepNotDone` in the handler, which fails
    the run with it unless it is caught. In a step that is called once at most it says nothing of
    whether that happened: the run goes to an operator, with this category.

    Attributes:
        category: Why, in the host's words, 1 to 256 bytes; it is stored, and shown to operators.
    """

    code = "given_up"
    sentence = "the run was given up: {error.category}"

    category: Category = field(converter=Category, validator=_category)


@frozen
class TryAgain(TurnkeepError):
    """Raised by a handler: not now; the run is queued again, after a pause that grows.

    Where it is raised because of a step that was not done (`raise TryAgain from error`), that step
    is done again by the next claim.
    """

    code = "try_again"
    sentence = "the run is to be tried again later"


@frozen
class StepNotDone(TurnkeepError):
    """Surely nothing happened in a step.

    The exceptions are steps that may be made again (`keyed`, `safe`): one that raised something
    else counts as not done, too, as `handler_error`, and one that did happen but returned what
    cannot be kept as `output_invalid`.

    A step raises it to say so, and the handler's call of `effect` raises it, on the spot and
    whenever the run is replayed: a failure that was caught takes the same branch again.

    Attributes:
        category: Why, in the host's words, 1 to 256 bytes; it is journaled.
        effect: Which call; None inside the step.
    """

    code = "step_not_done"
    sentence = "a step was not done: {error.category}"

    category: Category = field(converter=Category, validator=_category)
    effect: EffectId | None = field(default=None)


@frozen
class StepUncertain(TurnkeepError):
    """A step that is called once at most raised: nobody knows whether it happened.

    The run goes to an operator when its handler ends, whatever it does until then.

    Attributes:
        effect: Which call.
    """

    code = "step_uncertain"
    sentence = "a step may or may not have happened"

    effect: EffectId = field()


@frozen
class GateClosed(TurnkeepError):
    """A gate did not let the run pass; raised on the spot and at each replay.

    Attributes:
        disposition: Denied, elapsed or withdrawn.
        effect: Which call.
    """

    code = "gate_closed"
    sentence = "the gate did not open: {error.word}"

    disposition: Disposition = field()
    effect: EffectId = field()

    @property
    def word(self) -> str:
        """The disposition in one word."""
        return self.disposition.value


@frozen
class CallRefused(TurnkeepError):
    """What the handler asked of its context is forbidden; nothing of it happened.

    A journaled call (`effect`, `spend`, `require_approval`, `gate`, `join`, `spawn`, and
    `thread.summarise`) is refused in the same way in every replay, also where it would be allowed
    by then: what the handler did instead stands. It is asked anew once it was what ended the claim:
    `raise TryAgain from refused`, or the retry of a run that failed because of it.

    Attributes:
        reason: The refusal, with its facts, for people and logs. Nothing that a handler does may
            depend on it: a replay has `CallDeclined` in its place.
        code: The refusal's own, for example `effects_full`, `thread_busy`, `invalid_input`; the
            same in every replay.
        effect: Which call, where it is one of the journal.
    """

    sentence = "the call was refused: {error.code}"

    reason: object = field(repr=False)
    code: str = field()
    effect: EffectId | None = field(default=None)
