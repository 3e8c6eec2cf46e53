"""The entry on the base install, and how it ends where a check fails."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command_line import PROGRAM
from tests.cli.conftest import CommandLine
from tests.cli.plays import keeps_on
from tests.cli.recordings import file_of, line, lines
from tests.cli.tampering import DoublesEvents, ForgetsRuns, SkipsEvents, TamperedStore
from turnkeep_adapters.cli import entry
from turnkeep_adapters.cli.demo.audience import Log
from turnkeep_adapters.cli.demo.world import World


def without(*modules: str) -> subprocess.CompletedProcess[str]:
    """The command, where these modules are not installed."""
    blocked = f"import sys; sys.modules.update(dict.fromkeys({modules!r})); "
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", blocked + PROGRAM, "demo"],
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("modules", [("click",), ("rich",), ("click", "rich")], ids=str)
def test_a_missing_extra_is_one_sentence(modules: tuple[str, ...]) -> None:
    done = without(*modules)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "turnkeep: the command line needs the extra 'cli': pip install 'turnkeep[cli]'\n"
    )


def test_what_else_is_missing_is_no_matter_of_the_extra() -> None:
    done = without("attrs")
    assert done.returncode == 1
    assert "extra" not in done.stderr
    assert "ModuleNotFoundError" in done.stderr


def test_an_interrupt_while_it_is_loaded_is_an_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(entry, "_run", interrupted)
    with pytest.raises(SystemExit) as ended:
        entry.main()
    assert ended.value.code == 130


@pytest.mark.parametrize(
    ("store", "check"),
    [
        (DoublesEvents, "the event log has no gap, no repetition and is in order"),
        (SkipsEvents, "the event log has no gap, no repetition and is in order"),
        (ForgetsRuns, "every turn has ended, or waits for a reason that has a name"),
    ],
)
def test_a_check_that_fails_is_told_by_the_exit_code(
    turnkeep: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    store: type[TamperedStore],
    check: str,
) -> None:
    recording = tmp_path / "some.jsonl"
    recording.write_bytes(file_of(*lines(3, 7)))
    tampered = store()
    monkeypatch.setattr(Log, "examining", lambda _: tampered.tamper())
    with keeps_on(tampered):
        done = turnkeep("demo", "--store", "memory:", "--input", str(recording))
    assert (done.returncode, done.stderr) == (1, "")
    assert f"FAILED  {check} " in done.stdout
    assert done.stdout.endswith(" checks failed.\n")


def test_a_call_that_nobody_saw_is_told_by_the_exit_code(
    turnkeep: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    recording = tmp_path / "some.jsonl"
    recording.write_bytes(file_of(line()))
    monkeypatch.setattr(World, "do", lambda *_, **__: True)
    done = turnkeep("demo", "--store", "memory:", "--input", str(recording))
    assert (done.returncode, done.stderr) == (1, "")
    assert "          line 1, call 1: it is done, and nobody saw it\n" in done.stdout
    assert done.stdout.endswith("2 of 7 checks failed.\n")


def test_checks_that_hold_are_told_by_the_exit_code(turnkeep: CommandLine) -> None:
    with keeps_on(DoublesEvents()):
        done = turnkeep("demo", "--store", "memory:")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("All 8 checks hold.\n")
