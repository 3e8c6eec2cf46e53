"""A bucket: counts, limits, counting, and the lanes that wait for a place."""

from __future__ import annotations

import pytest
from attrs import evolve

from tests.domain.turns.places import (
    NOW,
    OPERATOR,
    SCOPE,
    TENANT,
    USER,
    bucket,
    counting,
    lane_of,
    later,
    limits,
)
from turnkeep_domain.decisions import Changed, Refused, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Index
from turnkeep_domain.principals import Principal
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.bucket import BUCKETS, Bucket
from turnkeep_domain.turns.bucket_ids import Axis, BucketId, buckets_of
from turnkeep_domain.turns.events import LimitChanged
from turnkeep_domain.turns.policy import TurnClass
from turnkeep_domain.turns.refusals import NotPermitted

NOT_OPERATORS = [Actor.submitter(Principal.person("ada")), Actor.system("billing")]


def index(of: Bucket) -> Index:
    return BUCKETS.index_of(of)


def parked(*users: str, running: int = 1) -> Bucket:
    """A bucket of one place, in which lanes wait."""
    full = bucket(running=1).counted(held=running, running=running)
    for user in users:
        after = full.park(lane_of(user))
        assert after is not None
        full = after
    return full


# ---- counts and room ----------------------------------------------------------------------------


def test_counts_move_together_or_alone() -> None:
    counted = bucket().counted(held=2, running=1).counted(held=-1)
    assert (counted.held, counted.running) == (1, 1)


@pytest.mark.parametrize("what", ["held", "running"])
def test_fewer_than_none_cannot_be(what: str) -> None:
    with pytest.raises(InvalidValue, match=what):
        bucket().counted(**{what: -1})


@pytest.mark.parametrize(("held", "room"), [(0, True), (1, True), (2, False), (3, False)])
def test_held_runs_bound_what_may_be_submitted(*, held: int, room: bool) -> None:
    assert bucket(held=2).counted(held=held).has_room_to_hold is room


@pytest.mark.parametrize(("running", "room"), [(0, True), (1, True), (2, False), (3, False)])
def test_running_runs_bound_what_may_be_claimed(*, running: int, room: bool) -> None:
    assert bucket(running=2).counted(running=running).has_room_to_run is room


def test_without_a_limit_there_is_always_room() -> None:
    crowded = bucket().counted(held=900, running=900)
    assert crowded.has_room_to_hold
    assert crowded.has_room_to_run


def test_while_it_counts_it_refuses_nobody() -> None:
    crowded = counting(held=0, running=0).counted(held=900, running=900)
    assert crowded.has_room_to_hold
    assert crowded.has_room_to_run


# ---- counting -----------------------------------------------------------------------------------


def test_a_limit_where_none_was_counts_first() -> None:
    made = counting(held=5)
    assert made.counting_since == NOW
    assert (index(made).state, index(made).due_at) == ("counting", NOW)


def test_its_count_is_whole_once_no_submit_can_have_missed_it() -> None:
    made = counting(held=5)
    assert not made.is_countable(later(14.999999))
    assert made.is_countable(later(15))


def test_in_force_too_early_changes_nothing() -> None:
    made = counting(held=5)
    assert made.in_force(now=later(14)) == Unchanged(made)


def test_in_force_it_binds() -> None:
    decision = counting(held=1).counted(held=1).in_force(now=later(15))
    assert isinstance(decision, Changed)
    assert not decision.state.has_room_to_hold
    assert decision.events == ()


def test_in_force_twice_changes_nothing() -> None:
    assert isinstance(bucket(held=5).in_force(now=later(99)), Unchanged)


def test_a_limit_that_is_changed_while_it_counts_goes_on_counting() -> None:
    decision = counting(held=5).limited(limits(held=7), by=OPERATOR, now=later(3))
    assert isinstance(decision, Changed)
    assert (decision.state.limits.held, decision.state.counting_since) == (7, NOW)


# ---- limits -------------------------------------------------------------------------------------


def test_an_operator_limits_and_that_is_told() -> None:
    made = Bucket.first_limited(TENANT, limits(held=5, running=2), by=OPERATOR, now=NOW)
    assert isinstance(made, Changed)
    [event] = made.events
    assert isinstance(event, LimitChanged)
    assert (event.limits, event.actor, event.at) == (limits(held=5, running=2), OPERATOR, NOW)
    assert event.address == made.state.address


def test_a_changed_limit_is_told_too() -> None:
    decision = bucket(held=5).limited(limits(held=9), by=OPERATOR, now=later(20))
    assert isinstance(decision, Changed)
    assert [event.kind for event in decision.events] == ["limit.changed"]
    assert decision.state.limited_at == later(20)


def test_the_same_limits_again_change_nothing() -> None:
    same = bucket(held=5)
    assert same.limited(limits(held=5), by=OPERATOR, now=later(20)) == Unchanged(same)


def test_a_lower_limit_evicts_nobody() -> None:
    crowded = bucket(held=9, running=9).counted(held=9, running=9)
    decision = crowded.limited(limits(held=1, running=1), by=OPERATOR, now=later(20))
    assert isinstance(decision, Changed)
    assert (decision.state.held, decision.state.running) == (9, 9)


@pytest.mark.parametrize("actor", NOT_OPERATORS)
def test_nobody_but_an_operator_limits_for_the_first_time(actor: Actor) -> None:
    made = Bucket.first_limited(TENANT, limits(held=5), by=actor, now=NOW)
    assert made == Refused(NotPermitted())


@pytest.mark.parametrize("actor", NOT_OPERATORS)
def test_nobody_but_an_operator_changes_limits(actor: Actor) -> None:
    decision = bucket(held=5).limited(limits(held=9), by=actor, now=NOW)
    assert decision == Refused(NotPermitted())


def test_running_runs_are_bounded_for_tenants_alone() -> None:
    with pytest.raises(InvalidValue, match="tenant"):
        Bucket.first_limited(USER, limits(running=1), by=OPERATOR, now=NOW)


# ---- lanes that wait ----------------------------------------------------------------------------


def test_the_lane_that_has_waited_longest_is_the_first_to_wake() -> None:
    freed = parked("ada", "grace").counted(running=-1)
    assert freed.first_to_wake == lane_of("ada")
    assert freed.unpark(lane_of("ada")).first_to_wake == lane_of("grace")


def test_nobody_wakes_while_there_is_no_place() -> None:
    assert parked("ada").first_to_wake is None
    assert parked("ada", running=2).counted(running=-1).first_to_wake is None


def test_nobody_wakes_where_nobody_waits() -> None:
    assert bucket(running=1).first_to_wake is None


def test_a_lane_waits_in_a_bucket_once() -> None:
    once = parked("ada")
    assert once.park(lane_of("ada")) is once


def test_128_lanes_wait_and_the_next_does_not() -> None:
    full = parked(*(f"u{number}" for number in range(128)))
    assert full.park(lane_of("one more")) is None
    assert full.park(lane_of("u5")) is full


def test_more_than_128_waiting_lanes_cannot_be() -> None:
    full = parked(*(f"u{number}" for number in range(128)))
    with pytest.raises(InvalidValue, match="128"):
        evolve(full, parked=(*full.parked, lane_of("one more")))


def test_a_lane_that_waits_twice_cannot_be() -> None:
    with pytest.raises(InvalidValue, match="distinct"):
        evolve(parked("ada"), parked=(lane_of("ada"), lane_of("ada")))


def test_a_sweep_finds_a_bucket_with_room_and_waiting_lanes_alone() -> None:
    assert index(parked("ada").counted(running=-1)).state == "wake"
    assert index(parked("ada")).state == "quiet"
    assert index(bucket(running=1)).state == "quiet"


def test_a_raised_limit_lets_a_sweep_find_it() -> None:
    decision = parked("ada").limited(limits(running=2), by=OPERATOR, now=later(20))
    assert isinstance(decision, Changed)
    assert (index(decision.state).state, index(decision.state).due_at) == ("wake", later(20))


# ---- ids ----------------------------------------------------------------------------------------


def test_seven_buckets_may_count_a_run_in_the_order_in_which_they_are_judged() -> None:
    ids = [id.cell_id for id in buckets_of(SCOPE, TurnClass.BACKGROUND)]
    assert ids == [
        "tenant.total",
        "tenant.background",
        "user.total",
        "project.total",
        "project.background",
        "agent.total",
        "agent.background",
    ]


def test_a_run_without_project_has_a_bucket_of_its_own_on_that_axis() -> None:
    with_project = buckets_of(SCOPE, TurnClass.INTERACTIVE)
    without = buckets_of(evolve(SCOPE, project=None), TurnClass.INTERACTIVE)
    assert [one == two for one, two in zip(with_project, without, strict=True)] == [
        *(True, True, True),
        *(False, False),
        *(True, True),
    ]


@pytest.mark.parametrize("turn_class", TurnClass)
def test_a_bucket_concerns_the_runs_that_name_it_and_no_others(turn_class: TurnClass) -> None:
    every = {
        id
        for scope in (SCOPE, evolve(SCOPE, agent=None), Scope.of("acme", "bob", thread="t"))
        for of_class in TurnClass
        for id in buckets_of(scope, of_class)
    }
    named = set(buckets_of(SCOPE, turn_class))
    assert {id for id in every if id.concerns(SCOPE, turn_class)} == named


def test_a_bucket_of_a_deeper_scope_cannot_be() -> None:
    with pytest.raises(InvalidValue, match="scope"):
        BucketId(scope=Scope.of("acme", "ada"), axis=Axis.TENANT, turn_class=None)


def test_a_user_has_no_bucket_by_class() -> None:
    with pytest.raises(InvalidValue, match="lane"):
        BucketId(scope=USER.scope, axis=Axis.USER, turn_class=TurnClass.BACKGROUND)
