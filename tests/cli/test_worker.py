"""`turnkeep worker`: a host's handler in a process of its own, until it is told to end."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.cli.command_line import ENVIRONMENT, command
from tests.cli.conftest import CommandLine
from turnkeep import Principal, RequestId, RunStatus, RunView, Scope, open_keep

SCOPE: Final = Scope.of("acme", "ada", thread="t1")
SHOP: Final = """
import asyncio
import gc

class Desk:
    async def serve(self, ctx):
        return f"served:{ctx.turn.message_ref}"

desk = Desk()
number = 7

async def settled(ctx):
    assert gc.get_freeze_count() > 10_000 and gc.get_threshold()[0] >= 10_000

async def patient(ctx):
    await ctx.draining.wait()
    return "just in time"

async def stubborn(ctx):
    await asyncio.sleep(600)

async def broken(ctx):
    raise ZeroDivisionError("the customer's secret")
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A directory with a host's module in it."""
    (tmp_path / "shop.py").write_text(SHOP, encoding="ascii")
    (tmp_path / "torn.py").write_text("def (:\n", encoding="ascii")
    (tmp_path / "failing.py").write_text("\n\n1 / 0\n", encoding="ascii")
    (tmp_path / "needy.py").write_text("import not_installed_anywhere\n", encoding="ascii")
    return tmp_path


def submitted(url: str) -> RunView:
    async def submit() -> RunView:
        async with open_keep(url) as keep:
            view = await keep.turns.submit(
                SCOPE, actor=Principal.person("ada"), request_id=RequestId("q1")
            )
            assert isinstance(view, RunView)
            return view

    return asyncio.run(submit())


def seen(url: str, run: RunView) -> RunView:
    async def get() -> RunView | None:
        async with open_keep(url) as keep:
            return await keep.turns.get(run.address)

    view = asyncio.run(get())
    assert view is not None
    return view


def until(url: str, run: RunView, status: RunStatus) -> RunView:
    """The run once it stands so; the worker is another process, and can only be watched."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        view = seen(url, run)
        if view.status is status:
            return view
        time.sleep(0.05)
    raise AssertionError(f"the run is not {status}")


@contextmanager
def working(shop: Path, url: str, *options: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command("worker", "--store", url, *options),
        cwd=shop,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, said = process.communicate(timeout=60)
    return process.returncode, said


def test_it_carries_runs_out_and_drains_on_sigterm(shop: Path) -> None:
    url = f"file://{shop}/store"
    run = submitted(url)
    with working(shop, url, "--app", "shop:desk.serve", "--holder", "w1") as process:
        until(url, run, RunStatus.COMPLETED)
        process.send_signal(signal.SIGTERM)
        code, said = ended(process)
    assert code == 0
    assert said.splitlines() == ["Working as w1; SIGTERM or Ctrl-C drains.", "Drained."]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_handler_may_come_to_an_end_while_it_drains(shop: Path, number: signal.Signals) -> None:
    """Law 65."""
    url = f"file://{shop}/store"
    run = submitted(url)
    with working(shop, url, "--app", "shop:patient") as process:
        until(url, run, RunStatus.RUNNING)
        process.send_signal(number)
        code, _ = ended(process)
    assert code == 0
    assert seen(url, run).status is RunStatus.COMPLETED


def test_its_process_looks_for_garbage_seldom(shop: Path) -> None:
    url = f"file://{shop}/store"
    run = submitted(url)
    with working(shop, url, "--app", "shop:settled"):
        until(url, run, RunStatus.COMPLETED)


def test_what_has_not_ended_in_time_is_given_back(shop: Path) -> None:
    """Law 65."""
    url = f"file://{shop}/store"
    run = submitted(url)
    with working(shop, url, "--app", "shop:stubborn", "--drain", "0.5") as process:
        until(url, run, RunStatus.RUNNING)
        before = time.monotonic()
        process.send_signal(signal.SIGTERM)
        code, _ = ended(process)
        assert time.monotonic() - before < 20
    view = seen(url, run)
    assert (code, view.status, view.counters.returned) == (0, RunStatus.QUEUED, 1)


def test_a_second_signal_skips_the_wait(shop: Path) -> None:
    """Law 65."""
    url = f"file://{shop}/store"
    run = submitted(url)
    with working(shop, url, "--app", "shop:stubborn", "--drain", "600") as process:
        until(url, run, RunStatus.RUNNING)
        process.send_signal(signal.SIGTERM)
        # Two signals of one kind that are pending at once are one: the first must have arrived.
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        code, _ = ended(process)
    assert (code, seen(url, run).status) == (0, RunStatus.QUEUED)


def test_a_handler_that_raises_is_told_of_and_the_worker_goes_on(shop: Path) -> None:
    url = f"file://{shop}/store"
    run = submitted(url)
    with working(shop, url, "--app", "shop:broken") as process:
        until(url, run, RunStatus.FAILED)
        process.send_signal(signal.SIGTERM)
        code, said = ended(process)
    assert code == 0
    assert "turnkeep: a handler raised" in said
    assert "ZeroDivisionError" in said


@pytest.mark.parametrize(
    ("app", "sentence"),
    [
        ("shop", "an app is named as module:handler"),
        ("shop:", "an app is named as module:handler"),
        (":serve", "an app is named as module:handler"),
        ("nowhere:serve", "there is no module nowhere"),
        ("no.where:serve", "there is no module no.where"),
        ("shop:nobody", "the module shop has no nobody"),
        ("shop:desk.nobody", "the module shop has no desk.nobody"),
        ("shop:number", "shop:number cannot be called"),
        ("failing:serve", "the module failing cannot be imported: ZeroDivisionError in failing.py"),
        ("torn:serve", "the module torn cannot be imported: SyntaxError in torn.py, line 1"),
        ("needy:serve", "the module needy cannot be imported: ModuleNotFoundError in needy.py"),
    ],
)
def test_an_app_that_cannot_be_used_is_one_sentence(
    turnkeep: CommandLine, shop: Path, monkeypatch: pytest.MonkeyPatch, app: str, sentence: str
) -> None:
    monkeypatch.chdir(shop)
    monkeypatch.syspath_prepend(shop)
    done = turnkeep("worker", "--app", app, "--store", f"file://{shop}/store")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: {sentence}")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("memory:", "store URL must be of a store that outlives this command"),
        ("sqlite:///x", "a store is a directory, file:///path or postgresql://..."),
    ],
)
def test_a_store_that_cannot_be_used_is_one_sentence(
    turnkeep: CommandLine,
    shop: Path,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    sentence: str,
) -> None:
    monkeypatch.chdir(shop)
    monkeypatch.syspath_prepend(shop)
    done = turnkeep("worker", "--app", "shop:patient", "--store", url)
    assert (done.returncode, done.stderr) == (2, f"Error: {sentence}\n")


def test_a_store_that_is_not_there_is_not_made(
    turnkeep: CommandLine, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop)
    monkeypatch.syspath_prepend(shop)
    done = turnkeep("worker", "--app", "shop:patient", "--store", f"file://{shop}/stroe")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"Error: {shop}/stroe cannot be looked at: No such file or directory; "
        "--create makes a new store\n"
    )
    assert not (shop / "stroe").exists()


def test_a_store_that_is_not_there_is_made_when_that_is_asked_for(shop: Path) -> None:
    url = f"file://{shop}/new"
    with working(shop, url, "--app", "shop:desk.serve", "--create") as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("Working as worker-")
        until(url, submitted(url), RunStatus.COMPLETED)
        process.send_signal(signal.SIGTERM)
        assert ended(process) == (0, "Drained.\n")


def test_bounds_are_checked(turnkeep: CommandLine) -> None:
    for options in (["--concurrency", "0"], ["--drain", "-1"], ["--class", "urgent"]):
        done = turnkeep("worker", "--app", "a:b", "--store", "file:///x", *options)
        assert done.returncode == 2
        assert "Invalid value" in done.stderr
