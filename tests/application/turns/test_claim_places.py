"""Claim places: workers that meet come apart, and return to the earliest lanes once they do not."""

from __future__ import annotations

import random

import pytest

from turnkeep_application.turns.claim_places import (
    CALM_PASSES,
    NARROWINGS_MAX,
    ClaimPlace,
    ClaimPlaces,
)
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.lane import ready, shard_of
from turnkeep_domain.turns.limits import CLAIM_LANES_MAX, CLAIM_RUNS_MAX, LANE_SHARDS
from turnkeep_domain.turns.policy import TurnClass


@pytest.fixture
def chance() -> random.Random:
    return random.Random(3)


def met(place: ClaimPlace, chance: random.Random, rivals: int) -> None:
    place.settle(served=8, rivals=rivals, below=lambda bound: chance.random() * bound)


def narrowed(narrowings: int, at: int = 0, *, place: ClaimPlace | None = None) -> ClaimPlace:
    place = ClaimPlace() if place is None else place
    for _ in range(narrowings):
        place.settle(served=8, rivals=3, below=lambda _: at)
    return place


def test_every_lane_has_a_shard_and_every_shard_a_state_of_its_own() -> None:
    shards = {shard_of(Scope.of("acme", f"u{number}")) for number in range(1_000)}
    assert shards == set(range(LANE_SHARDS))
    states = {ready(turn_class, shard) for turn_class in TurnClass for shard in shards}
    assert len(states) == LANE_SHARDS * len(TurnClass)


def test_the_shard_of_a_lane_never_changes() -> None:
    # Every process, and every release, finds the lanes that others have stored.
    assert [shard_of(Scope.of("acme", user)) for user in ("ann", "bob", "eve")] == [8, 27, 5]
    assert ready(TurnClass.INTERACTIVE, 0) == "ready.interactive"
    assert ready(TurnClass.BACKGROUND, 31) == "ready.background.31"


def test_without_rivals_all_shards_are_looked_at(chance: random.Random) -> None:
    place = ClaimPlace()
    for _ in range(20):
        met(place, chance, 2)
    assert place.shards == range(LANE_SHARDS)
    assert place.lanes == CLAIM_LANES_MAX


def test_who_meets_rivals_looks_at_half_as_many_shards_down_to_one(chance: random.Random) -> None:
    place, looked = ClaimPlace(), []
    for _ in range(7):
        met(place, chance, 3)
        looked.append(len(place.shards))
        assert 0 <= place.shards.start < place.shards.stop <= LANE_SHARDS
    assert looked == [16, 8, 4, 2, 1, 1, 1]


def test_who_loses_most_of_a_pass_goes_far_at_once(chance: random.Random) -> None:
    place = ClaimPlace()
    met(place, chance, 5)
    assert len(place.shards) == LANE_SHARDS >> NARROWINGS_MAX == 1
    assert place.lanes == CLAIM_RUNS_MAX  # in its shards the earliest are its own
    half = ClaimPlace()
    met(half, chance, 4)
    assert half.narrowings == 1


@pytest.mark.parametrize("shard", [0, 1, LANE_SHARDS // 2, LANE_SHARDS - 1])
def test_who_meets_rivals_may_come_to_any_shard(shard: int) -> None:
    place = ClaimPlace()
    place.settle(served=8, rivals=8, below=lambda bound: bound * (shard + 0.5) / LANE_SHARDS)
    assert place.shards == range(shard, shard + 1)


@pytest.mark.parametrize("narrowings", range(NARROWINGS_MAX + 1))
def test_passes_one_after_the_other_come_to_every_shard(narrowings: int) -> None:
    place, seen = narrowed(narrowings), list[int]()
    for _ in range(1 << narrowings):
        seen += place.shards
        place.go_on()
    assert sorted(seen) == list(range(LANE_SHARDS))


def test_who_meets_no_more_rivals_looks_at_more_shards_again(chance: random.Random) -> None:
    place = narrowed(2)
    for _ in range(CALM_PASSES - 1):
        met(place, chance, 1)
        assert place.narrowings == 2
    met(place, chance, 0)
    for _ in range(CALM_PASSES - 1):
        met(place, chance, 0)
        assert place.narrowings == 1
    met(place, chance, 0)
    assert place.shards == range(LANE_SHARDS)


def test_after_rivals_it_takes_as_many_calm_passes_as_before(chance: random.Random) -> None:
    place = narrowed(2)
    for _ in range(CALM_PASSES - 1):
        met(place, chance, 0)
    met(place, chance, 3)
    for _ in range(CALM_PASSES - 1):
        met(place, chance, 0)
        assert place.narrowings == 3
    met(place, chance, 0)
    assert place.narrowings == 2


def test_who_finds_too_little_looks_at_more_shards_its_own_among_them() -> None:
    place = narrowed(NARROWINGS_MAX)
    place.first = 13
    looked = []
    while place.narrowings:
        place.widen()
        looked.append(place.shards)
    assert looked == [
        range(12, 14),
        range(12, 16),
        range(8, 16),
        range(16),
        range(LANE_SHARDS),
    ]
    place.widen()
    assert place.shards == range(LANE_SHARDS)


def test_workers_that_meet_come_apart(chance: random.Random) -> None:
    places = [ClaimPlace() for _ in range(8)]
    for place in places:
        met(place, chance, 8)
    meetings, passes = 0, 200
    for _ in range(passes):
        for place in places:
            meets = any(place.meets(other) for other in places if other is not place)
            met(place, chance, 8 if meets else 0)
            meetings += meets
            place.go_on()
    assert meetings < passes * len(places) / 10


def test_passes_of_one_process_that_run_at_once_are_apart() -> None:
    places = ClaimPlaces()
    taken = [places.take(TurnClass.INTERACTIVE) for _ in range(8)]
    for place in taken:
        for _ in range(3):
            place.settle(served=8, rivals=3, below=lambda _: 0)
        places.leave(TurnClass.INTERACTIVE, place)
    assert places.take(TurnClass.BACKGROUND).narrowings == 0
    again = [places.take(TurnClass.INTERACTIVE) for _ in range(8)]
    assert {place.narrowings for place in again} == {3}
    assert sorted(shard for place in again for shard in place.shards) == list(range(LANE_SHARDS))
    one_more = places.take(TurnClass.INTERACTIVE)
    assert one_more not in taken
    assert one_more.narrowings == 0


def test_a_place_is_kept_for_the_next_pass_which_goes_on_from_it() -> None:
    places = ClaimPlaces()
    place = places.take(TurnClass.INTERACTIVE)
    place.settle(served=8, rivals=3, below=lambda _: 0)
    before = place.shards
    places.leave(TurnClass.INTERACTIVE, place)
    assert places.take(TurnClass.INTERACTIVE) is place
    assert place.shards.start == before.stop


def test_the_place_that_was_left_last_is_taken_first_and_none_without_rivals_is_kept() -> None:
    places = ClaimPlaces()
    first, last, alone = (places.take(TurnClass.INTERACTIVE) for _ in range(3))
    for place in (first, last):
        narrowed(NARROWINGS_MAX, place=place)
    for place in (first, last, alone):
        places.leave(TurnClass.INTERACTIVE, place)
    assert places.take(TurnClass.INTERACTIVE) is last
    assert places.take(TurnClass.INTERACTIVE) is first
    assert places.take(TurnClass.INTERACTIVE) is not alone


def test_a_pass_goes_past_the_shards_of_others_however_many_they_are() -> None:
    places = ClaimPlaces()
    wide, narrow = (places.take(TurnClass.INTERACTIVE) for _ in range(2))
    narrowed(1, place=wide)
    narrowed(3, at=12, place=narrow)
    for place in (wide, narrow):
        places.leave(TurnClass.INTERACTIVE, place)
    assert places.take(TurnClass.INTERACTIVE).shards == range(16, 20)
    assert places.take(TurnClass.INTERACTIVE).shards == range(16)


def test_a_pass_that_looks_at_all_shards_keeps_no_others_together() -> None:
    places = ClaimPlaces()
    one, other, _ = (places.take(TurnClass.INTERACTIVE) for _ in range(3))
    for place in (one, other):
        narrowed(NARROWINGS_MAX, place=place)
        places.leave(TurnClass.INTERACTIVE, place)
    assert places.take(TurnClass.INTERACTIVE).shards == range(1, 2)
    assert places.take(TurnClass.INTERACTIVE).shards == range(2, 3)


def test_passes_of_different_classes_need_not_be_apart() -> None:
    places = ClaimPlaces()
    for turn_class in TurnClass:
        place = places.take(turn_class)
        narrowed(NARROWINGS_MAX, place=place)
        places.leave(turn_class, place)
    again = [places.take(turn_class) for turn_class in TurnClass]
    assert [place.shards for place in again] == [range(1, 2)] * len(TurnClass)
