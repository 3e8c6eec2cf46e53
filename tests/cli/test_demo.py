"""The demo command in a pipe: what it prints, what it answers, and how it ends."""

import errno
import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.command_line import ENVIRONMENT, children_of, command, run
from tests.cli.conftest import CommandLine
from tests.cli.recordings import file_of, line, lines
from turnkeep_adapters.cli.demo.errand import Errand
from turnkeep_adapters.cli.demo.lines import Source
from turnkeep_adapters.cli.demo.shelf import Shelf


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "made-up.jsonl"
    path.write_bytes(file_of(*lines(4, 7)))
    return path


def sentence(stderr: str) -> str:
    """The one sentence of an error."""
    (only,) = stderr.splitlines()
    return only


# ---- it works -----------------------------------------------------------------------------------


def test_the_sample_is_played_without_any_option() -> None:
    done = run("demo")
    assert (done.returncode, done.stderr) == (0, "")
    first, *_, last = done.stdout.splitlines()
    assert re.fullmatch(r"12 turns of the sample in \d+\.\d s: 12 completed\.", first)
    assert last == "All 8 checks hold."
    assert re.search(r"\nKilled by SIGKILL: worker-\d+", done.stdout)
    assert re.search(r"Stopped past their leases, and woken: worker-\d+", done.stdout)
    assert "\x1b" not in done.stdout
    assert done.stdout.isascii()


def test_a_file_is_played(recording: Path) -> None:
    done = run("demo", "--store", "memory:", "--input", str(recording))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"4 turns of {recording} in ")
    assert "nobody was killed, for the store ends with it." in done.stdout
    assert done.stdout.endswith("\nAll 8 checks hold.\n")


def test_standard_input_is_played(recording: Path) -> None:
    done = run("demo", "--store", "memory:", "--input", "-", input=recording.read_bytes())
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("4 turns of standard input in ")


def test_a_report_for_programs_is_one_object(recording: Path) -> None:
    done = run(
        *("demo", "--json", "--seed", "3", "--workers", "2", "--kills", "1", "--pauses", "0"),
        *("--input", str(recording)),
    )
    report = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert report["ok"] is True
    assert (report["seed"], report["workers"], report["turns"]) == (3, 2, 4)
    assert len(report["killed"]) == 1
    assert report["paused"] == []
    assert len(report["checks"]) == 8


def test_bad_lines_are_named_and_cost_nothing_else(recording: Path) -> None:
    content = b"{\n" + recording.read_bytes() + b"\xff\n" + line(task=None)
    done = run("demo", "--store", "memory:", "--input", "-", input=content)
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "line 1: it is not JSON (column 2: Expecting property name enclosed in double quotes)"
        " (left out)",
        "line 6: it is not text in UTF-8 (left out)",
        "line 7: task is not text (left out)",
    ]
    assert "3 lines could not be used." in done.stdout


def test_what_an_encoding_lacks_is_spelt_out(tmp_path: Path) -> None:
    path = tmp_path / "\u0142.jsonl"
    path.write_bytes(file_of(line()))
    done = run(
        *("demo", "--store", "memory:", "--input", str(path)),
        environment={"PYTHONIOENCODING": "latin-1"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert r"\u0142.jsonl in " in done.stdout


# ---- it cannot ----------------------------------------------------------------------------------


def test_a_name_that_would_move_a_terminal_is_spelt_out(
    turnkeep: CommandLine, tmp_path: Path
) -> None:
    done = turnkeep("demo", "--input", f"{tmp_path}/a\x1b[31m\nb")
    assert done.returncode == 2
    assert sentence(done.stderr).endswith(r"a\x1b[31m\nb cannot be read: No such file or directory")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("nowhere", "No such file or directory"),
        (".", "Is a directory"),
        ("a\x00b", "its name has a null byte"),
    ],
)
def test_a_path_that_is_no_file_is_refused(
    turnkeep: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, why: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = turnkeep("demo", "--input", name)
    assert (done.returncode, done.stdout) == (2, "")
    spelt = name.replace("\x00", r"\x00")
    assert sentence(done.stderr) == f"Error: {spelt} cannot be read: {why}"


def test_a_path_without_a_name_is_refused(turnkeep: CommandLine) -> None:
    done = turnkeep("demo", "--input", "")
    assert done.returncode == 2
    assert sentence(done.stderr).startswith("Error: a file without a name cannot be read: ")


def test_standard_input_that_is_closed_is_refused() -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *command("demo", "--input", "-")],
        capture_output=True,
        check=False,
        env=ENVIRONMENT,
        text=True,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence(done.stderr) == "Error: standard input cannot be read: Bad file descriptor"


@pytest.mark.parametrize(
    ("content", "left_out"),
    [
        (b"", 0),
        (b"\n\n  \n", 0),
        (b"\x7fELF\x02\x01\x00\xff\xfe\n\x00\x80", 2),
        ("\u00e9".encode("latin-1"), 1),
    ],
    ids=["empty", "blank", "binary", "latin 1"],
)
def test_a_file_in_which_nothing_can_be_used_is_refused(
    turnkeep: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    content: bytes,
    left_out: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("bad").write_bytes(content)
    done = turnkeep("demo", "--store", "memory:", "--input", "bad")
    assert (done.returncode, done.stdout) == (2, "")
    *named, last = done.stderr.splitlines()
    assert len(named) == left_out
    assert last == "Error: bad holds no line that can be used"


def test_nothing_on_standard_input_is_refused() -> None:
    done = run("demo", "--store", "memory:", "--input", "-")
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence(done.stderr) == "Error: standard input holds no line that can be used"


@pytest.mark.parametrize(
    "url", ["nonsense", "", "memory:x", "gopher://host", "https://ada:Regen-am-Kai-7@host/db"]
)
def test_a_store_that_is_none_is_refused(turnkeep: CommandLine, url: str) -> None:
    done = turnkeep("demo", "--store", url)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence(done.stderr).startswith("Error: store URL must be ")
    assert "Regen" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--kills", "-1"],
        ["--kills", "201"],
        ["--pauses", "many"],
        ["--workers", "0"],
        ["--workers", "17"],
        ["--seed", "-1"],
        ["--seed", "often"],
        ["--nonsense"],
        ["one", "too", "many"],
    ],
    ids=" ".join,
)
def test_an_option_that_makes_no_sense_is_refused(
    turnkeep: CommandLine, arguments: list[str]
) -> None:
    done = turnkeep("demo", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: turnkeep demo [OPTIONS]\n")


def test_a_disk_that_is_full_is_one_sentence(
    turnkeep: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put(shelf: Shelf, errand: Errand) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Shelf, "put", put)
    done = turnkeep("demo", "--store", "memory:")
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence(done.stderr) == "Error: the demonstration stopped: No space left on device"


def test_input_that_ends_early_is_one_sentence(
    turnkeep: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(source: Source) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Source, "_chunk", broken)
    done = turnkeep("demo")
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence(done.stderr) == "Error: the sample cannot be read: Input/output error"


# ---- nobody listens -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [["demo"], ["demo", "--store", "memory:", "--json"], ["--help"]],
    ids=" ".join,
)
def test_a_closed_pipe_ends_it_quietly(arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        done = run(*arguments, stdout=closed)
    assert (done.returncode, done.stderr) == (141, "")


def test_an_audience_that_has_gone_ends_it_quietly() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        done = subprocess.run(
            command("demo", "--input", "-"),
            input=b"no task\n" + line(),
            stdout=subprocess.PIPE,
            stderr=closed,
            check=False,
            env=ENVIRONMENT,
        )
    assert (done.returncode, done.stdout) == (141, b"")


def test_an_error_that_nobody_reads_is_an_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        done = subprocess.run(
            command("demo", "--input", "nowhere"),
            stdout=subprocess.PIPE,
            stderr=closed,
            check=False,
            env=ENVIRONMENT,
        )
    assert (done.returncode, done.stdout) == (2, b"")


def test_output_that_cannot_be_written_is_one_sentence() -> None:
    with open("/dev/full", "wb") as full:
        done = run("demo", "--store", "memory:", stdout=full)
    assert done.returncode == 2
    assert sentence(done.stderr) == (
        "turnkeep: the output cannot be written: No space left on device"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("store", [[], ["--store", "memory:"]], ids=["files", "memory"])
def test_an_interrupt_ends_it_at_once_and_leaves_nothing(
    tmp_path: Path, store: list[str], number: signal.Signals
) -> None:
    with subprocess.Popen(
        command("demo", "--input", "-", *store),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**ENVIRONMENT, "TMPDIR": str(tmp_path)},
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(line() + b"\nno task\n")
        process.stdin.flush()
        # It has begun, and waits for more.
        assert process.stderr.readline().startswith(b"line 2: ")
        workers = children_of(process.pid)
        process.send_signal(number)
        assert process.wait(60) == 130
        assert process.stderr.read().strip() == b""
        assert process.stdout is not None
        assert process.stdout.read() == b""
    assert bool(workers) is not bool(store)
    assert [pid for pid in workers if Path(f"/proc/{pid}").exists()] == []
    assert list(tmp_path.iterdir()) == []
