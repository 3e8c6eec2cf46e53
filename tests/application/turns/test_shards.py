"""Shards of ready lanes: workers that meet come apart over them, and no lane is out of sight."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count as counted_from
from itertools import islice

import pytest
from attrs import evolve

from tests.application.turns.counted_store import CountedStore
from tests.application.turns.keep import INTERACTIVE, Keep, lane_of
from turnkeep_application.turns.cells import lane_key
from turnkeep_application.turns.claim_pass import ClaimPass
from turnkeep_application.turns.claim_places import CALM_PASSES, NARROWINGS_MAX, ClaimPlace
from turnkeep_application.turns.turns import Turns
from turnkeep_domain.turns.lane import LANES, ready, shard_of
from turnkeep_domain.turns.limits import CLAIM_LANES_MAX, CLAIM_RUNS_MAX, LANE_SHARDS
from turnkeep_ports.clock import Deadline
from turnkeep_ports.errors import Unavailable
from turnkeep_ports.store import CommitId, Committed, Put


def of_shard(shard: int) -> Iterator[str]:
    """Users whose lanes are in one shard."""
    users = (f"u{number}" for number in counted_from())
    return (user for user in users if shard_of(lane_of(user).scope) == shard)


def kept(turns: Turns) -> ClaimPlace:
    """The place that the next pass of a host has."""
    places = turns._claiming._places
    place = places.take(INTERACTIVE)
    places._taken[INTERACTIVE].remove(place)
    places._left.setdefault(INTERACTIVE, []).append(place)
    return place


def looks_at(turns: Turns, shard: int) -> ClaimPlace:
    """Lets the next pass of a host look at one shard."""
    place = kept(turns)
    place.settle(served=8, rivals=8, below=lambda _: shard)
    return place


def users(found: ClaimPass) -> list[str]:
    return [str(claimed.run.scope.user) for claimed in found.granted]


@asynccontextmanager
async def counting(keep: Keep) -> AsyncIterator[tuple[Turns, CountedStore]]:
    """A further host, whose store counts what it touches."""
    async with CountedStore(inner=keep.world.handles()) as store:
        yield keep.host(store), store


async def store_as_before(keep: Keep, user: str) -> None:
    """A lane with runs as it was stored when its class alone had a state."""
    address = lane_key(lane_of(user)).address
    cell = await keep.cell(address)
    assert cell is not None
    index = evolve(cell.entry.index, state="ready.interactive")
    answer = await keep.store.commit(
        CommitId(b"before there was"),
        [Put(address, cell.revision, evolve(cell.entry, index=index))],
        (),
        valid_until=None,
        deadline=Deadline.after(keep.world.clock, 15.0),
    )
    assert isinstance(answer, Committed)


# ---- nothing is out of sight --------------------------------------------------------------------


@pytest.mark.parametrize("meetings", [0, 1])
def test_a_lane_that_was_stored_before_there_were_shards_is_served(
    timed: Keep, meetings: int
) -> None:
    async def law() -> None:
        user = next(of_shard(7))
        await timed.queue("t1", "t2", user=user)
        await store_as_before(timed, user)
        if meetings:
            looks_at(timed.turns, 7)
        assert users(await timed.claim()) == [user]
        cell = await timed.cell(lane_key(lane_of(user)).address)
        assert cell is not None
        assert cell.entry.index.state == ready(INTERACTIVE, 7)

    timed.run(law)


def test_passes_come_to_a_lane_of_before_however_much_waits_in_other_shards(timed: Keep) -> None:
    async def law() -> None:
        for shard in range(1, LANE_SHARDS):
            await timed.queue("t1", "t2", user=next(of_shard(shard)))
        user = next(islice(of_shard(9), 1, None))
        await timed.queue("t1", user=user)
        await store_as_before(timed, user)
        place = looks_at(timed.turns, 1)
        served: list[str] = []
        for _ in range(LANE_SHARDS):
            assert place.narrowings == NARROWINGS_MAX
            served += users(await timed.claim())
        assert user in served
        assert len({shard_of(lane_of(one).scope) for one in served}) == LANE_SHARDS - 1

    timed.run(law)


def test_whoever_finds_nothing_in_its_shards_is_given_the_earliest_of_all(timed: Keep) -> None:
    async def law() -> None:
        for shard in (20, 4, 11):
            await timed.queue("t1", user=next(of_shard(shard)))
            await timed.let_pass(0.001)
        looks_at(timed.turns, 30)
        assert users(await timed.claim()) == [next(of_shard(20))]

    timed.run(law)


# ---- one shard at a time ------------------------------------------------------------------------


def test_who_finds_enough_in_its_shards_looks_at_no_others_and_stays(timed: Keep) -> None:
    async def law() -> None:
        here = list(islice(of_shard(5), 4))
        for user in (next(of_shard(2)), *here):
            await timed.queue("t1", user=user)
            await timed.let_pass(0.001)
        place = looks_at(timed.turns, 5)
        assert users(await timed.claim(count=2)) == here[:2]
        assert place.narrowings == NARROWINGS_MAX
        place.first = 5
        # As many as are wanted are enough.
        assert users(await timed.claim(count=2)) == here[2:]
        assert place.narrowings == NARROWINGS_MAX

    timed.run(law)


def test_who_finds_less_than_it_wants_takes_that_and_looks_at_more_from_now_on(timed: Keep) -> None:
    async def law() -> None:
        here, there = next(of_shard(5)), next(of_shard(2))
        await timed.queue("t1", user=there)
        await timed.queue("t1", user=here)
        place = looks_at(timed.turns, 5)
        assert users(await timed.claim(count=2)) == [here]
        assert place.narrowings == NARROWINGS_MAX - 1

    timed.run(law)


def test_a_pass_reads_no_more_lanes_than_it_can_serve_where_it_is_alone(timed: Keep) -> None:
    async def law() -> None:
        for user in islice(of_shard(5), CLAIM_LANES_MAX + 2):
            await timed.queue("t1", user=user)
        async with counting(timed) as (turns, store):
            await timed.claim(on=turns, count=8)
            assert store.touched[0] == ("scan", CLAIM_LANES_MAX)
            looks_at(turns, 5)
            store.begin()
            await timed.claim(on=turns, count=8)
            assert [what for what in store.touched if what[0] == "scan"] == [
                ("scan", CLAIM_RUNS_MAX)
            ]

    timed.run(law)


def test_a_pass_without_rivals_counts_as_calm(timed: Keep) -> None:
    async def law() -> None:
        for number in range(2):
            await timed.queue(f"t{number}", user=next(of_shard(5)))
        place = looks_at(timed.turns, 5)
        place.calm = CALM_PASSES - 1
        assert len((await timed.claim()).granted) == 1
        assert place.narrowings == NARROWINGS_MAX - 1

    timed.run(law)


# ---- rivals -------------------------------------------------------------------------------------


@asynccontextmanager
async def overtaken(
    keep: Keep, by: int, count: int
) -> AsyncIterator[tuple[Turns, list[ClaimPass]]]:
    """A pass of a further host, and a rival that is served as much once the former has looked."""
    async with keep.suffering("scan#1: hold-after seen") as (turns, faulty):
        passes: list[ClaimPass] = []
        passing = asyncio.create_task(keep.claim(on=turns, count=count))
        await faulty.reached("seen")
        await keep.claimed(by, on=keep.rival)
        faulty.release("seen")
        passes.append(await passing)
        yield turns, passes


def test_who_is_overtaken_at_every_lane_serves_them_at_last_and_looks_elsewhere(
    timed: Keep,
) -> None:
    async def law() -> None:
        for user in ("ada", "bob"):
            await timed.queue("t1", "t2", user=user)
        async with overtaken(timed, by=2, count=2) as (turns, [found]):
            assert sorted(users(found)) == ["ada", "bob"]
            assert kept(turns).narrowings == NARROWINGS_MAX

    timed.run(law)


def test_lanes_that_nobody_has_served_come_before_those_that_a_rival_has(timed: Keep) -> None:
    async def law() -> None:
        for user in ("ada", "bob"):
            await timed.queue("t1", "t2", user=user)
        async with overtaken(timed, by=1, count=1) as (_, [found]):
            assert users(found) == ["bob"]

    timed.run(law)


def test_who_meets_a_rival_takes_what_it_is_granted_and_leaves_the_rest(timed: Keep) -> None:
    async def law() -> None:
        for user in ("ada", "bob", "eve", "zoe"):
            await timed.queue("t1", "t2", user=user)
        async with overtaken(timed, by=1, count=2) as (turns, [found]):
            assert users(found) == ["bob"]
            assert kept(turns).narrowings == 1

    timed.run(law)


def test_a_place_is_left_where_the_store_does_not_serve(timed: Keep) -> None:
    async def law() -> None:
        await timed.queue("t1")
        async with timed.suffering("scan#1: fail-before") as (turns, _):
            place = looks_at(turns, 3)
            with pytest.raises(Unavailable):
                await timed.claim(on=turns)
            assert kept(turns) is place
            assert place.shards == range(4, 5)
            assert turns._claiming._places._taken[INTERACTIVE] == []

    timed.run(law)


def test_the_index_tells_shards_apart(timed: Keep) -> None:
    async def law() -> None:
        for shard in (0, 1, LANE_SHARDS - 1):
            user = next(of_shard(shard))
            await timed.queue("t1", user=user)
            assert LANES.index_of(await timed.lane(user)).state == ready(INTERACTIVE, shard)

    timed.run(law)
