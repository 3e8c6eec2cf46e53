"""Several processes on one store: some are killed, some sleep past their leases, and none of it
loses or repeats anything; and none is left behind."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.command_line import ENVIRONMENT, children_of, command
from tests.cli.conftest import CommandLine
from tests.cli.plays import Watcher, failed, numbers, played
from tests.cli.recordings import line, lines
from turnkeep_adapters.cli.demo import hired
from turnkeep_adapters.cli.demo.checks import Check
from turnkeep_adapters.cli.demo.company import Harm
from turnkeep_adapters.cli.demo.contract import Contract
from turnkeep_adapters.cli.demo.hired import Hired, WorkerDied


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    path = tmp_path / "scratch"
    path.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(path))
    return path


async def test_workers_that_are_killed_and_paused_lose_nothing_and_repeat_nothing() -> None:
    watcher = Watcher()
    report = await played(
        *lines(12, 9), seed=4, store=None, workers=3, harm=Harm(kills=3, pauses=1), watcher=watcher
    )
    assert failed(report) == set()
    assert len(report.killed) == 3
    assert len(report.paused) == 1
    assert report.turns == watcher.turns == 12
    assert report.requeued > 0
    assert report.effort.updates > 0


async def test_the_same_again_on_a_store_that_is_kept_changes_nothing(tmp_path: Path) -> None:
    store = f"file://{tmp_path}/store"
    reports = [await played(*lines(3), store=store) for _ in range(2)]
    assert [failed(report) for report in reports] == [set(), set()]
    first, second = (numbers(report, Check.ORDERED)["events"] for report in reports)
    assert first == second > 0


async def test_a_store_that_is_tampered_with_afterwards_fails(tmp_path: Path) -> None:
    store = tmp_path / "store"

    def shorten() -> None:
        """As if a copy had been made too early: that alone looks like a whole store."""
        segments = sorted(store.glob("log/*/*"))
        for segment in segments[len(segments) // 4 :]:
            segment.unlink()

    report = await played(
        *lines(3), store=f"file://{store}", watcher=Watcher(when_examined=shorten)
    )
    assert {Check.ENDED, Check.ONCE} <= failed(report)
    assert not report.ok


# ---- workers that fail --------------------------------------------------------------------------


def program(source: str) -> tuple[str, ...]:
    return (sys.executable, "-c", source)


DEATHS = {
    "an error": ("import sys; sys.exit('first\\n\\x1b[1mboom')", r"(exit code 1): \x1b[1mboom"),
    "no word": ("import os; os._exit(7)", "(exit code 7)"),
    "a signal": ("import os; os.kill(os.getpid(), 15)", "(killed by SIGTERM)"),
    "a kill": ("import os; os.kill(os.getpid(), 9)", "(killed by SIGKILL)"),
    "an early end": ("", "(exit code 0)"),
    "a late end": ("import os; os.write(1, b'ready\\n'); os._exit(3)", "(exit code 3)"),
}


@pytest.mark.parametrize(("source", "how"), DEATHS.values(), ids=DEATHS)
def test_a_worker_that_dies_unasked_is_one_sentence(
    turnkeep: CommandLine, monkeypatch: pytest.MonkeyPatch, scratch: Path, source: str, how: str
) -> None:
    monkeypatch.setattr(hired, "WORKER", program(source))
    done = turnkeep("demo", "--workers", "1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Error: worker-1 died {how}\n"
    assert list(scratch.iterdir()) == []


def contract(tmp_path: Path) -> Contract:
    return Contract(store="memory:", errands=tmp_path, world=tmp_path, seed=1, holder="worker-1")


async def test_a_worker_that_hears_nothing_is_killed_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    deaf = (
        "import os, signal\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "os.write(1, b'ready\\n')\n"
        "while True: signal.pause()\n"
    )
    monkeypatch.setattr(hired, "WORKER", program(deaf))
    one = await Hired.under(contract(tmp_path), tmp_path)
    one.kill()
    assert await one.gone() == -9


async def test_a_worker_that_is_told_to_end_tells_what_it_took(tmp_path: Path) -> None:
    one = await Hired.under(contract(tmp_path), tmp_path)
    effort = await one.drained()
    assert one.has_ended
    assert effort.updates == effort.attempts


async def test_a_worker_that_ends_without_a_word_did_not_end_well(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mute = "import os, signal; os.write(1, b'ready\\n'); signal.pause()"
    monkeypatch.setattr(hired, "WORKER", program(mute))
    one = await Hired.under(contract(tmp_path), tmp_path)
    with pytest.raises(WorkerDied, match=r"worker-1 died \(killed by SIGTERM\)"):
        await one.drained()


def test_a_store_that_a_worker_cannot_use_is_told_in_its_words(
    turnkeep: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt: Callable[[Contract], bytes] = Contract.as_bytes

    def elsewhere(contract: Contract) -> bytes:
        return spoilt(contract).replace(b"file://", b"gopher://")

    monkeypatch.setattr(Contract, "as_bytes", elsewhere)
    done = turnkeep("demo", "--workers", "1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: worker-1 died (exit code 1): ")
    assert "store URL must be " in done.stderr


# ---- nobody is left behind ----------------------------------------------------------------------


@pytest.fixture
def begun(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A demonstration that has begun, and waits for more input."""
    with subprocess.Popen(
        command("demo", "--input", "-", "--workers", "2", "--kills", "0", "--pauses", "0"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**ENVIRONMENT, "TMPDIR": str(tmp_path)},
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(line() + b"\nno task\n")
        process.stdin.flush()
        assert process.stderr.readline().startswith(b"line 2: ")
        yield process
        process.kill()


def test_workers_whose_company_was_killed_end_by_themselves(
    begun: subprocess.Popen[bytes],
) -> None:
    workers = [os.pidfd_open(pid) for pid in children_of(begun.pid)]
    assert len(workers) == 2
    begun.kill()
    for worker in workers:
        ended, _, _ = select.select([worker], [], [], 60)
        assert ended == [worker]
        os.close(worker)
