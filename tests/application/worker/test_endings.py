"""How a run goes on follows from how its handler left it."""

from __future__ import annotations

import asyncio

import pytest

from turnkeep_application.errors import Contended
from turnkeep_application.worker.endings import (
    Cause,
    Complete,
    Ending,
    Fail,
    GiveBack,
    ending_of_error,
    ending_of_return,
)
from turnkeep_application.worker.exits import (
    CallRefused,
    GateClosed,
    GiveUp,
    RunLeft,
    StepNotDone,
    StepUncertain,
    TryAgain,
)
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Address
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.claims import Relinquishment
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.gates import Disposition
from turnkeep_domain.turns.names import Category, Ref
from turnkeep_ports.errors import Corrupt, Unavailable

PAY = EffectId("pay", 0)
AGAIN = GiveBack(Relinquishment.ERROR, None)
ADDRESS = Address("lane", Scope.of("acme", "ada"), "interactive")


def chained(error: Exception, cause: Exception) -> Exception:
    try:
        raise error from cause
    except Exception as raised:  # noqa: BLE001 - that is what is made here
        return raised


def met_while(error: Exception, handling: Exception) -> Exception:
    try:
        try:
            raise handling
        except Exception:  # noqa: BLE001 - that is what is made here
            raise error  # noqa: B904 - its context is what matters
    except Exception as raised:  # noqa: BLE001 - that is what is made here
        return raised


@pytest.mark.parametrize(
    ("result", "ending"),
    [
        (None, Complete(None)),
        ("result:1", Complete(Ref("result:1"))),
        ("", Fail(Category("handler_error"), None)),
        ("x" * 257, Fail(Category("handler_error"), None)),
        (7, Fail(Category("handler_error"), None)),
    ],
)
def test_a_return_completes_unless_it_is_no_reference(result: object, ending: Ending) -> None:
    assert ending_of_return(result) == ending


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (GiveUp(Category("no_money")), Fail(Category("no_money"), None)),
        (TryAgain(), AGAIN),
        (Contended(32, ADDRESS), AGAIN),
        (Unavailable("away"), AGAIN),
        (Unavailable("full", retryable=False), Fail(Category("handler_error"), None)),
        (Corrupt("torn"), Fail(Category("handler_error"), None)),
        (InvalidValue("name", "must be text"), Fail(Category("handler_error"), None)),
        (ZeroDivisionError(), Fail(Category("handler_error"), None)),
        (asyncio.CancelledError(), Fail(Category("handler_error"), None)),
        (RunLeft(), Fail(Category("handler_error"), None)),
        (GateClosed(Disposition.DENIED, PAY), Fail(Category("gate_denied"), None)),
        (CallRefused(object(), "effects_full"), Fail(Category("effects_full"), None)),
        (StepUncertain(PAY), Fail(Category("step_uncertain"), PAY)),
        (StepNotDone(Category("busy"), PAY), Fail(Category("busy"), PAY)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_fails_the_run_or_gives_it_back(error: BaseException, ending: Ending) -> None:
    assert ending_of_error(error, Cause.ITSELF) == ending


@pytest.mark.parametrize(
    "error",
    [
        chained(TryAgain(), StepNotDone(Category("busy"), PAY)),
        met_while(TryAgain(), StepNotDone(Category("busy"), PAY)),
        chained(StepNotDone(Category("handler_error"), PAY), Unavailable("away")),
        chained(StepNotDone(Category("handler_error"), PAY), TryAgain()),
        chained(Unavailable("away"), StepNotDone(Category("busy"), PAY)),
    ],
)
def test_a_step_whose_error_wants_another_try_is_done_again(error: Exception) -> None:
    assert ending_of_error(error, Cause.ITSELF) == GiveBack(Relinquishment.ERROR, PAY)


@pytest.mark.parametrize(
    ("error", "category"),
    [
        (chained(GiveUp(Category("no")), StepNotDone(Category("busy"), PAY)), "no"),
        (chained(ValueError(), StepNotDone(Category("busy"), PAY)), "handler_error"),
        (met_while(ValueError(), StepUncertain(PAY)), "handler_error"),
    ],
)
def test_a_failure_names_the_step_that_led_to_it(error: Exception, category: str) -> None:
    assert ending_of_error(error, Cause.ITSELF) == Fail(Category(category), PAY)


def test_of_several_errors_the_one_that_ends_most_counts() -> None:
    again, lost, left = TryAgain(), ValueError(), GiveUp(Category("no"))
    for errors, ending in (
        ([again], AGAIN),
        ([again, lost], Fail(Category("handler_error"), None)),
        ([again, lost, left], Fail(Category("no"), None)),
        ([ExceptionGroup("inner", [left]), again], Fail(Category("no"), None)),
    ):
        group = ExceptionGroup("several", errors)
        assert ending_of_error(group, Cause.ITSELF) == ending


@pytest.mark.parametrize("cause", [Cause.DRAIN, Cause.CALLED_OFF])
@pytest.mark.parametrize("error", [asyncio.CancelledError(), ValueError(), TryAgain()])
def test_a_handler_that_was_cancelled_gives_its_run_back_whatever_it_raises(
    cause: Cause, error: BaseException
) -> None:
    assert ending_of_error(error, cause) == GiveBack(Relinquishment.DRAIN, None)


@pytest.mark.parametrize("cause", list(Cause))
def test_giving_up_counts_however_the_handler_was_ended(cause: Cause) -> None:
    assert ending_of_error(GiveUp(Category("no")), cause) == Fail(Category("no"), None)
