"""Premises: where a store may be, and where it may not."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from tests.files.actors import PATH, Actor, address, audit, commit_of
from tests.files.scripted_disk import at_step, no_script
from tests.files.simulated_disk import Node, SimulatedDisk
from turnkeep_adapters.files.disk import Kind
from turnkeep_adapters.files.local_disk import LocalDisk
from turnkeep_adapters.files.premises import NETWORKS
from turnkeep_ports.errors import Unavailable, Unsupported
from turnkeep_ports.store import Committed


def at(path: Path) -> Actor:
    return Actor(LocalDisk(), path=str(path))


def test_a_missing_directory_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    at(tmp_path / "store").put("a")
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "store").rglob("*")}
    assert modes == {0o700, 0o600}
    assert (tmp_path / "store").stat().st_mode & 0o777 == 0o700


def test_a_missing_parent_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        at(tmp_path / "missing" / "store")
    assert str(tmp_path) not in f"{caught.value}{caught.value!r}{caught.value.__cause__}"
    assert list(tmp_path.iterdir()) == []


def test_a_parent_that_is_not_ours_to_read_is_left_to_whoever_made_the_directory_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    disk = SimulatedDisk()
    disk.make_root(PATH)

    def open_root(path: str) -> int:
        if path != PATH:
            raise PermissionError(errno.EACCES, "not yours")
        return opened(path)

    opened = disk.open_root
    monkeypatch.setattr(disk, "open_root", open_root)
    Actor(disk).put("a")


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_a_directory_that_others_may_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    with pytest.raises(Unsupported, match="writable"):
        at(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", sorted(NETWORKS))
def test_a_network_file_system_is_refused(kind: str) -> None:
    disk = SimulatedDisk()
    disk.type = kind
    with pytest.raises(Unsupported, match="network"):
        Actor(disk)


def test_an_unknown_file_system_is_tried() -> None:
    disk = SimulatedDisk()
    disk.type = None
    Actor(disk).put("a")


def test_this_machine_tells_its_file_systems(tmp_path: Path) -> None:
    disk = LocalDisk()
    assert disk.file_system(str(tmp_path)) not in {None, "proc", "sysfs"}
    assert disk.file_system("/proc") == "proc"
    assert disk.file_system("/proc/self/fd") == "proc"


@pytest.mark.parametrize("below", ["inner", "log/inner", "a/b/c"])
def test_a_store_in_another_is_refused(tmp_path: Path, below: str) -> None:
    """F14: However deep, and through a symbolic link too."""
    at(tmp_path / "outer").put("a")
    place = tmp_path / "outer" / below
    place.parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "alias").symlink_to(place.parent)
    for path in (place, tmp_path / "alias" / place.name):
        with pytest.raises(Unsupported, match="inside another"):
            at(path)
    assert not place.exists()


def test_foreign_files_forbid_a_store_and_survive(tmp_path: Path) -> None:
    """F14: A directory of something else is left as it is."""
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(Unsupported, match="other files"):
        at(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_unknown_names_in_a_store_survive_everything() -> None:
    """F14: Whatever else is in a store's directories is kept, and disturbs nothing."""
    disk = SimulatedDisk()
    actor = Actor(disk)
    actor.put("a")
    strangers = [f"{PATH}/{name}/stranger" for name in ("log", "checkpoints", "tmp", "trash")]
    bucket = f"{PATH}/log/{actor.view.head.bucket}/stranger"
    for path in (f"{PATH}/stranger", *strangers, bucket):
        folder, name = path.rsplit("/", 1)
        disk.node(folder).names[name] = Node(999, Kind.FILE, 0o600, data=b"mine")
    for number in range(9):
        actor.put(f"b{number}")
        actor.compact()
    Actor(disk).scrub()
    audit(disk, actor.ledger)
    for path in (f"{PATH}/stranger", *strangers):
        assert disk.node(path).data == b"mine"


def test_a_half_made_store_is_finished(tmp_path: Path) -> None:
    for name in ("log", "tmp"):
        (tmp_path / name).mkdir()
    actor = at(tmp_path)
    actor.put("a")
    audit(LocalDisk(), actor.ledger, path=str(tmp_path))


def test_directories_on_several_file_systems_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = SimulatedDisk()
    Actor(disk)
    from attrs import evolve

    told = disk.status_of_handle
    log = disk.node(f"{PATH}/log").inode

    def status(handle: int) -> object:
        status = told(handle)
        return evolve(status, device=2) if status.inode == log else status

    monkeypatch.setattr(disk, "status_of_handle", status)
    with pytest.raises(Unsupported, match="several file systems"):
        Actor(disk)


@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP])
def test_a_file_system_without_hard_links_is_refused(code: int) -> None:
    disk = SimulatedDisk()
    Actor(disk)

    def refuse(step: str) -> None:
        if step.startswith("link"):
            raise OSError(code, "scripted")

    with pytest.raises(Unsupported, match="hard links"):
        Actor(disk, script=refuse)
    assert list(disk.node(f"{PATH}/tmp").names) == []


def test_a_file_system_that_replaces_names_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = SimulatedDisk()
    Actor(disk)
    monkeypatch.setattr("tests.files.simulated_disk._require_free", lambda folder, name: None)
    with pytest.raises(Unsupported, match="hard links"):
        Actor(disk)


WRITING = ("create", "link", "rename", "unlink", "make directory", "remove directory")


def test_a_sweep_in_the_middle_of_the_trial_refuses_nothing() -> None:
    """Whichever of the two files another process takes away, and whenever."""
    disk = SimulatedDisk()
    other = Actor(disk)
    for step in range(len(Actor(disk).disk.steps)):

        def sweep(_: str) -> None:
            other.session.tidying.compaction.sweep(before_seconds=float("inf"))

        actor = Actor(disk, script=at_step(step, sweep))
        assert actor.session.serving.writer.probed
        assert list(disk.node(f"{PATH}/tmp").names) == []


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES])
def test_a_read_only_directory_serves_reads_and_refuses_commits(code: int) -> None:
    """F12."""
    disk = SimulatedDisk()
    writer = Actor(disk)
    writer.put("a", b"1")

    def refuse(step: str) -> None:
        if step.startswith(WRITING):
            raise OSError(code, "scripted")

    reader = Actor(disk, script=refuse)
    assert reader.body("a") == b"1"
    answer = reader.commit(commit_of(address("mine")))
    assert isinstance(answer, Unavailable)
    assert not answer.retryable
    writer.put("a", b"2")
    assert reader.body("a") == b"2"
    reader.disk.script = no_script
    assert isinstance(reader.commit(commit_of(address("mine"))), Committed)


def test_a_replaced_root_is_refused(tmp_path: Path) -> None:
    """F15: Whoever was moved away may still read, and writes nothing any more."""
    actor = at(tmp_path / "store")
    actor.put("a")
    (tmp_path / "store").rename(tmp_path / "moved")
    assert isinstance(actor.commit(commit_of(address("mine"))), Unavailable)
    other = at(tmp_path / "store")
    other.put("b")
    answer = actor.commit(commit_of(address("mine")))
    assert isinstance(answer, Unavailable)
    assert "replaced" in answer.why
    assert actor.body("a") == b"body"
    with pytest.raises(Unavailable, match="replaced"):
        actor.session.tidying.compaction.compact(actor.view.checkpoint())
    audit(LocalDisk(), actor.ledger, path=str(tmp_path / "moved"))


def test_a_forked_child_is_refused() -> None:
    """F15: In another process every call is refused before any system call."""
    disk = SimulatedDisk()
    actor = Actor(disk)
    actor.put("a")
    disk.process = 2
    steps = len(actor.disk.steps)
    refused = [*actor.refusals(), actor.commit(commit_of(address("mine")))]
    assert all(isinstance(error, Unavailable) and not error.retryable for error in refused)
    assert len(actor.disk.steps) == steps


FORKING = """
import asyncio, os, sys
from datetime import UTC, datetime
from turnkeep_adapters.files.store import FilesRecordStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_domain.keys import Address
from turnkeep_domain.scope import Scope
from turnkeep_ports.clock import Deadline
from turnkeep_ports.errors import Unavailable

clock = SystemClock()
store = FilesRecordStore(sys.argv[1], clock=clock, wall_clock=clock.utc_now)
keys = [Address("note", Scope.of("acme", "ann"), "one")]

async def load():
    return await store.load(keys, deadline=Deadline.after(clock, 10.0))

async def refused():
    try:
        await load()
    except Unavailable as error:
        await store.__aexit__(None, None, None)
        os._exit(7 if not error.retryable else 8)
    os._exit(9)

asyncio.run(store.__aenter__())
asyncio.run(load())
child = os.fork()
if child == 0:
    asyncio.run(refused())
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
asyncio.run(load())
asyncio.run(store.__aexit__(None, None, None))
sys.exit(code)
"""


def test_a_child_that_was_really_forked_is_refused_and_its_parent_goes_on(tmp_path: Path) -> None:
    """F15, with a real fork: the child has none of the threads that would serve it."""
    program = [sys.executable, "-W", "ignore", "-c", FORKING, str(tmp_path / "store")]
    ended = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (7, "")
