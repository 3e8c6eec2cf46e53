"""Groups: commits that wait together share a segment, and nothing else."""

from __future__ import annotations

from datetime import datetime

from attrs import evolve

from tests.files.actors import NOON, SMALL, Actor, address, audit, commit_of, later
from tests.files.scripted_disk import Script, at_step
from tests.files.simulated_disk import SimulatedDisk
from turnkeep_adapters.files.desk import Committing, Reading
from turnkeep_ports.errors import Unavailable
from turnkeep_ports.store import Committed, Delete, Late, Stale

WIDE = evolve(SMALL, bucket_segments=1_000)


def segments_of(actor: Actor, commits: int, *, size_bytes: int = 0) -> int:
    """How many segments so many waiting commits become."""
    before = actor.view.head.number
    requests = [
        Committing(
            deadline=None,
            loop=actor.loop,
            commit=commit_of(address(f"{before}-{number}")),
            size_bytes=size_bytes,
        )
        for number in range(commits)
    ]
    actor.serve(requests)
    answers = [request.answer.result() for request in requests]
    assert all(isinstance(answer, Committed) for answer in answers)
    return actor.view.head.number - before


def test_commits_that_wait_together_share_a_segment() -> None:
    actor = Actor(SimulatedDisk(), settings=WIDE)
    assert segments_of(actor, 1) == 1
    assert segments_of(actor, 256) == 1
    assert segments_of(actor, 257) == 2


def test_without_grouping_each_has_its_own() -> None:
    actor = Actor(SimulatedDisk(), settings=evolve(WIDE, grouping=False))
    assert segments_of(actor, 5) == 5


def test_a_group_has_four_mebibytes_and_a_larger_commit_goes_alone() -> None:
    actor = Actor(SimulatedDisk(), settings=WIDE)
    assert segments_of(actor, 4, size_bytes=1 << 20) == 1
    assert segments_of(actor, 5, size_bytes=1 << 20) == 2
    assert segments_of(actor, 3, size_bytes=5 << 20) == 3


def test_each_commit_of_a_group_has_its_own_answer() -> None:
    """A stale or late one hurts nobody, and each sees those before it."""
    actor = Actor(SimulatedDisk())
    taken = address("taken")
    actor.put("taken")
    answers = actor.commits(
        commit_of(address("a")),
        commit_of(taken),
        commit_of(address("a")),
        commit_of(address("late"), valid_until=NOON),
        commit_of(address("b"), valid_until=later(1)),
    )
    assert [type(answer) for answer in answers] == [Committed, Stale, Stale, Late, Committed]
    assert answers[1] == Stale(frozenset({taken}), busy=False)
    assert answers[2] == Stale(frozenset({address("a")}), busy=False)
    audit(actor.disk, actor.ledger)


def test_a_chain_of_commits_on_one_cell_fits_into_one_group() -> None:
    """A commit may expect what the one before it in the group writes: the sequence is known."""
    actor = Actor(SimulatedDisk())
    first = commit_of(address("a"), b"1")
    made = (1).to_bytes(8, "big") + first.commit_id[:8]
    second = commit_of(address("a"), b"2", made)  # type: ignore[arg-type]  # a revision's bytes
    before = actor.view.head.number
    answers = actor.commits(first, second)
    assert all(isinstance(answer, Committed) for answer in answers)
    assert actor.view.head.number == before + 1
    assert actor.body("a") == b"2"


def test_a_group_that_loses_its_number_is_judged_anew() -> None:
    """Each of it: what the winner made stale is stale now, and the rest is written."""
    disk = SimulatedDisk()
    actor, winner = Actor(disk), Actor(disk)
    linked = {"done": False}

    def win(step: str) -> None:
        if step.startswith("link") and not linked["done"]:
            linked["done"] = True
            winner.put("contested", b"theirs")

    actor.disk.script = win
    answers = actor.commits(commit_of(address("contested")), commit_of(address("free")))
    assert [type(answer) for answer in answers] == [Stale, Committed]
    audit(disk, actor.ledger, winner.ledger)


def test_whoever_acted_on_an_expiry_makes_the_late_commit_late() -> None:
    """P19: A writer that slept between judging and linking cannot win after its time."""
    disk = SimulatedDisk()
    clock = {"now": NOON}
    sleeper = Actor(disk, wall_clock=lambda: clock["now"])
    for step in range(_steps_of_a_commit(disk)):
        clock["now"] = later(10 * step)
        id, until, expired = f"mine{step}", later(10 * step + 1), later(10 * step + 2)
        seen: list[bytes | None] = []
        sleeper.disk.script = at_step(step, _expiring(disk, clock, expired, id, seen))
        answer = sleeper.commit(commit_of(address(id), valid_until=until))
        # A number that was taken before the expiry was acted on is seen by whoever acts on it.
        assert isinstance(answer, Late if seen == [None] else Committed)
    sleeper.disk.script = lambda _: None
    audit(disk)


def _expiring(
    disk: SimulatedDisk,
    clock: dict[str, datetime],
    now: datetime,
    id: str,
    seen: list[bytes | None],
) -> Script:
    """Time passes, and another process acts on it, having seen a cell or not."""

    def expire(_: str) -> None:
        clock["now"] = now
        judge = Actor(disk, wall_clock=lambda: now)
        seen.append(judge.body(id))
        judge.put(f"{id} has expired")

    return expire


def _steps_of_a_commit(disk: SimulatedDisk) -> int:
    actor = Actor(disk)
    before = len(actor.disk.steps)
    actor.put("counted")
    return len(actor.disk.steps) - before


def test_a_look_serves_only_those_who_waited_when_it_began() -> None:
    """P7: Whoever asks after a commit sees it, though a look is under way that began before."""
    disk = SimulatedDisk()
    reader, writer = Actor(disk), Actor(disk)
    at = address("new")

    def question() -> Reading[bool]:
        return Reading(
            deadline=None,
            loop=reader.loop,
            ask=lambda view, now: at in view.engine.load([at], now).cells,
        )

    first, second = question(), question()
    length = _steps_of_a_look(disk)

    def commit(_: str) -> None:
        writer.put("new")
        reader.session.desk.leave(second)

    reader.disk.script = at_step(length - 1, commit)
    reader.serve([first])
    assert not second.taken
    reader.serve([])
    assert second.answer.result() is True


def _steps_of_a_look(disk: SimulatedDisk) -> int:
    actor = Actor(disk)
    before = len(actor.disk.steps)
    actor.body("any")
    return len(actor.disk.steps) - before


def test_the_memory_limit_refuses_growth_and_lets_others_pass() -> None:
    """Deleting and shrinking go on, and make room again."""
    settings = evolve(SMALL, memory_bytes_max=20_000)
    actor = Actor(SimulatedDisk(), settings=settings)
    answers = [actor.commit(commit_of(address(f"a{number}"), bytes(1_000))) for number in range(20)]
    written = sum(isinstance(answer, Committed) for answer in answers)
    assert 5 < written < 15
    for answer in answers[written:]:
        assert isinstance(answer, Unavailable)
        assert (answer.code, answer.retryable) == ("store.full", False)
    cell = actor.cells(address("a0"))[address("a0")]
    deletion = evolve(
        commit_of(address("a0")), writes=(Delete(address("a0"), cell.revision),), events=()
    )
    assert isinstance(actor.commit(deletion), Committed)
    small = actor.cells(address("a1"))[address("a1")]
    shrunk = evolve(commit_of(address("a1"), b"", small.revision), events=())
    assert isinstance(actor.commit(shrunk), Committed)
    assert isinstance(actor.commit(commit_of(address("again"), bytes(100))), Committed)
    events = actor.events()
    actor.trim(events[-1].cursor)
    assert isinstance(actor.commit(commit_of(address("more"), bytes(1_000))), Committed)
    audit(actor.disk)


def test_the_weight_is_the_same_however_a_state_came_to_be() -> None:
    disk = SimulatedDisk()
    actor = Actor(disk)
    for number in range(5):
        actor.put(f"a{number % 3}", bytes(number))
    actor.trim(actor.events()[1].cursor)
    replayed = Actor(disk)
    assert replayed.view.weight_bytes == actor.view.weight_bytes
    actor.compact()
    assert Actor(disk).view.weight_bytes == actor.view.weight_bytes
