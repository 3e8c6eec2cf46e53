"""A report says how a play went, to people and to programs, and whether its checks hold."""

import json
from typing import Final

import click
import pytest
from attrs import evolve

from turnkeep_adapters.cli.demo.checks import Check, Verdict
from turnkeep_adapters.cli.demo.effort import Effort
from turnkeep_adapters.cli.demo.report import Report

HELD: Final = tuple(
    Verdict(check=check, numbers={"answers": 1_234}, failures=0, complaints=()) for check in Check
)
REPORT: Final = Report(
    source="the sample",
    store="file",
    seed=7,
    workers=3,
    killed=("worker-2", "worker-1"),
    paused=("worker-4",),
    turns=1_200,
    earlier=0,
    repeats=0,
    lines_left_out=0,
    stalled=False,
    seconds=1.234567,
    effort=Effort(updates=100, attempts=1_120, conflicts=1, paused_ms=44),
    claims=1_300,
    requeued=12,
    settled=1,
    requests={"granted": 7, "denied": 1},
    ends={"completed": 1_199, "failed": 1},
    verdicts=HELD,
)
BROKEN: Final = evolve(
    REPORT,
    verdicts=(
        evolve(HELD[0], failures=7, complaints=("line 3: it is queued", "more of it")),
        *HELD[1:],
    ),
)


def text(report: Report) -> list[str]:
    return click.unstyle(report.as_text()).splitlines()


def test_people_read_how_it_went() -> None:
    assert text(REPORT)[:6] == [
        "1,200 turns of the sample in 1.2 s: 1,199 completed, 1 failed.",
        "3 worker processes worked at once on a file store (seed 7).",
        "Killed by SIGKILL: worker-2, worker-1. Stopped past their leases, and woken: worker-4.",
        "1,300 claims of runs; 12 ended early and went back to the queue; operators looked into "
        "1 call that may have happened.",
        "8 requests to people: 1 denied, 7 granted.",
        "The update loop: 100 updates, 1,120 attempts, 1 conflict, 1,020 pauses (44 ms in all).",
    ]


def test_people_read_each_check_with_its_numbers() -> None:
    assert [line for line in text(REPORT) if line.startswith("ok")] == [
        f"ok      {check.value} (1,234 answers)" for check in Check
    ]
    assert text(REPORT)[-1] == "All 8 checks hold."


def test_people_read_which_check_failed_and_why() -> None:
    assert text(BROKEN)[7:11] == [
        "FAILED  every turn has ended, or waits for a reason that has a name (1,234 answers)",
        "          line 3: it is queued",
        "          more of it",
        "          and 5 more",
    ]
    assert text(BROKEN)[-1] == "1 of 8 checks failed."


@pytest.mark.parametrize(
    ("report", "remark"),
    [
        (evolve(REPORT, earlier=2), "2 turns had ended before, and nothing was done again."),
        (evolve(REPORT, repeats=1), "1 line said the same as an earlier one."),
        (evolve(REPORT, lines_left_out=3), "3 lines could not be used."),
        (
            evolve(REPORT, stalled=True),
            "Nothing happened for a minute, and the waiting was given up.",
        ),
    ],
)
def test_people_read_what_was_out_of_the_ordinary(report: Report, remark: str) -> None:
    assert remark in text(report)
    assert remark not in text(REPORT)


def test_people_read_why_nobody_was_killed() -> None:
    alone = text(evolve(REPORT, store="memory", workers=0, killed=(), paused=()))
    assert alone[1] == (
        "One process worked on a memory store (seed 7); nobody was killed, for the store ends "
        "with it."
    )
    spared = text(evolve(REPORT, killed=(), paused=()))
    assert spared[2] == "Killed by SIGKILL: nobody. Stopped past their leases, and woken: nobody."


def test_programs_read_the_same() -> None:
    read = json.loads(BROKEN.as_json())
    assert read["ok"] is False
    assert read["checks"][0] == {
        "check": "ended",
        "says": "every turn has ended, or waits for a reason that has a name",
        "ok": False,
        "failures": 7,
        "numbers": {"answers": 1_234},
        "complaints": ["line 3: it is queued", "more of it"],
    }
    assert [check["ok"] for check in read["checks"][1:]] == [True] * 7
    assert read["update_loop"] == {
        "updates": 100,
        "attempts": 1_120,
        "conflicts": 1,
        "pauses": 1_020,
        "paused_ms": 44,
    }
    assert (read["seed"], read["turns"], read["seconds"]) == (7, 1_200, 1.235)
    assert (read["workers"], read["killed"], read["paused"]) == (
        3,
        ["worker-2", "worker-1"],
        ["worker-4"],
    )
    assert read["ends"] == {"completed": 1_199, "failed": 1}
    assert read["requests"] == {"denied": 1, "granted": 7}


@pytest.mark.parametrize("report", [REPORT, BROKEN], ids=["held", "broken"])
def test_a_report_holds_if_every_check_does(report: Report) -> None:
    assert report.ok is (report is REPORT)
    assert json.loads(report.as_json())["ok"] is report.ok


def test_a_report_of_nothing_is_empty_unless_a_check_failed() -> None:
    assert evolve(REPORT, turns=0).is_empty
    assert not evolve(BROKEN, turns=0).is_empty
    assert not REPORT.is_empty
