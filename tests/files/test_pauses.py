"""Pauses: a process may sleep between any two of its system calls, for as long as it likes."""

from __future__ import annotations

import pytest

from tests.files.actors import Actor, Ledger, address, audit, commit_of
from tests.files.scripted_disk import Script, at_step, no_script
from tests.files.simulated_disk import SimulatedDisk
from turnkeep_ports.store import Committed


def prepared(segments: int) -> SimulatedDisk:
    """A store whose log has some segments, in buckets of three."""
    disk = SimulatedDisk()
    actor = Actor(disk)
    for number in range(segments):
        actor.put(f"old{number}")
    return disk


def others(disk: SimulatedDisk, ledger: Ledger, *, commits: int, compactions: int) -> Script:
    """What other processes do meanwhile: commits, each followed by compactions."""

    def action(step: str) -> None:
        actor = Actor(disk, ledger=ledger)
        for id in (f"other{number}" for number in range(commits)):
            actor.put(id)
            for _ in range(compactions):
                actor.compact()

    return action


def steps_of_a_commit(segments: int) -> int:
    actor = Actor(prepared(segments))
    before = len(actor.disk.steps)
    actor.put("mine")
    return len(actor.disk.steps) - before


@pytest.mark.parametrize("commits", [1, 2, 4, 7])
@pytest.mark.parametrize("segments", [0, 1, 2, 3])
def test_a_writer_woken_after_compactions_never_acknowledges_falsely(
    segments: int, commits: int
) -> None:
    """F3, at every step of a commit, the kernel's own walk of a path included."""
    for step in range(steps_of_a_commit(segments)):
        disk = prepared(segments)
        meanwhile, mine = Ledger(), Ledger()
        writer = Actor(disk, ledger=mine)
        writer.disk.script = at_step(step, others(disk, meanwhile, commits=commits, compactions=1))
        writer.commit(commit_of(address("mine")))
        writer.disk.script = no_script
        assert isinstance(writer.commit(commit_of(address("after"))), Committed)
        audit_after_old(disk, meanwhile, mine)


@pytest.mark.parametrize("segments", [0, 1, 2])
def test_a_writer_whose_file_was_swept_takes_no_others_segment_for_its_own(segments: int) -> None:
    """A file that is made after the sweep may have the very inode of the one that was swept."""
    for step in range(steps_of_a_commit(segments)):
        disk = prepared(segments)
        meanwhile, mine = Ledger(), Ledger()
        writer, other = Actor(disk, ledger=mine), Actor(disk, ledger=meanwhile)

        def sweep(_: str, other: Actor = other) -> None:
            other.session.tidying.compaction.sweep(before_seconds=float("inf"))
            other.put("other")

        writer.disk.script = at_step(step, sweep)
        writer.commit(commit_of(address("mine")))
        writer.disk.script = no_script
        assert isinstance(writer.commit(commit_of(address("after"))), Committed)
        audit_after_old(disk, meanwhile, mine)


def test_a_loser_leaves_nothing_behind() -> None:
    """Neither the bucket that it made for its number, nor the file."""
    for step in range(steps_of_a_commit(2)):
        disk = prepared(2)
        loser = Actor(disk)
        loser.disk.script = at_step(step, others(disk, Ledger(), commits=1, compactions=0))
        loser.commit(commit_of(address("mine")))
        loser.disk.script = no_script
        loser.put("after")
        log = disk.node("/store/log").names
        empty = {name for name, bucket in log.items() if not bucket.names}
        assert empty <= {loser.view.head.bucket}
        assert list(disk.node("/store/tmp").names) == []


def audit_after_old(disk: SimulatedDisk, *ledgers: Ledger) -> None:
    known = {own for ledger in ledgers for own in (*ledger.landed, *ledger.doubtful)}
    events = Actor(disk).events()
    old = [event.commit_id for event in events if event.address.id.startswith("old")]
    audit(disk, *ledgers, Ledger(landed=old))
    assert known.isdisjoint(old)


def test_a_reader_woken_after_compactions_sees_the_present() -> None:
    steps = len(_steps_of_a_load())
    for step in range(steps):
        disk = prepared(4)
        reader = Actor(disk)
        reader.disk.script = at_step(step, others(disk, Ledger(), commits=5, compactions=2))
        body = reader.body("other4")
        reader.disk.script = no_script
        # The look may have ended before the others began.
        assert body in (None, b"body")
        assert reader.body("other4") == b"body"


def _steps_of_a_load() -> list[str]:
    reader = Actor(prepared(4))
    before = len(reader.disk.steps)
    reader.body("old1")
    return reader.disk.steps[before:]


def test_a_compactor_woken_after_compactions_harms_nothing() -> None:
    """F6: Two compactors coexist, whatever one of them does while the other sleeps."""
    counted = Actor(prepared(8))
    before = len(counted.disk.steps)
    counted.compact()
    for step in range(len(counted.disk.steps) - before):
        disk = prepared(8)
        sleeper, meanwhile = Actor(disk), Ledger()
        sleeper.disk.script = at_step(step, others(disk, meanwhile, commits=5, compactions=2))
        sleeper.compact()
        sleeper.disk.script = no_script
        sleeper.put("after")
        audit_after_old(disk, meanwhile, sleeper.ledger)


@pytest.mark.parametrize("scrubs", [False, True])
def test_two_creators_share_one_store_whoever_sleeps(*, scrubs: bool) -> None:
    """F6: Wherever the first creator sleeps while the second makes the store, there is one.

    A scrub takes away what the first has written aside, too.
    """
    counted = Actor(SimulatedDisk())
    steps = len(counted.disk.steps)
    for step in range(steps):
        disk = SimulatedDisk()
        theirs = Ledger()

        def create(_: str, disk: SimulatedDisk = disk, theirs: Ledger = theirs) -> None:
            second = Actor(disk, ledger=theirs)
            second.put("theirs")
            if scrubs:
                second.scrub()

        first = Actor(disk, script=at_step(step, create))
        first.disk.script = no_script
        first.put("mine")
        assert first.body("theirs") == b"body"
        audit(disk, first.ledger, theirs)
        buckets = disk.node("/store/log").names.items()
        assert [name for name, held in buckets if not held.names] == []
