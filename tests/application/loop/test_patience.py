"""Rounds are no lock: nobody is parked, nobody is overtaken twice, and nothing is left behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable
from datetime import datetime

import pytest

from tests.application.loop.bench import Bench, CountedIds, SeededRandom
from tests.application.loop.counting import FIRST, SECOND, THIRD, answers, count, counting
from tests.application.loop.ledger import LEDGERS, SCOPE, Ledger, LedgerCodec, opened
from turnkeep_adapters.faulty.actions import Operation
from turnkeep_adapters.memory.database import MemoryCore
from turnkeep_adapters.memory.store import MemoryRecordStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_adapters.telemetry.tallies import Tallies
from turnkeep_application.last_seen_settings import LastSeenSettings
from turnkeep_application.pacing import Pacing
from turnkeep_application.records import Records
from turnkeep_application.round_settings import RoundSettings
from turnkeep_application.update_loop import UpdateLoop
from turnkeep_domain.decisions import Changed, Decision, Refused
from turnkeep_domain.keys import Key, key
from turnkeep_ports.errors import OutcomeUnknown
from turnkeep_ports.telemetry import Counter


@pytest.fixture
def bench(last_seen: LastSeenSettings) -> Bench:
    return Bench(last_seen=last_seen)


async def timed(bench: Bench, update: Awaitable[object]) -> float:
    """How long it took, in virtual seconds."""
    began = bench.clock.monotonic()
    await update
    return bench.clock.monotonic() - began


def test_a_stalled_commit_parks_nobody(bench: Bench) -> None:
    """Others wait at its cell for as long as their patience lasts, and elsewhere not at all."""

    async def scenario() -> None:
        bench.follow("commit#1: stall")
        stalled = asyncio.create_task(count(bench))
        await bench.clock.settle()
        here = [asyncio.create_task(timed(bench, count(bench))) for _ in range(50)]
        elsewhere = [asyncio.create_task(timed(bench, count(bench, SECOND))) for _ in range(50)]
        assert max(await asyncio.gather(*elsewhere)) == 0
        waits = await asyncio.gather(*here)
        assert waits == pytest.approx([0.25] * 50)
        assert bench.counted(Counter.IMPATIENT) == 50
        assert await timed(bench, count(bench)) == 0
        stalled.cancel()
        assert await bench.total() == 51

    bench.run(scenario)


def test_a_shared_commit_that_stalls_is_doubted_and_made_again(bench: Bench) -> None:
    async def scenario() -> None:
        waits = [timed(bench, count(bench)) for _ in range(50)]
        tasks = await bench.crowd(waits, "commit#1: stall")
        assert 0.25 <= max(await asyncio.gather(*tasks)) < 0.3
        assert await bench.total() == 50
        assert bench.calls(Operation.COMMIT) == 2
        assert bench.counted(Counter.DOUBTS_DEAD) == 50

    bench.run(scenario)


def test_a_shared_commit_that_is_slow_applies_once(bench: Bench) -> None:
    async def scenario() -> None:
        tasks = await bench.crowd([count(bench) for _ in range(50)], "commit#*: delay 700")
        told = await answers(tasks)
        assert await bench.total() == sum(isinstance(answer, int) for answer in told)
        assert not any(isinstance(answer, Exception) for answer in told)

    bench.run(scenario)


def test_three_stalled_rounds_park_nobody(bench: Bench) -> None:
    async def scenario() -> None:
        cells = [key(LEDGERS, SCOPE, f"k{number}") for number in range(6)]
        bench.follow("\n".join(f"load#{n}: stall" for n in range(1, 5)))
        bench.rounds = RoundSettings(alone_max=1)
        stalled = [asyncio.create_task(count(bench, FIRST))]
        await bench.clock.settle()
        for pair in (cells[0:2], cells[2:4], cells[4:6]):
            stalled += [asyncio.create_task(count(bench, where)) for where in pair]
            await bench.clock.settle()
        assert bench.counted(Counter.ROUNDS) == 3
        assert await timed(bench, count(bench, SECOND)) == pytest.approx(0.25)
        for task in stalled:
            task.cancel()
        await answers(stalled)

    bench.run(scenario)


def test_nobody_is_overtaken_by_those_who_come_for_one_of_its_cells(bench: Bench) -> None:
    done: list[str] = []

    async def noting(name: str, *wheres: Key[Ledger]) -> None:
        await count(bench, *wheres)
        done.append(name)

    async def scenario() -> None:
        bench.follow("commit#1: hold here")
        at_work = asyncio.create_task(noting("at work", FIRST))
        await bench.faulty.reached("here")
        both = asyncio.create_task(noting("both", FIRST, SECOND))
        await bench.clock.settle()
        later = [asyncio.create_task(noting(f"later {n}", SECOND)) for n in range(3)]
        other = asyncio.create_task(noting("other", THIRD))
        await bench.clock.settle()
        assert done == ["other"]
        bench.faulty.release("here")
        await answers([at_work, both, *later, other])
        assert done == ["other", "at work", "both", "later 0", "later 1", "later 2"]

    bench.run(scenario)


def test_nobody_is_overtaken_while_it_rests_after_a_lost_race(bench: Bench) -> None:
    """Whoever comes next for the cell goes with it, behind it."""

    async def scenario() -> None:
        bench.follow("commit#1: hold here")
        first = asyncio.create_task(count(bench))
        await bench.faulty.reached("here")
        await bench.rival("rival", 10)
        bench.faulty.release("here")
        await bench.clock.settle()
        assert not first.done()
        began = bench.clock.monotonic()
        newcomers = [asyncio.create_task(count(bench)) for _ in range(3)]
        assert await answers([first, *newcomers]) == [11, 12, 13, 14]
        assert bench.clock.monotonic() == began
        assert bench.calls(Operation.COMMIT) == 2

    bench.run(scenario)


def test_a_newcomer_cuts_no_pause_short_that_is_not_about_a_race(bench: Bench) -> None:
    """A store that cannot serve now is not asked more often because more ask."""

    async def scenario() -> None:
        bench.follow("load#1: fail-before")
        first = asyncio.create_task(count(bench))
        await bench.clock.settle()
        assert await count(bench) == 1
        assert await first == 2
        assert bench.clock.monotonic() >= 0.002

    bench.run(scenario)


def test_those_who_rest_at_one_cell_go_on_together(bench: Bench) -> None:
    async def scenario() -> None:
        tasks = await bench.crowd([count(bench) for _ in range(40)], "commit#1: fail-before")
        assert await answers(tasks) == list(range(1, 41))
        assert bench.calls(Operation.COMMIT) == 2
        assert bench.counted(Counter.UNAVAILABLE) == 40

    bench.run(scenario)


def test_an_error_of_a_shared_call_is_each_commands_own(bench: Bench) -> None:
    async def scenario(misfortune: str) -> None:
        tasks = await bench.crowd([count(bench) for _ in range(3)], misfortune)
        told = await answers(tasks)
        assert all(isinstance(error, Exception) for error in told)
        assert len({id(error) for error in told}) == 3

    async def both() -> None:
        bench.pacing = Pacing(attempts_max=1)
        await scenario("load#*: fail-before")
        await scenario("commit#*: fail-before")

    bench.run(both)


@pytest.mark.parametrize(
    "where",
    ["in the line", "load#1: hold here", "commit#1: hold here", "commit#1: hold-after here"],
)
def test_a_round_whose_commands_are_all_cancelled_leaves_nothing_behind(
    bench: Bench, where: str
) -> None:
    async def scenario() -> None:
        tasks_before = asyncio.all_tasks()
        counts = [count(bench) for _ in range(20)]
        if where == "in the line":
            bench.follow("load#1: hold here")
            tasks = [asyncio.create_task(each) for each in counts]
        else:
            tasks = await bench.crowd(counts, where)
        await bench.faulty.reached("here")
        await bench.clock.settle()
        for task in tasks:
            task.cancel()
        told = await answers(tasks)
        assert all(isinstance(error, asyncio.CancelledError) for error in told)
        await bench.clock.settle()
        assert asyncio.all_tasks() == tasks_before
        bench.follow("")
        landed = 20 if "after" in where else 0
        loads = bench.calls(Operation.LOAD)
        assert await count(bench) == landed + 1
        assert bench.calls(Operation.LOAD) == loads + 1
        assert bench.counted(Counter.IMPATIENT) == 0

    bench.run(scenario)


def test_a_cancelled_command_takes_nobody_with_it(bench: Bench) -> None:
    async def scenario() -> None:
        tasks = await bench.crowd([count(bench) for _ in range(4)], "commit#1: hold here")
        await bench.faulty.reached("here")
        tasks[0].cancel()
        tasks[2].cancel()
        await bench.clock.settle()
        bench.faulty.release("here")
        assert (await answers(tasks))[1::2] == [2, 4]
        assert await bench.total() == 4

    bench.run(scenario)


def test_a_loop_that_ends_while_commands_wait_ends_them(bench: Bench) -> None:
    """Whoever runs the next event loop with the same update loop meets none of them."""

    async def scenario() -> None:
        await bench.crowd([count(bench) for _ in range(20)], "commit#1: stall")
        asyncio.create_task(count(bench)).add_done_callback(lambda _: None)
        await bench.clock.settle()

    async def afterwards() -> None:
        bench.follow("")
        assert await count(bench) == 1

    bench.run(scenario)
    bench.run(afterwards)


def test_a_command_that_runs_out_of_time_in_doubt_about_a_shared_commit_says_so(
    bench: Bench,
) -> None:
    async def scenario() -> None:
        bench.pacing = Pacing(deadline_seconds=0.6, reserve_seconds=0.2)
        tasks = await bench.crowd([count(bench) for _ in range(3)], "commit#*: stall")
        told = await answers(tasks)
        assert all(isinstance(error, OutcomeUnknown) for error in told)
        assert bench.clock.monotonic() == pytest.approx(0.4)

    bench.run(scenario)


def test_a_refusal_in_doubt_is_fenced_by_each_by_itself(bench: Bench) -> None:
    """A shared commit got lost; afterwards nothing is to be stored any more."""
    attempts: list[int] = []

    def decide(records: Records, now: datetime) -> Decision[Records, int, str]:
        attempts.append(1)
        if len(attempts) > 3:
            return Refused("no more")
        return counting(FIRST)(records, now)

    async def scenario() -> None:
        await bench.rival("r0", 10)
        updates = [bench.loop().update([FIRST], decide) for _ in range(3)]
        tasks = await bench.crowd(updates, "commit#1: land-late 40")
        assert await answers(tasks) == [Refused("no more")] * 3
        assert bench.counted(Counter.FENCES) >= 1
        for _ in range(45):
            await bench.add("other", 10, id="other")
        assert await bench.total() == 10

    bench.run(scenario)


def test_event_loops_of_several_threads_share_no_round() -> None:
    clock = SystemClock()
    core = MemoryCore(store_id=b"s" * 16, wall_clock=clock.utc_now)
    store = MemoryRecordStore(core=core, clock=clock)
    loop = UpdateLoop(
        store=store,
        codec=LedgerCodec(),
        clock=clock,
        random=SeededRandom(),
        ids=CountedIds(),
        telemetry=Tallies(),
        pacing=Pacing(attempts_max=1_000),
    )
    told: list[object] = []

    async def work() -> None:
        told.extend(await answers([loop.update([FIRST], counting(FIRST)) for _ in range(100)]))

    def host() -> None:
        asyncio.run(work())

    async def main() -> None:
        async with store:
            threads = [threading.Thread(target=host) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                await asyncio.to_thread(thread.join)

    asyncio.run(main())
    assert sorted(told) == list(range(1, 401))  # type: ignore[type-var]  # they are numbers


def test_a_command_that_changes_nothing_in_the_end_waits_for_nobody(bench: Bench) -> None:
    def nothing(records: Records, now: datetime) -> Decision[Records, str, str]:
        return Changed(records.put(FIRST, records[FIRST] or opened()), "as it was", ())

    async def scenario() -> None:
        await bench.rival("r0")
        tasks = await bench.crowd([bench.loop().update([FIRST], nothing) for _ in range(9)])
        assert await answers(tasks) == ["as it was"] * 9
        assert bench.calls(Operation.COMMIT) == 0
        assert bench.counted(Counter.NO_OPS) == 10

    bench.run(scenario)
