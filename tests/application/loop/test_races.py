"""The loop under rivals: races are lost, repeated within bounds, and never written over."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from tests.application.loop.bench import Bench, adding, putting
from tests.application.loop.ledger import LEDGERS, SCOPE, opened
from turnkeep_adapters.faulty.actions import Operation
from turnkeep_application.errors import Contended
from turnkeep_application.pacing import Pacing
from turnkeep_application.records import Need, Records
from turnkeep_application.round_settings import RoundSettings
from turnkeep_domain.decisions import Changed, Decision, Refused, Settled, Unchanged
from turnkeep_domain.keys import key
from turnkeep_domain.request_ids import RequestId
from turnkeep_ports.errors import Unavailable
from turnkeep_ports.telemetry import Counter

FIRST = key(LEDGERS, SCOPE, "l1")
SECOND = key(LEDGERS, SCOPE, "l2")


def test_fifty_rivals_make_fifty(bench: Bench) -> None:
    """L1."""

    async def scenario() -> None:
        outcomes = await asyncio.gather(*(bench.add(f"r{n}") for n in range(50)))
        assert sorted(outcomes) == list(range(1, 51))
        assert await bench.total() == 50

    bench.run(scenario)


def test_of_500_rivals_that_race_on_a_store_that_yields_the_rest_is_contended_and_unwritten() -> (
    None
):
    bench = Bench(rounds=RoundSettings(together=False))
    bench.follow("load#*: delay 10\ncommit#*: delay 10")

    async def scenario() -> None:
        answers = await asyncio.gather(
            *(bench.add(f"r{n}") for n in range(500)), return_exceptions=True
        )
        won = [answer for answer in answers if isinstance(answer, int)]
        lost = [answer for answer in answers if not isinstance(answer, int)]
        assert lost
        assert all(isinstance(answer, Contended) for answer in lost)
        assert sorted(won) == list(range(1, len(won) + 1))
        assert await bench.total() == len(won)
        assert len(await bench.events()) == len(won)

    bench.run(scenario)


def test_permanent_staleness_ends_contended_after_exactly_32_commits(bench: Bench) -> None:
    """L2."""
    bench.follow("commit#*: stale")

    async def scenario() -> None:
        with pytest.raises(Contended) as caught:
            await bench.add("r1")
        assert caught.value.attempts == 32
        assert bench.calls(Operation.COMMIT) == 32
        assert await bench.total() is None

    bench.run(scenario)


def test_no_pause_follows_the_last_attempt(bench: Bench) -> None:
    """L3."""
    bench.pacing = Pacing(attempts_max=1)
    bench.follow("commit#*: stale")

    async def scenario() -> None:
        with pytest.raises(Contended):
            await bench.add("r1")
        assert bench.clock.monotonic() == 0
        assert bench.counted(Counter.PAUSED_MS) == 0

    bench.run(scenario)


def test_pauses_double_from_2_to_50_ms_with_full_jitter_below_the_delay(bench: Bench) -> None:
    bench.follow("commit#*: stale")
    began: list[float] = []

    class Watched:
        def __getattr__(self, name: str) -> object:
            return getattr(bench.faulty, name)

        async def load(self, *args: object, **options: object) -> object:
            began.append(bench.clock.monotonic())
            return await bench.faulty.load(*args, **options)  # type: ignore[arg-type]  # handed on

    async def scenario() -> None:
        loop = bench.loop(Watched())  # type: ignore[arg-type]  # what it lacks, it hands on
        with pytest.raises(Contended):
            await bench.add("r1", loop=loop)

    bench.run(scenario)
    paused = [after - before for before, after in pairwise(began)]
    delays = [min(0.002 * 2**number, 0.050) for number in range(31)]
    assert len(paused) == 31
    assert all(delay <= pause < 2 * delay for delay, pause in zip(delays, paused, strict=True))
    assert len({round(pause / delay, 6) for delay, pause in zip(delays, paused, strict=True)}) > 20


def test_equal_bytes_are_not_written(bench: Bench) -> None:
    """L4."""

    async def scenario() -> None:
        await bench.add("r1")
        before = await bench.cell()
        ledger = opened().add(1, RequestId("r1"), FIRST.address, bench.clock.utc_now())
        assert isinstance(ledger, Changed)
        assert await bench.loop().update([FIRST], putting(FIRST, ledger.state)) == "put"
        assert await bench.cell() == before
        assert bench.calls(Operation.COMMIT) == 1

    bench.run(scenario)


def test_a_no_op_on_absence_creates_nothing(bench: Bench) -> None:
    """L5."""

    def decide(records: Records, now: datetime) -> Decision[Records, str, str]:
        return Changed(records.delete(FIRST), "gone", ())

    async def scenario() -> None:
        assert (
            await bench.loop().update([FIRST], lambda records, now: Unchanged("as is")) == "as is"
        )
        assert await bench.loop().update([FIRST], decide) == "gone"
        assert await bench.cell() is None
        assert bench.calls(Operation.COMMIT) == 0
        assert bench.counted(Counter.NO_OPS) == 2

    bench.run(scenario)


def test_an_error_in_decide_passes_unchanged_and_nothing_is_written(bench: Bench) -> None:
    """L6."""
    mistake = ZeroDivisionError("a bug of the host")

    def decide(records: Records, now: datetime) -> Decision[Records, str, str]:
        raise mistake

    async def scenario() -> None:
        with pytest.raises(ZeroDivisionError) as caught:
            await bench.loop().update([FIRST], decide)
        assert caught.value is mistake
        assert bench.calls(Operation.COMMIT) == 0

    bench.run(scenario)


def test_an_error_in_prepare_passes_unchanged_and_nothing_is_written(bench: Bench) -> None:
    def prepare(records: Records) -> Records:
        raise ZeroDivisionError

    async def scenario() -> None:
        with pytest.raises(ZeroDivisionError):
            await bench.loop().update([FIRST], adding(FIRST, "r1"), prepare=prepare)
        assert bench.calls(Operation.COMMIT) == 0

    bench.run(scenario)


def test_prepare_runs_once_before_each_commit_and_never_for_a_refusal(bench: Bench) -> None:
    bench.follow("commit#1: stale")
    prepared: list[int] = []

    def prepare(records: Records) -> Records:
        prepared.append(1)
        ledger = records[FIRST]
        assert ledger is not None
        return records

    async def scenario() -> None:
        await bench.loop().update([FIRST], adding(FIRST, "r1"), prepare=prepare)
        assert len(prepared) == 2
        await bench.loop().update([FIRST], lambda records, now: Refused("no"), prepare=prepare)
        await bench.loop().update([FIRST], adding(FIRST, "r1"), prepare=prepare)
        assert len(prepared) == 2

    bench.run(scenario)


@pytest.mark.parametrize("tidy", [True, False])
def test_a_settle_is_stored_once_and_the_caller_is_refused(bench: Bench, *, tidy: bool) -> None:
    """L12."""

    def decide(records: Records, now: datetime) -> Decision[Records, str, str]:
        if records[FIRST] is not None:
            return Refused("ended")
        return Settled(records.put(FIRST, opened()), "ended", (), tidy=tidy)

    async def scenario() -> None:
        assert await bench.loop().update([FIRST], decide) == Refused("ended")
        assert await bench.loop().update([FIRST], decide) == Refused("ended")
        assert await bench.total() == 0
        assert bench.calls(Operation.COMMIT) == 1

    bench.run(scenario)


def test_a_tidy_settle_that_cannot_be_stored_still_refuses(bench: Bench) -> None:
    def decide(records: Records, now: datetime) -> Decision[Records, str, str]:
        return Settled(records.put(FIRST, opened()), "ended", (), tidy=True)

    async def scenario() -> None:
        for script in ("commit#*: stale", "commit#*: fail-before", "commit#*: lose-before"):
            bench.follow(script)
            assert await bench.loop().update([FIRST], decide) == Refused("ended")
        assert await bench.total() is None

    bench.run(scenario)


def test_a_settle_that_is_not_tidy_is_not_told_before_it_is_stored(bench: Bench) -> None:
    bench.follow("commit#*: stale")

    def decide(records: Records, now: datetime) -> Decision[Records, str, str]:
        return Settled(records.put(FIRST, opened()), "ended", (), tidy=False)

    async def scenario() -> None:
        with pytest.raises(Contended):
            await bench.loop().update([FIRST], decide)

    bench.run(scenario)


def test_a_changed_read_key_forces_a_retry_and_a_changed_hint_does_not(bench: Bench) -> None:
    """L13."""
    seen: list[int | None] = []

    def decide(records: Records, now: datetime) -> Decision[Records, int, object]:
        read = records[SECOND]
        seen.append(None if read is None else read.total)
        ledger = records[FIRST] or opened()
        request = RequestId(f"r{ledger.marks.total}")
        return records.adopt(FIRST, ledger.add(1, request, FIRST.address, now))

    async def while_held(*, hint: bool) -> None:
        bench.follow("commit: hold here")
        keys, hints = ([FIRST], [SECOND]) if hint else ([FIRST, SECOND], [])
        update = asyncio.create_task(bench.loop().update(keys, decide, hints=hints))
        await bench.faulty.reached("here")
        await bench.rival(f"rival {hint}", id="l2")
        bench.faulty.release("here")
        await update

    async def scenario() -> None:
        await while_held(hint=False)
        assert seen == [None, 1]
        await while_held(hint=True)
        assert seen == [None, 1, 1]

    bench.run(scenario)


def test_busy_and_stale_share_one_budget(bench: Bench) -> None:
    """L14."""
    bench.follow("\n".join(f"commit#{n}: {'busy' if n % 2 else 'stale'}" for n in range(1, 33)))

    async def scenario() -> None:
        with pytest.raises(Contended):
            await bench.add("r1")
        assert bench.calls(Operation.COMMIT) == 32
        assert bench.counted(Counter.BUSY) == bench.counted(Counter.CONFLICTS) == 16

    bench.run(scenario)


def test_short_unavailability_heals_within_the_deadline(bench: Bench) -> None:
    """L15."""
    bench.follow("load#1: fail-before\nload#2: fail-before\ncommit#1: fail-before")

    async def scenario() -> None:
        assert await bench.add("r1") == 1
        assert bench.counted(Counter.UNAVAILABLE) == 3

    bench.run(scenario)


def test_lasting_unavailability_is_told_as_such(bench: Bench) -> None:
    bench.follow("load#*: fail-before")

    async def scenario() -> None:
        with pytest.raises(Unavailable):
            await bench.add("r1")
        assert bench.calls(Operation.LOAD) == 32
        assert bench.counted(Counter.EXHAUSTED) == 1

    bench.run(scenario)


def test_a_late_answer_is_decided_again(bench: Bench) -> None:
    until = bench.clock.utc_now() + timedelta(seconds=5)

    def decide(records: Records, now: datetime) -> Decision[Records, str, str]:
        if now >= until:
            return Refused("too late")
        return Changed(records.put(FIRST, opened()), "in time", (), until)

    async def scenario() -> None:
        bench.follow("commit: hold here")
        update = asyncio.create_task(bench.loop().update([FIRST], decide))
        await bench.faulty.reached("here")
        await bench.clock.sleep(5)
        bench.faulty.release("here")
        assert await update == Refused("too late")
        assert bench.counted(Counter.LATE) == 1
        assert await bench.cell() is None

    bench.run(scenario)


def test_a_need_loads_the_union_anew_in_one_moment(bench: Bench) -> None:
    views: list[tuple[bool, bool]] = []

    def decide(records: Records, now: datetime) -> Decision[Records, str, str] | Need:
        views.append((FIRST in records, SECOND in records))
        if SECOND not in records:
            return Need([SECOND])
        return Changed(records.put(FIRST, opened()).put(SECOND, opened("l2")), "both", ())

    async def scenario() -> None:
        assert await bench.loop().update([FIRST], decide) == "both"
        assert views == [(True, False), (True, True)]
        assert bench.calls(Operation.LOAD) == 2
        assert await bench.total(id="l2") == 0

    bench.run(scenario)


def test_a_decision_that_never_has_enough_is_stopped(bench: Bench) -> None:
    async def scenario() -> None:
        with pytest.raises(RuntimeError, match="needs keys"):
            await bench.loop().update([FIRST], lambda records, now: Need([FIRST]))
        count = iter(range(1_000))
        with pytest.raises(Contended):
            await bench.loop().update(
                [FIRST], lambda records, now: Need([key(LEDGERS, SCOPE, f"n{next(count)}")])
            )
        assert bench.calls(Operation.COMMIT) == 0

    bench.run(scenario)


def test_a_decision_whose_needs_move_on_too_fast_has_lost_a_race(bench: Bench) -> None:
    count = iter(range(1_000))

    def decide(records: Records, now: datetime) -> Decision[Records, str, str] | Need:
        number = next(count)
        if number < 6:
            return Need([key(LEDGERS, SCOPE, f"n{number}")])
        return Changed(records.put(FIRST, opened()), "caught up", ())

    async def scenario() -> None:
        assert await bench.loop().update([FIRST], decide) == "caught up"
        assert bench.counted(Counter.CONFLICTS) == 1
        assert bench.counted(Counter.ATTEMPTS) == 2
        assert bench.calls(Operation.COMMIT) == 1

    bench.run(scenario)


def test_counters_equal_the_script(bench: Bench) -> None:
    """L16."""
    bench.follow(
        "load#2: fail-before\ncommit#1: stale\ncommit#2: busy\ncommit#3: fail-before\n"
        "commit#4: lose-before\ncommit#6: lose-after"
    )

    async def scenario() -> None:
        assert await bench.add("r1") == 1
        assert await bench.add("r2") == 2

    bench.run(scenario)
    counted = {counter: bench.counted(counter) for counter in Counter}
    paused = counted.pop(Counter.PAUSED_MS)
    assert 2 + 4 + 8 + 16 + 32 + 2 <= paused <= 2 * (2 + 4 + 8 + 16 + 32 + 2) + 6
    assert counted == {
        Counter.UPDATES: 2,
        Counter.ATTEMPTS: 8,
        Counter.CONFLICTS: 1,
        Counter.BUSY: 1,
        Counter.LATE: 0,
        Counter.UNAVAILABLE: 2,
        Counter.NO_OPS: 0,
        Counter.DOUBTS_LANDED: 1,
        Counter.DOUBTS_DEAD: 1,
        Counter.DOUBTS_OPEN: 0,
        Counter.FENCES: 0,
        Counter.EXHAUSTED: 0,
        Counter.ROUNDS: 0,
        Counter.FOLDED: 0,
        Counter.IMPATIENT: 0,
        Counter.RECALLED: int(bench.last_seen.remembers),
    }


def test_a_broken_telemetry_sink_costs_no_decision(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def count(self, collection: str, counter: Counter, amount: int) -> None:
            raise OSError("no space left")

    bench.tallies = Broken()  # type: ignore[assignment]  # only its port counts here

    async def scenario() -> None:
        assert await bench.add("r1") == 1

    bench.run(scenario)
    assert "telemetry sink failed" in caplog.text
