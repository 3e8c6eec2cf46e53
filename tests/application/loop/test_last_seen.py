"""What was last seen: a guess that saves a load, and is never what an answer rests on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from attrs import evolve

from tests.application.loop.bench import Bench
from tests.application.loop.counting import FIRST, SECOND, answers, count, counting
from tests.application.loop.ledger import LEDGERS, SCOPE, Ledger, opened
from turnkeep_adapters.faulty.actions import Operation
from turnkeep_adapters.virtual.clock import VirtualClock
from turnkeep_application.errors import Contended
from turnkeep_application.last_seen import LastSeen
from turnkeep_application.last_seen_settings import LastSeenSettings
from turnkeep_application.pacing import Pacing
from turnkeep_application.records import Need, Records
from turnkeep_application.round_settings import RoundSettings
from turnkeep_application.verdicts import Lost, Stored, Unknown
from turnkeep_domain.approvals.approval import APPROVALS
from turnkeep_domain.approvals.payload import APPROVAL_PAYLOADS
from turnkeep_domain.decisions import Changed, Decision, Refused, Settled, Unchanged
from turnkeep_domain.keys import Index, Key, key
from turnkeep_ports.store import Cell, CommitId, Entry, Loaded, Put, Revision
from turnkeep_ports.telemetry import Counter

Answer = Decision[Records, object, object]
UNMARKED = evolve(LEDGERS, remembered=False)


@pytest.fixture
def bench(rounds: RoundSettings) -> Bench:
    return Bench(rounds=rounds)


def total_of(records: Records) -> int | None:
    ledger = records[FIRST]
    return None if ledger is None else ledger.total


def test_one_writer_loads_once(bench: Bench) -> None:
    async def scenario() -> None:
        assert [await count(bench) for _ in range(10)] == list(range(1, 11))
        # The first load showed nothing, and absence is not remembered.
        assert bench.calls(Operation.LOAD) == 1
        assert bench.counted(Counter.RECALLED) == 9

    bench.run(scenario)


def test_what_others_have_changed_is_loaded_and_decided_again_without_a_pause(
    bench: Bench,
) -> None:
    async def scenario() -> None:
        await count(bench)
        await bench.rival("rival", 100)
        assert await count(bench) == 102
        assert bench.clock.monotonic() == 0
        assert bench.counted(Counter.CONFLICTS) == 1
        assert bench.calls(Operation.LOAD) == 2

    bench.run(scenario)


@pytest.mark.parametrize(
    "stores_nothing",
    [
        lambda records, now: Refused(total_of(records)),
        lambda records, now: Unchanged(total_of(records)),
        lambda records, now: Changed(records, total_of(records), ()),
        lambda records, now: Changed(records.put(FIRST, records[FIRST]), total_of(records), ()),
    ],
    ids=["refused", "unchanged", "nothing changed", "equal bytes"],
)
def test_whatever_stores_nothing_is_decided_again_on_a_load(
    bench: Bench, stores_nothing: Callable[[Records, datetime], Answer]
) -> None:
    async def scenario() -> None:
        await count(bench)
        await bench.rival("rival", 100)
        told = await bench.loop().update([FIRST], stores_nothing)
        assert (told.reason if isinstance(told, Refused) else told) == 101
        assert bench.calls(Operation.LOAD) == 2
        assert bench.calls(Operation.COMMIT) == 1
        assert bench.counted(Counter.NO_OPS) == 1
        assert bench.counted(Counter.ATTEMPTS) == 3  # one of them the rival's

    bench.run(scenario)


def test_a_settle_is_decided_on_a_load(bench: Bench) -> None:
    def settling(records: Records, now: datetime) -> Answer:
        if total_of(records) == 101:
            return counting(FIRST)(records, now)
        return Settled(records.put(FIRST, opened()), "ended", (), tidy=True)

    async def scenario() -> None:
        await count(bench)
        await bench.rival("rival", 100)
        assert await bench.loop().update([FIRST], settling) == 102

    bench.run(scenario)


def test_an_error_on_what_was_last_seen_is_no_error(bench: Bench) -> None:
    def fragile(records: Records, now: datetime) -> Answer:
        if total_of(records) == 1:
            raise ZeroDivisionError
        return counting(FIRST)(records, now)

    async def scenario() -> None:
        await count(bench)
        await bench.rival("rival", 100)
        assert await bench.loop().update([FIRST], fragile) == 102
        await count(bench, amount=-101)
        with pytest.raises(ZeroDivisionError):
            await bench.loop().update([FIRST], fragile)

    bench.run(scenario)


def test_a_decision_on_cells_of_several_moments_never_lands(bench: Bench) -> None:
    """It saw one cell before another process's commit and the other one after it."""

    async def scenario() -> None:
        await count(bench, FIRST)
        await bench.rival("rival", 100, id="l2")
        await count(bench, SECOND)
        await bench.rival("rival", 100, id="l1")
        seen: list[tuple[int, int]] = []

        def summing(records: Records, now: datetime) -> Answer:
            totals = [(records[where] or opened()).total for where in (FIRST, SECOND)]
            seen.append((totals[0], totals[1]))
            after = evolve(opened("l2"), total=sum(totals))
            return Changed(records.put(SECOND, after), sum(totals), ())

        assert await bench.loop().update([FIRST, SECOND], summing) == 202
        assert seen == [(1, 101), (101, 101)]

    bench.run(scenario)


def test_late_keys_that_are_remembered_need_no_load_either(bench: Bench) -> None:
    def late(records: Records, now: datetime) -> Answer | Need:
        return counting(SECOND)(records, now) if SECOND in records else Need([SECOND])

    async def scenario() -> None:
        await count(bench, FIRST)
        assert await bench.loop().update([FIRST], late) == 1
        assert bench.calls(Operation.LOAD) == 2  # the second cell was not remembered
        assert await bench.loop().update([FIRST], late) == 2
        assert bench.calls(Operation.LOAD) == 2
        await bench.rival("rival", 100, id="l2")
        assert await bench.loop().update([FIRST], late) == 103

    bench.run(scenario)


def test_what_carries_a_deadline_is_judged_by_the_stores_clock(bench: Bench) -> None:
    """Reckoned time runs a little behind, so a decision may seem to be in time and is not."""
    until = bench.clock.utc_now() + timedelta(seconds=20)
    told: list[datetime] = []

    def in_time(records: Records, now: datetime) -> Answer:
        told.append(now)
        if now >= until:
            return Refused("too late")
        changed = counting(FIRST)(records, now)
        return Changed(changed.state, changed.outcome, changed.events, until)

    async def scenario() -> None:
        await count(bench)
        await bench.clock.sleep(10)
        assert await bench.loop().update([FIRST], in_time) == 2
        await bench.clock.sleep(10)
        assert await bench.loop().update([FIRST], in_time) == Refused("too late")
        assert bench.counted(Counter.LATE) == 1
        assert bench.calls(Operation.LOAD) == 2
        assert told == sorted(told)
        assert told[0] == bench.clock.start + timedelta(seconds=9.99)
        assert told[-1] == until

    bench.run(scenario)


def test_the_stores_time_is_asked_for_again_after_a_while(bench: Bench) -> None:
    async def scenario() -> None:
        await count(bench)
        await bench.clock.sleep(30)
        await count(bench)
        assert bench.calls(Operation.LOAD) == 1
        await bench.clock.sleep(0.1)
        await count(bench)
        assert bench.calls(Operation.LOAD) == 2

    bench.run(scenario)


@pytest.mark.parametrize("what", ["hints", "prepare", "unmarked", "one attempt", "absent"])
def test_what_must_not_be_decided_on_it_is_loaded(bench: Bench, what: str) -> None:
    hidden: Key[Ledger] = key(UNMARKED, SCOPE, "l1")
    before = 1 if what == "absent" else 2

    async def scenario() -> None:
        loop = bench.loop()
        await count(bench, FIRST)
        if what != "absent":
            await count(bench, SECOND)
        match what:
            case "hints":
                await loop.update([FIRST], counting(FIRST), hints=[SECOND])
            case "prepare":
                await loop.update([FIRST], counting(FIRST), prepare=lambda records: records)
            case "unmarked":
                await loop.update([hidden], counting(hidden))
                await loop.update([hidden], counting(hidden))
                assert bench.calls(Operation.LOAD) == before + 2
            case "one attempt":
                bench.pacing = Pacing(attempts_max=1)
                await count(bench)
                await count(bench)
            case _:
                await count(bench, FIRST, SECOND)
        assert bench.calls(Operation.LOAD) > before

    bench.run(scenario)


def test_a_cell_that_others_change_is_not_trusted_to_memory_for_a_while(bench: Bench) -> None:
    async def scenario() -> None:
        await count(bench)
        await bench.rival("rival 1")
        assert await count(bench) == 3  # lost one race for memory's sake
        for number in range(2, 5):
            await bench.rival(f"rival {number}")
            await count(bench)
        assert bench.counted(Counter.CONFLICTS) == 2  # one in each process
        await bench.clock.sleep(1)
        await count(bench)
        loads = bench.calls(Operation.LOAD)
        await count(bench)
        assert bench.calls(Operation.LOAD) == loads

    bench.run(scenario)


@pytest.mark.parametrize("misfortune", ["lose-before", "lose-after", "land-late 2"])
def test_a_doubt_about_a_commit_on_what_was_last_seen_is_resolved_by_loads(
    bench: Bench, misfortune: str
) -> None:
    async def scenario() -> None:
        await bench.add("r1")
        bench.follow(f"commit#1: {misfortune}")
        assert await bench.add("r2", 10) == 11
        assert await bench.add("r3", 100) == 111
        assert await bench.total() == 111
        assert len(await bench.events()) == 3

    bench.run(scenario)


def test_attempts_on_what_was_last_seen_count_like_others(bench: Bench) -> None:
    async def scenario() -> None:
        await count(bench)
        bench.follow("commit#*: stale")
        before = bench.calls(Operation.COMMIT)
        with pytest.raises(Contended) as caught:
            await count(bench)
        assert caught.value.attempts == 32
        assert bench.calls(Operation.COMMIT) == before + 32

    bench.run(scenario)


def test_a_round_teaches_what_it_has_written(bench: Bench) -> None:
    bench.rounds = RoundSettings()

    async def scenario() -> None:
        tasks = await bench.crowd([count(bench) for _ in range(9)])
        assert await answers(tasks) == list(range(1, 10))
        loads = bench.calls(Operation.LOAD)
        assert await count(bench) == 10
        assert bench.calls(Operation.LOAD) == loads

    bench.run(scenario)


def test_a_deleted_cell_is_forgotten(bench: Bench) -> None:
    def deleting(records: Records, now: datetime) -> Answer:
        return Changed(records.delete(FIRST), "gone", ())

    async def scenario() -> None:
        await count(bench, amount=7)
        assert await bench.loop().update([FIRST], deleting) == "gone"
        assert await count(bench) == 1
        assert bench.counted(Counter.CONFLICTS) == 0

    bench.run(scenario)


def test_several_event_loops_remember_each_for_itself(bench: Bench) -> None:
    async def scenario() -> None:
        await count(bench)

    bench.run(scenario)
    bench.run(scenario)
    assert bench.calls(Operation.LOAD) == 2


def test_approvals_may_be_remembered_and_what_people_wrote_may_not() -> None:
    assert APPROVALS.remembered
    assert not APPROVAL_PAYLOADS.remembered


# ---- bounds -------------------------------------------------------------------------------------


def cell(number: int, size: int = 10, *, commit: bytes = b"c" * 16) -> Cell:
    index = Index(state="open", due_at=None, sort="")
    return Cell(
        address=key(LEDGERS, SCOPE, f"l{number}").address,
        entry=Entry(body=b"x" * size, index=index),
        revision=Revision(b"r" * 16),
        written_by=CommitId(commit),
    )


def shown(seen: LastSeen, number: int) -> bool:
    return seen.recall([key(LEDGERS, SCOPE, f"l{number}")]) is not None


def filled(count: int, size: int = 10, **settings: float) -> LastSeen:
    clock = VirtualClock()
    seen = LastSeen(LastSeenSettings(**settings), clock)  # type: ignore[arg-type]  # some are floats
    for number in range(count):
        where = key(LEDGERS, SCOPE, f"l{number}")
        loaded = Loaded(now=clock.utc_now(), cells={where.address: cell(number, size)})
        seen.note(loaded, [where], {where.address: opened()})
    return seen


def test_memory_is_bounded_in_cells_and_in_bytes() -> None:
    seen = filled(50, cells_max=8)
    assert len(seen) == 8
    assert [number for number in range(50) if shown(seen, number)] == list(range(42, 50))
    seen = filled(50, 100, bytes_max=1_000)
    assert seen.body_bytes == 1_000
    assert len(seen) == 10
    assert len(filled(3, 2_000, bytes_max=1_000)) == 0


def test_what_was_used_last_is_forgotten_last() -> None:
    seen = filled(8, cells_max=8)
    assert shown(seen, 0)
    where = key(LEDGERS, SCOPE, "l9")
    seen.keep(cell(9), opened())
    assert shown(seen, 0)
    assert not shown(seen, 1)
    assert seen.recall([where]) is not None


def test_bytes_are_counted_also_as_cells_change_and_go() -> None:
    seen = filled(4, 100)
    seen.keep(cell(0, 50), opened())
    assert seen.body_bytes == 350
    seen.forget([cell(1).address, cell(7).address])
    assert seen.body_bytes == 250
    seen.distrust([cell(2).address])
    assert seen.body_bytes == 150
    seen.distrust([cell(2).address, cell(8).address])
    assert (seen.body_bytes, len(seen)) == (150, 3)


def test_a_commit_that_is_not_known_to_have_landed_leaves_nothing_behind() -> None:
    for verdict in (Unknown(OSError()), Lost(Counter.LATE), Lost(Counter.CONFLICTS), Stored()):
        seen = filled(1)
        where = key(LEDGERS, SCOPE, "l0")
        changed = Records({where.address: None}).put(where, opened())
        put = Put(where.address, Revision(b"r" * 16), cell(0).entry)
        seen.learn(CommitId(b"d" * 16), [put], changed.written(), verdict)
        assert not shown(seen, 0)
        seen = filled(1)
        stored = Stored({where.address: Revision(b"s" * 16)})
        seen.learn(CommitId(b"d" * 16), [put], changed.written(), stored)
        recalled = seen.recall([where])
        assert recalled is not None
        assert recalled.loaded.cells[where.address].revision == b"s" * 16
        assert recalled.loaded.cells[where.address].written_by == b"d" * 16


@pytest.mark.parametrize(
    "wrong",
    [
        {"cells_max": 0},
        {"bytes_max": -1},
        {"seconds_max": 0},
        {"seconds_max": 301},
        {"wary_seconds": -1},
        {"remembers": 1},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError)):
        LastSeenSettings(**wrong)  # type: ignore[arg-type]  # what a host without a type checker may pass


def test_a_host_may_use_one_loop_from_several_tasks(bench: Bench) -> None:
    async def scenario() -> None:
        told = await asyncio.gather(*(count(bench) for _ in range(30)))
        assert sorted(told) == list(range(1, 31))  # type: ignore[type-var]  # they are numbers

    bench.run(scenario)
