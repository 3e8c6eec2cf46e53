"""Sweeping: laws 60 and 73, and what a sweep does for queued runs that found their lane full."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.application.turns.keep import (
    OPERATOR,
    Keep,
    all_of,
    lane_of,
    thread,
)
from tests.application.turns.seeding import address_in, seed_blocked, seed_queued
from turnkeep_application.turns.cells import turn_state_key
from turnkeep_application.turns.claim_pass import ClaimedRun
from turnkeep_application.turns.views import RunView
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.bucket_ids import Axis, BucketId
from turnkeep_domain.turns.bucket_limits import BucketLimits
from turnkeep_domain.turns.claims import Relinquishment, RunStanding
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.gates import Disposition, Gate, GateKind
from turnkeep_domain.turns.names import Ref
from turnkeep_domain.turns.run_states import Queued, RunStatus
from turnkeep_domain.turns.turn_state import TURN_STATES

TENANT = BucketId(scope=Scope.of("acme", None), axis=Axis.TENANT, turn_class=None)
TOOL = Actor.system("tool")
WAITING = Gate.of(kind=GateKind.EXTERNAL_TOOL, ref=Ref("tool"), effect=EffectId("wait", 0))


async def claimed(keep: Keep, count: int) -> list[ClaimedRun]:
    """So many runs, by as many passes as it takes."""
    granted: list[ClaimedRun] = []
    while len(granted) < count:
        granted += await keep.claimed(min(8, count - len(granted)))
    return granted


async def blocked(keep: Keep, count: int) -> list[RunAddress]:
    """So many blocked runs, one a thread."""
    scopes = [thread(f"blocked{number}") for number in range(count)]
    return await seed_blocked(keep.turns.updates, scopes, WAITING)


async def resume(keep: Keep, run: RunAddress) -> RunStanding:
    standing = await keep.turns.resume(
        run,
        kind=GateKind.EXTERNAL_TOOL,
        ref=Ref("tool"),
        disposition=Disposition.GRANTED,
        actor=TOOL,
        request_id=RequestId(f"resume {run.id}"),
    )
    assert isinstance(standing, RunStanding), standing
    return standing


async def fill(keep: Keep, *, user: str = "ada", beyond: int = 1) -> list[RunAddress]:
    """A lane of 256 queued runs, and some that came back and found it full."""
    granted: list[ClaimedRun] = []
    if beyond:
        await keep.queue(*(f"a{number}" for number in range(beyond)), user=user)
        found = await keep.claim(count=beyond, lanes=[lane_of(user)])
        granted += found.granted
    scopes = [thread(f"b{number}", user=user) for number in range(256)]
    await seed_queued(keep.turns.updates, scopes)
    for one in granted:
        standing = await keep.turns.relinquish(one.claim, reason=Relinquishment.DRAIN)
        assert isinstance(standing, RunStanding)
    assert len(granted) == beyond
    assert len((await keep.lane(user)).entries) == 256
    return [one.claim.run for one in granted]


async def is_outside(keep: Keep, run: RunAddress) -> bool:
    view = await keep.turns.get(run)
    assert view is not None
    assert isinstance(view.state, Queued)
    return view.state.outside


async def make_room(keep: Keep, *names: str, user: str = "ada") -> None:
    """Ends queued runs."""
    for name in names:
        await keep.cancel(address_in(thread(name, user=user)))


# ---- a full lane --------------------------------------------------------------------------------


def test_a_return_into_a_full_lane_succeeds_and_stays_outside_it(timed: Keep) -> None:
    async def law() -> None:
        [outside] = await fill(timed)
        assert await is_outside(timed, outside)
        cell = await timed.cell(turn_state_key(outside).address)
        assert cell is not None
        assert cell.entry.index.state == "outside"

    timed.run(law)


def test_a_resume_into_a_full_lane_succeeds(timed: Keep) -> None:
    async def law() -> None:
        [run] = await blocked(timed, 1)
        await fill(timed, beyond=0)
        assert (await resume(timed, run)).status is RunStatus.QUEUED
        assert await is_outside(timed, run)

    timed.run(law)


def test_1000_blocked_runs_close_no_lane(timed: Keep) -> None:
    async def law() -> None:
        addresses = await blocked(timed, 1_000)
        assert (await timed.lane()).entries == ()
        assert isinstance(await timed.submit(thread("more")), RunView)
        for address in addresses[:257]:
            await resume(timed, address)
        assert len((await timed.lane()).entries) == 256
        assert [await is_outside(timed, run) for run in addresses[254:257]] == [False, True, True]
        for one in await claimed(timed, 8):
            await timed.completed(one)
        assert (await timed.turns.sweep()).entered == 2

    timed.run(law)


def test_a_sweep_enters_who_is_outside_once_there_is_room(timed: Keep) -> None:
    async def law() -> None:
        outside = await fill(timed, beyond=3)
        before = await timed.snapshot()
        assert (await timed.turns.sweep()).entered == 0
        assert await timed.snapshot() == before
        await make_room(timed, "b0", "b1")
        assert (await timed.turns.sweep()).entered == 2
        assert [await is_outside(timed, run) for run in outside] == [False, False, True]

    timed.run(law)


def test_whoever_was_outside_is_claimed_in_its_turn(timed: Keep) -> None:
    async def law() -> None:
        [outside] = await fill(timed)
        await make_room(timed, "b0")
        await timed.turns.sweep()
        order = [entry.run for entry in (await timed.lane()).entries]
        assert order[-1] == outside
        view = await timed.turns.get(outside)
        assert view is not None
        claims = await claimed(timed, 256)
        assert claims[-1].claim.run == outside
        assert claims[-1].run.version == view.version + 1

    timed.run(law)


def test_who_is_outside_can_be_cancelled(timed: Keep) -> None:
    async def law() -> None:
        [outside] = await fill(timed)
        assert (await timed.cancel(outside)).status is RunStatus.CANCELLED
        assert len((await timed.lane()).entries) == 256

    timed.run(law)


def test_a_lane_that_stays_full_holds_up_no_other(timed: Keep) -> None:
    async def law() -> None:
        await fill(timed, beyond=3)
        await timed.turns.sweep()
        [bobs] = await fill(timed, user="bob")
        await make_room(timed, "b0", user="bob")
        assert (await timed.turns.sweep(limit=1)).entered == 1
        assert not await is_outside(timed, bobs)

    timed.run(law)


def test_two_sweeps_enter_a_run_once(timed: Keep) -> None:
    async def law() -> None:
        [outside] = await fill(timed)
        await make_room(timed, "b0")
        async with timed.suffering("commit#1: hold x") as (turns, faulty):
            sweep = asyncio.create_task(turns.sweep())
            await faulty.reached("x")
            await timed.turns.sweep()
            faulty.release("x")
            await sweep
        entries = [entry.run for entry in (await timed.lane()).entries]
        assert entries.count(outside) == 1

    timed.run(law)


@pytest.mark.parametrize("fault", ["lose-after", "lose-before", "land-late 1"])
def test_an_entry_in_doubt_is_made_once(timed: Keep, fault: str) -> None:
    async def law() -> None:
        [outside] = await fill(timed)
        await make_room(timed, "b0")
        async with timed.suffering(f"commit#1: {fault}") as (turns, _):
            await turns.sweep()
        await timed.turns.sweep()
        assert not await is_outside(timed, outside)

    timed.run(law)


def test_a_corrupt_run_outside_is_reported_and_stops_no_other(timed: Keep) -> None:
    async def law() -> None:
        first, second = await fill(timed, beyond=2)
        await make_room(timed, "b0")
        await timed.damage(TURN_STATES, first.scope, str(first.scope.thread))
        swept = await timed.turns.sweep()
        assert swept.entered == 1
        assert [one.address.id for one in swept.unreadable] == [first.scope.thread]
        assert not await is_outside(timed, second)

    timed.run(law, sound=False)


# ---- time ---------------------------------------------------------------------------------------


def test_a_sweep_a_millisecond_early_does_nothing(timed: Keep) -> None:
    async def law() -> None:
        await timed.queue("lost", "waits")
        await timed.claimed()
        [waits] = await timed.claimed()
        until = await timed.now() + timedelta(seconds=90)
        await timed.turns.block(waits.claim, gate=WAITING, until=until)
        await timed.let_pass(89.999)
        before = await timed.snapshot()
        swept = await timed.turns.sweep()
        assert (swept.recovered, swept.elapsed) == (0, 0)
        assert await timed.snapshot() == before
        await timed.let_pass(0.001)
        swept = await timed.turns.sweep()
        assert (swept.recovered, swept.elapsed) == (1, 1)

    timed.run(law)


def test_a_sweep_does_everything_that_is_to_be_done(timed: Keep) -> None:
    async def law() -> None:
        await timed.queue("t1", "t2")
        limits = BucketLimits(held=9, running=1)
        await timed.turns.set_limit(TENANT, limits=limits, by=OPERATOR)
        await timed.claimed()
        await timed.let_pass(90)
        swept = await timed.turns.sweep()
        assert (swept.recovered, swept.counted, swept.unreadable) == (1, 2, ())

    timed.run(law)


def test_sweeps_of_many_hosts_at_once_agree(timed: Keep) -> None:
    async def law() -> None:
        await timed.queue(*(f"t{number}" for number in range(10)))
        await claimed(timed, 10)
        await timed.let_pass(90)
        sweeps = await all_of(timed.turns.sweep(), timed.rival.sweep(), timed.turns.sweep())
        assert sum(swept.recovered for swept in sweeps) >= 10
        assert (await timed.kinds()).count("requeued") == 10
        assert (await timed.lane()).running == 0

    timed.run(law)


@pytest.mark.parametrize("limit", [0, -1, 1.5, True])
def test_a_limit_that_is_no_number_is_a_mistake(keep: Keep, limit: int) -> None:
    async def law() -> None:
        with pytest.raises(InvalidValue, match="limit"):
            await keep.turns.sweep(limit=limit)

    keep.run(law)
