"""Damage: whatever happened to its files, a store says so, or answers rightly."""

from __future__ import annotations

import errno
import hashlib
import os
import pickle
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from attrs import evolve

from tests.files.actors import NOON, Actor, address, audit, commit_of
from tests.files.simulated_disk import Node, SimulatedDisk
from turnkeep_adapters.files.local_disk import LocalDisk
from turnkeep_adapters.files.segment import read_segment, segment_bytes
from turnkeep_ports.errors import Corrupt, SchemaTooNew, Unavailable

SEGMENTS: Final = 4


def filled(disk: SimulatedDisk, segments: int = SEGMENTS) -> Actor:
    actor = Actor(disk)
    for number in range(segments):
        actor.put(f"a{number}")
    return actor


def segment(disk: SimulatedDisk, number: int) -> Node:
    name = f"{number:012d}"
    for bucket in disk.node("/store/log").names.values():
        if name in bucket.names:
            return bucket.names[name]
    raise AssertionError(f"there is no segment {number}")


def bucket_of(disk: SimulatedDisk, number: int) -> Node:
    name = f"{number:012d}"
    log = disk.node("/store/log").names.values()
    return next(bucket for bucket in log if name in bucket.names)


def assert_corrupt(disk: SimulatedDisk, number: int) -> None:
    """Fails unless opening names a segment, again and again, and changes nothing."""
    before = {path: disk.node(path).data for path in disk.every_path()}
    for _ in range(2):
        with pytest.raises(Corrupt) as caught:
            Actor(disk)
        assert f"segment {number} " in caught.value.why
    assert {path: disk.node(path).data for path in disk.every_path()} == before


def test_any_flipped_byte_of_a_segment_is_corrupt_and_names_its_number() -> None:
    """F7, for every byte of a segment in the middle and of the last one, two bits each."""
    disk = SimulatedDisk()
    filled(disk)
    for number in (2, SEGMENTS):
        node = segment(disk, number)
        whole = node.data
        for at in range(len(whole)):
            for bit in (0x01, 0x80):
                node.data = whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :]
                with pytest.raises(Corrupt, match=f"segment {number} "):
                    Actor(disk)
        node.data = whole
    audit(disk)


def test_a_flipped_byte_is_met_by_a_running_reader_too() -> None:
    disk = SimulatedDisk()
    reader = filled(disk)
    writer = Actor(disk)
    writer.put("new")
    node = segment(disk, SEGMENTS + 1)
    whole, node.data = node.data, node.data[:-1] + b"\x00\x00"
    for _ in range(2):
        with pytest.raises(Corrupt, match=f"segment {SEGMENTS + 1} "):
            reader.body("new")
        answer = reader.commit(commit_of(address("mine")))
        assert isinstance(answer, Corrupt)
    node.data = whole
    assert reader.body("new") == b"body"
    assert reader.body("mine") is None


@pytest.mark.parametrize("length", [0, 1, 41, 42, 100])
def test_a_cut_segment_is_corrupt(length: int) -> None:
    disk = SimulatedDisk()
    filled(disk)
    segment(disk, SEGMENTS).data = segment(disk, SEGMENTS).data[:length]
    assert_corrupt(disk, SEGMENTS)


def test_a_segment_that_goes_on_is_corrupt() -> None:
    disk = SimulatedDisk()
    filled(disk)
    segment(disk, 2).data += b"\x00"
    assert_corrupt(disk, 2)


def test_a_missing_middle_segment_is_no_end() -> None:
    """F9: Whichever is missing, neither opening nor a running process takes it for the end."""
    for number in range(1, SEGMENTS):
        disk = SimulatedDisk()
        filled(disk)
        del bucket_of(disk, number).names[f"{number:012d}"]
        assert_corrupt(disk, number)


def test_a_running_process_takes_no_hole_for_the_end() -> None:
    """F9: It neither answers from before the hole nor writes into it."""
    disk = SimulatedDisk()
    sleeper = filled(disk, 3)
    writer = Actor(disk)
    writer.put("new4")
    writer.put("new5")
    folder = bucket_of(disk, 4)
    del folder.names[f"{4:012d}"]
    with pytest.raises(Corrupt, match="segment 4 is missing"):
        sleeper.body("new5")
    assert isinstance(sleeper.commit(commit_of(address("mine"))), Corrupt)
    assert f"{4:012d}" not in folder.names


def test_a_missing_bucket_is_no_end() -> None:
    disk = SimulatedDisk()
    filled(disk)
    log = disk.node("/store/log")
    del log.names[next(iter(log.names))]
    assert_corrupt(disk, 1)


def test_a_foreign_segment_is_corrupt() -> None:
    """Whole, and of another store; or of this one, and in another's place."""
    disk, other = SimulatedDisk(), SimulatedDisk()
    filled(disk)
    filled(other)
    segment(disk, 2).data = segment(other, 2).data
    assert_corrupt(disk, 2)
    again = SimulatedDisk()
    filled(again)
    segment(again, 2).data = segment(again, 3).data
    assert_corrupt(again, 2)


def test_a_segment_of_another_history_is_corrupt() -> None:
    """Of a copy of this very store, made before: the same store and number, another past."""
    disk = SimulatedDisk()
    filled(disk, 3)
    other = disk.copied()
    for copy in (disk, other):
        Actor(copy).put("b4")
        Actor(copy).put("b5")
    segment(disk, 5).data = segment(other, 5).data
    assert_corrupt(disk, 5)


def test_a_segment_that_names_another_store_is_corrupt() -> None:
    disk = SimulatedDisk()
    filled(disk)
    node = segment(disk, SEGMENTS)
    node.data = segment_bytes(evolve(read_segment(node.data), store_id=bytes(16)))
    assert_corrupt(disk, SEGMENTS)


def test_a_segment_that_contradicts_the_one_before_is_corrupt() -> None:
    """Its time is earlier, or its revisions do not go on where the others ended."""
    for change in ({"time": NOON - timedelta(seconds=1)}, {"sequence": 77}):
        disk = SimulatedDisk()
        filled(disk)
        node = segment(disk, SEGMENTS)
        node.data = segment_bytes(evolve(read_segment(node.data), **change))
        assert_corrupt(disk, SEGMENTS)


def test_a_corrupt_newest_checkpoint_falls_back() -> None:
    """F8: The older one and the log behind it say the same."""
    disk = SimulatedDisk()
    actor = filled(disk, 5)
    actor.compact()
    actor.put("b")
    actor.compact()
    actor.put("c")
    checkpoints = disk.node("/store/checkpoints").names
    assert sorted(checkpoints) == ["000000000005", "000000000006"]
    newest = checkpoints["000000000006"]
    whole = newest.data
    for at in range(0, len(whole), 7):
        newest.data = whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :]
        opened = Actor(disk)
        assert opened.view.engine.state() == actor.view.engine.state()
        assert opened.view.head == actor.view.head


def test_no_whole_checkpoint_over_a_compacted_log_is_corrupt() -> None:
    disk = SimulatedDisk()
    actor = filled(disk, 5)
    actor.compact()
    actor.compact()
    actor.put("b")
    actor.compact()
    for node in disk.node("/store/checkpoints").names.values():
        node.data = b"nothing"
    assert_corrupt(disk, 1)


def test_a_log_that_ends_before_a_checkpoint_is_corrupt() -> None:
    """Neither may the newest checkpoint be damaged and the log be shorter than it says."""
    disk = SimulatedDisk()
    actor = filled(disk, 5)
    actor.compact()
    actor.put("b")
    actor.compact()
    disk.node("/store/checkpoints").names["000000000006"].data = b"nothing"
    del bucket_of(disk, 6).names["000000000006"]
    assert_corrupt(disk, 6)


def test_a_compaction_relies_on_no_damaged_checkpoint() -> None:
    """What only a damaged checkpoint would cover stays in the log."""
    disk = SimulatedDisk()
    actor = filled(disk, 5)
    actor.compact()
    disk.node("/store/checkpoints").names["000000000005"].data = b"nothing"
    actor.put("b")
    actor.compact()
    disk.node("/store/checkpoints").names["000000000006"].data = b"nothing"
    audit(disk, actor.ledger)


def test_a_damaged_format_is_corrupt() -> None:
    disk = SimulatedDisk()
    filled(disk)
    node = disk.node("/store/FORMAT")
    whole = node.data
    for at in range(len(whole)):
        node.data = whole[:at] + bytes([whole[at] ^ 0x01]) + whole[at + 1 :]
        with pytest.raises(Corrupt, match="FORMAT"):
            Actor(disk)


def test_a_missing_format_over_a_used_log_is_corrupt() -> None:
    disk = SimulatedDisk()
    filled(disk)
    del disk.node("/store").names["FORMAT"]
    with pytest.raises(Corrupt, match="FORMAT is missing"):
        Actor(disk)


@pytest.mark.parametrize("name", ["log", "checkpoints", "tmp", "trash"])
def test_a_missing_directory_is_corrupt(name: str) -> None:
    disk = SimulatedDisk()
    filled(disk)
    del disk.node("/store").names[name]
    with pytest.raises(Corrupt, match="directory"):
        Actor(disk)


def test_a_newer_version_is_refused_and_left() -> None:
    disk = SimulatedDisk()
    filled(disk)
    node = segment(disk, 2)
    body = node.data[:8] + b"\x00\x02" + node.data[10:-32]
    node.data = body + hashlib.sha256(body).digest()
    with pytest.raises(SchemaTooNew) as caught:
        Actor(disk)
    assert (caught.value.found, caught.value.newest) == (2, 1)


KINDS: Final = ("symlink", "fifo", "directory", "socket")
PLACES: Final = ("segment", "checkpoint", "FORMAT", "bucket")


# An empty directory in the place of a bucket is like the loss of its last segments.
@pytest.mark.parametrize(
    ("place", "kind"),
    [(p, k) for p in PLACES for k in KINDS if (p, k) != ("bucket", "directory")],
)
def test_a_link_or_fifo_neither_hangs_nor_redirects(place: str, kind: str, tmp_path: Path) -> None:
    """F13, on a real disk: what is no regular file at a name of ours is damage."""
    root = tmp_path / "store"
    actor = Actor(LocalDisk(), path=str(root))
    for number in range(4):
        actor.put(f"a{number}")
    actor.compact()
    actor.put("b")
    target = {
        "segment": next(root.glob("log/*/000000000005")),
        "checkpoint": root / "checkpoints" / "000000000004",
        "FORMAT": root / "FORMAT",
        "bucket": next(root.glob("log/000000000004-*")),
    }[place]
    aside = tmp_path / "aside"
    target.rename(aside)
    make(target, kind, aside)
    if place == "checkpoint":
        audit(LocalDisk(), actor.ledger, path=str(root))
        return
    with pytest.raises(Corrupt) as caught:
        Actor(LocalDisk(), path=str(root))
    assert str(tmp_path) not in f"{caught.value}{caught.value!r}"
    assert repr(pickle.loads(pickle.dumps(caught.value))) == repr(caught.value)


def make(target: Path, kind: str, aside: Path) -> None:
    match kind:
        case "symlink":
            target.symlink_to(aside)
        case "fifo":
            os.mkfifo(target)
        case "directory":
            target.mkdir()
        case _:
            os.mknod(target, 0o140600)


def test_reading_fails_for_a_moment_and_then_goes_on() -> None:
    """An I/O error while reading is no damage."""
    disk = SimulatedDisk()
    reader = filled(disk)
    Actor(disk).put("new")

    def fail(step: str) -> None:
        if step.startswith("read"):
            raise OSError(errno.EIO, "scripted")

    reader.disk.script = fail
    with pytest.raises(Unavailable) as caught:
        reader.body("new")
    assert caught.value.retryable
    reader.disk.script = lambda _: None
    assert reader.body("new") == b"body"
