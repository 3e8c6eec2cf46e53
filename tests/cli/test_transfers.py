"""A whole store from the shell: written, brought back, refused in sentences."""

from __future__ import annotations

import asyncio
import json
import stat
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.cli.command_line import command, run
from tests.cli.conftest import CommandLine
from tests.cli.test_terminal import on_terminal, seen
from turnkeep import Principal, RequestId, Scope, open_keep

SCOPE: Final = Scope.of("acme", "ann")
TURNS: Final = 5


@pytest.fixture
def store(tmp_path: Path) -> str:
    """The URL of a files store with some turns in it."""
    url = (tmp_path / "store").as_uri()

    async def fill() -> None:
        async with open_keep(url) as keep:
            for number in range(TURNS):
                await keep.turns.submit(
                    SCOPE, actor=Principal.person("ann"), request_id=RequestId(f"r{number}")
                )

    asyncio.run(fill())
    return url


@pytest.fixture
def export(turnkeep: CommandLine, store: str, tmp_path: Path) -> Path:
    path = tmp_path / "export.jsonl"
    assert turnkeep("export", "--store", store, str(path)).returncode == 0
    return path


def test_a_store_is_written_to_a_file_that_nobody_else_can_read(
    turnkeep: CommandLine, store: str, tmp_path: Path
) -> None:
    path = tmp_path / "export.jsonl"
    done = turnkeep("export", "--store", store, str(path))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Exported ")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_bytes().splitlines()[0])["format"] == "turnkeep export"


def test_what_was_written_is_brought_into_another_store(
    turnkeep: CommandLine, export: Path, tmp_path: Path
) -> None:
    url = (tmp_path / "copy").as_uri()
    done = turnkeep("import", "--store", url, str(export), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert (told["chapters"], told["resumed_after"]) == (TURNS, 0)
    again = tmp_path / "again.jsonl"
    assert turnkeep("export", "--store", url, str(again)).returncode == 0
    assert again.read_bytes().splitlines()[1:-1] == export.read_bytes().splitlines()[1:-1]


def test_a_pipe_copies_a_store(store: str, tmp_path: Path) -> None:
    url = (tmp_path / "copy").as_uri()
    with subprocess.Popen(
        command("export", "--store", store, "-"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as writing:
        assert writing.stdout is not None
        assert writing.stderr is not None
        done = subprocess.run(
            command("import", "--store", url, "-"),
            stdin=writing.stdout,
            capture_output=True,
            check=False,
        )
        assert b"Exported " in writing.stderr.read()
        assert writing.wait() == 0
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.startswith(b"Imported ")
    assert done.stderr == b""


def test_an_export_to_a_pipe_that_is_closed_ends_quietly(store: str) -> None:
    with subprocess.Popen(
        command("export", "--store", store, "-"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as writing:
        assert writing.stdout is not None
        assert writing.stderr is not None
        writing.stdout.close()
        said = writing.stderr.read()
        assert writing.wait() in (2, 141)
    assert b"Traceback" not in said


def test_a_file_that_is_there_is_never_written_over(
    turnkeep: CommandLine, store: str, export: Path
) -> None:
    before = export.read_bytes()
    done = turnkeep("export", "--store", store, str(export))
    assert done.returncode == 2
    assert "cannot be made: File exists" in done.stderr
    assert export.read_bytes() == before


def test_an_export_that_fails_leaves_no_file(turnkeep: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "export.jsonl"
    tmp_path.joinpath("empty").mkdir(mode=0o777)
    tmp_path.joinpath("empty").chmod(0o777)
    done = turnkeep("export", "--store", (tmp_path / "empty").as_uri(), str(path))
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ")
    assert not path.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["export", "--store", "memory:", "x"], "must be of a store that outlives"),
        (["import", "--store", "memory:", "x"], "must be of a store that outlives"),
        (["export", "--store", "file:///nowhere/to/be/found", "x"], "cannot be looked at"),
        (["import", "--store", "file:///nowhere/to/be/found", "x"], "cannot be read"),
        (["import", "--store", "gopher://ann:sesame@host", "x"], "Error: "),
        (["import", "--store", "file:///nowhere"], "name FILE, or --roll-back"),
        (["import", "--store", "file:///nowhere", "x", "--roll-back"], "and not both"),
        (["export", "x"], "Missing option '--store'"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    turnkeep: CommandLine, arguments: list[str], said: str, tmp_path: Path
) -> None:
    place = [str(tmp_path / "x") if each == "x" else each for each in arguments]
    done = turnkeep(*place)
    assert done.returncode == 2
    assert said in done.stderr
    assert "sesame" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_store_that_is_not_empty_is_refused(
    turnkeep: CommandLine, store: str, export: Path
) -> None:
    done = turnkeep("import", "--store", store, str(export))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: the transfer is refused: the store is not empty\n"


def test_half_an_import_is_told_by_every_command_until_it_is_whole_or_rolled_back(
    turnkeep: CommandLine, export: Path, tmp_path: Path
) -> None:
    url = (tmp_path / "half").as_uri()
    content = export.read_bytes()
    cut = run("import", "--store", url, "-", input=content[: len(content) // 2])
    assert cut.returncode == 2
    assert "is damaged at line" in cut.stderr
    for arguments in (
        ["runs", "list", "--store", url, "--tenant", "acme", "--user", "ann"],
        ["export", "--store", url, str(tmp_path / "no")],
    ):
        done = turnkeep(*arguments)
        assert done.returncode == 2
        assert "is unfinished" in done.stderr
    doctor = turnkeep("doctor", url)
    assert doctor.returncode == 1
    assert "An import into it is unfinished" in doctor.stdout
    assert json.loads(turnkeep("doctor", url, "--json").stdout)["import_unfinished"] is True
    done = turnkeep("import", "--store", url, "--roll-back")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Rolled back: ")
    again = turnkeep("import", "--store", url, "--roll-back")
    assert (again.returncode, "no unfinished import" in again.stderr) == (2, True)
    assert turnkeep("import", "--store", url, str(export)).returncode == 0
    healthy = turnkeep("doctor", url)
    assert healthy.returncode == 0
    assert "unfinished" not in healthy.stdout


def test_an_import_that_was_cut_off_says_where_it_went_on(
    turnkeep: CommandLine, export: Path, tmp_path: Path
) -> None:
    url = (tmp_path / "half").as_uri()
    content = export.read_bytes()
    run("import", "--store", url, "-", input=content[: len(content) // 2])
    done = turnkeep("import", "--store", url, str(export))
    assert done.returncode == 0
    assert "It went on after commit " in done.stdout


def test_a_bar_grows_on_a_terminal_alone(store: str, tmp_path: Path) -> None:
    with on_terminal("export", "--store", store, str(tmp_path / "shown")) as (process, user):
        shown = seen(user)
        assert process.wait(60) == 0
    assert b"exporting" in shown
    assert b"Exported " in shown
