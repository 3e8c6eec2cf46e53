"""Commands that go together: one load, one commit where they meet, and to each its own answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime

import pytest

from tests.application.loop.bench import Bench, adding
from tests.application.loop.counting import FIRST, SECOND, THIRD, answers, count, counting
from tests.application.loop.ledger import (
    LEDGERS,
    MARKS_KEPT,
    PERMANENT_LEDGERS,
    SCOPE,
    Ledger,
    opened,
)
from turnkeep_adapters.faulty.actions import Operation
from turnkeep_application.errors import Contended
from turnkeep_application.last_seen_settings import LastSeenSettings
from turnkeep_application.pacing import Pacing
from turnkeep_application.records import Need, Records
from turnkeep_application.round_settings import RoundSettings
from turnkeep_domain.decisions import Changed, Decision, Refused, Settled, Unchanged
from turnkeep_domain.keys import Collection, key
from turnkeep_domain.request_ids import RequestIdReused
from turnkeep_ports.errors import Corrupt, OutcomeUnknown, Unavailable
from turnkeep_ports.store import CommitId
from turnkeep_ports.telemetry import Counter


@pytest.fixture
def bench(last_seen: LastSeenSettings) -> Bench:
    return Bench(last_seen=last_seen)


def test_500_increments_of_one_hot_cell_all_win(bench: Bench) -> None:
    bench.follow("load#*: delay 10\ncommit#*: delay 10")

    async def scenario() -> None:
        won = await asyncio.gather(*(count(bench) for _ in range(500)))
        assert won == list(range(1, 501))
        assert await bench.total() == 500
        told = [int(event.body) for event in await bench.events()]
        assert told == won
        assert bench.calls(Operation.COMMIT) == 3
        assert bench.counted(Counter.ATTEMPTS) == 500
        assert bench.counted(Counter.FOLDED) == 499
        assert bench.counted(Counter.ROUNDS) == 2

    bench.run(scenario)


def test_a_round_answers_each_of_its_commands_and_commits_once(bench: Bench) -> None:
    """One that refuses, raises, is cancelled or overdue concerns nobody else."""
    mistake = ZeroDivisionError("a bug of the host")

    def refusing(records: Records, now: datetime) -> Decision[Records, int, str]:
        ledger = records[FIRST]
        return Refused(f"at {0 if ledger is None else ledger.total}")

    def raising(records: Records, now: datetime) -> Decision[Records, int, str]:
        raise mistake

    async def scenario() -> None:
        loop = bench.loop()
        bench.follow("load#1: delay 1000\nload#2: hold load")
        ahead = asyncio.create_task(count(bench))
        overdue = [asyncio.create_task(count(bench)) for _ in range(10)]
        await bench.clock.sleep(0.9)
        counts = [asyncio.create_task(count(bench)) for _ in range(96)]
        refused = [asyncio.create_task(loop.update([FIRST], refusing)) for _ in range(100)]
        raised = [asyncio.create_task(loop.update([FIRST], raising)) for _ in range(20)]
        gone = [asyncio.create_task(count(bench)) for _ in range(30)]
        assert await ahead == 1
        await bench.faulty.reached("load")
        for task in gone:
            task.cancel()
        await bench.clock.sleep(14.6 - bench.clock.monotonic())
        bench.faulty.release("load")
        assert await answers(counts) == list(range(2, 98))
        assert await answers(refused) == [Refused("at 97")] * 100
        assert await answers(raised) == [mistake] * 20
        assert all(isinstance(error, Unavailable) for error in await answers(overdue))
        assert all(isinstance(error, asyncio.CancelledError) for error in await answers(gone))
        assert await bench.total() == 97
        assert bench.calls(Operation.LOAD) == bench.calls(Operation.COMMIT) == 2

    bench.rounds = RoundSettings(patience_seconds=60)
    bench.run(scenario)


def test_a_race_that_a_round_has_lost_is_decided_again_by_all(bench: Bench) -> None:
    async def scenario() -> None:
        tasks = await bench.crowd([count(bench) for _ in range(20)], "commit#1: hold here")
        await bench.faulty.reached("here")
        await bench.rival("rival", 100)
        bench.faulty.release("here")
        assert await answers(tasks) == list(range(101, 121))
        assert await bench.total() == 120
        assert bench.calls(Operation.COMMIT) == 2
        assert bench.counted(Counter.CONFLICTS) == 20

    bench.run(scenario)


@pytest.mark.parametrize(
    "misfortune", ["lose-before", "lose-after", *(f"land-late {n}" for n in range(1, 6))]
)
@pytest.mark.parametrize("of", [LEDGERS, PERMANENT_LEDGERS], ids=["deletable", "permanent"])
@pytest.mark.parametrize("exists", [True, False])
def test_a_shared_commit_of_unknown_fate_is_resolved_for_each_of_its_commands(
    bench: Bench, misfortune: str, of: Collection[Ledger], *, exists: bool
) -> None:
    where = key(of, SCOPE, "l1")

    async def scenario() -> None:
        base = 0
        if exists:
            await bench.rival("r0", 10, of=of)
            base = 10
        commands = [bench.add(f"r{n}", of=of) for n in range(1, 5)]
        tasks = await bench.crowd(commands, f"commit#1: {misfortune}", at=[where])
        assert await answers(tasks) == [base + n for n in range(1, 5)]
        assert await bench.total(of) == base + 4
        for _ in range(6):
            await bench.add("other", id="other")
        assert await bench.total(of) == base + 4
        assert len(await bench.events()) == (6 if exists else 5)
        landed = misfortune in ("lose-after", "land-late 1")
        assert bench.counted(Counter.DOUBTS_LANDED, of) == (4 if landed else 0)

    bench.run(scenario)


def test_a_shared_commit_that_landed_and_was_overwritten_is_known_by_its_request_ids(
    bench: Bench,
) -> None:
    async def scenario(rivals: int) -> list[object]:
        await bench.rival("r0", 0)
        commands = [bench.add(f"r{n}", 10) for n in range(1, 4)]
        tasks = await bench.crowd(commands, "commit#1: hold-after here")
        await bench.faulty.reached("here")
        for number in range(rivals):
            await bench.rival(f"rival {number}")
        return await answers(tasks)

    async def remembered() -> None:
        assert await scenario(MARKS_KEPT - 3) == [10, 20, 30]
        assert await bench.total() == 30 + MARKS_KEPT - 3

    async def forgotten() -> None:
        told = await scenario(MARKS_KEPT - 1)
        assert [isinstance(error, OutcomeUnknown) for error in told] == [True, True, False]
        assert told[2] == 30
        assert await bench.total() == 30 + MARKS_KEPT - 1

    bench.run(remembered)
    bench = Bench()
    bench.run(forgotten)


def test_what_was_decided_on_others_changes_is_told_once_these_have_landed(bench: Bench) -> None:
    def if_small(records: Records, now: datetime) -> Decision[Records, str, str]:
        ledger = records[FIRST]
        if ledger is not None and ledger.total > 5:
            return Refused(f"too much: {ledger.total}")
        return Unchanged("small")

    async def scenario() -> None:
        loop = bench.loop()
        commands = [loop.update([FIRST], if_small), count(bench, amount=10)]
        commands.append(loop.update([FIRST], if_small))
        before, changing, after = await bench.crowd(commands, "commit#1: hold here")
        await bench.faulty.reached("here")
        await bench.clock.settle()
        assert before.result() == "small"
        assert not changing.done()
        assert not after.done()
        await bench.rival("rival", -100)
        bench.faulty.release("here")
        assert await answers([changing, after]) == [-90, "small"]
        assert bench.counted(Counter.NO_OPS) == 3  # with the one that the others waited for

    bench.run(scenario)


def test_a_refusal_that_rests_on_two_cells_holds_for_one_moment_of_both(bench: Bench) -> None:
    """It saw one as another command would leave it; the other must still be as it was loaded."""

    def refusing(records: Records, now: datetime) -> Decision[Records, object, tuple[int, ...]]:
        totals = [(records[where] or opened()).total for where in (FIRST, SECOND)]
        return Refused(tuple(totals))

    async def scenario() -> None:
        commands = [count(bench), bench.loop().update([FIRST, SECOND], refusing)]
        changing, refused = await bench.crowd(commands, "commit#1: hold here")
        await bench.faulty.reached("here")
        await bench.rival("rival", 7, id="l2")
        bench.faulty.release("here")
        assert await answers([changing, refused]) == [1, Refused((1, 7))]
        assert bench.calls(Operation.COMMIT) == 2

    bench.run(scenario)


def test_a_hint_shows_what_those_before_have_written_and_is_not_checked(bench: Bench) -> None:
    def by_hint(records: Records, now: datetime) -> Decision[Records, int, RequestIdReused]:
        hinted = records[SECOND] or opened()
        return counting(FIRST, hinted.total)(records, now)

    async def scenario() -> None:
        hinted = bench.loop().update([FIRST], by_hint, hints=[SECOND])
        commands = [count(bench, SECOND, FIRST, amount=5), hinted]
        tasks = await bench.crowd(commands, "commit#1: hold here")
        await bench.faulty.reached("here")
        bench.faulty.release("here")
        assert await answers(tasks) == [5, 5]
        assert bench.calls(Operation.COMMIT) == 1

        hinted = bench.loop().update([FIRST], by_hint, hints=[SECOND])
        tasks = await bench.crowd([count(bench), hinted], "commit#1: hold here")
        await bench.faulty.reached("here")
        await bench.rival("rival", 100, id="l2")
        bench.faulty.release("here")
        assert await answers(tasks) == [6, 11]
        assert bench.calls(Operation.COMMIT) == 1

    bench.run(scenario)


def test_late_keys_are_loaded_with_the_others_of_the_next_round(bench: Bench) -> None:
    """All begin on cells of their own and turn out to need the same one."""

    async def late(number: int) -> object:
        own = key(LEDGERS, SCOPE, f"own {number}")

        def decide(records: Records, now: datetime) -> object:
            return counting(FIRST)(records, now) if FIRST in records else Need([FIRST])

        return await bench.loop().update([own], decide)  # type: ignore[arg-type]  # one of both

    async def scenario() -> None:
        bench.follow("load#*: delay 5\ncommit#*: delay 5")
        won = await asyncio.gather(*(late(number) for number in range(64)))
        assert sorted(won) == list(range(1, 65))  # type: ignore[type-var]  # they are numbers
        assert bench.counted(Counter.CONFLICTS) == 0
        assert bench.calls(Operation.COMMIT) <= 8

    bench.run(scenario)


def test_a_command_that_always_needs_more_is_stopped_and_stops_nobody(bench: Bench) -> None:
    async def scenario() -> None:
        count_ = iter(range(1_000))
        needing: Coroutine[object, object, object] = bench.loop().update(
            [FIRST], lambda records, now: Need([key(LEDGERS, SCOPE, f"n{next(count_)}")])
        )
        tasks = await bench.crowd([needing, count(bench), count(bench)])
        told = await answers(tasks)
        assert isinstance(told[0], Contended)
        assert told[1:] == [1, 2]

    bench.run(scenario)


def test_the_earliest_end_of_validity_holds_for_all_and_the_late_ones_decide_again(
    bench: Bench,
) -> None:
    until = bench.clock.utc_now().replace(second=5)

    def in_time(records: Records, now: datetime) -> Decision[Records, int, str]:
        if now >= until:
            return Refused("too late")
        changed = counting(FIRST)(records, now)
        assert isinstance(changed, Changed)
        return Changed(changed.state, changed.outcome, changed.events, until)

    async def scenario() -> None:
        commands = [count(bench), bench.loop().update([FIRST], in_time), count(bench)]
        tasks = await bench.crowd(commands, "commit#1: hold here")
        await bench.faulty.reached("here")
        await bench.clock.sleep(5)
        bench.faulty.release("here")
        assert await answers(tasks) == [1, Refused("too late"), 2]
        assert bench.counted(Counter.LATE) == 3

    bench.rounds = RoundSettings(patience_seconds=60)
    bench.run(scenario)


def test_a_change_that_is_over_when_it_is_decided_makes_nobody_else_late(bench: Bench) -> None:
    def over(records: Records, now: datetime) -> Decision[Records, str, str]:
        return Changed(records.put(FIRST, opened()), "never", (), now)

    async def scenario() -> None:
        tasks = await bench.crowd([count(bench), bench.loop().update([FIRST], over), count(bench)])
        assert await answers(tasks[::2]) == [1, 2]
        assert isinstance((await answers(tasks[1:2]))[0], Exception)
        assert bench.counted(Counter.FOLDED) == 2

    bench.run(scenario)


def test_each_command_is_prepared_on_what_it_writes_and_what_that_raises_is_its_own(
    bench: Bench,
) -> None:
    prepared: list[int] = []

    def doubling(records: Records) -> Records:
        ledger = records[FIRST]
        assert ledger is not None
        prepared.append(ledger.total)
        total = 2 * ledger.total
        return records.put(
            FIRST, Ledger(scope=ledger.scope, id=ledger.id, total=total, marks=ledger.marks)
        )

    def raising(records: Records) -> Records:
        raise ZeroDivisionError

    async def scenario() -> None:
        loop = bench.loop()
        tasks = await bench.crowd(
            [
                loop.update([FIRST], counting(FIRST), prepare=doubling),
                loop.update([FIRST], counting(FIRST), prepare=raising),
                loop.update([FIRST], lambda records, now: Refused("no"), prepare=raising),
                loop.update([FIRST], counting(FIRST), prepare=doubling),
            ]
        )
        told = await answers(tasks)
        assert told[0] == 1
        assert isinstance(told[1], ZeroDivisionError)
        assert told[2:] == [Refused("no"), 3]
        assert prepared == [1, 3]
        assert await bench.total() == 6
        assert bench.calls(Operation.COMMIT) == 1

    bench.run(scenario)


@pytest.mark.parametrize("tidy", [True, False])
def test_a_settle_is_stored_with_others_and_its_caller_refused(bench: Bench, *, tidy: bool) -> None:
    def settling(records: Records, now: datetime) -> Decision[Records, str, str]:
        changed = counting(FIRST, 100)(records, now)
        assert isinstance(changed, Changed)
        return Settled(changed.state, "ended", changed.events, tidy=tidy)

    async def scenario() -> None:
        commands = [count(bench), bench.loop().update([FIRST], settling), count(bench)]
        tasks = await bench.crowd(commands)
        assert await answers(tasks) == [1, Refused("ended"), 102]
        assert bench.calls(Operation.COMMIT) == 1
        bench.pacing = Pacing(attempts_max=2)
        lasting: list[Coroutine[object, object, object]]
        lasting = [count(bench), bench.loop().update([FIRST], settling)]
        lost, settled = await answers(await bench.crowd(lasting, "commit#*: stale"))
        assert isinstance(lost, Exception)
        assert (settled == Refused("ended")) is tidy
        assert await bench.total() == 102

    bench.run(scenario)


def test_equal_bytes_are_no_change_also_after_others_have_changed_the_cell(bench: Bench) -> None:
    def again(records: Records, now: datetime) -> Decision[Records, str, str]:
        ledger = records[FIRST]
        assert ledger is not None
        events = counting(FIRST)(records, now)
        assert isinstance(events, Changed)
        return Changed(records.put(FIRST, ledger), "as it is", events.events)

    async def scenario() -> None:
        tasks = await bench.crowd([count(bench), bench.loop().update([FIRST], again)])
        assert await answers(tasks) == [1, "as it is"]
        assert len(await bench.events()) == 1

    bench.run(scenario)


def test_what_is_changed_and_changed_back_is_put_back_only_to_tell_the_events(
    bench: Bench,
) -> None:
    def silent(amount: int) -> Callable[[Records, datetime], Decision[Records, int, str]]:
        def decide(records: Records, now: datetime) -> Decision[Records, int, str]:
            changed = counting(FIRST, amount)(records, now)
            assert isinstance(changed, Changed)
            return Changed(changed.state, changed.outcome, ())

        return decide

    async def scenario() -> None:
        await count(bench, amount=10)
        before = await bench.cell()
        loop = bench.loop()
        silently = await bench.crowd([loop.update([FIRST], silent(n)) for n in (5, -5)])
        assert await answers(silently) == [15, 10]
        assert bench.calls(Operation.COMMIT) == 0
        assert await bench.cell() == before
        tasks = await bench.crowd([count(bench, amount=n) for n in (5, -5)])
        assert await answers(tasks) == [15, 10]
        after = await bench.cell()
        assert before is not None
        assert after is not None
        assert after.entry == before.entry
        assert [event.body for event in await bench.events()] == [b"10", b"15", b"10"]

    bench.run(scenario)


def test_what_is_created_and_deleted_by_two_commands_leaves_nothing_but_their_events(
    bench: Bench,
) -> None:
    def deleting(records: Records, now: datetime) -> Decision[Records, str, str]:
        return Changed(records.delete(FIRST), "gone", ())

    async def scenario() -> None:
        tasks = await bench.crowd([count(bench), bench.loop().update([FIRST], deleting)])
        assert sorted(map(str, await answers(tasks))) == ["1", "gone"]
        assert len(await bench.events()) == 1
        await bench.rival("r0")
        tasks = await bench.crowd([bench.loop().update([FIRST], deleting), count(bench)])
        assert await answers(tasks) == ["gone", 1]
        assert await bench.total() == 1
        assert bench.calls(Operation.COMMIT) == 1

    bench.run(scenario)


@pytest.mark.parametrize("misfortune", ["lose-before", "lose-after", "land-late 1", "land-late 2"])
def test_a_change_that_the_same_commit_undoes_is_not_made_again_after_a_doubt(
    bench: Bench, misfortune: str
) -> None:
    """Nothing of it is in the end written to the cells that it changed."""

    def undoing(records: Records, now: datetime) -> Decision[Records, int, str]:
        undone = counting(FIRST, -5)(records, now)
        return Changed(undone.state.put(SECOND, opened("l2")), undone.outcome, undone.events)

    async def scenario() -> None:
        await count(bench, amount=10)
        commands = [count(bench, amount=5), bench.loop().update([FIRST, SECOND], undoing)]
        tasks = await bench.crowd(commands, f"commit#1: {misfortune}")
        assert await answers(tasks) == [15, 10]
        assert [int(event.body) for event in await bench.events()] == [10, 15, 10]
        assert await bench.total(id="l2") == 0

    bench.run(scenario)


def test_a_refusal_in_doubt_is_told_once_a_commit_that_others_made_has_ended_the_doubt(
    bench: Bench,
) -> None:
    attempts: list[int] = []

    def decide(records: Records, now: datetime) -> Decision[Records, int, str]:
        attempts.append(1)
        return counting(FIRST)(records, now) if len(attempts) == 1 else Refused("no more")

    async def scenario() -> None:
        await bench.rival("r0", 10)
        commands = [count(bench, amount=100), bench.loop().update([FIRST], decide)]
        tasks = await bench.crowd(commands, "commit#1: land-late 9\ncommit#2: hold here")
        await bench.faulty.reached("here")
        assert not tasks[1].done()
        bench.faulty.release("here")
        assert await answers(tasks) == [110, Refused("no more")]
        for _ in range(9):
            await bench.add("other", id="other")
        assert await bench.total() == 110
        assert bench.counted(Counter.FENCES) == 0

    bench.run(scenario)


def test_commands_that_do_not_meet_share_a_load_and_no_commit(bench: Bench) -> None:
    """One that races is none of the others' business, and neither is a cell that all only read."""

    async def scenario() -> None:
        keys = [key(LEDGERS, SCOPE, f"k{number}") for number in range(5)]
        commands = [count(bench, where, THIRD) for where in keys]
        tasks = await bench.crowd(commands, "commit#3: stale", at=[*keys, THIRD])
        assert await answers(tasks) == [1] * 5
        assert bench.calls(Operation.LOAD) == 2
        assert bench.calls(Operation.COMMIT) == 6
        assert bench.counted(Counter.CONFLICTS) == 1
        assert bench.counted(Counter.FOLDED) == 0

    bench.run(scenario)


def test_a_record_never_forgets_a_request_id_by_the_commit_that_brings_it(bench: Bench) -> None:
    async def scenario() -> None:
        tasks = await bench.crowd([bench.add(f"r{n}") for n in range(1, 14)])
        assert await answers(tasks) == list(range(1, 14))
        brought: dict[CommitId, int] = {}
        for event in await bench.events():
            brought[event.commit_id] = brought.get(event.commit_id, 0) + 1
        assert list(brought.values()) == [MARKS_KEPT] * 3 + [1]

    bench.run(scenario)


def test_what_no_codec_can_write_is_one_commands_fault(bench: Bench) -> None:
    """The others are stored all the same."""

    def damaging(records: Records, now: datetime) -> Decision[Records, str, str]:
        ledger = opened()
        object.__setattr__(ledger, "total", {1, 2})
        return Changed(records.put(SECOND, ledger), "never", ())

    async def scenario() -> None:
        commands = [
            count(bench),
            bench.loop().update([FIRST, SECOND], damaging),
            count(bench, FIRST, SECOND),
        ]
        tasks = await bench.crowd(commands)
        told = await answers(tasks)
        assert isinstance(told[1], TypeError)
        assert sorted(told[::2]) == [1, 2]  # type: ignore[type-var]  # they are numbers
        assert await bench.total(id="l2") is None

    bench.run(scenario)


def test_a_damaged_record_concerns_those_alone_who_asked_for_it(bench: Bench) -> None:
    async def scenario() -> None:
        await bench.rival("r0", of=PERMANENT_LEDGERS, id="bad")
        bad = key(PERMANENT_LEDGERS, SCOPE, "bad")
        commands = [count(bench), count(bench, FIRST, bad), count(bench)]
        tasks = await bench.crowd(commands, "load#* in permanent_ledger: corrupt")
        told = await answers(tasks)
        assert isinstance(told[1], Corrupt)
        assert told[::2] == [1, 2]

    bench.run(scenario)


def test_adding_twice_under_one_request_id_in_one_round_applies_once(bench: Bench) -> None:
    async def scenario() -> None:
        loop = bench.loop()
        commands = [loop.update([FIRST], adding(FIRST, "r1", n)) for n in (1, 1, 2)]
        told = await answers(await bench.crowd(commands))
        assert told[:2] == [1, 1]
        assert isinstance(told[2], Refused)
        assert await bench.total() == 1

    bench.run(scenario)
