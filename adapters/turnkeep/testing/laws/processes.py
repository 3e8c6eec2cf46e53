"""Laws of several processes: what holds between handles holds between processes, kills included."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from turnkeep.testing.caller import Caller, calling
from turnkeep.testing.harness import Harness
from turnkeep.testing.judgement import law
from turnkeep.testing.need import needs_processes, needs_push
from turnkeep.testing.specimens import address, draft, entry
from turnkeep.testing.visitor import Errand, Report, Visitor, visiting
from turnkeep_domain.keys import Address
from turnkeep_ports.store import ABSENT, START, Committed, Put, Stale

PROCESSES = 3
RACERS = 12
INCREMENTS = 25
KILLED_AFTER = 10
PUSHED_SECONDS = 2.0
SHARED = address("shared")


@asynccontextmanager
async def _visitors(harness: Harness, errand: Errand) -> AsyncIterator[Sequence[Visitor]]:
    """Several processes that begin the same errand at once."""
    async with AsyncExitStack() as stack:
        visits = [visiting(harness, errand, number=number) for number in range(PROCESSES)]
        visitors = [await stack.enter_async_context(visit) for visit in visits]
        await asyncio.gather(*(visitor.ready() for visitor in visitors))
        for visitor in visitors:
            visitor.start()
        yield visitors


async def _race(caller: Caller, report: Report, number: int) -> None:
    put = Put(SHARED, ABSENT, entry(b"%d" % number))
    answers = await asyncio.gather(*(caller.commit(put) for _ in range(RACERS)))
    assert all(isinstance(answer, Committed | Stale) for answer in answers)
    report(sum(isinstance(answer, Committed) for answer in answers))


async def _increment(caller: Caller, report: Report, number: int) -> None:
    for step in range(INCREMENTS):
        answer: object = None
        while not isinstance(answer, Committed):
            cell = await caller.present(SHARED)
            put = Put(SHARED, cell.revision, entry(b"%d" % (int(cell.entry.body) + 1)))
            told = draft(SHARED, b"%d %d" % (number, step))
            answer = await caller.commit(put, events=[told])
    report("done")


def _pair(number: int) -> tuple[Address, Address]:
    return address(f"left{number}"), address(f"right{number}")


async def _commit_pairs(caller: Caller, report: Report, _: int) -> None:
    """Makes two cells a commit, with an event, and reports each as it is acknowledged."""
    for number in range(10_000):
        left, right = _pair(number)
        puts = [Put(left, ABSENT, entry()), Put(right, ABSENT, entry())]
        await caller.committed(*puts, events=[draft(left, b"%d" % number)])
        report(number)


async def _put_shared(caller: Caller, report: Report, _: int) -> None:
    await caller.put(SHARED, b"theirs")
    report("put")


async def _tail_until_done(
    caller: Caller, reports: Sequence[asyncio.Future[object]]
) -> list[bytes]:
    """Reads the log behind the visitors until each has reported, and then to its end."""
    told: list[bytes] = []
    after = START
    try:
        while not all(report.done() for report in reports):
            page = await caller.events(after=after, limit=7)
            told += [event.body for event in page.events]
            after = page.next
        assert [await report for report in reports] == ["done"] * PROCESSES
    finally:
        for report in reports:
            report.cancel()
        await asyncio.gather(*reports, return_exceptions=True)
    return told + [event.body for event in await caller.history(after=after)]


class ProcessLaws:
    """Processes share the data and nothing else."""

    @needs_processes
    @law
    async def test_a_load_sees_what_another_process_has_committed(self, harness: Harness) -> None:
        """P7: A load sees the commits of another process, and that process ours."""
        async with (
            calling(harness) as caller,
            visiting(harness, _put_shared, number=0) as visitor,
        ):
            assert await caller.cell(SHARED) is None
            await visitor.ready()
            visitor.start()
            assert await visitor.report() == "put"
            cell = await caller.present(SHARED)
            assert cell.entry.body == b"theirs"
            await caller.put(SHARED, b"ours", cell.revision)

    @needs_processes
    @law
    async def test_of_racers_in_several_processes_one_wins(self, harness: Harness) -> None:
        """P6: Of 36 racers in three processes that make one cell, one wins."""
        async with calling(harness) as caller:
            async with _visitors(harness, _race) as visitors:
                wins = [await visitor.report() for visitor in visitors]
            assert sorted(map(str, wins)) == ["0"] * (PROCESSES - 1) + ["1"], "several have won"
            assert (await caller.present(SHARED)).entry.body == b"%d" % wins.index(1)

    @needs_processes
    @law
    async def test_no_increment_and_no_event_of_several_processes_is_lost(
        self, harness: Harness
    ) -> None:
        """E2: What several processes add and tell is all there, and a tailing reader meets it."""
        async with calling(harness) as caller:
            await caller.put(SHARED, b"0")
            async with _visitors(harness, _increment) as visitors:
                reports = [asyncio.ensure_future(visitor.report()) for visitor in visitors]
                told = await _tail_until_done(caller, reports)
            assert int((await caller.present(SHARED)).entry.body) == PROCESSES * INCREMENTS
            expected = [b"%d %d" % (n, s) for n in range(PROCESSES) for s in range(INCREMENTS)]
            assert sorted(told) == sorted(expected)

    @needs_processes
    @law
    async def test_a_killed_process_loses_nothing_acknowledged(self, harness: Harness) -> None:
        """P17: A kill leaves each acknowledged commit, and of the next all or nothing."""
        async with visiting(harness, _commit_pairs, number=0) as visitor:
            await visitor.ready()
            visitor.start()
            acknowledged = 0
            while acknowledged < KILLED_AFTER:
                acknowledged += await visitor.report() == acknowledged
            await visitor.kill()
        async with calling(harness) as caller:
            number = 0
            while len((await caller.load(*_pair(number))).cells) == 2:
                number += 1
            assert number >= acknowledged, "a kill has lost an acknowledged commit"
            assert (await caller.load(*_pair(number))).cells == {}, "a kill has torn a commit"
            told = [event.body for event in await caller.history()]
            assert told == [b"%d" % n for n in range(number)]
            await caller.committed(*(Put(at, ABSENT, entry()) for at in _pair(number)))

    @needs_processes
    @needs_push
    @law
    async def test_a_commit_of_another_process_is_pushed(self, harness: Harness) -> None:
        """Port: Where commits are pushed, those of other processes are too, within 2 s."""
        async with (
            calling(harness) as caller,
            visiting(harness, _put_shared, number=0) as visitor,
        ):
            await visitor.ready()
            since = await caller.store.changed(None, interest=None, timeout_seconds=0)
            wait = asyncio.ensure_future(
                caller.store.changed(since, interest=None, timeout_seconds=3600)
            )
            visitor.start()
            await visitor.report()
            done, _ = await asyncio.wait({wait}, timeout=PUSHED_SECONDS)
            assert done, f"a commit was not pushed within {PUSHED_SECONDS:g} s"
