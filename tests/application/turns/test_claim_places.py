"""Claim places: workers that meet come apart, and return to the earliest lanes once they do not."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from turnkeep_application.turns.claim_places import (
    CALM_PASSES,
    WIDENINGS_MAX,
    ClaimPlace,
    ClaimPlaces,
)
from turnkeep_domain.keys import Address, Index
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.limits import CLAIM_LANES_MAX
from turnkeep_domain.turns.policy import TurnClass
from turnkeep_ports.limits import PAGE_MAX
from turnkeep_ports.store import Cell, CommitId, Entry, Revision

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LANES = [
    Cell(
        address=Address("lane", Scope.of("acme", f"u{number}"), "interactive"),
        entry=Entry(body=b"", index=Index(state="ready.interactive", due_at=NOW, sort="")),
        revision=Revision(b"1"),
        written_by=CommitId(bytes(16)),
    )
    for number in range(256)
]


@pytest.fixture
def chance() -> random.Random:
    return random.Random(3)


def met(place: ClaimPlace, chance: random.Random, rivals: int) -> None:
    place.settle(served=8, rivals=rivals, below=lambda bound: chance.random() * bound)


def first(place: ClaimPlace) -> list[Cell]:
    return place.in_order(LANES, lambda _: 0)[:8]


def test_without_rivals_the_earliest_lanes_come_first(chance: random.Random) -> None:
    place = ClaimPlace()
    for _ in range(20):
        met(place, chance, 2)
    assert place.lanes == CLAIM_LANES_MAX
    assert first(place) == LANES[:8]


def test_who_meets_rivals_looks_at_more_lanes_up_to_a_bound(chance: random.Random) -> None:
    place, looked = ClaimPlace(), []
    for _ in range(5):
        met(place, chance, 3)
        looked.append(place.lanes)
    assert looked == [64, 128, 256, 256, 256]
    assert CLAIM_LANES_MAX << WIDENINGS_MAX <= PAGE_MAX


def test_a_place_serves_every_lane_that_is_looked_at_once(chance: random.Random) -> None:
    place = ClaimPlace()
    met(place, chance, 8)
    assert sorted(place.in_order(LANES, lambda _: 0), key=LANES.index) == LANES


def test_who_meets_no_more_rivals_stays_where_it_is_and_returns_at_last(
    chance: random.Random,
) -> None:
    place = ClaimPlace()
    met(place, chance, 8)
    begun = first(place)
    for _ in range(CALM_PASSES - 1):
        met(place, chance, 1)
        assert first(place) == begun
    met(place, chance, 0)
    assert (place.lanes, first(place)) == (CLAIM_LANES_MAX, LANES[:8])


def test_workers_that_meet_come_apart(chance: random.Random) -> None:
    places = [ClaimPlace() for _ in range(8)]
    for place in places:
        met(place, chance, 8)
    for _ in range(30):
        for place in places:
            others = {
                lane for other in places if other is not place for lane in map(id, first(other))
            }
            met(place, chance, sum(id(lane) in others for lane in first(place)))
    taken = [id(lane) for place in places for lane in first(place)]
    assert len(set(taken)) >= 60


def test_passes_of_one_process_that_run_at_once_have_places_of_their_own(
    chance: random.Random,
) -> None:
    places = ClaimPlaces()
    one, other = places.take(TurnClass.INTERACTIVE), places.take(TurnClass.INTERACTIVE)
    assert one is not other
    met(one, chance, 8)
    places.leave(TurnClass.INTERACTIVE, one)
    places.leave(TurnClass.INTERACTIVE, other)
    assert places.take(TurnClass.BACKGROUND).widenings == 0
    assert places.take(TurnClass.INTERACTIVE) is one
    assert places.take(TurnClass.INTERACTIVE).widenings == 0
