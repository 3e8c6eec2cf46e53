"""Fairness and caps: laws 21 to 24 and 70, over every store.

`keep.first` lets scans begin at the first lane of a page, so that a test can foretell them; the
laws that are about chance are tried with chance.
"""

from __future__ import annotations

import asyncio

from attrs import evolve

from tests.application.turns.keep import (
    BACKGROUND,
    INTERACTIVE,
    OPERATOR,
    Keep,
    lane_of,
    thread,
)
from turnkeep_application.turns.cells import bucket_key, lane_key
from turnkeep_application.turns.claim_pass import ClaimedRun
from turnkeep_application.turns.claim_places import NARROWINGS_MAX, ClaimPlace
from turnkeep_application.turns.turns import Turns
from turnkeep_domain.keys import Index
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.bucket_ids import Axis, BucketId
from turnkeep_domain.turns.lane import LANES, ready, shard_of
from turnkeep_domain.turns.lane_ids import LaneId
from turnkeep_domain.turns.limits import LANE_SHARDS
from turnkeep_domain.turns.turn_state import TURN_STATES

TENANT = BucketId(scope=Scope.of("acme", None), axis=Axis.TENANT, turn_class=None)
TENANT_CLASS = evolve(TENANT, turn_class=INTERACTIVE)


def users(granted: list[ClaimedRun] | tuple[ClaimedRun, ...]) -> list[str | None]:
    return [claimed.run.scope.user for claimed in granted]


async def index(keep: Keep, user: str = "ada") -> Index:
    """What a scan sees of a lane."""
    return LANES.index_of(await keep.lane(user))


async def is_ready(keep: Keep, user: str) -> bool:
    lane = lane_of(user)
    return (await index(keep, user)).state == ready(lane.turn_class, shard_of(lane.scope))


def has_met_rivals(turns: Turns) -> ClaimPlace:
    """Lets the next pass of a host look at one shard."""
    places = turns._claiming._places
    place = places.take(INTERACTIVE)
    place.settle(served=8, rivals=8, below=lambda _: 0)
    places.leave(INTERACTIVE, place)
    return place


async def cap(keep: Keep, running: int, of: BucketId = TENANT) -> None:
    await keep.limit(of, running=running)


# ---- users take turns ---------------------------------------------------------------------------


def test_users_rotate_whatever_one_of_them_has_queued(timed: Keep) -> None:
    async def law() -> None:
        await timed.queue(*(f"t{number}" for number in range(10)))
        await timed.queue("t1", "t2", user="bob")
        await timed.queue("t1", "t2", user="eve")
        served = []
        for _ in range(6):
            await timed.let_pass(0.001)
            served += await timed.claimed()
        assert users(served) == ["ada", "bob", "eve", "ada", "bob", "eve"]

    timed.run(law)


def test_one_pass_serves_as_many_users_as_it_has_handlers(keep: Keep) -> None:
    async def law() -> None:
        await keep.queue(*(f"t{number}" for number in range(10)))
        for user in ("bob", "eve", "zoe"):
            await keep.queue("t1", user=user)
        assert sorted(map(str, users(await keep.claimed(4)))) == ["ada", "bob", "eve", "zoe"]

    keep.run(law)


def test_during_the_burst_of_one_user_every_ready_lane_is_served(timed: Keep) -> None:
    async def law() -> None:
        names = [f"u{number}" for number in range(20)]
        for user in names:
            await timed.queue("t", user=user)
        waiting, burst = set(names), 0
        for number in range(21):
            await timed.submitted(thread(f"burst{number}"))  # more comes than is ever served
            await timed.submitted(thread(f"burst{number}b"))
            await timed.let_pass(0.001)
            [claimed] = await timed.claimed()
            waiting.discard(str(claimed.run.scope.user))
            burst += claimed.run.scope.user == "ada"
        assert (waiting, burst) == (set(), 1)

    timed.run(law)


def test_lanes_beyond_the_first_page_have_their_turn(timed: Keep) -> None:
    async def law() -> None:
        for number in range(40):
            await timed.queue("t1", "t2", user=f"u{number}")
        served: list[str | None] = []
        for _ in range(10):
            await timed.let_pass(0.001)
            served += users(await timed.claimed(4))
        assert len(set(served)) == 40

    timed.run(law)


def test_where_a_scan_begins_is_left_to_chance(timed: Keep) -> None:
    async def law() -> None:
        for number in range(20):
            await timed.queue("t", user=f"u{number:02}")
        by_chance = evolve(timed, first=False)
        begun = set()
        async with by_chance.suffering("") as (turns, _):
            for _ in range(6):
                begun |= set(users(await timed.claimed(1, on=turns)))
        assert begun != {f"u{number:02}" for number in range(6)}

    timed.run(law)


def test_who_has_met_rivals_is_given_what_waits_in_any_shard(keep: Keep) -> None:
    async def law() -> None:
        await keep.queue("t1")
        place = has_met_rivals(keep.turns)
        while shard_of(lane_of().scope) in place.shards:
            place.go_on()
        assert len(await keep.claimed()) == 1
        assert place.narrowings < NARROWINGS_MAX  # there was too little in its own

    keep.run(law)


def test_who_has_met_rivals_takes_the_earliest_of_its_shard_and_comes_to_all(timed: Keep) -> None:
    async def law() -> None:
        count, order = 10 * LANE_SHARDS, list[int]()
        for number in range(count):
            await timed.queue("t1", user=f"u{number}")
            await timed.let_pass(0.001)
        place = has_met_rivals(timed.turns)
        while granted := users((await timed.claim(count=8)).granted):
            numbers = [int(str(user)[1:]) for user in granted]
            if place.narrowings == NARROWINGS_MAX:
                assert len({shard_of(lane_of(f"u{number}").scope) for number in numbers}) == 1
            order += numbers
        by_shard: dict[int, list[int]] = {}
        for number in order:
            by_shard.setdefault(shard_of(lane_of(f"u{number}").scope), []).append(number)
        assert all(served == sorted(served) for served in by_shard.values())
        assert sorted(order) == list(range(count))

    timed.run(law)


# ---- classes ------------------------------------------------------------------------------------


def test_interactive_runs_come_first(keep: Keep) -> None:
    async def law() -> None:
        await keep.queue("later", turn_class=BACKGROUND)
        await keep.queue("now")
        [claimed] = await keep.claimed()
        assert claimed.run.policy.turn_class is INTERACTIVE

    keep.run(law)


def test_free_handlers_take_background_runs_too(keep: Keep) -> None:
    async def law() -> None:
        await keep.queue("later", turn_class=BACKGROUND)
        await keep.queue("now")
        classes = [claimed.run.policy.turn_class for claimed in await keep.claimed(2)]
        assert classes == [INTERACTIVE, BACKGROUND]

    keep.run(law)


def test_background_progresses_under_endless_interactive_load(keep: Keep) -> None:
    async def law() -> None:
        await keep.queue("later1", "later2", turn_class=BACKGROUND)
        classes = []
        for number in range(10):
            await keep.queue(f"now{number}")
            [claimed] = await keep.claimed()
            classes.append(claimed.run.policy.turn_class)
        assert classes == [*[INTERACTIVE] * 4, BACKGROUND] * 2

    keep.run(law)


def test_a_worker_of_one_class_is_given_no_other_on_any_pass(keep: Keep) -> None:
    async def law() -> None:
        await keep.queue("later", turn_class=BACKGROUND)
        for _ in range(6):
            assert (await keep.claim(classes=[INTERACTIVE])).granted == ()

    keep.run(law)


# ---- a user's own limit -------------------------------------------------------------------------


def test_a_lane_at_its_own_limit_is_out_of_the_scan_until_a_run_ends(keep: Keep) -> None:
    async def law() -> None:
        assert await keep.turns.set_limit(lane_of(), limits=2, by=OPERATOR) == 2
        await keep.queue("t1", "t2", "t3")
        granted = await keep.claimed(2)
        assert (await keep.claim(count=8)).granted == ()
        assert (await index(keep)).state == "full"
        await keep.completed(granted[0])
        assert await is_ready(keep, "ada")
        assert len(await keep.claimed()) == 1

    keep.run(law)


def test_one_pass_takes_no_more_than_the_limit_of_a_lane(keep: Keep) -> None:
    async def law() -> None:
        await keep.turns.set_limit(lane_of(), limits=2, by=OPERATOR)
        await keep.queue("t1", "t2", "t3", "t4")
        assert len((await keep.claim(count=4)).granted) == 2

    keep.run(law)


def test_the_runs_of_a_capped_user_cost_others_no_read(keep: Keep) -> None:
    async def law() -> None:
        await keep.turns.set_limit(lane_of(), limits=0, by=OPERATOR)
        await keep.queue(*(f"t{number}" for number in range(20)))
        await keep.queue("b1", user="bob")
        # Nothing of that user can be read: whoever looked at it would come upon that.
        for number in range(20):
            await keep.damage(TURN_STATES, thread(f"t{number}"), f"t{number}")
        await keep.damage(LANES, lane_of().scope, INTERACTIVE.value)
        found = await keep.claim(count=8)
        assert users(found.granted) == ["bob"]
        assert found.unreadable == ()

    keep.run(law, sound=False)


# ---- a tenant's limit ---------------------------------------------------------------------------


def test_a_lane_that_meets_a_full_tenant_is_parked_and_out_of_the_scan(timed: Keep) -> None:
    async def law() -> None:
        await cap(timed, 1)
        await timed.queue("a1")
        await timed.queue("b1", user="bob")
        await timed.claimed(1)
        assert (await timed.claim(count=8)).granted == ()
        assert (await index(timed, "bob")).state == "parked"
        assert (await timed.bucket(TENANT)).parked == (lane_of("bob"),)
        before = await timed.snapshot()
        async with timed.suffering("") as (turns, faulty):
            await timed.claim(on=turns, count=8)
            assert {call.operation.value for call in faulty.calls} == {"scan"}
        assert await timed.snapshot() == before

    timed.run(law)


def test_one_pass_takes_no_more_than_the_tenant_has_places(timed: Keep) -> None:
    async def law() -> None:
        await cap(timed, 2)
        await timed.queue("a1", "a2", "a3")
        assert len((await timed.claim(count=8)).granted) == 2
        assert (await timed.bucket(TENANT)).running == 2
        assert (await timed.lane()).parked_at == TENANT

    timed.run(law)


def test_lanes_of_one_pass_share_the_last_place_of_their_tenant(timed: Keep) -> None:
    async def law() -> None:
        await cap(timed, 1)
        for user in ("ada", "bob", "eve"):
            await timed.queue("t", user=user)
        assert len((await timed.claim(count=8)).granted) == 1
        assert len((await timed.bucket(TENANT)).parked) == 2

    timed.run(law)


def test_a_freed_place_readies_one_parked_lane_in_the_same_commit(timed: Keep) -> None:
    async def law() -> None:
        await cap(timed, 1)
        for user in ("ada", "bob", "eve"):
            await timed.queue("t", user=user)
        [claimed] = await timed.claimed()
        assert (await timed.claim(count=8)).granted == ()
        first = (await timed.bucket(TENANT)).parked[0]
        await timed.completed(claimed)
        parked = (await timed.bucket(TENANT)).parked
        assert len(parked) == 1
        assert first not in parked
        readied = await timed.cell(lane_key(first).address)
        bucket = await timed.cell(bucket_key(TENANT).address)
        assert readied is not None
        assert bucket is not None
        assert readied.written_by == bucket.written_by
        [again] = await timed.claimed()
        assert LaneId.of(again.run.scope, INTERACTIVE) == first

    timed.run(law)


def test_parked_lanes_are_readied_in_the_order_in_which_they_were_parked(timed: Keep) -> None:
    async def law() -> None:
        await cap(timed, 1)
        await timed.queue("t", user="ada")
        [claimed] = await timed.claimed()
        order = ["eve", "bob", "zoe"]
        for user in order:
            await timed.queue("t", user=user)
            assert (await timed.claim()).granted == ()
        served = []
        for _ in order:
            await timed.completed(claimed)
            [claimed] = await timed.claimed()
            served.append(claimed.run.scope.user)
        assert served == order

    timed.run(law)


def test_a_place_in_a_class_readies_a_lane_of_that_class(timed: Keep) -> None:
    async def law() -> None:
        await cap(timed, 1, TENANT_CLASS)
        await timed.queue("a1", "a2")
        await timed.queue("b1", turn_class=BACKGROUND)
        assert len((await timed.claim(count=8)).granted) == 2
        assert (await timed.bucket(TENANT_CLASS)).parked == (lane_of(),)

    timed.run(law)


def test_an_expired_claim_frees_its_place_too(timed: Keep) -> None:
    async def law() -> None:
        await cap(timed, 1)
        await timed.queue("t", user="ada")
        await timed.queue("t", user="bob")
        await timed.claimed()
        await timed.claim()
        await timed.let_pass(90)
        await timed.turns.recover()
        assert (await timed.bucket(TENANT)).running == 0
        assert users(await timed.claimed()) == ["bob"]

    timed.run(law)


def test_parking_racing_freeing_leaves_no_lane_asleep_beside_room(timed: Keep) -> None:
    async def law() -> None:
        await cap(timed, 1)
        await timed.queue("t", user="ada")
        [claimed] = await timed.claimed()
        await timed.queue("t", user="bob")
        async with timed.suffering("commit#1 in bucket: hold park") as (turns, faulty):
            parking = asyncio.create_task(timed.claim(on=turns))
            await faulty.reached("park")
            await timed.completed(claimed)
            faulty.release("park")
            found = await parking
        assert users(found.granted) == ["bob"]

    timed.run(law)


def test_freeing_racing_parking_readies_the_lane_that_was_parked(timed: Keep) -> None:
    async def law() -> None:
        await cap(timed, 1)
        await timed.queue("t", user="ada")
        [claimed] = await timed.claimed()
        await timed.queue("t", user="bob")
        async with timed.suffering("commit#1 in bucket: hold free") as (turns, faulty):
            freeing = asyncio.create_task(turns.complete(claimed.claim))
            await faulty.reached("free")
            assert (await timed.claim()).granted == ()
            assert (await index(timed, "bob")).state == "parked"
            faulty.release("free")
            await freeing
        assert await is_ready(timed, "bob")
        assert users(await timed.claimed()) == ["bob"]

    timed.run(law)


def test_the_129th_lane_that_would_wait_is_put_off_five_seconds(timed: Keep) -> None:
    async def law() -> None:
        await cap(timed, 0)
        for number in range(129):
            await timed.queue("t", user=f"u{number:03}")
        while (await timed.claim(count=8)).granted:
            pass
        bucket = await timed.bucket(TENANT)
        assert len(bucket.parked) == 128
        [left] = {lane_of(f"u{number:03}") for number in range(129)} - set(bucket.parked)
        lane = await timed.lane(str(left.scope.user))
        assert lane.not_before is not None
        wait = (lane.not_before - await timed.now()).total_seconds()
        assert 0 < wait <= 5
        before = await timed.snapshot()
        await timed.let_pass(wait - 0.001)
        await timed.claim(count=8)
        assert await timed.snapshot() == before
        await timed.let_pass(0.001)
        await timed.claim(count=8)
        assert await timed.snapshot() != before

    timed.run(law)


# ---- places that are passed on ------------------------------------------------------------------


def test_a_place_that_a_readied_lane_left_unused_is_passed_on_by_a_sweep(timed: Keep) -> None:
    async def law() -> None:
        await cap(timed, 1)
        await timed.queue("t", user="ada")
        [claimed] = await timed.claimed()
        # One pass each: lanes that one pass comes upon are parked in any order.
        [bobs] = await timed.queue("t", user="bob")
        assert (await timed.claim()).granted == ()
        await timed.queue("t", user="eve")
        assert (await timed.claim()).granted == ()
        await timed.cancel(bobs)
        await timed.completed(claimed)  # readies bob's lane, in which nothing waits any more
        assert (await index(timed, "eve")).state == "parked"
        swept = await timed.turns.sweep()
        assert swept.woken == 1
        assert users(await timed.claimed()) == ["eve"]

    timed.run(law)


def test_a_raised_limit_gives_its_places_to_parked_lanes(timed: Keep) -> None:
    async def law() -> None:
        await cap(timed, 0)
        for user in ("ada", "bob", "eve"):
            await timed.queue("t", user=user)
        await timed.claim(count=8)
        assert len((await timed.bucket(TENANT)).parked) == 3
        await cap(timed, 3)
        # Each that is served readies the next while there is room: no sweep is waited for.
        served = [claimed for _ in range(3) for claimed in await timed.claimed()]
        assert sorted(map(str, users(served))) == ["ada", "bob", "eve"]

    timed.run(law)


def test_a_limit_that_is_taken_away_lets_everybody_go(timed: Keep) -> None:
    async def law() -> None:
        await cap(timed, 0)
        for user in ("ada", "bob", "eve"):
            await timed.queue("t", user=user)
        await timed.claim(count=8)
        await timed.limit(TENANT)
        for _ in range(3):
            await timed.claimed()
        assert (await timed.bucket(TENANT)).parked == ()

    timed.run(law)


def test_a_sweep_readies_nobody_where_there_is_no_room(timed: Keep) -> None:
    async def law() -> None:
        await cap(timed, 0)
        await timed.queue("t")
        await timed.claim()
        before = await timed.snapshot()
        swept = await timed.turns.sweep()
        assert (swept.woken, await timed.snapshot()) == (0, before)

    timed.run(law)
