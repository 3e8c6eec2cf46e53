"""A store is tidied from the shell, or it is told what would be done."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine
from tests.upkeep.test_upkeep import KEY, past
from turnkeep import import_store
from turnkeep_application.leases import Leases
from turnkeep_ports.errors import Unavailable

SECRETS = "TURNKEEP_KEYS_PRIMARY"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a files store in which much is long over."""
    monkeypatch.setenv(KEY, bytes(range(32)).hex())
    url = (tmp_path / "store").as_uri()

    async def fill() -> None:
        await import_store(url, io.BytesIO(await past()))

    asyncio.run(fill())
    return url


def content(store: str) -> dict[str, bytes]:
    top = Path(store.removeprefix("file://"))
    return {str(path): path.read_bytes() for path in top.rglob("*") if path.is_file()}


def test_a_dry_run_tells_what_the_command_then_does(
    turnkeep: CommandLine, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRETS, f"env:{KEY}")
    before = content(store)
    dry = turnkeep("gc", "--store", store, "--dry-run", "--json")
    assert (dry.returncode, dry.stderr) == (0, "")
    assert content(store) == before
    told = json.loads(dry.stdout)
    assert told["dry_run"] is True
    chores = {chore["name"]: chore["done"] for chore in told["chores"]}
    assert chores["leases"] == {"ended": 3}
    assert chores["secrets"] == {"expired": 2}
    done = turnkeep("gc", "--store", store, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {**told, "dry_run": False}
    assert content(store) != before


def test_a_table_is_for_people(turnkeep: CommandLine, store: str) -> None:
    done = turnkeep("gc", "--store", store, "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split("│") for line in done.stdout.splitlines() if "│" in line]
    cells = {line[1].strip(): line[2].strip() for line in lines}
    assert cells["leases"] == "ended 3"
    assert cells["secrets"] == "nothing"
    assert "would be done" in done.stdout


def test_what_is_cut_short_is_told_and_ends_with_one(
    turnkeep: CommandLine, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: object, **__: object) -> int:
        raise Unavailable("it is away")

    monkeypatch.setattr(Leases, "sweep", fail)
    done = turnkeep("gc", "--store", store)
    assert done.returncode == 1
    assert "leases: cut short: " in done.stdout
    assert "old events" in done.stdout


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("memory:", "must be of a store that outlives"),
        ("file:///nowhere/to/be/found", "cannot be looked at"),
        ("gopher://ann:sesame@host", "Error: "),
    ],
)
def test_what_cannot_be_tidied_is_one_sentence(turnkeep: CommandLine, url: str, said: str) -> None:
    done = turnkeep("gc", "--store", url, "--dry-run")
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "sesame" not in done.stderr
