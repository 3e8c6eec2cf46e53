"""`turnkeep runs`: an operator sees runs, calls them off and lets them go on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import frozen

from tests.cli.conftest import CommandLine
from turnkeep import (
    Keep,
    Principal,
    RequestId,
    RunContext,
    RunStatus,
    RunView,
    Scope,
    ScopePrefix,
    StepNotDone,
    Worker,
    open_keep,
)

OWNER: Final = ("--tenant", "acme", "--user", "ada")
ADA: Final = Principal.person("ada")


@frozen
class Desk:
    """One store in files, and the command line over it."""

    url: str
    turnkeep: CommandLine

    def __call__(self, command: str, *arguments: str, owner: tuple[str, ...] = OWNER) -> Any:
        """What a command answers as JSON."""
        done = self.turnkeep("runs", command, "--store", self.url, *owner, *arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def text(self, command: str, *arguments: str, owner: tuple[str, ...] = OWNER) -> str:
        """What a command tells people."""
        done = self.turnkeep("runs", command, "--store", self.url, *owner, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refused(self, command: str, *arguments: str, owner: tuple[str, ...] = OWNER) -> str:
        """What a command says that ends with 1."""
        done = self.turnkeep("runs", command, "--store", self.url, *owner, *arguments)
        assert (done.returncode, done.stdout) == (1, "")
        return done.stderr

    def keeping(self, use: Callable[[Keep], Awaitable[None]]) -> None:
        async def opened() -> None:
            async with open_keep(self.url) as keep:
                await use(keep)

        asyncio.run(opened())

    def submit(self, *threads: str) -> list[str]:
        """Runs of threads; their ids."""
        ids: list[str] = []

        async def use(keep: Keep) -> None:
            for thread in threads:
                view = await keep.turns.submit(
                    Scope.of("acme", "ada", agent="scout", thread=thread),
                    actor=ADA,
                    request_id=RequestId("q1"),
                )
                assert isinstance(view, RunView)
                ids.append(view.id)

        self.keeping(use)
        return ids

    def work(self, handler: Callable[[RunContext], Awaitable[Any]], until: RunStatus) -> None:
        """Lets a worker serve until every run stands so."""

        async def use(keep: Keep) -> None:
            prefix = ScopePrefix.owner(Scope.of("acme", "ada"))
            async with Worker(keep, handler):
                while True:
                    page = await keep.turns.list(prefix)
                    if all(run.status in (until, RunStatus.COMPLETED) for run in page.runs):
                        return
                    await asyncio.sleep(0.02)

        self.keeping(use)


@pytest.fixture
def desk(turnkeep: CommandLine, tmp_path: Path) -> Desk:
    made = Desk(f"file://{tmp_path}/store", turnkeep)
    made.submit()
    return made


async def in_doubt(ctx: RunContext) -> None:
    async def pay(key: str) -> None:
        raise ZeroDivisionError

    await ctx.effect("pay", pay)


async def short_of_money(ctx: RunContext) -> None:
    async def pay(key: str) -> None:
        raise StepNotDone("no_money")

    await ctx.effect("pay", pay)


async def fine(ctx: RunContext) -> None:
    async def pay(key: str) -> str:
        return "paid"

    await ctx.effect("pay", pay)


def test_runs_are_listed_for_people_and_for_programs(desk: Desk) -> None:
    first, second = desk.submit("t1", "t2")
    heading, *lines = desk.text("list").splitlines()
    assert heading.split() == ["RUN", "STATUS", "CLASS", "THREAD", "UPDATED", "ABOUT"]
    assert {line.split()[0] for line in lines} == {first, second}
    assert {tuple(line.split()[1:4]) for line in lines} == {
        ("queued", "interactive", "t1"),
        ("queued", "interactive", "t2"),
    }
    page = desk("list")
    assert {run["id"] for run in page["runs"]} == {first, second}
    assert (page["unreadable"], page["next"]) == (0, None)
    assert page["runs"][0]["scope"]["agent"] == "scout"


def test_a_listing_is_narrowed_and_paged(desk: Desk) -> None:
    first, second, third = desk.submit("t1", "t2", "t3")
    desk("cancel", second)
    assert [run["id"] for run in desk("list", "--status", "cancelled")["runs"]] == [second]
    there = (*OWNER, "--agent", "scout", "--thread", "t3")
    assert [run["id"] for run in desk("list", owner=there)["runs"]] == [third]
    met: list[str] = []
    after: tuple[str, ...] = ()
    for _ in range(20):
        page = desk("list", "--limit", "1", *after)
        met += [run["id"] for run in page["runs"]]
        if page["next"] is None:
            break
        after = ("--after", page["next"])
    assert sorted(met) == sorted([first, second, third])
    assert desk("list", owner=("--tenant", "acme", "--user", "eve"))["runs"] == []


def test_nothing_to_list_is_a_heading_alone(desk: Desk) -> None:
    assert len(desk.text("list").splitlines()) == 1


def test_a_run_is_shown_with_its_journal_and_its_events(desk: Desk) -> None:
    (run,) = desk.submit("t1")
    desk.work(fine, RunStatus.COMPLETED)
    shown = desk("show", run)
    assert (shown["id"], shown["status"]) == (run, "completed")
    (entry,) = shown["journal_entries"]
    assert (entry["call"], entry["mode"], entry["state"]) == ("pay#0", "once", "done")
    kinds = [event["kind"] for event in shown["events"]]
    assert kinds[0] == "run.submitted"
    assert kinds[-1] == "run.completed"
    text = desk.text("show", run)
    assert f"Run {run} is completed." in text
    assert "step pay#0 (once): done" in text
    assert "paid" not in text + json.dumps(shown), "an output is shown to nobody"


def test_a_run_that_is_called_off_is_cancelled_once(desk: Desk) -> None:
    (run,) = desk.submit("t1")
    again = ("--request-id", "c1", "--reason", "by mistake", "--by", "otto")
    first = desk("cancel", run, *again)
    assert (first["id"], first["status"]) == (run, "cancelled")
    assert desk("cancel", run, *again) == first
    assert desk("show", run)["about"] == "by mistake"
    assert desk.text("cancel", run).strip() == f"Run {run} is cancelled."


def test_a_run_in_doubt_goes_on_once_its_steps_are_settled(desk: Desk) -> None:
    (run,) = desk.submit("t1")
    desk.work(in_doubt, RunStatus.NEEDS_OPERATOR)
    assert desk("show", run)["open"] == ["pay#0"]
    assert desk.refused("retry", run).endswith("(effects_unsettled).\n")
    answer = desk("retry", run, "--done", 'pay="settled"')
    assert (answer["id"], answer["status"]) == (run, "queued")
    desk.work(fine, RunStatus.COMPLETED)
    assert desk("show", run)["status"] == "completed"


def test_a_step_that_did_not_happen_is_done_again(desk: Desk) -> None:
    (run,) = desk.submit("t1")
    desk.work(in_doubt, RunStatus.NEEDS_OPERATOR)
    assert desk("retry", run, "--not-done", "pay#0=no_receipt")["status"] == "queued"
    desk.work(fine, RunStatus.COMPLETED)
    assert desk("show", run)["journal_entries"][0]["state"] == "done"


def test_a_failed_run_is_done_again_by_another(desk: Desk) -> None:
    (run,) = desk.submit("t1")
    desk.work(short_of_money, RunStatus.FAILED)
    answer = desk("retry", run)
    assert (answer["id"] != run, answer["status"]) == (True, "queued")
    assert desk("show", answer["id"])["retry_of"] == run


def test_a_run_in_doubt_may_be_given_up(desk: Desk) -> None:
    (run,) = desk.submit("t1")
    desk.work(in_doubt, RunStatus.NEEDS_OPERATOR)
    answer = desk("give-up", run, "--category", "lost", "--not-done", "pay")
    assert answer["status"] == "failed"
    assert desk("show", run)["about"] == "lost"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--done", "pay=torn{"), "settlement must give the output as JSON"),
        (("--done", "pay#x"), "settlement must name a step as NAME or NAME#N"),
        (("--done", "pay", "--not-done", "pay"), "settlements must name each step once"),
    ],
)
def test_a_settlement_that_is_none_is_one_sentence(
    desk: Desk, options: tuple[str, ...], sentence: str
) -> None:
    (run,) = desk.submit("t1")
    done = desk.turnkeep("runs", "retry", run, "--store", desk.url, *OWNER, *options)
    assert (done.returncode, done.stderr) == (2, f"Error: {sentence}\n")


def test_a_refusal_is_told_to_programs_too(desk: Desk) -> None:
    (run,) = desk.submit("t1")
    done = desk.turnkeep("runs", "retry", run, "--store", desk.url, *OWNER, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout) == {
        "refused": "wrong_state",
        "sentence": "the run's state does not allow it",
    }


def test_there_is_nothing_to_recover(desk: Desk) -> None:
    assert desk("recover", owner=()) == {"recovered": 0, "unreadable": 0}
    assert desk.text("recover", owner=()).strip() == "Ended 0 claims whose time was up."


def test_limits_are_set_shown_and_taken_away(desk: Desk) -> None:
    tenant = ("--tenant", "acme")
    assert desk("limits", owner=tenant) == {"limited": False}
    assert desk.text("limits", owner=tenant).strip() == "Nothing is bounded here."
    bounded = desk("limits", "--held", "10", owner=tenant)
    assert (bounded["held_max"], bounded["running_max"]) == (10, None)
    bounded = desk("limits", "--running", "2", owner=tenant)
    assert (bounded["held_max"], bounded["running_max"]) == (10, 2)
    assert "Running 0 of 2." in desk.text("limits", owner=tenant)
    freed = desk("limits", "--held", "any", owner=tenant)
    assert (freed["held_max"], freed["running_max"]) == (None, 2)
    lane = desk("limits", "--class", "background", "--running", "1")
    assert (lane["running_max"], lane["queued"]) == (1, 0)
    agent = desk("limits", "--agent", "scout", "--held", "3")
    assert agent["held_max"] == 3
    user = desk("limits", "--held", "4")
    assert user["held_max"] == 4
    project = desk("limits", "--project", "site", "--class", "interactive", "--held", "5")
    assert project["held_max"] == 5


@pytest.mark.parametrize(
    "options",
    [
        ("--tenant", "acme", "--project", "site"),
        (*OWNER, "--project", "site", "--agent", "scout"),
        (*OWNER, "--class", "background", "--held", "3"),
        (*OWNER, "--held", "-1"),
        (*OWNER, "--held", "many"),
    ],
)
def test_a_limit_that_cannot_be_is_refused(desk: Desk, options: tuple[str, ...]) -> None:
    done = desk.turnkeep("runs", "limits", "--store", desk.url, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["show", "cancel", "retry"])
def test_a_run_that_is_not_there_is_one_sentence(desk: Desk, command: str) -> None:
    done = desk.turnkeep("runs", command, "nobody", "--store", desk.url, *OWNER)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: there is no such run of this tenant and user\n"


def test_a_store_that_is_not_there_is_not_made(turnkeep: CommandLine, tmp_path: Path) -> None:
    done = turnkeep("runs", "list", "--store", f"file://{tmp_path}/nowhere", *OWNER)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ")
    assert not (tmp_path / "nowhere").exists()


def test_a_store_in_memory_has_no_runs_to_look_after(turnkeep: CommandLine) -> None:
    done = turnkeep("runs", "list", "--store", "memory:", *OWNER)
    assert (done.returncode, done.stdout) == (2, "")
    assert "outlives this command" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["worker"],
        ["runs"],
        *(
            ["runs", command]
            for command in ("list", "show", "cancel", "retry", "give-up", "recover", "limits")
        ),
    ],
    ids=" ".join,
)
def test_help_fits_a_terminal(
    turnkeep: CommandLine, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    done = turnkeep(*arguments, "--help")
    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) <= 80
