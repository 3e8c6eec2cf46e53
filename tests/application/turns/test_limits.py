"""Limits: law 72, who sets them, and how runs that were there before are counted."""

from __future__ import annotations

import asyncio

import pytest
from attrs import evolve

from tests.application.turns.keep import (
    ADA,
    BACKGROUND,
    INTERACTIVE,
    OPERATOR,
    Keep,
    lane_of,
    thread,
)
from turnkeep_application.turns.cells import bucket_key
from turnkeep_application.turns.limit_standings import BucketStanding, LaneStanding
from turnkeep_application.turns.views import RunView
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.principals import Principal
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.bucket import BUCKETS
from turnkeep_domain.turns.bucket_ids import Axis, BucketId
from turnkeep_domain.turns.bucket_limits import BucketLimits
from turnkeep_domain.turns.lane import LANES
from turnkeep_domain.turns.lane_ids import LaneId
from turnkeep_domain.turns.refusals import NotPermitted
from turnkeep_domain.turns.turn_state import TURN_STATES

TENANT = BucketId(scope=Scope.of("acme", None), axis=Axis.TENANT, turn_class=None)
TENANT_CLASS = evolve(TENANT, turn_class=INTERACTIVE)
USER = BucketId(scope=Scope.of("acme", "ada"), axis=Axis.USER, turn_class=None)
AGENT = BucketId(scope=Scope.of("acme", "ada", agent="scout"), axis=Axis.AGENT, turn_class=None)
NO_AGENT = BucketId(scope=Scope.of("acme", "ada"), axis=Axis.AGENT, turn_class=None)
PROJECT = BucketId(scope=Scope.of("acme", "ada", project="p"), axis=Axis.PROJECT, turn_class=None)
NO_PROJECT = BucketId(scope=Scope.of("acme", "ada"), axis=Axis.PROJECT, turn_class=None)
FIVE = BucketLimits(held=5, running=None)

EVERY_SCOPE = [
    thread("t1"),
    thread("t2", user="bob"),
    thread("t3", tenant="other"),
    Scope.of("acme", "ada", thread="no agent"),
    Scope.of("acme", "ada", agent="scout", project="p", thread="project"),
    Scope.of("acme", "ada", project="p"),
    Scope.of("acme", "ada", agent="scout"),
]


async def set_limit(keep: Keep, of: BucketId, limits: BucketLimits = FIVE) -> None:
    assert await keep.turns.set_limit(of, limits=limits, by=OPERATOR) == limits


# ---- who and what -------------------------------------------------------------------------------


@pytest.mark.parametrize("of", [TENANT, lane_of()], ids=["bucket", "lane"])
@pytest.mark.parametrize("actor", [Actor.submitter(ADA), Actor.system("billing")])
def test_nobody_but_an_operator_sets_a_limit(
    keep: Keep, of: BucketId | LaneId, actor: Actor
) -> None:
    async def law() -> None:
        before = await keep.snapshot()
        limits = FIVE if isinstance(of, BucketId) else 5
        answer = await keep.turns.set_limit(of, limits=limits, by=actor)
        assert answer == Refused(NotPermitted())
        assert await keep.snapshot() == before

    keep.run(law)


@pytest.mark.parametrize("of", [TENANT, lane_of()], ids=["bucket", "lane"])
def test_a_limit_is_told_once_however_often_it_is_set(keep: Keep, of: BucketId | LaneId) -> None:
    async def law() -> None:
        limits = FIVE if isinstance(of, BucketId) else 5
        assert await keep.turns.set_limit(of, limits=limits, by=OPERATOR) == limits
        before = await keep.snapshot()
        assert await keep.rival.set_limit(of, limits=limits, by=OPERATOR) == limits
        assert await keep.snapshot() == before
        kind = "limit.changed" if isinstance(of, BucketId) else "lane_limit.changed"
        assert await keep.kinds() == [kind]

    keep.run(law)


@pytest.mark.parametrize("fault", ["lose-after", "lose-before", "land-late 1", "stale"])
def test_a_limit_in_doubt_is_set_once(keep: Keep, fault: str) -> None:
    async def law() -> None:
        async with keep.suffering(f"commit#1: {fault}") as (turns, _):
            assert await turns.set_limit(TENANT, limits=FIVE, by=OPERATOR) == FIVE
        assert await keep.kinds() == ["limit.changed"]

    keep.run(law)


@pytest.mark.parametrize(
    ("of", "limits"),
    [
        (TENANT, 5),
        (TENANT, None),
        (lane_of(), FIVE),
        (lane_of(), -1),
        (lane_of(), True),
        ("acme", FIVE),
        (USER, BucketLimits(held=None, running=1)),
    ],
    ids=str,
)
def test_a_limit_of_the_wrong_kind_is_a_mistake(keep: Keep, of: object, limits: object) -> None:
    async def law() -> None:
        before = await keep.snapshot()
        with pytest.raises(InvalidValue):
            await keep.turns.set_limit(of, limits=limits, by=OPERATOR)  # type: ignore[arg-type]  # wrong on purpose
        assert await keep.snapshot() == before

    keep.run(law)


def test_what_is_in_force_and_used_is_told(timed: Keep) -> None:
    async def law() -> None:
        assert await timed.turns.limit_of(TENANT) is None
        assert await timed.turns.limit_of(lane_of()) is None
        await set_limit(timed, TENANT, BucketLimits(held=5, running=1))
        await timed.queue("t1", "t2", "t3")
        standing = await timed.turns.limit_of(TENANT)
        assert isinstance(standing, BucketStanding)
        assert (standing.held, standing.running, standing.counting) == (3, 0, True)
        await timed.let_pass(15)
        await timed.turns.sweep()
        await timed.claim(count=8)
        assert await timed.turns.limit_of(TENANT) == BucketStanding(
            id=TENANT,
            limits=BucketLimits(held=5, running=1),
            held=3,
            running=1,
            counting=False,
            parked=1,
        )
        assert await timed.turns.limit_of(lane_of()) == LaneStanding(
            id=lane_of(), limit=None, queued=2, running=1, parked=True
        )

    timed.run(law)


# ---- counting -----------------------------------------------------------------------------------


def test_a_bucket_refuses_nobody_while_it_counts(keep: Keep) -> None:
    async def law() -> None:
        await set_limit(keep, TENANT, BucketLimits(held=0, running=0))
        await keep.queue("t1", "t2")
        assert len(await keep.claimed(2)) == 2
        bucket = await keep.bucket(TENANT)
        assert (bucket.held, bucket.running) == (2, 2)

    keep.run(law)


def test_nothing_is_counted_before_15_seconds_have_passed(timed: Keep) -> None:
    async def law() -> None:
        await timed.queue("t1")
        await set_limit(timed, TENANT)
        await timed.let_pass(14.999)
        before = await timed.snapshot()
        assert (await timed.turns.sweep()).counted == 0
        assert await timed.snapshot() == before
        await timed.let_pass(0.001)
        assert (await timed.turns.sweep()).counted == 1

    timed.run(law)


@pytest.mark.parametrize(
    ("of", "concerned"),
    [
        (TENANT, 6),
        (TENANT_CLASS, 6),
        (USER, 5),
        (AGENT, 3),
        (NO_AGENT, 2),
        (PROJECT, 2),
        (NO_PROJECT, 3),
        (evolve(TENANT, turn_class=BACKGROUND), 0),
    ],
    ids=str,
)
def test_a_limit_first_set_over_live_runs_counts_each_that_it_concerns_once(
    timed: Keep, of: BucketId, concerned: int
) -> None:
    async def law() -> None:
        for scope in EVERY_SCOPE:
            await timed.submitted(scope)
        await set_limit(timed, of)
        await timed.let_pass(15)
        assert (await timed.turns.sweep()).counted == concerned
        bucket = await timed.bucket(of)
        assert (bucket.held, bucket.counting_since) == (concerned, None)
        before = await timed.snapshot()
        assert (await timed.turns.sweep()).counted == 0
        assert await timed.snapshot() == before

    timed.run(law)


def test_claimed_runs_are_counted_as_running_and_ended_ones_not_at_all(timed: Keep) -> None:
    async def law() -> None:
        await timed.queue("t1", "t2", "t3")
        granted = await timed.claimed(2)
        await timed.completed(granted[0])
        await set_limit(timed, TENANT)
        await timed.let_pass(15)
        await timed.turns.sweep()
        bucket = await timed.bucket(TENANT)
        assert (bucket.held, bucket.running) == (2, 1)
        await timed.completed(granted[1])
        bucket = await timed.bucket(TENANT)
        assert (bucket.held, bucket.running) == (1, 0)

    timed.run(law)


def test_racing_submits_are_counted_once(timed: Keep) -> None:
    async def law() -> None:
        await timed.queue("before")
        script = "commit#1: hold one\ncommit#2: hold two"
        async with timed.suffering(script) as (turns, faulty):
            missed = asyncio.create_task(timed.submit(thread("missed"), on=turns))
            await faulty.reached("one")  # it has seen no bucket
            await set_limit(timed, TENANT)
            seen = asyncio.create_task(timed.submit(thread("seen"), on=turns))
            await faulty.reached("two")  # it names the bucket
            await timed.queue("after")
            await timed.let_pass(14)
            faulty.release("one")
            faulty.release("two")
            assert isinstance(await missed, RunView)
            assert isinstance(await seen, RunView)
        await timed.let_pass(1)
        await timed.turns.sweep()
        assert (await timed.bucket(TENANT)).held == 4

    timed.run(law)


def test_an_ending_racing_the_recount_is_not_counted(timed: Keep) -> None:
    async def law() -> None:
        await timed.queue("t1")
        [claimed] = await timed.claimed()
        await set_limit(timed, TENANT)
        await timed.let_pass(15)
        async with timed.suffering("commit#1: hold count") as (turns, faulty):
            sweep = asyncio.create_task(turns.sweep())
            await faulty.reached("count")
            await timed.completed(claimed)
            faulty.release("count")
            await sweep
        await timed.turns.sweep()
        bucket = await timed.bucket(TENANT)
        assert (bucket.held, bucket.running, bucket.counting_since) == (0, 0, None)

    timed.run(law)


def test_two_recounts_at_once_count_each_run_once(timed: Keep) -> None:
    async def law() -> None:
        await timed.queue(*(f"t{number}" for number in range(20)))
        await set_limit(timed, TENANT)
        await timed.let_pass(15)
        await asyncio.gather(timed.turns.sweep(), timed.rival.sweep())
        assert (await timed.bucket(TENANT)).held == 20

    timed.run(law)


def test_a_recount_that_is_cut_off_is_finished_by_the_next_sweep(timed: Keep) -> None:
    async def law() -> None:
        await timed.queue(*(f"t{number}" for number in range(10)))
        await set_limit(timed, TENANT, BucketLimits(held=10, running=None))
        await timed.let_pass(15)
        assert (await timed.turns.sweep(limit=4)).counted == 4
        assert (await timed.bucket(TENANT)).counting_since is not None
        assert (await timed.turns.sweep(limit=4)).counted == 4
        assert (await timed.turns.sweep(limit=4)).counted == 2
        bucket = await timed.bucket(TENANT)
        assert (bucket.held, bucket.counting_since) == (10, None)
        assert isinstance(await timed.submit(thread("more")), Refused)

    timed.run(law)


def test_a_count_that_is_lost_on_the_way_leaves_the_bucket_counting(timed: Keep) -> None:
    async def law() -> None:
        await timed.queue("t1", "t2")
        await set_limit(timed, TENANT)
        await timed.let_pass(15)
        async with timed.suffering("commit#*: stale") as (turns, _):
            assert (await turns.sweep()).counted == 0
        assert (await timed.bucket(TENANT)).counting_since is not None
        await timed.turns.sweep()
        assert (await timed.bucket(TENANT)).held == 2

    timed.run(law)


def test_a_corrupt_run_does_not_stop_a_recount(timed: Keep) -> None:
    async def law() -> None:
        await timed.queue("bad", "good")
        await timed.damage(TURN_STATES, thread("bad"), "bad")
        await set_limit(timed, TENANT)
        await timed.let_pass(15)
        swept = await timed.turns.sweep()
        assert swept.counted == 1
        assert [one.address.id for one in swept.unreadable] == ["bad"]
        assert (await timed.bucket(TENANT)).counting_since is None

    timed.run(law, sound=False)


def test_a_corrupt_bucket_stops_the_count_of_no_other(timed: Keep) -> None:
    async def law() -> None:
        await timed.queue("t1")
        await set_limit(timed, TENANT)
        await set_limit(timed, USER)
        await timed.damage(BUCKETS, TENANT.scope, TENANT.cell_id)
        await timed.let_pass(15)
        swept = await timed.turns.sweep()
        assert (swept.counted, len(swept.unreadable)) == (1, 1)
        assert (await timed.bucket(USER)).counting_since is None

    timed.run(law, sound=False)


# ---- afterwards ---------------------------------------------------------------------------------


def test_a_limit_that_is_set_again_does_not_count_again(timed: Keep) -> None:
    async def law() -> None:
        await timed.queue("t1")
        await timed.limit(TENANT, held=5)
        await set_limit(timed, TENANT, BucketLimits(held=1, running=None))
        assert isinstance(await timed.submit(thread("t2")), Refused)
        assert (await timed.bucket(TENANT)).held == 1

    timed.run(law)


def test_a_limit_that_was_taken_away_goes_on_counting(timed: Keep) -> None:
    async def law() -> None:
        await timed.limit(TENANT, held=0)
        await timed.limit(TENANT)
        await timed.queue("t1", "t2")
        assert (await timed.bucket(TENANT)).held == 2

    timed.run(law)


def test_runs_that_a_lower_limit_finds_running_go_on(timed: Keep) -> None:
    async def law() -> None:
        await timed.limit(TENANT, running=2)
        await timed.queue("t1", "t2", "t3")
        granted = await timed.claimed(2)
        await timed.limit(TENANT, running=1)
        await timed.completed(granted[0])
        assert (await timed.claim()).granted == ()
        await timed.completed(granted[1])
        await timed.claimed()

    timed.run(law)


def test_a_lane_limit_leaves_what_is_queued_and_running_alone(keep: Keep) -> None:
    async def law() -> None:
        await keep.queue("t1", "t2")
        await keep.claimed()
        await keep.turns.set_limit(lane_of(), limits=1, by=OPERATOR)
        lane = await keep.lane()
        assert (lane.limit, lane.running, len(lane.entries)) == (1, 1, 1)
        assert LANES.index_of(lane).state == "full"
        await keep.turns.set_limit(lane_of(), limits=None, by=OPERATOR)
        assert len(await keep.claimed()) == 1

    keep.run(law)


def test_a_person_who_is_no_user_limits_as_operator(keep: Keep) -> None:
    async def law() -> None:
        by = Actor.operator(Principal.service("control-plane"))
        assert await keep.turns.set_limit(TENANT, limits=FIVE, by=by) == FIVE
        assert await keep.record(bucket_key(TENANT)) is not None

    keep.run(law)
