"""An ending: how a run is told to go on, by how its handler left it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Final, TypeAlias

from attrs import frozen

from turnkeep_application.worker.exits import (
    HANDLER_ERROR,
    CallRefused,
    GateClosed,
    GiveUp,
    StepNotDone,
    StepUncertain,
    TryAgain,
)
from turnkeep_domain.errors import TurnkeepError
from turnkeep_domain.turns.claims import Relinquishment
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.names import Category, Ref, require_ref

STEP_UNCERTAIN: Final = Category("step_uncertain")
EFFECTS_OPEN: Final = Category("effects_open")


class Cause(Enum):
    """What made a handler end: itself, the end of its claim, a cancel or its worker's end."""

    ITSELF = "itself"
    OVER = "over"
    CALLED_OFF = "called_off"
    DRAIN = "drain"


@frozen
class Complete:
    """The handler returned."""

    result_ref: Ref | None


@frozen
class Fail:
    """The handler cannot carry the run out; `effect` is the call whose failure ended it."""

    category: Category
    effect: EffectId | None


@frozen
class GiveBack:
    """Another claim is to go on; `redo` is the call that it does again."""

    reason: Relinquishment
    redo: EffectId | None


Ending: TypeAlias = Complete | Fail | GiveBack


def ending_of_return(result: object) -> Ending:
    """What becomes of a run whose handler returned: a reference or None, else it fails."""
    if result is None:
        return Complete(None)
    try:
        require_ref("result", result)
    except TurnkeepError:
        return Fail(HANDLER_ERROR, None)
    return Complete(Ref(str(result)))


def ending_of_error(error: BaseException, cause: Cause) -> Ending:
    """What becomes of a run whose handler raised.

    Of several errors at once, one that gives the run up counts most, one that fails it next, and
    one that wants it tried again least: a failure that another try cannot mend comes back anyway.
    """
    leaves = tuple(_leaves(error))
    endings = [_ending(leaf) for leaf in leaves]
    given_up = [end for end, leaf in zip(endings, leaves, strict=True) if isinstance(leaf, GiveUp)]
    if given_up:
        return given_up[0]
    if cause is not Cause.ITSELF:
        return GiveBack(Relinquishment.DRAIN, None)
    return next((end for end in endings if isinstance(end, Fail)), endings[0])


def called_off(ending: Ending) -> Ending:
    """The same of a run that is called off, which ends as cancelled however its claim ends.

    The call that made it fail is done again, should the run be a retry that is followed by another.
    """
    match ending:
        case Fail(effect=EffectId() as effect):
            return GiveBack(Relinquishment.ERROR, effect)
        case _:
            return ending


def _ending(error: BaseException) -> Ending:
    effect = _effect_of(error)
    match error:
        case GiveUp(category=category):
            return Fail(category, effect)
        case TryAgain():
            return GiveBack(Relinquishment.ERROR, effect)
        case StepNotDone(category=category):
            if _wants_another_try(error.__cause__):
                return GiveBack(Relinquishment.ERROR, effect)
            return Fail(category, effect)
        case StepUncertain():
            # The words of the step that gave up are for the operator who has to find out.
            cause = error.__cause__
            return Fail(cause.category if isinstance(cause, GiveUp) else STEP_UNCERTAIN, effect)
        case GateClosed(disposition=disposition):
            return Fail(Category(f"gate_{disposition.value}"), None)
        case CallRefused(code=code):
            return Fail(Category(code), effect)
        case _:
            if _wants_another_try(error):
                return GiveBack(Relinquishment.ERROR, effect)
            return Fail(HANDLER_ERROR, effect)


def _wants_another_try(error: BaseException | None) -> bool:
    return isinstance(error, TryAgain) or (isinstance(error, TurnkeepError) and error.retryable)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _leaves(part)
    else:
        yield error


def _effect_of(error: BaseException | None) -> EffectId | None:
    """The call whose failure or refusal led to an error, as Python chains errors."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        match error:
            case StepNotDone() | StepUncertain() | CallRefused() if error.effect is not None:
                return error.effect
            case _:
                pass
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return None
