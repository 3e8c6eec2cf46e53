"""Retiring: what is past its retention is handed over, and nothing that others stand on goes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from attrs import define, field

from tests.application.turns.keep import OPERATOR, Keep, step, thread
from turnkeep_application.turns.cells import run_key
from turnkeep_application.turns.retiring import Retired
from turnkeep_application.turns.turns import Turns
from turnkeep_application.turns.views import RunView
from turnkeep_domain.decisions import Refused
from turnkeep_domain.request_ids import RequestId, digest_of
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.checkpoint import CHECKPOINTS, CheckpointKind
from turnkeep_domain.turns.claims import Claim, RunStanding
from turnkeep_domain.turns.effect import EFFECTS, Mode, RunEffect
from turnkeep_domain.turns.ended import RUNS, EndedRun, RetiredRun
from turnkeep_domain.turns.events import RunRetired
from turnkeep_domain.turns.gates import Gate, GateKind
from turnkeep_domain.turns.names import Category, Ref
from turnkeep_domain.turns.refusals import RunIdSpent
from turnkeep_domain.turns.run_states import RunStatus

MONTH = 30 * 86_400.0
DAY = 86_400.0


@define
class Shelf:
    """An archive in memory; it may fail at first."""

    failures: int = 0
    kept: dict[RunAddress, tuple[EndedRun, tuple[RunEffect, ...]]] = field(factory=dict)

    @property
    def accepts(self) -> bool:
        return True

    async def keep(self, run: EndedRun, journal: Sequence[RunEffect]) -> None:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("the archive is closed")
        self.kept[run.run.address] = (run, tuple(journal))


def with_archive(keep: Keep, shelf: Shelf | None = None) -> tuple[Turns, Shelf]:
    shelf = Shelf() if shelf is None else shelf
    return keep.host(keep.store, archive=shelf), shelf


async def ended(keep: Keep, name: str = "t1", *, request: str = "r1", entries: int = 2) -> Claim:
    """A run that has ended, with a journal."""
    claim = await keep.running(thread(name), request=request)
    for number in range(entries):
        await keep.settle(claim, f"s{number}", mode=Mode.SAFE)
    await keep.turns.complete(claim)
    return claim


def test_a_run_past_its_retention_is_archived_and_a_tombstone_stays(timed: Keep) -> None:
    async def scenario() -> None:
        claim = await ended(timed)
        turns, shelf = with_archive(timed)
        await timed.let_pass(MONTH - 0.001)
        assert await turns.retire() == Retired(runs=(), spared=0, failed=(), unreadable=())
        await timed.let_pass(0.001)
        assert (await turns.retire()).runs == (claim.run,)
        run, journal = shelf.kept[claim.run]
        assert run.run.id == claim.run.id
        assert {entry.id.name for entry in journal} == {"s0", "s1"}
        assert await timed.count(EFFECTS) == 0
        tombstone = await timed.record(run_key(claim.run))
        assert isinstance(tombstone, RetiredRun)
        assert tombstone.was is RunStatus.COMPLETED
        assert isinstance((await timed.events())[-1], RunRetired)
        assert await turns.get(claim.run) is None
        before = await timed.snapshot()
        assert (await turns.retire()).runs == ()
        assert await timed.snapshot() == before
        assert await timed.submit() == Refused(RunIdSpent(claim.run.id))

    timed.run(scenario)


def test_without_an_archive_everything_stays(timed: Keep) -> None:
    async def scenario() -> None:
        claim = await ended(timed)
        await timed.let_pass(MONTH * 12)
        before = await timed.snapshot()
        assert await timed.turns.retire() == Retired(runs=(), spared=0, failed=(), unreadable=())
        assert await timed.snapshot() == before
        assert await timed.turns.get(claim.run) is not None

    timed.run(scenario)


def test_a_dry_run_lists_and_writes_nothing(timed: Keep) -> None:
    async def scenario() -> None:
        claims = [await ended(timed, f"t{number}") for number in range(3)]
        turns, shelf = with_archive(timed)
        await timed.let_pass(MONTH)
        before = await timed.snapshot()
        listed = await turns.retire(dry_run=True)
        assert set(listed.runs) == {claim.run for claim in claims}
        assert await timed.snapshot() == before
        assert shelf.kept == {}
        assert set((await turns.retire(limit=2)).runs) < set(listed.runs)
        assert len((await turns.retire(limit=2)).runs) == 1

    timed.run(scenario)


def test_a_run_whose_archive_fails_is_offered_again(timed: Keep) -> None:
    async def scenario() -> None:
        claim = await ended(timed)
        turns, shelf = with_archive(timed, Shelf(failures=1))
        await timed.let_pass(MONTH)
        before = await timed.snapshot()
        answer = await turns.retire()
        assert (answer.runs, answer.failed) == ((), (claim.run,))
        assert await timed.snapshot() == before
        assert (await turns.retire()).runs == (claim.run,)
        assert set(shelf.kept) == {claim.run}

    timed.run(scenario)


@pytest.mark.parametrize("commit", [1, 2, 3, 4])
@pytest.mark.parametrize("fate", ["lose-before", "lose-after"])
def test_a_retirement_that_is_cut_off_is_finished_by_the_next(
    timed: Keep, commit: int, fate: str
) -> None:
    async def scenario() -> None:
        claim = await ended(timed, entries=120)
        _, shelf = with_archive(timed)
        await timed.let_pass(MONTH)
        async with timed.suffering(f"commit#{commit}: {fate}") as (_, faulty):
            dying = timed.host(faulty, archive=shelf)
            await dying.retire()
        turns, _ = with_archive(timed, shelf)
        await turns.retire()
        assert await timed.count(EFFECTS) == 0
        assert isinstance(await timed.record(run_key(claim.run)), RetiredRun)
        assert (await timed.kinds()).count("retired") == 1
        assert len(shelf.kept[claim.run][1]) in (20, 70, 120)

    timed.run(scenario)


def test_live_runs_and_roots_with_live_members_are_spared(timed: Keep) -> None:
    async def scenario() -> None:
        parent = await timed.running(thread("parent"))
        child = await timed.turns.submit_child(
            parent, step("spawn"), scope=thread("child"), arguments=digest_of("spawn")
        )
        assert isinstance(child, RunView)
        await timed.turns.complete(parent)
        blocked = await timed.claimed()
        gate = Gate.of(kind=GateKind.AUTH, ref=Ref("login"), effect=step("gate"))
        await timed.turns.block(blocked[0].claim, gate=gate)
        turns, _ = with_archive(timed)
        await timed.let_pass(MONTH)
        assert await turns.retire() == Retired(runs=(), spared=1, failed=(), unreadable=())
        await timed.turns.request_cancel(
            child.address, reason=Ref("stop"), actor=OPERATOR, request_id=RequestId("c1")
        )
        assert (await turns.retire()).runs == (parent.run,)

    timed.run(scenario)


async def failed_and_retried(keep: Keep) -> tuple[RunAddress, RunAddress]:
    """A run that failed, and the run that does it again on the same journal."""
    claim = await keep.running()
    await keep.settle(claim, "first", mode=Mode.SAFE)
    await keep.turns.fail(claim, category=Category("broken"))
    again = await keep.turns.retry(
        claim.run, settlements={}, actor=OPERATOR, request_id=RequestId("again")
    )
    assert isinstance(again, RunStanding)
    return claim.run, RunAddress(claim.run.scope, again.run)


def test_a_journal_in_use_is_spared_until_its_last_user_goes(timed: Keep) -> None:
    async def scenario() -> None:
        first, again = await failed_and_retried(timed)
        (granted,) = await timed.claimed()
        gate = Gate.of(kind=GateKind.AUTH, ref=Ref("login"), effect=step("gate"))
        await timed.turns.block(granted.claim, gate=gate)
        turns, shelf = with_archive(timed)
        await timed.let_pass(MONTH)
        assert await turns.retire() == Retired(runs=(), spared=1, failed=(), unreadable=())
        await timed.turns.request_cancel(
            again, reason=Ref("stop"), actor=OPERATOR, request_id=RequestId("c1")
        )
        assert (await turns.retire()).spared == 1
        await timed.let_pass(MONTH)
        assert set((await turns.retire()).runs) == {first, again}
        assert await timed.count(EFFECTS) == 0
        assert {entry.id.name for entry in shelf.kept[again][1]} == {"first"}

    timed.run(scenario)


def test_a_failed_run_is_done_again_only_before_it_may_be_retired(timed: Keep) -> None:
    async def scenario() -> None:
        claim = await timed.running()
        await timed.turns.fail(claim, category=Category("broken"))
        turns, _ = with_archive(timed)
        await timed.let_pass(MONTH)
        late = await turns.retry(
            claim.run, settlements={}, actor=OPERATOR, request_id=RequestId("again")
        )
        assert late == Refused(RunIdSpent(claim.run.id))
        # Where nothing is ever retired, it stays possible.
        again = await timed.turns.retry(
            claim.run, settlements={}, actor=OPERATOR, request_id=RequestId("again")
        )
        assert isinstance(again, RunStanding)

    timed.run(scenario)


def test_a_retry_that_was_called_off_is_followed_as_long_as_its_journal_is_kept(
    timed: Keep,
) -> None:
    """The journal goes with the last that has stood on it, and so does the time to retry."""

    async def scenario() -> None:
        first, again = await failed_and_retried(timed)
        await timed.let_pass(MONTH - 60)
        await timed.cancel(again)
        turns, _ = with_archive(timed)

        async def retried(request: str) -> object:
            return await turns.retry(
                first, settlements={}, actor=OPERATOR, request_id=RequestId(request)
            )

        await timed.let_pass(60)
        assert (await turns.retire()).spared == 1
        following = await retried("late")
        assert isinstance(following, RunStanding)
        await timed.cancel(RunAddress(first.scope, following.run))
        await timed.let_pass(MONTH)
        assert await retried("too late") == Refused(RunIdSpent(first.id))
        assert len((await turns.retire()).runs) == 3
        assert await timed.count(EFFECTS) == 0

    timed.run(scenario)


def test_a_corrupt_run_or_journal_hides_no_other(timed: Keep) -> None:
    async def scenario() -> None:
        lost, damaged, sound = [await ended(timed, f"t{number}") for number in range(3)]
        turns, _ = with_archive(timed)
        await timed.let_pass(MONTH)
        await timed.damage(RUNS, lost.run.scope, lost.run.id)
        await timed.damage(EFFECTS, damaged.run.scope, step("s1").cell_id(damaged.run.id))
        retired = await turns.retire()
        assert retired.runs == (sound.run,)
        assert {unreadable.address.id for unreadable in retired.unreadable} == {
            lost.run.id,
            damaged.run.id,
        }

    timed.run(scenario, sound=False)


def test_an_old_checkpoint_stays_for_a_day_after_its_run_has_ended(timed: Keep) -> None:
    async def scenario() -> None:
        parked = await timed.running()
        await timed.turns.checkpoint(
            parked, kind=CheckpointKind.BEFORE_BLOCK, schema=1, payload=b"x", ordinals={}
        )
        gate = Gate.of(kind=GateKind.AUTH, ref=Ref("login"), effect=step("gate"))
        await timed.turns.block(parked, gate=gate)
        await timed.let_pass(3 * DAY)
        await timed.turns.request_cancel(
            parked.run, reason=Ref("stop"), actor=OPERATOR, request_id=RequestId("c1")
        )
        await timed.let_pass(DAY - 1)
        assert (await timed.turns.sweep()).forgotten == 0
        await timed.let_pass(1)
        assert (await timed.turns.sweep()).forgotten == 1

    timed.run(scenario)


def test_checkpoints_go_a_day_after_the_end_and_those_of_live_runs_stay(timed: Keep) -> None:
    async def scenario() -> None:
        for name in ("live", "ended"):
            claim = await timed.running(thread(name))
            await timed.let_pass(1)
            for _ in range(3):
                await timed.turns.checkpoint(
                    claim, kind=CheckpointKind.BEFORE_BLOCK, schema=1, payload=b"x", ordinals={}
                )
            if name == "live":
                gate = Gate.of(kind=GateKind.AUTH, ref=Ref("login"), effect=step("gate"))
                await timed.turns.block(claim, gate=gate)
            else:
                await timed.turns.complete(claim)
        await timed.let_pass(DAY - 0.001)
        assert (await timed.turns.sweep()).forgotten == 0
        await timed.let_pass(0.001)
        # The limit counts what is deleted: what is spared hides nothing.
        assert (await timed.turns.sweep(limit=1)).forgotten == 1
        assert (await timed.turns.sweep()).forgotten == 2
        before = await timed.snapshot()
        assert (await timed.turns.sweep()).forgotten == 0
        assert await timed.snapshot() == before
        assert await timed.count(CHECKPOINTS) == 3

    timed.run(scenario)
