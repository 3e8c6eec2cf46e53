"""Compaction: the log stays short, and what was deleted leaves the disk."""

from __future__ import annotations

from contextlib import suppress

from attrs import evolve

from tests.files.actors import NOON, PATH, SMALL, Actor, address, audit, commit_of
from tests.files.scripted_disk import Killed, kill
from tests.files.simulated_disk import SimulatedDisk, nothing
from turnkeep_ports.store import Committed, Delete

SECRET = b"sesame-open-thyself"


def numbers(disk: SimulatedDisk) -> list[int]:
    """The numbers of all segments in the log."""
    buckets = disk.node(f"{PATH}/log").names.values()
    return sorted(int(name) for bucket in buckets for name in bucket.names)


def checkpoints(disk: SimulatedDisk) -> list[int]:
    return sorted(map(int, disk.node(f"{PATH}/checkpoints").names))


def files_with(disk: SimulatedDisk, text: bytes) -> list[str]:
    return [path for path in disk.every_path() if text in disk.node(path).data]


def test_a_compaction_keeps_two_checkpoints_and_the_log_behind_the_older() -> None:
    disk = SimulatedDisk()
    actor = Actor(disk)
    for number in range(10):
        actor.put(f"a{number}")
    actor.compact()
    assert (checkpoints(disk), numbers(disk)) == ([10], list(range(1, 11)))
    actor.put("b")
    actor.compact()
    # Buckets of three: that of the older checkpoint goes on with number 11.
    assert (checkpoints(disk), numbers(disk)) == ([10, 11], [10, 11])
    actor.put("c")
    actor.compact()
    assert (checkpoints(disk), numbers(disk)) == ([11, 12], [10, 11, 12])
    assert list(disk.node(f"{PATH}/trash").names) == []
    audit(disk, actor.ledger)


def test_a_repeated_compaction_changes_nothing() -> None:
    disk = SimulatedDisk()
    actor = Actor(disk)
    for number in range(10):
        actor.put(f"a{number}")
        actor.compact()
    before = sorted(disk.every_path())
    actor.compact()
    Actor(disk).compact()
    assert sorted(disk.every_path()) == before


def test_an_opener_reads_what_was_compacted() -> None:
    disk = SimulatedDisk()
    actor = Actor(disk)
    for number in range(20):
        actor.put(f"a{number % 7}", b"%d" % number)
        if number % 3 == 0:
            actor.compact()
    cursor = actor.events()[4].cursor
    actor.trim(cursor)
    actor.compact()
    opened = Actor(disk)
    assert opened.view.engine.state() == actor.view.engine.state()
    assert [event.cursor > cursor for event in opened.events()] == [True] * 15


def test_a_bucket_that_nobody_knows_of_is_left() -> None:
    """A killed writer's orphan is never taken for a bucket of the log."""
    disk = SimulatedDisk()
    actor = Actor(disk)
    actor.put("a")
    actor.put("b")

    def die(step: str) -> None:
        if step.startswith("create"):
            kill(step)

    dying = Actor(disk)
    dying.disk.script = die
    with suppress(Killed):
        dying.put("c")
    orphans = [name for name, node in disk.node(f"{PATH}/log").names.items() if not node.names]
    assert len(orphans) == 1
    for number in range(8):
        actor.put(f"d{number}")
        actor.compact()
    assert orphans[0] in disk.node(f"{PATH}/log").names
    audit(disk, actor.ledger)


def test_a_scrub_leaves_nothing_that_was_deleted_overwritten_or_trimmed() -> None:
    """Neither in the log, nor in checkpoints, files aside or the trash; a power cut included."""
    disk = SimulatedDisk()
    actor = Actor(disk)
    actor.put("overwritten", SECRET)
    actor.put("deleted", SECRET)
    actor.compact()
    left = _left_by_a_kill(disk)
    assert files_with(disk, SECRET)
    actor.put("overwritten", b"1")
    for id in ("deleted", left):
        cell = actor.cells(address(id))[address(id)]
        deletion = evolve(commit_of(address(id)), writes=(Delete(address(id), cell.revision),))
        assert isinstance(actor.commit(deletion), Committed)
    actor.trim([event.cursor for event in actor.events() if event.body == SECRET][-1])
    actor.scrub()
    disk.power_cut(nothing)
    assert files_with(disk, SECRET) == []
    assert Actor(disk).body("overwritten") == b"1"


def _left_by_a_kill(disk: SimulatedDisk) -> str:
    """Leaves a file in `tmp` that has the secret and is a segment too."""
    dying = Actor(disk)

    def die(step: str) -> None:
        if step.startswith("unlink"):
            kill(step)

    dying.disk.script = die
    with suppress(Killed):
        dying.put("left", SECRET)
    assert len(disk.node(f"{PATH}/tmp").names) == 1
    return "left"


def test_a_scrub_of_an_empty_store_and_a_second_scrub_are_fine() -> None:
    disk = SimulatedDisk()
    actor = Actor(disk)
    for _ in range(3):
        actor.scrub()
    actor.put("a")
    audit(disk, actor.ledger)


def test_a_running_process_goes_on_after_anothers_scrub() -> None:
    disk = SimulatedDisk()
    actor, other = Actor(disk), Actor(disk)
    actor.put("a")
    other.scrub()
    actor.put("b")
    assert other.body("b") == b"body"
    audit(disk, actor.ledger)


def test_files_aside_are_swept_after_an_hour_and_not_before() -> None:
    disk = SimulatedDisk()
    _left_by_a_kill(disk)
    Actor(disk)
    assert len(disk.node(f"{PATH}/tmp").names) == 1
    disk.seconds = NOON.timestamp() - 3_601
    for node in disk.node(f"{PATH}/tmp").names.values():
        node.modified = disk.seconds
    Actor(disk)
    assert list(disk.node(f"{PATH}/tmp").names) == []


def test_a_writer_whose_file_was_swept_writes_it_anew() -> None:
    disk = SimulatedDisk()
    actor = Actor(disk)
    swept: list[str] = []

    def sweep(step: str) -> None:
        if step.startswith("link 0000") and not swept:
            names = disk.node(f"{PATH}/tmp").names
            swept.extend(names)
            names.clear()

    actor.disk.script = sweep
    assert isinstance(actor.commit(commit_of(address("a"))), Committed)
    assert len(swept) == 1
    audit(disk, actor.ledger)


def test_the_log_is_compacted_once_it_exceeds_the_threshold_and_the_last_checkpoint() -> None:
    settings = evolve(SMALL, compaction_bytes=10_000)
    disk = SimulatedDisk()
    actor = Actor(disk, settings=settings)
    large = bytes(3_000)
    made = []
    for number in range(40):
        actor.put(f"a{number}", large)
        actor.tidied()
        made.append(max(checkpoints(disk), default=0))
    first = next(number for number in made if number)
    assert first == 2
    # Each checkpoint is longer than the one before, and so is the log that it waits for.
    gaps = [b - a for a, b in zip(sorted({*made}), sorted({*made})[1:], strict=False)]
    assert gaps == sorted(gaps)
    assert len(gaps) < 8
    audit(disk, actor.ledger)


def test_a_checkpoint_of_another_process_counts() -> None:
    """Not every process that meets the threshold makes a checkpoint of its own."""
    settings = evolve(SMALL, compaction_bytes=4_000)
    disk = SimulatedDisk()
    eager, other = Actor(disk), Actor(disk, settings=settings)
    for number in range(5):
        eager.put(f"a{number}", bytes(1_000))
    eager.compact()
    other.put("b", b"1")
    other.tidied()
    assert checkpoints(disk) == [5]
    audit(disk, eager.ledger, other.ledger)
