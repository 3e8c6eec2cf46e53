"""Told syncs: a segment that is marked was synced by its writer, so that others need not sync it.

It is marked by nobody else, and only then.
"""

from __future__ import annotations

import errno

import pytest
from attrs import define, evolve

from tests.files.actors import SMALL, Actor, Ledger, address, audit, commit_of
from tests.files.scripted_disk import Killed, at_step, kill, no_script
from tests.files.simulated_disk import Node, SimulatedDisk, nothing
from turnkeep_adapters.files.disk import MARK, Kind
from turnkeep_ports.errors import OutcomeUnknown
from turnkeep_ports.store import Committed, Durability

FOREVER = float("inf")
FIRST = "000000000001"


def syncs(actor: Actor, id: str) -> int:
    """How often a look that finds a cell syncs a directory."""
    before = len(actor.disk.steps)
    assert actor.body(id) == b"body"
    return actor.disk.steps[before:].count("sync directory")


@pytest.mark.parametrize("segments", [1, 2, 5])
def test_what_its_writer_has_synced_is_synced_by_nobody_else(segments: int) -> None:
    """Also where it lies in buckets that were closed meanwhile."""
    disk = SimulatedDisk()
    writer, reader = Actor(disk), Actor(disk)
    for number in range(segments):
        writer.put(f"a{number}")
    assert syncs(reader, f"a{segments - 1}") == 0
    disk.power_cut(nothing)
    assert Actor(disk).body(f"a{segments - 1}") == b"body"


def test_what_its_writer_may_not_have_synced_is_synced_before_it_is_shown() -> None:
    """Wherever the writer dies: once it is linked, it is shown, and survives a power cut then."""
    shown_early = 0
    for death in range(200):
        disk = SimulatedDisk()
        writer, reader = Actor(disk), Actor(disk)
        writer.disk.script = at_step(death, kill)
        try:
            writer.put("a")
        except Killed:
            pass
        else:
            break
        shown = reader.body("a")
        shown_early += shown is not None
        disk.power_cut(nothing)
        assert Actor(disk).body("a") == shown
    else:
        raise AssertionError("the commit never ended")
    assert shown_early > 1


@pytest.mark.parametrize("segments", [0, 1, 2, 3])
def test_a_marked_segment_is_durable_whatever_step_its_writer_is_at(segments: int) -> None:
    """Also one that closes its bucket, and the first of the next."""
    disk = SimulatedDisk()
    writer, other = Actor(disk), Actor(disk)
    for number in range(segments):
        writer.put(f"a{number}")
    told: set[bool] = set()

    def look(_: str) -> None:
        for bucket in disk.node("/store/log").names.values():
            for name, segment in bucket.names.items():
                is_told = bool(segment.permissions & MARK)
                assert not is_told or bucket.durable_names.get(name) is segment
                told.add(is_told)

    writer.disk.script = look
    writer.put("last")
    look("end")
    assert told == {True, False}
    assert syncs(other, "last") == 0


def test_a_segment_whose_sync_has_failed_is_not_marked() -> None:
    disk = SimulatedDisk()
    writer, reader = Actor(disk), Actor(disk)

    def broken(step: str) -> None:
        if step == "sync directory":
            raise OSError(errno.EIO, "scripted")

    writer.disk.script = broken
    assert isinstance(writer.commit(commit_of(address("a"))), OutcomeUnknown)
    assert list(disk.node("/store/tmp").names) == []
    assert syncs(reader, "a") == 1
    disk.power_cut(nothing)
    assert Actor(disk).body("a") == b"body"


def test_a_segment_that_cannot_be_marked_is_synced_by_whoever_finds_it() -> None:
    disk = SimulatedDisk()
    writer, reader = Actor(disk), Actor(disk)

    def refuse(step: str) -> None:
        if step.startswith("mark"):
            raise OSError(errno.EPERM, "scripted")

    writer.disk.script = refuse
    writer.put("a")
    assert syncs(reader, "a") == 1


@pytest.mark.parametrize("names", [1, 3])
def test_how_many_names_a_segment_has_tells_nothing(names: int) -> None:
    """Neither those that a backup of hard links adds, nor that of `tmp`, whoever takes it away."""
    disk = SimulatedDisk()
    writer, reader = Actor(disk), Actor(disk)
    bucket = disk.node(f"/store/log/{writer.view.head.bucket}")

    def count(_: str) -> None:
        for segment in bucket.names.values():
            segment.links = names

    def die(step: str) -> None:
        count(step)
        if step.startswith("mark"):
            raise Killed

    writer.disk.script = count
    writer.put("a")
    assert syncs(reader, "a") == 0
    writer.disk.script = die
    with pytest.raises(Killed):
        writer.put("b")
    assert syncs(reader, "b") == 1


@pytest.mark.parametrize("shows", [True, False])
def test_where_marks_are_not_kept_everybody_syncs(
    monkeypatch: pytest.MonkeyPatch, *, shows: bool
) -> None:
    """A file system may show one mode for all files, with the mark or without."""

    def add(disk: SimulatedDisk, folder: Node, name: str, kind: Kind) -> Node:
        node = added(disk, folder, name, kind)
        if shows and kind is Kind.FILE:
            node.permissions |= MARK
        return node

    added = SimulatedDisk._add
    monkeypatch.setattr(SimulatedDisk, "_add", add)
    monkeypatch.setattr(SimulatedDisk, "mark", lambda disk, at, name: None)
    disk = SimulatedDisk()
    writer, reader = Actor(disk), Actor(disk)
    writer.put("a")
    assert syncs(reader, "a") == 1


def test_a_process_that_syncs_nothing_marks_nothing() -> None:
    disk = SimulatedDisk()
    careless = Actor(disk, settings=evolve(SMALL, durability=Durability.PROCESS))
    reader = Actor(disk)
    careless.put("a")
    assert syncs(reader, "a") == 1


def test_a_store_syncs_what_it_finds_when_it_is_opened() -> None:
    """A copy has marked files, too, and nobody may have synced it."""
    original = SimulatedDisk()
    writer = Actor(original)
    writer.put("a")
    copy = original.copied()
    copy.node(f"/store/log/{writer.view.head.bucket}").durable_names.clear()
    assert Actor(copy).body("a") == b"body"
    copy.power_cut(nothing)
    assert Actor(copy).body("a") == b"body"


def test_a_sweep_while_a_writer_sleeps_tells_nothing_false() -> None:
    """At each step of the writer another one sweeps, shows what it finds, and the power is cut."""
    found = 0
    for step in range(200):
        disk = SimulatedDisk()
        writer, other = Actor(disk), Actor(disk)
        shown: list[bytes | None] = []

        def cut(_: str, other: Actor = other, shown: list[bytes | None] = shown) -> None:
            other.session.tidying.compaction.sweep(before_seconds=FOREVER)
            shown.append(other.body("a"))
            raise Killed

        writer.disk.script = at_step(step, cut)
        try:
            writer.put("a")
        except Killed:
            pass
        else:
            break
        disk.power_cut(nothing)
        assert [Actor(disk).body("a")] == shown
        found += shown != [None]
    else:
        raise AssertionError("the commit never ended")
    assert found > 1


@define
class Linking:
    """A writer that links its file, which it wrote before, at a step of somebody's sweep.

    From then on, whenever its segment is told to be synced, it must be.

    Attributes:
        resolved: The file, where the kernel had gone from its name to it before the sweep began.
    """

    disk: SimulatedDisk
    writer: Actor
    temp: str
    step: int
    resolved: Node | None
    seen: int = 0
    linked: bool | None = None

    def __call__(self, _: str) -> None:
        if self.seen == self.step:
            try:
                self.link()
            except FileNotFoundError:
                self.linked = False
            else:
                self.linked = True
        self.seen += 1
        if self.writer.session.home.is_synced(self.writer.view.head.bucket, 1):
            assert self.names(durable=True) == [FIRST]

    def link(self) -> None:
        bucket = self.writer.view.head.bucket
        if self.resolved is None:
            self.writer.session.home.link_segment(self.temp, bucket, 1)
        elif self.resolved.links == 0:
            raise FileNotFoundError(errno.ENOENT, "without a name, it takes none")
        else:
            self.resolved.links += 1
            self.disk.node(f"/store/log/{bucket}").names[FIRST] = self.resolved

    def names(self, *, durable: bool = False) -> list[str]:
        node = self.disk.node(f"/store/log/{self.writer.view.head.bucket}")
        return list(node.durable_names if durable else node.names)


@pytest.mark.parametrize("begun", [True, False])
def test_a_link_in_the_middle_of_a_sweep_tells_nothing_false(*, begun: bool) -> None:
    """A file that was alone when the sweep looked at it may be linked a moment later."""
    outcomes: set[bool] = set()
    for step in range(20):
        disk = SimulatedDisk()
        sweeper, writer = Actor(disk), Actor(disk)
        temp = writer.session.home.write_temp(b"segment")
        resolved = disk.node(f"/store/tmp/{temp}") if begun else None
        linking = Linking(disk, writer, temp, step, resolved)
        sweeper.disk.script = linking
        sweeper.session.tidying.compaction.sweep(before_seconds=FOREVER)
        linking("end")
        if linking.linked is None:
            break
        outcomes.add(linking.linked)
        assert linking.names() == [FIRST] * linking.linked
    else:
        raise AssertionError("the sweep never ended")
    assert outcomes == {True, False}


def test_a_writer_whose_file_was_swept_writes_anew() -> None:
    for step in range(200):
        disk, ledger = SimulatedDisk(), Ledger()
        writer, other = Actor(disk, ledger=ledger), Actor(disk)
        swept: list[str] = []

        def sweep(name: str, other: Actor = other, swept: list[str] = swept) -> None:
            other.session.tidying.compaction.sweep(before_seconds=FOREVER)
            swept.append(name)

        writer.disk.script = at_step(step, sweep)
        assert isinstance(writer.commit(commit_of(address("a"))), Committed)
        writer.disk.script = no_script
        audit(disk, ledger)
        assert list(disk.node("/store/tmp").names) == []
        if not swept:
            break
    else:
        raise AssertionError("the commit never ended")
