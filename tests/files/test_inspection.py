"""Inspection: what a directory holds is told, proven or saved, and never changed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.files.actors import Actor, address, commit_of
from turnkeep_adapters.files.inspection import inspect, salvage, verify
from turnkeep_adapters.files.local_disk import LocalDisk
from turnkeep_ports.errors import Corrupt, Unsupported
from turnkeep_ports.store import START, Committed, CursorLost


def at(path: Path) -> Actor:
    return Actor(LocalDisk(), path=str(path))


def filled(path: Path, *, compactions: bool = True) -> Actor:
    """Eight cells, ten numbers, checkpoints at 8 and 9."""
    actor = at(path)
    for number in range(8):
        actor.put(f"a{number}", b"%d" % number)
    if compactions:
        actor.compact()
    actor.put("a0", b"changed")
    if compactions:
        actor.compact()
    actor.put("a1", b"changed")
    return actor


def segment(path: Path, number: int) -> Path:
    return next(path.glob(f"log/*/{number:012d}"))


def snapshot(path: Path) -> dict[str, tuple[int, int, int, str]]:
    """Every name with its inode, mode, time of change and content."""
    found = {}
    for each in sorted(path.rglob("*")):
        status = each.lstat()
        content = hashlib.sha256(each.read_bytes()).hexdigest() if each.is_file() else ""
        name = str(each.relative_to(path))
        found[name] = (status.st_ino, status.st_mode, status.st_mtime_ns, content)
    return found


def test_an_inspection_tells_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "store"
    actor = filled(path)
    orphan = path / "log" / f"000000000007-{'0' * 32}"
    orphan.mkdir()
    (path / "tmp" / ("f" * 32)).write_bytes(b"left")
    (path / "trash" / f"000000000001-{'1' * 32}").mkdir()
    for stranger in ("notes", "log/notes", "checkpoints/notes", "tmp/notes", "trash/notes"):
        (path / stranger).write_bytes(b"mine")
    (path / "log" / actor.view.head.bucket / "notes").write_bytes(b"mine")
    before = snapshot(path)
    facts = inspect(path)
    assert facts.head == 10
    assert facts.checkpoints == (8, 9)
    assert [(bucket.first, bucket.segments, bucket.last) for bucket in facts.buckets] == [
        (7, 3, 9),
        (10, 1, 10),
    ]
    assert facts.orphans == (orphan.name,)
    assert facts.left == ("f" * 32,)
    assert facts.trash == (f"000000000001-{'1' * 32}", "notes")
    assert facts.unknown == (
        "checkpoints/notes",
        f"log/{actor.view.head.bucket}/notes",
        "log/notes",
        "notes",
        "tmp/notes",
        "trash/notes",
    )
    assert facts.store_id == actor.view.store_id.hex()
    assert facts.file_system is not None
    assert snapshot(path) == before


def test_an_empty_next_bucket_is_no_orphan(tmp_path: Path) -> None:
    """Of an empty store, of one whose last segment closed its bucket, and of a salvaged one."""
    fresh = tmp_path / "fresh"
    at(fresh)
    assert (inspect(fresh).head, inspect(fresh).orphans) == (0, ())
    assert len(inspect(fresh).buckets) == 1
    closed = tmp_path / "closed"
    actor = at(closed)
    for number in range(3):
        actor.put(f"a{number}")
    assert [bucket.segments for bucket in inspect(closed).buckets] == [3, 0]
    assert inspect(closed).orphans == ()
    salvage(closed, tmp_path / "new")
    assert inspect(tmp_path / "new").orphans == ()


def test_what_is_no_store_is_not_inspected(tmp_path: Path) -> None:
    for judge in (inspect, verify):
        with pytest.raises(Unsupported, match="no store"):
            judge(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_whole_store_is_verified_from_one_checkpoint_to_the_next(tmp_path: Path) -> None:
    path = tmp_path / "store"
    filled(path)
    before = snapshot(path)
    verification = verify(path)
    assert verification.findings == ()
    assert (verification.first, verification.head) == (8, 10)
    assert verification.replayed == (9,)
    assert (verification.cells, verification.events) == (8, 10)
    assert snapshot(path) == before


def test_a_log_that_was_never_compacted_is_verified_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "store"
    filled(path, compactions=False)
    verification = verify(path)
    assert (verification.first, verification.head, verification.findings) == (0, 10, ())


def test_a_checkpoint_that_the_log_does_not_lead_to_is_found(tmp_path: Path) -> None:
    """Whole by its checksum, and wrong: only the replay can tell."""
    from attrs import evolve

    from turnkeep_adapters.files.checkpoint import checkpoint_bytes, read_checkpoint

    path = tmp_path / "store"
    filled(path)
    file = path / "checkpoints" / f"{9:012d}"
    checkpoint = read_checkpoint(file.read_bytes())
    rows = dict(list(checkpoint.state.rows.items())[1:])
    wrong = evolve(checkpoint, state=evolve(checkpoint.state, rows=rows))
    file.write_bytes(checkpoint_bytes(wrong))
    (finding,) = verify(path).findings
    assert "checkpoint 9 is not what the log makes" in finding


@pytest.mark.parametrize("number", [8, 9])
def test_a_damaged_checkpoint_is_found(tmp_path: Path, number: int) -> None:
    path = tmp_path / "store"
    filled(path)
    (path / "checkpoints" / f"{number:012d}").write_bytes(b"nothing")
    verification = verify(path)
    assert verification.head == 10
    (finding,) = verification.findings
    assert f"checkpoint {number} is cut short" in finding


def test_damage_in_the_log_is_found_and_what_is_before_is_proven(tmp_path: Path) -> None:
    path = tmp_path / "store"
    filled(path, compactions=False)
    file = segment(path, 6)
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    verification = verify(path)
    assert verification.head == 5
    assert verification.findings == ("log segment 6 does not fit its checksum",)
    file.unlink()
    assert verify(path).findings == ("log segment 6 is missing",)


@pytest.mark.parametrize("damaged", [6, 9, 10])
def test_salvage_saves_the_provable_prefix_and_leaves_its_source(
    tmp_path: Path, damaged: int
) -> None:
    """F16."""
    path, new = tmp_path / "store", tmp_path / "new"
    old = filled(path, compactions=False)
    segment(path, damaged).write_bytes(b"nothing")
    with pytest.raises(Corrupt):
        at(path)
    before = snapshot(path)
    saved = salvage(path, new)
    assert snapshot(path) == before
    assert (saved.head, saved.mentioned) == (damaged - 1, 10)
    assert saved.finding == f"log segment {damaged} is cut short"
    assert saved.events == damaged - 1
    actor = at(new)
    events = old.events()
    assert [event.body for event in actor.events()] == [
        event.body for event in events[: damaged - 1]
    ]
    untouched = [address(f"a{number}") for number in range(2, min(8, damaged - 1))]
    assert actor.cells(*untouched) == old.cells(*untouched)
    assert (actor.body("a0") == b"changed") == (damaged > 9)
    assert verify(new).findings == ()
    assert isinstance(actor.commit(commit_of(address("new"))), Committed)


def test_a_salvaged_store_is_a_store_of_its_own(tmp_path: Path) -> None:
    """Its sequence goes on, cursors of the old store are lost, and it can be used like any."""
    path, new = tmp_path / "store", tmp_path / "new"
    old = filled(path)
    saved = salvage(path, new)
    assert (saved.head, saved.mentioned, saved.finding) == (10, 10, None)
    actor = at(new)
    assert actor.view.engine.state() == old.view.engine.state()
    assert actor.view.store_id != old.view.store_id
    assert isinstance(actor.trim(old.events()[3].cursor), CursorLost)
    for number in range(9):
        actor.put(f"b{number}")
        actor.compact()
    assert actor.trim(START)
    again = at(new)
    assert again.view.engine.state() == actor.view.engine.state()
    assert verify(new).findings == ()


def test_a_salvaged_store_that_loses_its_checkpoint_does_not_look_empty(tmp_path: Path) -> None:
    path, new = tmp_path / "store", tmp_path / "new"
    filled(path)
    salvage(path, new)
    for file in (new / "checkpoints").iterdir():
        file.unlink()
    with pytest.raises(Corrupt):
        at(new)


def test_nothing_provable_is_saved_as_an_empty_store(tmp_path: Path) -> None:
    path, new = tmp_path / "store", tmp_path / "new"
    filled(path, compactions=False)
    segment(path, 1).write_bytes(b"")
    saved = salvage(path, new)
    assert (saved.head, saved.cells, saved.mentioned) == (0, 0, 10)
    at(new).put("a")


def test_salvage_takes_no_directory_that_holds_anything(tmp_path: Path) -> None:
    path, new = tmp_path / "store", tmp_path / "new"
    filled(path)
    new.mkdir()
    (new / "notes").write_bytes(b"mine")
    before = snapshot(path)
    for place in (new, path, path / "inner"):
        with pytest.raises(Unsupported):
            salvage(path, place)
    assert [file.name for file in new.iterdir()] == ["notes"]
    assert snapshot(path) == before
