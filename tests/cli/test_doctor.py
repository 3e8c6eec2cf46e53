"""The doctor says what is in a files store, changes nothing, and never stumbles."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.cli.conftest import CommandLine
from tests.files.actors import Actor
from turnkeep_adapters.files.form import MAGIC as FORM
from turnkeep_adapters.files.framing import framed
from turnkeep_adapters.files.local_disk import LocalDisk
from turnkeep_adapters.files.segment import MAGIC as SEGMENT

Spoil = Callable[[Path], object]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Eight cells in ten segments, without a checkpoint."""
    path = tmp_path / "store"
    filled(path)
    return path


def filled(path: Path, *, compacts: bool = False) -> Actor:
    actor = Actor(LocalDisk(), path=str(path))
    for number in range(8):
        actor.put(f"a{number}", b"%d" % number)
    for number in range(2):
        if compacts:
            actor.compact()
        actor.put(f"a{number}", b"changed")
    return actor


def segment(path: Path, number: int) -> Path:
    return next(path.glob(f"log/*/{number:012d}"))


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def garble(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[:50] + bytes([content[50] ^ 1]) + content[51:])


def pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def snapshot(path: Path) -> dict[str, tuple[int, int, int]]:
    return {
        str(each.relative_to(path)): (
            each.lstat().st_ino,
            each.lstat().st_mode,
            each.lstat().st_mtime_ns,
        )
        for each in sorted(path.rglob("*"))
    }


def sentence(stderr: str) -> str:
    """The one sentence of an error."""
    (only,) = stderr.splitlines()
    return only


# ---- a sound store ------------------------------------------------------------------------------


def test_a_sound_store_is_told_in_sentences(turnkeep: CommandLine, store: Path) -> None:
    before = snapshot(store)
    done = turnkeep("doctor", str(store))
    assert (done.returncode, done.stderr) == (0, "")
    first, *rest = done.stdout.splitlines()
    assert first.startswith("A files store in format 1, id ")
    assert rest == [
        "Its head is 10; 10 segments in 4 buckets.",
        "It has no checkpoint yet.",
        "It holds 8 cells and 10 events.",
        "It is sound, as far as opening it tells; --verify walks the whole log.",
    ]
    assert snapshot(store) == before


def test_a_walk_tells_how_far_it_came(turnkeep: CommandLine, tmp_path: Path) -> None:
    filled(tmp_path / "store", compacts=True)
    done = turnkeep("doctor", "--verify", str(tmp_path / "store"))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[2:] == [
        "Checkpoints at 8, 9.",
        "It holds 8 cells and 10 events.",
        "The log was walked from checkpoint 8 to 10, and led to the checkpoints at 9 byte by byte.",
        "It is sound.",
    ]


def test_what_does_not_belong_there_is_named(turnkeep: CommandLine, store: Path) -> None:
    store.joinpath("log", f"000000000007-{'0' * 32}").mkdir()
    store.joinpath("tmp", "f" * 32).touch()
    store.joinpath("trash", f"000000000001-{'1' * 32}").mkdir()
    for number in range(7):
        store.joinpath(f"\x1b{number}").touch()
    done = turnkeep("doctor", str(store))
    assert done.returncode == 0
    assert done.stdout.splitlines()[4:8] == [
        f"Orphan buckets, as a crash leaves them; they do no harm and stay: "
        f"000000000007-{'0' * 32}.",
        f"Files that are being written, or were left and will be swept: {'f' * 32}.",
        f"Buckets that wait to be removed: 000000000001-{'1' * 32}.",
        r"Names that no store makes; they stay: \x1b0, \x1b1, \x1b2, \x1b3, \x1b4 and 2 more.",
    ]


def test_programs_read_the_same(turnkeep: CommandLine, store: Path) -> None:
    done = turnkeep("doctor", "--json", str(store))
    held = json.loads(done.stdout)
    assert (done.returncode, held["sound"], held["damage"], held["format"]) == (0, True, [], 1)
    assert (held["head"], held["read_to"], held["cells"], held["events"]) == (10, 10, 8, 10)
    assert (held["checkpoints"], held["orphans"], held["unknown"]) == ([], [], [])
    assert sum(bucket["segments"] for bucket in held["buckets"]) == 10
    assert held["verified"] is None
    walked = json.loads(turnkeep("doctor", "--json", "--verify", str(store)).stdout)
    assert walked["verified"] == {"after": 0, "to": 10, "checkpoints": []}


@pytest.mark.parametrize("named", ["file://{}", "{}", "{}/"])
def test_a_store_is_named_by_its_path_or_its_url(
    turnkeep: CommandLine, store: Path, named: str
) -> None:
    assert turnkeep("doctor", named.format(store)).returncode == 0


def test_a_path_may_be_relative_and_hold_a_colon(
    turnkeep: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path / "old:store")
    monkeypatch.chdir(tmp_path)
    assert turnkeep("doctor", "old:store").returncode == 0


def test_a_store_behind_a_link_is_a_store(
    turnkeep: CommandLine, store: Path, tmp_path: Path
) -> None:
    tmp_path.joinpath("link").symlink_to(store)
    assert turnkeep("doctor", str(tmp_path / "link")).returncode == 0


def test_a_store_that_may_only_be_read_is_read(turnkeep: CommandLine, store: Path) -> None:
    for path in (store, *store.rglob("*")):
        path.chmod(0o500 if path.is_dir() else 0o400)
    assert turnkeep("doctor", "--verify", str(store)).returncode == 0
    for path in (store, *store.rglob("*")):
        path.chmod(0o700)


# ---- a damaged store ----------------------------------------------------------------------------

DAMAGE: Final[dict[str, tuple[Spoil, str]]] = {
    "missing": (lambda s: segment(s, 6).unlink(), "log segment 6 is missing"),
    "cut short": (lambda s: cut(segment(s, 6)), "log segment 6 does not fit its checksum"),
    "empty": (lambda s: os.truncate(segment(s, 6), 0), "log segment 6 is cut short"),
    "garbled": (lambda s: garble(segment(s, 6)), "log segment 6 does not fit its checksum"),
    "foreign": (
        lambda s: segment(s, 6).write_bytes(segment(s, 3).read_bytes()),
        "log segment 6 has another number inside",
    ),
    "a pipe": (
        lambda s: pipe(segment(s, 6)),
        "log segment 6 is no regular file",
    ),
}


@pytest.mark.parametrize("options", [[], ["--verify"], ["--json"]], ids=str)
@pytest.mark.parametrize(("spoil", "damage"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_segment_is_named_by_its_number(
    turnkeep: CommandLine, store: Path, spoil: Spoil, damage: str, options: list[str]
) -> None:
    spoil(store)
    done = turnkeep("doctor", *options, str(store))
    assert (done.returncode, done.stderr) == (1, "")
    if "--json" in options:
        held = json.loads(done.stdout)
        assert (held["sound"], held["damage"], held["read_to"]) == (False, [damage], 5)
        return
    *_, told, last = done.stdout.splitlines()
    assert told == f"Damage: {damage}."
    assert last == "It is damaged; turnkeep salvage OLD NEW saves what can be proven of it."
    assert "It holds 5 cells and 5 events at 5, where reading ended." in done.stdout


def test_a_checkpoint_that_is_damaged_is_found_by_a_walk(
    turnkeep: CommandLine, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    filled(store, compacts=True)
    store.joinpath("checkpoints", f"{9:012d}").write_bytes(b"nothing")
    assert turnkeep("doctor", str(store)).returncode == 0
    done = turnkeep("doctor", "--verify", str(store))
    assert (done.returncode, done.stderr) == (1, "")
    assert "Damage: checkpoint 9 is cut short." in done.stdout.splitlines()


@pytest.mark.parametrize(
    ("spoil", "damage"),
    [
        (lambda s: cut(s / "FORMAT"), "FORMAT does not fit its checksum"),
        (lambda s: s.joinpath("log").rename(s / "gone"), "a directory of the store is missing"),
    ],
    ids=["FORMAT", "log"],
)
def test_a_store_whose_frame_is_damaged_is_one_sentence(
    turnkeep: CommandLine, store: Path, spoil: Spoil, damage: str
) -> None:
    spoil(store)
    done = turnkeep("doctor", str(store))
    assert (done.returncode, done.stdout) == (1, "")
    assert sentence(done.stderr) == f"Error: {store} is damaged: {damage}"
    done = turnkeep("salvage", str(store), f"{store}-new")
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence(done.stderr) == f"Error: nothing of {store} can be saved: {damage}"


# ---- no store -----------------------------------------------------------------------------------


def foreign(path: Path) -> None:
    path.mkdir()
    path.joinpath("letters").touch()


NO_STORE: Final[dict[str, tuple[Spoil, str]]] = {
    "nothing": (lambda p: None, "{} cannot be looked at: No such file or directory"),
    "file": (lambda p: p.touch(), "{} is no directory"),
    "pipe": (os.mkfifo, "{} is no directory"),
    "dangling": (
        lambda p: p.symlink_to(p.with_name("nowhere")),
        "{} cannot be looked at: No such file or directory",
    ),
    "loop": (
        lambda p: p.symlink_to(p),
        "{} cannot be looked at: Too many levels of symbolic links",
    ),
    "empty": (
        lambda p: p.mkdir(),
        "the store does not support this: there is no store in this directory",
    ),
    "foreign": (foreign, "the store does not support this: there is no store in this directory"),
}


@pytest.mark.parametrize("command", ["doctor", "salvage"])
@pytest.mark.parametrize(("make", "why"), NO_STORE.values(), ids=NO_STORE)
def test_what_is_no_store_is_one_sentence(
    turnkeep: CommandLine, tmp_path: Path, make: Spoil, why: str, command: str
) -> None:
    path = tmp_path / "thing"
    make(path)
    before = snapshot(tmp_path)
    arguments = [str(tmp_path / "new")] if command == "salvage" else []
    done = turnkeep(command, str(path), *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence(done.stderr) == f"Error: {why.format(path)}"
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ("memory:", "only files stores are looked after here: name one by its path"),
        (
            "mysql://ada:Regen-am-Kai-7@host/db",
            "only files stores are looked after here: name one by its path",
        ),
        (
            "file://host/path",
            "a files store has the URL file:///path, absolute and on this machine",
        ),
        ("", "a path must not be empty and has no null byte"),
        ("a\x00b", "a path must not be empty and has no null byte"),
        ("file:///a%00b", "a path must not be empty and has no null byte"),
    ],
)
def test_what_names_no_directory_is_one_sentence(
    turnkeep: CommandLine, named: str, why: str
) -> None:
    done = turnkeep("doctor", named)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence(done.stderr) == f"Error: {why}"


def test_a_store_that_may_not_be_read_is_one_sentence(
    turnkeep: CommandLine, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(disk: LocalDisk, path: str) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(LocalDisk, "open_root", refused)
    done = turnkeep("doctor", str(store))
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence(done.stderr).endswith("opening the store's directory failed (EACCES)")


NEWER: Final[dict[str, tuple[Spoil, str]]] = {
    "FORMAT": (
        lambda s: s.joinpath("FORMAT").write_bytes(framed(FORM, 2, [b"what is to come"])),
        "the store's format",
    ),
    "segment": (
        lambda s: segment(s, 6).write_bytes(framed(SEGMENT, 2, [b"what is to come"])),
        "segment",
    ),
}


@pytest.mark.parametrize(("spoil", "what"), NEWER.values(), ids=NEWER)
def test_what_a_newer_release_wrote_is_no_damage_and_is_not_salvaged(
    turnkeep: CommandLine, store: Path, spoil: Spoil, what: str
) -> None:
    spoil(store)
    for arguments in (
        ("doctor", str(store)),
        ("doctor", "--verify", str(store)),
        ("salvage", str(store), f"{store}-new"),
    ):
        done = turnkeep(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert what in sentence(done.stderr)
        assert "has schema 2, this release reads up to 1: upgrade Turnkeep" in done.stderr
    assert not Path(f"{store}-new").exists()


# ---- salvage ------------------------------------------------------------------------------------


def test_a_whole_store_is_salvaged_whole(
    turnkeep: CommandLine, store: Path, tmp_path: Path
) -> None:
    before = snapshot(store)
    new = tmp_path / "new"
    done = turnkeep("salvage", str(store), f"file://{new}")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"Saved 8 cells and 10 events, as of segment 10, into {new}.",
        "Nothing is lost.",
    ]
    assert snapshot(store) == before
    assert turnkeep("doctor", "--verify", str(new)).returncode == 0


def test_what_is_lost_is_told(turnkeep: CommandLine, store: Path, tmp_path: Path) -> None:
    segment(store, 6).unlink()
    new = tmp_path / "new"
    done = turnkeep("salvage", str(store), str(new))
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines() == [
        f"Saved 5 cells and 5 events, as of segment 5, into {new}.",
        "Damage: log segment 6 is missing.",
        "What came after segment 5, up to 10, is lost.",
    ]
    assert turnkeep("doctor", "--verify", str(new)).returncode == 0


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("store", "the directory is not empty"),
        ("store/inner", "inside another store's"),
        ("a/b", "making the store's directory failed (ENOENT)"),
        ("file", "making the store's directory failed (ENOTDIR)"),
    ],
)
def test_a_place_that_cannot_take_a_store_is_one_sentence(
    turnkeep: CommandLine, store: Path, tmp_path: Path, name: str, why: str
) -> None:
    tmp_path.joinpath("file").touch()
    before = snapshot(tmp_path)
    done = turnkeep("salvage", str(store), str(tmp_path / name))
    assert (done.returncode, done.stdout) == (2, "")
    assert why in sentence(done.stderr)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("arguments", [["doctor"], ["salvage", "one"], ["doctor", "a", "b"]])
def test_a_command_that_lacks_something_shows_its_use(
    turnkeep: CommandLine, arguments: list[str]
) -> None:
    done = turnkeep(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Usage: turnkeep {arguments[0]} ")
