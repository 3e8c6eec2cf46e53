"""The loop in doubt: it learns what became of each commit, or says that it does not know."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest

from tests.application.loop.bench import Bench, adding
from tests.application.loop.ledger import (
    LEDGERS,
    MARKS_KEPT,
    PERMANENT_LEDGERS,
    SCOPE,
    Ledger,
    opened,
)
from turnkeep_adapters.faulty.actions import Operation
from turnkeep_application.pacing import Pacing
from turnkeep_application.records import Need, Records
from turnkeep_domain.decisions import Changed, Decision, Refused, Settled, Unchanged
from turnkeep_domain.keys import Collection, key
from turnkeep_domain.request_ids import RequestId, RequestIdReused
from turnkeep_ports.errors import Corrupt, OutcomeUnknown, Unavailable
from turnkeep_ports.telemetry import Counter

FIRST = key(LEDGERS, SCOPE, "l1")
SECOND = key(LEDGERS, SCOPE, "l2")


def test_a_landed_commit_with_a_lost_answer_applies_once(bench: Bench) -> None:
    """L7."""
    bench.follow("commit: lose-after")

    async def scenario() -> None:
        assert await bench.add("r1") == 1
        assert await bench.total() == 1
        assert len(await bench.events()) == 1
        assert bench.calls(Operation.COMMIT) == 1
        assert bench.counted(Counter.DOUBTS_LANDED) == 1

    bench.run(scenario)


def test_a_commit_that_got_lost_is_made_again(bench: Bench) -> None:
    bench.follow("commit: lose-before")

    async def scenario() -> None:
        assert await bench.add("r1") == 1
        assert len(await bench.events()) == 1
        assert bench.calls(Operation.COMMIT) == 2

    bench.run(scenario)


@pytest.mark.parametrize("operations", range(1, 7))
@pytest.mark.parametrize("exists", [True, False])
def test_a_late_landing_commit_applies_once(bench: Bench, operations: int, *, exists: bool) -> None:
    """L8."""

    async def scenario() -> None:
        if exists:
            await bench.rival("r0", 10)
        bench.follow(f"commit: land-late {operations}")
        base = 10 if exists else 0
        assert await bench.add("r1") == base + 1
        assert await bench.add("r2") == base + 2
        assert await bench.add("r3") == base + 3
        assert await bench.total() == base + 3

    bench.run(scenario)


def test_a_refusal_at_a_doubtful_revision_is_fenced(bench: Bench) -> None:
    """L9 and L10: after the fence the late commit never lands."""
    attempts: list[int] = []

    def decide(records: Records, now: datetime) -> Decision[Records, str, str]:
        attempts.append(1)
        if len(attempts) > 1:
            return Refused("no more")
        ledger = records[FIRST]
        assert ledger is not None
        return Changed(records.put(FIRST, opened()), "written", ())

    async def scenario() -> None:
        await bench.rival("r0", 10)
        before = await bench.cell()
        assert before is not None
        bench.follow("commit#1: land-late 20")
        assert await bench.loop().update([FIRST], decide) == Refused("no more")
        assert bench.counted(Counter.FENCES) == 1
        fenced = await bench.cell()
        assert fenced is not None
        assert fenced.revision != before.revision
        assert fenced.entry == before.entry
        for _ in range(25):
            await bench.add("r0", 10)
        assert await bench.total() == 10

    bench.run(scenario)


def test_a_refusal_is_not_told_while_a_fence_cannot_be_made(bench: Bench) -> None:
    """L11: the doubt expects only an absent cell; it stays open."""
    attempts: list[int] = []

    def decide(records: Records, now: datetime) -> Decision[Records, str, str]:
        attempts.append(1)
        if len(attempts) > 1:
            return Refused("no more")
        return Changed(records.put(FIRST, opened()), "written", ())

    async def scenario() -> None:
        bench.follow("commit#1: lose-before")
        with pytest.raises(OutcomeUnknown):
            await bench.loop().update([FIRST], decide)
        assert bench.calls(Operation.COMMIT) == 1
        assert bench.counted(Counter.DOUBTS_OPEN) == 1

    bench.run(scenario)


def test_a_fence_that_is_lost_is_made_again(bench: Bench) -> None:
    attempts: list[int] = []

    def decide(records: Records, now: datetime) -> Decision[Records, str, str]:
        attempts.append(1)
        if len(attempts) > 1:
            return Unchanged("as it was")
        return Changed(records.put(FIRST, opened()), "written", ())

    async def scenario() -> None:
        await bench.rival("r0", 10)
        bench.follow(
            "commit#1: lose-before\ncommit#2: lose-before\ncommit#3: stale\ncommit#4: fail-before"
        )
        assert await bench.loop().update([FIRST], decide) == "as it was"
        assert bench.counted(Counter.FENCES) == 4
        assert await bench.total() == 10

    bench.run(scenario)


def test_open_doubt_ends_outcome_unknown_and_never_contended(bench: Bench) -> None:
    """L11."""
    bench.follow("commit#*: lose-before")

    async def scenario() -> None:
        with pytest.raises(OutcomeUnknown) as caught:
            await bench.add("r1")
        assert isinstance(caught.value.__cause__, OutcomeUnknown)
        assert bench.calls(Operation.COMMIT) == 32

    bench.run(scenario)


def test_a_doubt_of_the_last_attempt_is_still_resolved(bench: Bench) -> None:
    bench.pacing = Pacing(attempts_max=1)
    bench.follow("commit: lose-after")

    async def scenario() -> None:
        assert await bench.add("r1") == 1
        assert bench.calls(Operation.LOAD) == 2

    bench.run(scenario)


def test_a_hung_commit_leaves_time_to_learn_what_became_of_it(bench: Bench) -> None:
    """The last 500 ms start no commit and serve one load that resolves."""
    bench.follow("commit: hold-after never")

    async def scenario() -> None:
        assert await bench.add("r1") == 1
        assert bench.clock.monotonic() == pytest.approx(14.5)

    bench.run(scenario)


def test_a_hung_store_ends_at_the_deadline_and_its_caller_is_not_hung(bench: Bench) -> None:
    async def scenario() -> None:
        bench.follow("load: stall")
        with pytest.raises(Unavailable):
            await bench.add("r1")
        assert bench.clock.monotonic() == pytest.approx(15)
        bench.follow("load#2: stall\ncommit: stall")
        with pytest.raises(OutcomeUnknown):
            await bench.add("r1")
        assert bench.clock.monotonic() == pytest.approx(30)

    bench.run(scenario)


def test_a_doubt_that_landed_and_was_overwritten_is_known_by_its_request_id(
    bench: Bench,
) -> None:
    async def scenario() -> None:
        await bench.rival("r0", 10)
        bench.follow("commit: hold-after here")
        bench.pacing = Pacing(deadline_seconds=2)
        update = asyncio.create_task(bench.add("r1"))
        await bench.faulty.reached("here")
        await bench.rival("r2")
        assert await update == 11
        assert await bench.total() == 12

    bench.run(scenario)


def test_a_doubt_whose_request_id_was_forgotten_since_is_outcome_unknown(bench: Bench) -> None:
    async def scenario() -> None:
        await bench.rival("r0", 10)
        bench.follow("commit: hold-after here")
        bench.pacing = Pacing(deadline_seconds=2)
        update = asyncio.create_task(bench.add("r1"))
        await bench.faulty.reached("here")
        for number in range(MARKS_KEPT):
            await bench.rival(f"rival {number}")
        with pytest.raises(OutcomeUnknown, match="outcome"):
            await update
        assert await bench.total() == 11 + MARKS_KEPT

    bench.run(scenario)


def test_a_doubt_whose_record_was_deleted_since_is_outcome_unknown(bench: Bench) -> None:
    def delete(records: Records, now: datetime) -> Decision[Records, str, str]:
        return Changed(records.delete(FIRST), "gone", ())

    async def scenario() -> None:
        await bench.rival("r0", 10)
        bench.follow("commit: hold-after here")
        bench.pacing = Pacing(deadline_seconds=2)
        update = asyncio.create_task(bench.add("r1"))
        await bench.faulty.reached("here")
        await bench.loop(bench.beside).update([FIRST], delete)
        with pytest.raises(OutcomeUnknown):
            await update
        assert await bench.total() is None

    bench.run(scenario)


@pytest.mark.parametrize("of", [PERMANENT_LEDGERS, LEDGERS], ids=["permanent", "deletable"])
def test_a_doubt_about_absence_is_closed_by_presence_where_cells_are_permanent(
    bench: Bench, of: Collection[Ledger]
) -> None:
    """A permanent cell that is present was never absent again: no fence is needed."""
    where = key(of, SCOPE, "l1")

    def decide(records: Records, now: datetime) -> Decision[Records, str, str]:
        if records[where] is not None:
            return Refused("somebody was first")
        return Changed(records.put(where, opened()), "opened", ())

    async def scenario() -> None:
        bench.follow("commit#1: hold here")
        bench.pacing = Pacing(deadline_seconds=2)
        update = asyncio.create_task(bench.loop().update([where], decide))
        await bench.faulty.reached("here")
        await bench.rival("r1", of=of)
        if of.permanent:
            assert await update == Refused("somebody was first")
        else:
            with pytest.raises(OutcomeUnknown):
                await update

    bench.run(scenario)


def test_a_commit_after_a_doubt_ends_the_doubt_in_the_same_write(bench: Bench) -> None:
    """The two commits write different cells; without a fence both would land."""
    attempts: list[int] = []

    def decide(records: Records, now: datetime) -> Decision[Records, str, str]:
        attempts.append(1)
        where = FIRST if len(attempts) == 1 else SECOND
        ledger = records[where]
        assert ledger is not None
        change = ledger.add(1, RequestId("r1"), where.address, now)
        assert isinstance(change, Changed)
        return Changed(records.put(where, change.state), where.address.id, ())

    async def scenario() -> None:
        await bench.rival("r0", 10)
        await bench.rival("r0", 10, id="l2")
        bench.follow("commit#1: land-late 3")
        assert await bench.loop().update([FIRST, SECOND], decide) == "l2"
        for _ in range(5):
            await bench.add("r0", 10)
        assert (await bench.total(), await bench.total(id="l2")) == (10, 11)

    bench.run(scenario)


def test_a_doubt_about_a_late_key_is_resolved_by_its_cell(bench: Bench) -> None:
    """The doubt wrote only a cell that the next attempt would not load at first."""

    def decide(records: Records, now: datetime) -> Decision[Records, str, str] | Need:
        if SECOND not in records:
            return Need([SECOND])
        return Changed(records.put(SECOND, opened("l2")), "written", ())

    async def scenario() -> None:
        bench.follow("commit: lose-after")
        assert await bench.loop().update([FIRST], decide) == "written"
        assert bench.calls(Operation.COMMIT) == 1
        assert bench.calls(Operation.LOAD) == 3

    bench.run(scenario)


def test_an_error_in_doubt_is_outcome_unknown_with_its_cause(bench: Bench) -> None:
    attempts: list[int] = []

    def decide(records: Records, now: datetime) -> Decision[Records, str, str]:
        attempts.append(1)
        if len(attempts) > 1:
            raise ZeroDivisionError
        return Changed(records.put(FIRST, opened()), "written", ())

    async def scenario() -> None:
        bench.follow("commit: lose-before")
        with pytest.raises(OutcomeUnknown) as caught:
            await bench.loop().update([FIRST], decide)
        assert isinstance(caught.value.__cause__, ZeroDivisionError)
        await bench.rival("r0", id="l9")
        bench.follow("commit: lose-before\nload#2: corrupt")
        with pytest.raises(OutcomeUnknown) as caught:
            await bench.add("r9", id="l9")
        assert isinstance(caught.value.__cause__, Corrupt)

    bench.run(scenario)


def test_an_error_that_is_no_proof_is_a_doubt(bench: Bench) -> None:
    """Whatever an adapter raises that is not named in the port proves nothing."""

    class Quirky:
        def __init__(self) -> None:
            self.raised = False

        def __getattr__(self, name: str) -> object:
            return getattr(bench.faulty, name)

        async def commit(self, *args: object, **options: object) -> object:
            answer = await bench.faulty.commit(*args, **options)  # type: ignore[arg-type]  # handed on
            if not self.raised:
                self.raised = True
                raise KeyError("a bug after the write")
            return answer

    async def scenario() -> None:
        quirky = Quirky()
        loop = bench.loop(quirky)  # type: ignore[arg-type]  # what it lacks, it hands on
        assert await bench.add("r1", loop=loop) == 1
        assert await bench.total() == 1
        assert bench.counted(Counter.DOUBTS_LANDED) == 1

    bench.run(scenario)


def test_a_tidy_settle_in_doubt_still_refuses(bench: Bench) -> None:
    def decide(records: Records, now: datetime) -> Decision[Records, str, str]:
        return Settled(records.put(FIRST, opened()), "ended", (), tidy=True)

    async def scenario() -> None:
        bench.follow("commit#*: lose-before")
        assert await bench.loop().update([FIRST], decide) == Refused("ended")

    bench.run(scenario)


def test_a_settle_in_doubt_that_is_not_tidy_is_outcome_unknown(bench: Bench) -> None:
    def decide(records: Records, now: datetime) -> Decision[Records, str, str]:
        return Settled(records.put(FIRST, opened()), "ended", (), tidy=False)

    async def scenario() -> None:
        bench.follow("commit#*: lose-before")
        with pytest.raises(OutcomeUnknown):
            await bench.loop().update([FIRST], decide)

    bench.run(scenario)


@pytest.mark.parametrize(
    "where", ["load: hold here", "commit: hold here", "commit: hold-after here"]
)
def test_a_cancelled_update_is_whole_or_absent_and_leaves_nothing_running(
    bench: Bench, where: str
) -> None:
    async def scenario() -> None:
        bench.follow(where)
        tasks = asyncio.all_tasks()
        update = asyncio.create_task(bench.add("r1"))
        await bench.faulty.reached("here")
        update.cancel()
        with pytest.raises(asyncio.CancelledError):
            await update
        await bench.clock.settle()
        assert asyncio.all_tasks() == tasks
        assert await bench.total() == (1 if "after" in where else None)
        assert await bench.add("r1") == 1
        assert len(await bench.events()) == 1

    bench.run(scenario)


def test_an_adapter_that_swallows_its_cancellation_cannot_hold_its_caller(bench: Bench) -> None:
    class Stubborn:
        def __getattr__(self, name: str) -> object:
            return getattr(bench.faulty, name)

        async def load(self, *args: object, **options: object) -> object:
            while True:
                try:
                    await bench.clock.sleep(60)
                except asyncio.CancelledError:
                    if bench.clock.monotonic() > 100:
                        raise

    async def scenario() -> None:
        loop = bench.loop(Stubborn())  # type: ignore[arg-type]  # what it lacks, it hands on
        with pytest.raises(Unavailable):
            await bench.add("r1", loop=loop)
        assert bench.clock.monotonic() == pytest.approx(15)

        update = asyncio.create_task(bench.add("r1", loop=loop))
        await bench.clock.sleep(1)
        update.cancel()
        with pytest.raises(asyncio.CancelledError):
            await update
        assert bench.clock.monotonic() == pytest.approx(30)
        await bench.clock.sleep(100)

    bench.run(scenario)


def test_doubts_and_marks_survive_any_script_of_lost_and_late_commits(bench: Bench) -> None:
    """Each command applies exactly once where it answers, at most once where it does not."""
    actions = ["lose-before", "lose-after", "land-late 1", "land-late 2", "land-late 5", "stale"]

    async def scenario() -> None:
        for first in actions:
            for second in actions:
                id = f"{first} {second}".replace(" ", "-")
                await bench.rival("r0", 10, id=id)
                bench.follow(f"commit#1: {first}\ncommit#2: {second}")
                assert await bench.add("r1", id=id) == 11
                bench.follow("")
                for _ in range(6):
                    await bench.add("r0", 10, id="other")
                assert await bench.total(id=id) == 11
                assert await bench.add("r1", id=id) == 11

    bench.run(scenario)


def test_adding_is_refused_where_the_request_id_has_other_arguments(bench: Bench) -> None:
    async def scenario() -> None:
        await bench.loop().update([FIRST], adding(FIRST, "r1", 1))
        answer = await bench.loop().update([FIRST], adding(FIRST, "r1", 2))
        assert isinstance(answer, Refused)
        assert await bench.total() == 1

    bench.run(scenario)


def test_a_fence_on_a_merely_checked_cell_also_proves_the_past(bench: Bench) -> None:
    """The doubt lands between the resolving load and the fence, and moves only a new cell."""
    created = key(PERMANENT_LEDGERS, SCOPE, "x")
    hint = key(LEDGERS, SCOPE, "h")

    def decide(records: Records, now: datetime) -> Decision[Records, int, RequestIdReused | str]:
        if records[hint] is not None:
            return Refused("switched off meanwhile")
        ledger = records[created] or opened("x")
        return records.adopt(created, ledger.add(1, RequestId("r1"), created.address, now))

    async def switch_off() -> None:
        await bench.clock.sleep(0.001)
        await bench.rival("off", id="h")

    async def scenario() -> None:
        await bench.rival("r0")
        bench.follow("commit#1: land-late 1")
        switching = asyncio.create_task(switch_off())
        assert await bench.loop().update([created, FIRST], decide, hints=[hint]) == 1
        await switching
        assert await bench.total(PERMANENT_LEDGERS, "x") == 1

    bench.run(scenario)


def test_a_write_of_a_cell_that_the_doubt_merely_checks_does_not_end_it(bench: Bench) -> None:
    """The repeat books elsewhere, on a cell that the doubt had only read."""
    hint = key(LEDGERS, SCOPE, "h")
    request = RequestId("r1")

    def decide(records: Records, now: datetime) -> Decision[Records, int, RequestIdReused] | Need:
        for where in (SECOND, FIRST):
            if where not in records:
                continue
            ledger = records[where]
            if ledger is not None and any(m.request_id == request for m in ledger.marks.entries):
                return records.adopt(where, ledger.add(100, request, where.address, now))
        if records[hint] is None and SECOND not in records:
            return Need([SECOND])
        where = SECOND if records[hint] is None else FIRST
        ledger = records[where]
        assert ledger is not None
        return records.adopt(where, ledger.add(100, request, where.address, now))

    async def switch_over() -> None:
        await bench.clock.sleep(0.001)
        await bench.rival("over", id="h")

    async def scenario() -> None:
        await bench.rival("r0")
        await bench.rival("r0", id="l2")
        bench.follow("commit#1: land-late 1")
        switching = asyncio.create_task(switch_over())
        assert await bench.loop().update([FIRST], decide, hints=[hint]) == 101
        await switching
        first, second = await bench.total(), await bench.total(id="l2")
        assert (first, second) == (1, 101)

    bench.run(scenario)


def test_an_open_doubt_that_may_have_been_overwritten_and_forgotten_is_outcome_unknown(
    bench: Bench,
) -> None:
    """Its new cell is present, and could be absent again: it stays open, yet it may have landed."""

    def decide(records: Records, now: datetime) -> Decision[Records, int, RequestIdReused]:
        ledger = records[SECOND] or opened("l2")
        return records.adopt(SECOND, ledger.add(100, RequestId("r1"), SECOND.address, now))

    async def flood(requests: int) -> None:
        await bench.clock.sleep(0.001)
        for number in range(requests):
            await bench.rival(f"rival {number}", id="l2")

    async def scenario() -> None:
        await bench.rival("r0")
        bench.follow("commit#1: lose-after")
        flooding = asyncio.create_task(flood(MARKS_KEPT + 1))
        with pytest.raises(OutcomeUnknown):
            await bench.loop().update([SECOND, FIRST], decide)
        await flooding
        assert await bench.total(id="l2") == 100 + MARKS_KEPT + 1

    async def remembered() -> None:
        await bench.rival("r0")
        bench.follow("commit#1: lose-after")
        flooding = asyncio.create_task(flood(MARKS_KEPT - 1))
        assert await bench.loop().update([SECOND, FIRST], decide) == 100
        await flooding

    bench.run(scenario)
    bench = Bench()
    bench.run(remembered)


def test_a_commit_that_raises_before_it_is_awaited_or_answers_nonsense_is_judged_too(
    bench: Bench,
) -> None:
    class Wrapped:
        """Its commit is no coroutine function, as a decorated one is not."""

        def __init__(self, *, nonsense: bool) -> None:
            self.nonsense = nonsense
            self.calls = 0

        def __getattr__(self, name: str) -> object:
            return getattr(bench.faulty, name)

        def commit(self, *args: object, **options: object) -> object:
            self.calls += 1
            if self.calls == 2:
                raise Unavailable("a circuit breaker is open")
            return self._commit(*args, **options)

        async def _commit(self, *args: object, **options: object) -> object:
            answer = await bench.faulty.commit(*args, **options)  # type: ignore[arg-type]  # handed on
            return None if self.nonsense else answer

    async def scenario() -> None:
        for nonsense in (True, False):
            await bench.rival("r0", id=str(nonsense))
            if not nonsense:
                bench.follow("commit#1: land-late 3")
            loop = bench.loop(Wrapped(nonsense=nonsense))  # type: ignore[arg-type]  # what it lacks, it hands on
            assert await bench.add("r1", id=str(nonsense), loop=loop) == 2
            assert await bench.total(id=str(nonsense)) == 2

    bench.run(scenario)


def test_what_fails_while_an_update_pauses_in_doubt_is_outcome_unknown(bench: Bench) -> None:
    class Dry:
        def below(self, bound: float) -> float:
            raise OSError("no randomness")

    async def scenario() -> None:
        bench.random = Dry()  # type: ignore[assignment]  # only its port counts here
        bench.follow("commit#1: lose-after")
        with pytest.raises(OutcomeUnknown) as caught:
            await bench.add("r1")
        assert isinstance(caught.value.__cause__, OSError)

    bench.run(scenario)


def test_a_hint_that_turns_out_to_be_needed_is_checked(bench: Bench) -> None:
    asked: list[int] = []

    def decide(records: Records, now: datetime) -> Decision[Records, str, str] | Need:
        asked.append(1)
        if len(asked) == 1:
            return Need([SECOND])
        return Changed(records.put(FIRST, opened()), "done", ())

    async def scenario() -> None:
        bench.follow("commit#1: hold here")
        update = asyncio.create_task(bench.loop().update([FIRST], decide, hints=[SECOND]))
        await bench.faulty.reached("here")
        await bench.rival("r0", id="l2")
        bench.faulty.release("here")
        assert await update == "done"
        assert bench.counted(Counter.CONFLICTS) == 1

    bench.run(scenario)


def test_a_load_too_slow_for_a_commit_is_no_lost_race(bench: Bench) -> None:
    async def scenario() -> None:
        bench.follow("load#1: delay 14600")
        with pytest.raises(Unavailable):
            await bench.add("r1")
        assert await bench.total() is None

    bench.run(scenario)
