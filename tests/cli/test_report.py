"""A report says how a play went, to people and to programs, and whether its checks hold."""

import json
import signal
from collections import Counter
from pathlib import Path
from typing import Final

import click
import pytest
from attrs import evolve

from turnkeep_adapters.cli.demo.checks import Check, Verdict
from turnkeep_adapters.cli.demo.effort import Effort
from turnkeep_adapters.cli.demo.loss import Loss
from turnkeep_adapters.cli.demo.report import Report
from turnkeep_adapters.cli.demo.scene import Plot

HELD: Final = tuple(
    Verdict(check=check, numbers={"answers": 1_234}, failures=0, complaints=()) for check in Check
)
REPORT: Final = Report(
    source="the sample",
    store="file",
    seed=7,
    workers=3,
    askers=1,
    deciders=2,
    tasks=1_200,
    lines_left_out=0,
    calls_left_out=0,
    seconds=1.234567,
    loss=Loss(
        worker=1,
        pid=4_711,
        signal=signal.SIGKILL,
        tasks=5,
        ledger=Path("1.ledger"),
        replacement=Path("1-again.ledger"),
    ),
    effort=Effort(updates=100, attempts=1_120, conflicts=1, paused_ms=44),
    ends=Counter(
        {
            (Plot.AGREED.value, "approved"): 5,
            (Plot.OPPOSED.value, "approved"): 2,
            (Plot.OPPOSED.value, "denied"): 3,
            (Plot.WITHDRAWN.value, "discarded"): 4,
            (Plot.WITHDRAWN.value, "approved"): 1,
        }
    ),
    verdicts=HELD,
)
BROKEN: Final = evolve(
    REPORT,
    verdicts=(
        evolve(HELD[0], failures=7, complaints=("line 3, call 1: it is pending", "more of it")),
        *HELD[1:],
    ),
)


def text(report: Report) -> str:
    return click.unstyle(report.as_text())


def test_people_read_how_it_went() -> None:
    assert text(REPORT).splitlines()[:6] == [
        "1,200 tasks of the sample: 15 calls asked for and decided in 1.23 s.",
        "3 worker processes of 1 asker and 2 deciders each worked at once on a file store "
        "(seed 7).",
        "Worker 1 (process 4711) was killed by SIGKILL; a replacement began its 5 tasks anew.",
        "Opposite verdicts raced at 5 calls: 2 approved, 3 denied.",
        "A withdrawal raced the verdict at 5 calls: 4 in time, 1 too late.",
        "The update loop: 100 updates, 1,120 attempts, 1 conflict, 1,020 pauses (44 ms in all).",
    ]


def test_people_read_each_check_with_its_numbers() -> None:
    assert [line for line in text(REPORT).splitlines() if line.startswith("ok")] == [
        f"ok      {check.value} (1,234 answers)" for check in Check
    ]
    assert text(REPORT).endswith("\n\nAll 8 checks hold.")


def test_people_read_which_check_failed_and_why() -> None:
    assert text(BROKEN).splitlines()[7:11] == [
        "FAILED  every call was decided exactly once (1,234 answers)",
        "          line 3, call 1: it is pending",
        "          more of it",
        "          and 5 more",
    ]
    assert text(BROKEN).endswith("\n\n1 of 8 checks failed.")


def test_people_read_what_was_left_out() -> None:
    report = evolve(REPORT, lines_left_out=1, calls_left_out=2)
    assert "1 line and 2 calls could not be used and were left out." in text(report)


def test_people_read_why_nobody_was_killed() -> None:
    alone = text(evolve(REPORT, store="memory", workers=0, loss=None)).splitlines()
    assert alone[1:3] == [
        "One process of 1 asker and 2 deciders worked on a memory store (seed 7).",
        "Nobody was killed: a store in memory has one process, and ends with it.",
    ]
    short = text(evolve(REPORT, workers=1, loss=None)).splitlines()
    assert short[1:3] == [
        "1 worker process of 1 asker and 2 deciders each worked at once on a file store (seed 7).",
        "Nobody was killed: the input ended before worker 1 had 12 answers.",
    ]
    assert json.loads(evolve(REPORT, loss=None).as_json())["killed"] is None


def test_programs_read_the_same() -> None:
    read = json.loads(BROKEN.as_json())
    assert read["ok"] is False
    assert read["checks"][0] == {
        "check": "decided",
        "says": "every call was decided exactly once",
        "ok": False,
        "failures": 7,
        "numbers": {"answers": 1_234},
        "complaints": ["line 3, call 1: it is pending", "more of it"],
    }
    assert [check["ok"] for check in read["checks"][1:]] == [True] * 7
    assert read["update_loop"] == {
        "updates": 100,
        "attempts": 1_120,
        "conflicts": 1,
        "pauses": 1_020,
        "paused_ms": 44,
    }
    assert {"plot": "opposite verdicts race", "state": "denied", "count": 3} in read["ends"]
    assert (read["seed"], read["tasks"], read["seconds"]) == (7, 1_200, 1.235)
    assert read["workers"] == 3
    assert read["killed"] == {"worker": 1, "pid": 4_711, "signal": "SIGKILL", "tasks": 5}


@pytest.mark.parametrize("report", [REPORT, BROKEN], ids=["held", "broken"])
def test_a_report_holds_if_every_check_does(report: Report) -> None:
    assert report.ok is (report is REPORT)
    assert json.loads(report.as_json())["ok"] is report.ok


def test_a_report_of_nothing_is_empty_unless_a_check_failed() -> None:
    assert evolve(REPORT, ends={}).is_empty
    assert not evolve(BROKEN, ends={}).is_empty
    assert not REPORT.is_empty
