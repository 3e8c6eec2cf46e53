"""Several processes on one store: one is killed and loses nothing, and none is left behind."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from tests.cli.command_line import ENVIRONMENT, children_of, command
from tests.cli.conftest import CommandLine
from tests.cli.plays import Watcher
from tests.cli.recordings import file_of, line, lines
from turnkeep_adapters.cli.demo import hired
from turnkeep_adapters.cli.demo.cast import Cast
from turnkeep_adapters.cli.demo.checks import Check
from turnkeep_adapters.cli.demo.handout import Part
from turnkeep_adapters.cli.demo.hired import Hired, WorkerDied
from turnkeep_adapters.cli.demo.ledger import Ledger
from turnkeep_adapters.cli.demo.lines import Line, Source
from turnkeep_adapters.cli.demo.messages import Contract, Halted, message_bytes
from turnkeep_adapters.cli.demo.play import Play
from turnkeep_adapters.cli.demo.report import Report


async def performed(
    *content: bytes,
    store: Path | None = None,
    workers: int = 2,
    seed: int = 1,
    watcher: Watcher | None = None,
) -> Report:
    """The report of a play of these lines by several processes."""
    with TemporaryFile() as file:
        file.write(file_of(*content))
        file.seek(0)
        play = Play(
            source=Source.of(file.fileno()),
            name="made-up lines",
            store=None if store is None else f"file://{store}",
            workers=workers,
            cast=Cast(askers=4, deciders=4, seed=seed),
        )
        return await play.performed(watcher or Watcher())


def failed(report: Report) -> set[Check]:
    return {verdict.check for verdict in report.verdicts if not verdict.ok}


def numbers(report: Report, check: Check) -> dict[str, int]:
    (verdict,) = (verdict for verdict in report.verdicts if verdict.check is check)
    return verdict.numbers


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    path = tmp_path / "scratch"
    path.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(path))
    return path


async def test_a_worker_is_killed_in_the_middle_and_nothing_is_lost() -> None:
    watcher = Watcher()
    report = await performed(*lines(12), seed=4, workers=3, watcher=watcher)
    assert failed(report) == set()
    assert report.loss is not None
    assert (report.loss.worker, report.loss.signal) == (1, signal.SIGKILL)
    survived = numbers(report, Check.SURVIVED)
    assert survived["answers"] == 12
    assert survived["calls in flight"] > 0
    assert survived["commands repeated"] > 0
    # What the replacement did again counts once.
    assert report.tasks == 12
    assert numbers(report, Check.DECIDED)["calls"] == watcher.calls == sum(report.ends.values())
    assert numbers(report, Check.KEPT)["answers"] > 12
    assert report.effort.updates > 0


async def test_the_same_again_on_a_store_that_is_kept_changes_nothing(tmp_path: Path) -> None:
    reports = [await performed(*lines(5), store=tmp_path / "store") for _ in range(2)]
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

    report = await performed(*lines(5), store=store, watcher=Watcher(when_examined=shorten))
    assert {Check.KEPT, Check.DECIDED} <= failed(report)
    assert not report.ok


async def test_a_killed_worker_whose_answers_are_gone_fails(tmp_path: Path) -> None:
    store = tmp_path / "store"

    def empty() -> None:
        for segment in store.glob("log/*/*"):
            segment.unlink()

    report = await performed(
        *lines(4), store=store, workers=1, watcher=Watcher(when_examined=empty)
    )
    assert {Check.SURVIVED, Check.KEPT, Check.DECIDED} <= failed(report)


async def test_a_call_that_cannot_be_used_is_named_once_though_it_is_handed_out_twice() -> None:
    watcher = Watcher()
    calls = [{"tool": "read", "args": {"x": 1 << 64}}, {"tool": "send_money", "args": {}}]
    some = [line(f"desk/{number}", calls=calls) for number in range(8)]
    report = await performed(*some, b"no task", workers=1, watcher=watcher)
    assert report.loss is not None
    assert failed(report) == set()
    assert len(watcher.left_out) == len(set(watcher.left_out)) == 9
    assert (report.lines_left_out, report.calls_left_out) == (1, 8)
    assert watcher.calls == 16


async def test_where_there_is_too_little_to_do_nobody_is_killed() -> None:
    report = await performed(line(), workers=2)
    assert report.loss is None
    assert failed(report) == set()
    assert Check.SURVIVED not in {verdict.check for verdict in report.verdicts}
    assert numbers(report, Check.DECIDED)["calls"] == 1


# ---- workers that fail --------------------------------------------------------------------------


def program(source: str) -> tuple[str, ...]:
    return (sys.executable, "-c", source)


DEATHS = {
    "an error": ("import sys; sys.exit('first\\n\\x1b[1mboom')", r"(exit code 1): \x1b[1mboom"),
    "no word": ("import os; os._exit(7)", "(exit code 7)"),
    "a signal": ("import os; os.kill(os.getpid(), 15)", "(killed by SIGTERM)"),
    "a kill": ("import os; os.kill(os.getpid(), 9)", "(killed by SIGKILL)"),
    "an early end": ("", "(exit code 0)"),
}


@pytest.mark.parametrize(("source", "how"), DEATHS.values(), ids=DEATHS)
def test_a_worker_that_dies_unasked_is_one_sentence(
    turnkeep: CommandLine, monkeypatch: pytest.MonkeyPatch, scratch: Path, source: str, how: str
) -> None:
    monkeypatch.setattr(hired, "WORKER", program(source))
    done = turnkeep("demo", "--workers", "1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Error: worker 1 died {how}\n"
    assert list(scratch.iterdir()) == []


def test_a_replacement_that_dies_is_one_sentence(
    turnkeep: CommandLine, monkeypatch: pytest.MonkeyPatch, scratch: Path, tmp_path: Path
) -> None:
    """The first halts; whoever comes after it finds its mark, and fails."""
    mark, halted = tmp_path / "mark", message_bytes(Halted())
    source = (
        "import os, pathlib, sys\n"
        f"mark = pathlib.Path({str(mark)!r})\n"
        "if mark.exists(): sys.exit('no')\n"
        "mark.touch()\n"
        f"os.write(1, {halted!r})\n"
        "while os.read(0, 9_999): pass\n"
    )
    monkeypatch.setattr(hired, "WORKER", program(source))
    done = turnkeep("demo", "--workers", "1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Error: the replacement of worker 1 died (exit code 1): no\n"


def contract(tmp_path: Path, *, halts_after: int | None = None) -> Contract:
    return Contract(
        store="memory:",
        askers=4,
        deciders=4,
        seed=1,
        ledger=tmp_path / "1.ledger",
        halts_after=halts_after,
    )


async def test_a_worker_that_halts_does_nothing_more_until_it_is_left_alone(
    tmp_path: Path,
) -> None:
    async with Hired.under(contract(tmp_path, halts_after=5), "worker 1") as one:
        for number, content in enumerate(lines(4), start=1):
            await one.hand(Line(number, content))
        await one.no_more()
        while not isinstance(await one.next_message(), Halted):
            pass
        with Ledger.at(tmp_path / "1.ledger") as ledger:
            cases = list(ledger.cases())
        assert sum(len(case.told) for case in cases) == 5
        assert any(not case.ended for case in cases)
        # Alone, it ends, and says nothing more.
        one._hears.close()
        assert await one.next_message() is None
        assert await one._process.wait() == 1
        with Ledger.at(tmp_path / "1.ledger") as ledger:
            assert list(ledger.cases()) == cases


async def test_a_worker_that_hears_nothing_is_killed_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(hired, "WORKER", program("import signal; signal.pause()"))
    async with Hired.under(contract(tmp_path), "worker 1") as one:
        pass
    assert one._process.returncode == -signal.SIGKILL


async def test_a_worker_that_is_gone_before_it_is_killed_was_not_killed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(hired, "WORKER", program("import os; os._exit(3)"))
    async with Hired.under(contract(tmp_path), "worker 1") as one:
        assert await one.next_message() is None
        assert await one._process.wait() == 3
        with pytest.raises(WorkerDied, match=r"worker 1 died \(exit code 3\)"):
            await one.killed()


def test_a_store_that_a_worker_cannot_use_is_told_in_its_words(
    turnkeep: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt: Callable[[Contract], bytes] = Contract.as_bytes

    def elsewhere(contract: Contract) -> bytes:
        return spoilt(contract).replace(b"file://", b"gopher://")

    monkeypatch.setattr(Contract, "as_bytes", elsewhere)
    done = turnkeep("demo", "--workers", "1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: worker 1 died (exit code 1): ")
    assert "store URL must be " in done.stderr


def test_a_part_that_cannot_be_kept_ends_it_in_one_sentence(
    turnkeep: CommandLine, monkeypatch: pytest.MonkeyPatch, scratch: Path
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Part, "add", full)
    done = turnkeep("demo", "--workers", "2")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: the demonstration stopped: No space left on device\n"
    assert list(scratch.iterdir()) == []


# ---- nobody is left behind ----------------------------------------------------------------------


@pytest.fixture
def begun(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A demonstration that has begun, and waits for more input."""
    with subprocess.Popen(
        command("demo", "--input", "-", "--workers", "2"),
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
