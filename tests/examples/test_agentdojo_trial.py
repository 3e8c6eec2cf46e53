"""A whole trial over the kiosk: workers are killed, and every call is made once."""

from __future__ import annotations

from typing import Final

import pytest
from attrs import evolve

from examples.agentdojo.__main__ import main
from examples.agentdojo.agent import allowance_of, is_risky
from examples.agentdojo.kiosk import Kiosk
from examples.agentdojo.processes import ProcessDied, Started
from examples.agentdojo.report import Outcome, Report
from examples.agentdojo.trial import Trial
from tests.postgres.databases import shared

GOOD: Final = Outcome(
    task="sell",
    completed=True,
    solved=True,
    calls=3,
    once=3,
    made=3,
    risky=2,
    approved=2,
    survived=1,
    spent=2_012_000,
    held=0,
    cost=2_012_000,
)


async def test_a_suite_is_carried_out_though_workers_are_killed() -> None:
    trial = Trial(suite="kiosk", store=None, workers=2, kills=6, seed=7)
    report = await trial.held()
    assert [outcome.faults for outcome in report.outcomes] == [()] * 5
    assert report.passed
    assert report.killed >= 2
    assert sum(outcome.survived for outcome in report.outcomes) >= 1


@pytest.fixture
def database() -> str:
    return shared()[1].clone(for_good=True)


async def test_a_suite_is_carried_out_in_a_database(database: str) -> None:
    trial = Trial(suite="kiosk", store=database, workers=2, kills=2, seed=3)
    report = await trial.held()
    assert [outcome.faults for outcome in report.outcomes] == [()] * 5
    assert database not in repr(trial)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"completed": False}, "its run is not completed"),
        ({"solved": False}, "the benchmark's check fails"),
        ({"once": 2}, "a call was not made once"),
        ({"made": 4}, "a call was not made once"),
        ({"approved": 1}, "approvals and risky calls differ"),
        ({"spent": 1}, "what was spent is not what it cost"),
        ({"held": 1}, "something is held still"),
    ],
)
def test_an_outcome_that_is_not_as_it_must_be_is_named(changes: dict[str, int], fault: str) -> None:
    assert GOOD.faults == ()
    bad = evolve(GOOD, **changes)  # type: ignore[arg-type]  # each is of its field's kind
    assert bad.faults == (fault,)
    report = Report(suite="kiosk", outcomes=(GOOD, bad), killed=1, settled=0, seconds=2.4)
    assert not report.passed
    assert f"sell: {fault}" in report.lines()


def test_a_report_tells_of_each_task_and_of_all() -> None:
    report = Report(suite="kiosk", outcomes=(GOOD,), killed=1, settled=0, seconds=2)
    assert report.passed
    assert list(report.lines()) == [
        "task  passed  kills survived  calls once  approvals  spent",
        "sell  yes     1               3/3         2/2        $0.002012",
        "kiosk: 1 of 1 tasks passed, 3 calls, 1 workers killed, "
        "0 calls settled by an operator, 2 s",
    ]


def test_a_report_of_no_task_has_not_passed() -> None:
    assert not Report(suite="kiosk", outcomes=(), killed=0, settled=0, seconds=0).passed


def test_a_task_is_allowed_what_its_risky_calls_may_cost() -> None:
    tasks = Kiosk().tasks()
    assert allowance_of(tasks["count"].plan) == 0
    assert allowance_of(tasks["tell"].plan) == 30_000_000
    assert [is_risky(tool) for tool in ("read_file", "get_users", "send_money")] == [
        *(False, False),
        True,
    ]


async def test_a_process_that_ends_before_it_is_ready_is_named() -> None:
    with pytest.raises(ProcessDied, match="the environment ended before it was ready"):
        await Started.under("environment", "the environment", {})


def test_a_suite_that_is_not_there_breaks_off_with_a_sentence(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert main(["no such suite"]) == 2
    said = capfd.readouterr().err
    assert "Traceback" not in said
    assert "a trial broke off: the environment ended before it was ready" in said
    assert "agentdojo" in said
