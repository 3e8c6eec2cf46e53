"""Failures: a disk that is full, and syncs that fail, at any system call."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest

from tests.files.actors import Actor, address, audit, commit_of
from tests.files.scripted_disk import at_step, no_script
from tests.files.simulated_disk import SimulatedDisk
from turnkeep_domain.errors import TurnkeepError
from turnkeep_ports.errors import OutcomeUnknown, Unavailable
from turnkeep_ports.store import Committed

NEEDING_SPACE = ("create", "write", "sync file", "link", "make directory")


class Failing:
    """A script that raises an error at one occasion among those that a test cares for."""

    def __init__(self, occasion: int, code: int, steps: tuple[str, ...], *, lasts: bool) -> None:
        self.left = occasion
        self.code = code
        self.steps = steps
        self.lasts = lasts
        self.failed = 0

    def __call__(self, step: str) -> None:
        if not step.startswith(self.steps) or step.endswith("resolved"):
            return
        self.left -= 1
        if self.left == -1 or (self.lasts and self.left < 0):
            self.failed += 1
            raise OSError(self.code, "scripted")


def filled(segments: int) -> tuple[SimulatedDisk, Actor]:
    disk = SimulatedDisk()
    actor = Actor(disk)
    for number in range(segments):
        actor.put(f"old{number}")
    return disk, actor


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("segments", [1, 2])
def test_a_full_disk_writes_nothing_and_then_recovers(segments: int, code: int) -> None:
    """F10, at every call that needs space, in a commit that closes its bucket and in one not."""
    occasion = 0
    while True:
        disk, actor = filled(segments)
        full = Failing(occasion, code, NEEDING_SPACE, lasts=True)
        actor.disk.script = full
        answer = actor.commit(commit_of(address("new")))
        actor.disk.script = no_script
        if not full.failed:
            break
        assert isinstance(answer, Unavailable)
        assert answer.retryable
        assert actor.body("new") is None
        assert isinstance(actor.commit(commit_of(address("new"))), Committed)
        audit(disk, actor.ledger)
        assert list(disk.node("/store/tmp").names) == []
        occasion += 1
    assert occasion > len(NEEDING_SPACE) - 2


@pytest.mark.parametrize("is_there", [True, False])
def test_an_opening_that_fails_at_any_system_call_leaves_no_handle(*, is_there: bool) -> None:
    failed = 0
    for step in range(200):
        disk = SimulatedDisk()
        if is_there:
            Actor(disk).session.end()
        try:
            Actor(disk, script=at_step(step, fail)).session.end()
        except TurnkeepError:
            failed += 1
        assert disk.open_handles == 0, step
    assert failed > 10


def fail(_: str) -> None:
    raise OSError(errno.EIO, "scripted")


@pytest.mark.parametrize("segments", [1, 2])
def test_a_failed_directory_sync_poisons_the_object(segments: int) -> None:
    """F11: The outcome is unknown, unless it failed before the link, and no sync is retried."""
    occasion, unknown = 0, 0
    while True:
        disk, actor = filled(segments)
        broken = Failing(occasion, errno.EIO, ("sync directory",), lasts=False)
        actor.disk.script = broken
        answer = actor.commit(commit_of(address("new")))
        if not broken.failed:
            break
        assert isinstance(answer, OutcomeUnknown | Unavailable)
        unknown += isinstance(answer, OutcomeUnknown)
        steps = len(actor.disk.steps)
        refused = [*actor.refusals(), actor.commit(commit_of(address("again")))]
        assert len(actor.disk.steps) == steps, "a poisoned store still calls the system"
        for error in refused:
            assert isinstance(error, Unavailable)
            assert not error.retryable
        audit(disk, actor.ledger)
        assert Actor(disk).put("new2")
        occasion += 1
    assert unknown == 1


def test_a_reader_that_cannot_sync_shows_nothing() -> None:
    """F11: What another process wrote is not shown unless it is durable."""
    disk, reader = filled(1)
    writer = Actor(disk)
    writer.disk.script = Failing(0, errno.EIO, ("sync directory",), lasts=False)
    assert isinstance(writer.commit(commit_of(address("new"))), OutcomeUnknown)
    reader.disk.script = Failing(0, errno.EIO, ("sync directory",), lasts=False)
    with pytest.raises(Unavailable):
        reader.body("new")
    reader.disk.script = no_script
    with pytest.raises(Unavailable):
        reader.body("new")


def test_a_failed_sync_of_a_segment_writes_nothing() -> None:
    disk, actor = filled(1)
    actor.disk.script = Failing(0, errno.EIO, ("sync file",), lasts=False)
    assert isinstance(actor.commit(commit_of(address("new"))), Unavailable)
    actor.disk.script = no_script
    assert isinstance(actor.commit(commit_of(address("new"))), Committed)
    audit(disk, actor.ledger)


@pytest.mark.parametrize("lands", [True, False])
def test_a_link_that_fails_in_doubt_is_unknown_unless_it_is_seen(*, lands: bool) -> None:
    """A failed link whose segment is at its number has landed; else EIO proves nothing."""
    disk, actor = filled(1)

    def link(step: str) -> None:
        if step.startswith("link resolved"):
            if lands:
                path = step.rsplit(maxsplit=1)[-1]
                bucket, number = path.split("/")
                (temp,) = disk.node("/store/tmp").names.values()
                disk.node(f"/store/log/{bucket}").names[number] = temp
            raise OSError(errno.EIO, "scripted")

    actor.disk.script = link
    answer = actor.commit(commit_of(address("new")))
    actor.disk.script = no_script
    assert isinstance(answer, Committed if lands else OutcomeUnknown)
    assert actor.body("new") == (b"body" if lands else None)
    audit(disk, actor.ledger)


def failing_compaction(step: str) -> Callable[[str], None]:
    def script(seen: str) -> None:
        if seen.startswith(step):
            raise OSError(errno.ENOSPC, "scripted")

    return script


@pytest.mark.parametrize("step", ["create", "write", "link", "rename", "unlink", "names"])
def test_a_compaction_that_fails_leaves_what_another_can_finish(step: str) -> None:
    disk, actor = filled(7)
    actor.compact()
    actor.put("more")
    actor.disk.script = failing_compaction(step)
    with pytest.raises(OSError, match="scripted"):
        actor.session.tidying.compaction.compact(actor.view.checkpoint())
    actor.disk.script = no_script
    audit(disk, actor.ledger)
    actor.compact()
    actor.put("after")
    actor.compact()
    audit(disk, actor.ledger)
    assert len(disk.node("/store/log").names) <= 2
    assert list(disk.node("/store/trash").names) == []
