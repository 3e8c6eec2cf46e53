"""The loop and a store that fails for good: the right error, at once, and never a false one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import pytest
from attrs import define, evolve, field

from tests.application.loop.bench import Bench, adding, putting
from tests.application.loop.ledger import LEDGERS, MARKS_KEPT, SCOPE, opened
from turnkeep_adapters.faulty.actions import Operation
from turnkeep_application.errors import Contended
from turnkeep_application.records import Need, Records
from turnkeep_application.update_loop import UpdateLoop
from turnkeep_domain.decisions import Changed, Decision, Refused, Settled
from turnkeep_domain.keys import Index, key
from turnkeep_domain.request_ids import RequestId
from turnkeep_ports.clock import Deadline
from turnkeep_ports.errors import (
    Corrupt,
    OutcomeUnknown,
    PayloadTooLarge,
    SchemaTooNew,
    Unavailable,
    Unsupported,
)
from turnkeep_ports.store import CommitId, Entry, Put
from turnkeep_ports.telemetry import Counter

FIRST = key(LEDGERS, SCOPE, "l1")
SECOND = key(LEDGERS, SCOPE, "l2")

FOR_GOOD = [
    Unavailable("it is closed", retryable=False),
    Unsupported("this"),
    PayloadTooLarge("bodies", 2, 1),
    SchemaTooNew("the store", 2, 1),
    Corrupt("a segment"),
    ValueError("writes"),
]


@define
class Failing:
    """A store that answers the next calls with these errors."""

    bench: Bench
    loads: list[Exception] = field(factory=list)
    commits: list[Exception] = field(factory=list)

    def __getattr__(self, name: str) -> object:
        return getattr(self.bench.faulty, name)

    async def load(self, *args: object, **options: object) -> object:
        if self.loads:
            raise self.loads.pop(0)
        return await self.bench.faulty.load(*args, **options)  # type: ignore[arg-type]  # handed on

    async def commit(self, *args: object, **options: object) -> object:
        if self.commits:
            raise self.commits.pop(0)
        return await self.bench.faulty.commit(*args, **options)  # type: ignore[arg-type]  # handed on


def failing(
    bench: Bench, *, loads: Sequence[Exception] = (), commits: Sequence[Exception] = ()
) -> UpdateLoop:
    store = Failing(bench, list(loads), list(commits))
    return bench.loop(store)  # type: ignore[arg-type]  # what it lacks, it hands on


@pytest.mark.parametrize("error", FOR_GOOD, ids=lambda error: type(error).__name__)
def test_a_commit_that_fails_for_good_is_not_repeated(bench: Bench, error: Exception) -> None:
    async def scenario() -> None:
        with pytest.raises(type(error)) as caught:
            await bench.add("r1", loop=failing(bench, commits=[error]))
        assert caught.value is error
        assert bench.counted(Counter.ATTEMPTS) == 1

    bench.run(scenario)


@pytest.mark.parametrize("error", FOR_GOOD, ids=lambda error: type(error).__name__)
def test_a_load_that_fails_for_good_is_not_repeated(bench: Bench, error: Exception) -> None:
    async def scenario() -> None:
        with pytest.raises(type(error)) as caught:
            await bench.add("r1", loop=failing(bench, loads=[error]))
        assert caught.value is error
        assert bench.counted(Counter.ATTEMPTS) == 1

    bench.run(scenario)


@pytest.mark.parametrize("error", FOR_GOOD, ids=lambda error: type(error).__name__)
def test_what_fails_for_good_in_doubt_is_outcome_unknown(bench: Bench, error: Exception) -> None:
    lost = OutcomeUnknown("cut off")

    async def scenario() -> None:
        await bench.rival("r0")
        with pytest.raises(OutcomeUnknown) as caught:
            await bench.add("r1", loop=failing(bench, commits=[lost, error]))
        assert caught.value.__cause__ is error
        assert bench.counted(Counter.ATTEMPTS) == 1 + 2  # the rival's, and the two of this one

    bench.run(scenario)


@pytest.mark.parametrize("error", FOR_GOOD, ids=lambda error: type(error).__name__)
def test_a_tidy_settle_that_fails_for_good_still_refuses(bench: Bench, error: Exception) -> None:
    def decide(records: Records, now: datetime) -> Decision[Records, str, str]:
        return Settled(records.put(FIRST, opened()), "ended", (), tidy=True)

    async def scenario() -> None:
        loop = failing(bench, commits=[error])
        assert await loop.update([FIRST], decide) == Refused("ended")
        assert bench.counted(Counter.ATTEMPTS) == 1

    bench.run(scenario)


def test_a_tidy_settle_hides_no_doubt_about_something_else(bench: Bench) -> None:
    attempts: list[int] = []

    def decide(records: Records, now: datetime) -> Decision[Records, str, str]:
        attempts.append(1)
        if len(attempts) == 1:
            return Changed(records.put(FIRST, opened()), "written", ())
        return Settled(records.put(FIRST, opened()), "ended", (), tidy=True)

    async def scenario() -> None:
        await bench.rival("r0")
        loop = failing(bench, commits=[OutcomeUnknown("cut off"), Unsupported("this")])
        with pytest.raises(OutcomeUnknown):
            await loop.update([FIRST], decide)

    bench.run(scenario)


def test_a_tidy_settle_of_an_earlier_attempt_is_not_told_after_another_decision(
    bench: Bench,
) -> None:
    attempts: list[int] = []

    def decide(records: Records, now: datetime) -> Decision[Records, str, str]:
        attempts.append(1)
        if len(attempts) == 1:
            return Settled(records.put(FIRST, opened()), "ended", (), tidy=True)
        return Changed(records.put(FIRST, opened()), "written", ())

    async def scenario() -> None:
        bench.follow("commit#*: stale")
        with pytest.raises(Contended):
            await bench.loop().update([FIRST], decide)

    bench.run(scenario)


@pytest.mark.parametrize(
    ("script", "ends"),
    [
        ("commit#32: fail-before\ncommit#*: stale", Unavailable),
        ("commit#32: stale\ncommit#*: fail-before", Contended),
        ("commit#1: lose-before\ncommit#*: stale", OutcomeUnknown),
        ("load#33: fail-before\ncommit#32: lose-before\ncommit#*: stale", OutcomeUnknown),
    ],
)
def test_the_last_cause_decides_how_an_exhausted_update_ends(
    bench: Bench, script: str, ends: type[Exception]
) -> None:
    async def scenario() -> None:
        await bench.rival("r0")
        bench.follow(script)
        with pytest.raises(ends):
            await bench.add("r1")
        assert bench.calls(Operation.COMMIT) == 32

    bench.run(scenario)


def test_a_doubt_that_is_seen_to_be_dead_at_the_end_is_contended(bench: Bench) -> None:
    """The last look proves that nothing was written; what failed before does not matter."""

    async def scenario() -> None:
        await bench.rival("r0")
        bench.follow("load#33: hold here\ncommit#32: lose-before\ncommit#*: fail-before")
        update = asyncio.create_task(bench.add("r1"))
        await bench.faulty.reached("here")
        await bench.rival("rival")
        bench.faulty.release("here")
        with pytest.raises(Contended):
            await update
        assert await bench.total() == 2

    bench.run(scenario)


def test_no_fence_starts_in_the_last_half_second(bench: Bench) -> None:
    attempts: list[int] = []

    def decide(records: Records, now: datetime) -> Decision[Records, str, str]:
        attempts.append(1)
        if len(attempts) > 1:
            return Refused("no more")
        return Changed(records.put(FIRST, opened()), "written", ())

    async def scenario() -> None:
        await bench.rival("r0")
        bench.follow("commit#1: stall")
        with pytest.raises(OutcomeUnknown):
            await bench.loop().update([FIRST], decide)
        assert bench.calls(Operation.COMMIT) == 1
        assert bench.counted(Counter.FENCES) == 0

    bench.run(scenario)


def test_a_doubt_is_not_ended_by_a_mere_check_of_its_cell(bench: Bench) -> None:
    """The repeat writes a cell that the doubt never knew, and checks the doubt's."""
    attempts: list[int] = []

    def decide(records: Records, now: datetime) -> Decision[Records, str, str] | Need:
        attempts.append(1)
        if len(attempts) == 1:
            return Changed(records.put(FIRST, opened()), "first", ())
        if SECOND not in records:
            return Need([SECOND])
        return Changed(records.put(SECOND, opened("l2")), "second", ())

    async def scenario() -> None:
        await bench.rival("r0", 10)
        bench.follow("commit#1: land-late 4")
        assert await bench.loop().update([FIRST], decide) == "second"
        for _ in range(6):
            await bench.add("r0", id="another")
        assert (await bench.total(), await bench.total(id="l2")) == (10, 0)

    bench.run(scenario)


def test_a_record_damaged_after_a_doubt_died_is_outcome_unknown(bench: Bench) -> None:
    """The doubt may have landed and been overwritten; no decision could tell."""

    async def scenario() -> None:
        await bench.rival("r0")
        bench.follow("commit#1: lose-after\nload#2: hold here")
        update = asyncio.create_task(bench.add("r1"))
        await bench.faulty.reached("here")
        cell = await bench.cell()
        assert cell is not None
        damaged = Put(cell.address, cell.revision, evolve(cell.entry, body=b"{"))
        await bench.beside.commit(
            CommitId(b"d" * 16),
            [damaged],
            [],
            valid_until=None,
            deadline=Deadline.after(bench.clock, 1),
        )
        bench.faulty.release("here")
        with pytest.raises(OutcomeUnknown) as caught:
            await update
        assert isinstance(caught.value.__cause__, Corrupt)

    bench.run(scenario)


def test_a_doubt_that_was_judged_as_lost_is_not_asked_for_again(bench: Bench) -> None:
    """Once a decision knew that it had not landed, forgetting its request id does no harm."""

    async def scenario() -> None:
        await bench.rival("r0")
        bench.follow("commit#1: lose-before\nload#2: hold first\ncommit#2: hold second")
        update = asyncio.create_task(bench.add("r1"))
        await bench.faulty.reached("first")
        await bench.rival("rival")
        bench.faulty.release("first")
        await bench.faulty.reached("second")
        for number in range(2 * MARKS_KEPT):
            await bench.rival(f"rival {number}")
        bench.faulty.release("second")
        assert await update == 3 + 2 * MARKS_KEPT

    bench.run(scenario)


def test_one_command_composes_64_writes_at_most(bench: Bench) -> None:
    keys = [key(LEDGERS, SCOPE, f"l{number}") for number in range(65)]

    def decide(records: Records, now: datetime) -> Decision[Records, int, str]:
        wanted = [where for where in keys if where in records]
        for where in wanted:
            records = records.put(where, opened(where.address.id))
        return Changed(records, len(wanted), ())

    async def scenario() -> None:
        assert await bench.loop().update(keys[:64], decide) == 64
        with pytest.raises(PayloadTooLarge, match="65 exceeds the limit of 64"):
            await bench.loop().update(keys, decide)
        assert await bench.total(id="l64") is None

    bench.run(scenario)


def test_a_change_of_the_index_alone_is_written(bench: Bench) -> None:
    closed = evolve(LEDGERS, index=lambda ledger: Index(state="closed", due_at=None, sort=""))

    async def scenario() -> None:
        await bench.loop().update([FIRST], putting(FIRST, opened()))
        where = key(closed, SCOPE, "l1")
        await bench.loop().update([where], putting(where, opened()))
        cell = await bench.cell()
        assert cell is not None
        assert cell.entry == Entry(
            body=cell.entry.body, index=Index(state="closed", due_at=None, sort="")
        )

    bench.run(scenario)


def test_a_store_call_that_cancels_itself_cancels_nobody(bench: Bench) -> None:
    class Confused:
        def __getattr__(self, name: str) -> object:
            return getattr(bench.faulty, name)

        async def load(self, *_: object, **__: object) -> object:
            raise asyncio.CancelledError

    async def scenario() -> None:
        loop = bench.loop(Confused())  # type: ignore[arg-type]  # what it lacks, it hands on
        with pytest.raises(RuntimeError, match="cancelled itself"):
            await bench.add("r1", loop=loop)

    bench.run(scenario)


def test_what_an_abandoned_call_raises_is_nobodys_business(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    class Sulking:
        def __getattr__(self, name: str) -> object:
            return getattr(bench.faulty, name)

        async def load(self, *_: object, **__: object) -> object:
            try:
                await bench.clock.sleep(60)
            finally:
                raise OSError("while it was cancelled")

    async def scenario() -> None:
        loop = bench.loop(Sulking())  # type: ignore[arg-type]  # what it lacks, it hands on
        with pytest.raises(Unavailable):
            await bench.add("r1", loop=loop)
        await bench.clock.sleep(1)

    bench.run(scenario)
    assert caplog.records == []


def test_an_update_needs_a_key(bench: Bench) -> None:
    async def scenario() -> None:
        with pytest.raises(ValueError, match="one cell at least"):
            await bench.loop().update([], lambda records, now: Refused("no"))

    bench.run(scenario)


def test_a_repeat_with_the_request_id_is_answered_after_any_error(bench: Bench) -> None:
    async def scenario() -> None:
        await bench.rival("r0")
        bench.follow("commit#32: land-late 9\ncommit#*: lose-before")
        with pytest.raises(OutcomeUnknown):
            await bench.add("r1")
        bench.follow("")
        assert await bench.add("r1") == 2
        where = key(LEDGERS, SCOPE, "l1")
        assert await bench.loop().update([where], adding(where, RequestId("r1"))) == 2
        assert await bench.total() == 2

    bench.run(scenario)
