"""A lane: order, room, tokens, and when a claim may find it."""

from __future__ import annotations

from datetime import datetime

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.turns.places import (
    LANE,
    NOW,
    OPERATOR,
    TENANT,
    digest,
    entered,
    grant,
    later,
    names_in,
    queued,
    run,
)
from turnkeep_domain.decisions import Changed, Refused, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Index
from turnkeep_domain.principals import Principal
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.events import LaneLimitChanged
from turnkeep_domain.turns.lane import LANES, Lane, ready, shard_of
from turnkeep_domain.turns.lane_ids import LaneId
from turnkeep_domain.turns.policy import TurnClass
from turnkeep_domain.turns.refusals import NotPermitted


def due(lane: Lane, at: datetime = NOW) -> list[str]:
    return [entry.run.id for entry in lane.due(now=at)]


def index(lane: Lane) -> Index:
    return LANES.index_of(lane)


def filled(places: int) -> Lane:
    return queued(*(f"r{number}" for number in range(places)))


def limited(lane: Lane, limit: int | None) -> Lane:
    decision = lane.limited(limit, by=OPERATOR, now=NOW)
    assert isinstance(decision, Changed)
    return decision.state


# ---- order --------------------------------------------------------------------------------------


def test_runs_stand_by_due_time_and_then_by_arrival() -> None:
    lane = entered(queued("b", "c", at=5), "a", at=1)
    assert names_in(lane) == ["a", "b", "c"]


@given(st.lists(st.integers(0, 5), max_size=30))
def test_whatever_comes_in_whatever_order_the_lane_is_in_order(times: list[int]) -> None:
    lane = Lane.empty(LANE)
    for number, at in enumerate(times):
        lane = entered(lane, f"r{number}", at=at)
    expected = sorted(enumerate(times), key=lambda pair: (pair[1], pair[0]))
    assert names_in(lane) == [f"r{number}" for number, _ in expected]


def test_a_run_is_queued_once() -> None:
    assert names_in(entered(queued("a", "b"), "a")) == ["b", "a"]


def test_a_run_that_leaves_makes_its_place_free() -> None:
    assert names_in(queued("a", "b").leave(run("a"))) == ["b"]


def test_leaving_a_lane_in_which_one_is_not_changes_nothing() -> None:
    lane = queued("a")
    assert lane.leave(run("b")) is lane


def test_a_run_of_the_same_id_in_another_thread_is_another_run() -> None:
    other = evolve(run("a"), scope=Scope.of("acme", "ada", thread="elsewhere"))
    assert names_in(queued("a").leave(other)) == ["a"]


def test_a_run_that_is_put_back_comes_later_and_keeps_its_sequence() -> None:
    lane = queued("a", "b").put_back(run("a"), until=later(60))
    assert names_in(lane) == ["b", "a"]
    assert [entry.sequence for entry in lane.entries] == [1, 0]
    assert due(lane, later(59)) == ["b"]
    assert due(lane, later(60)) == ["b", "a"]


def test_putting_back_never_brings_a_run_forward() -> None:
    lane = queued("a", at=100).put_back(run("a"), until=later(60))
    assert lane.entries[0].due_at == later(100)


# ---- room ---------------------------------------------------------------------------------------


def test_the_256th_run_enters_and_the_257th_stays_outside() -> None:
    lane = filled(255).enter(run=run("last"), due_at=NOW, root=None)
    assert lane is not None
    assert lane.enter(run=run("more"), due_at=NOW, root=None) is None


def test_submits_fill_192_places_and_no_more() -> None:
    assert filled(191).has_room_for_submits
    assert not filled(192).has_room_for_submits


def test_a_lane_of_more_than_256_runs_cannot_be() -> None:
    lane = filled(256)
    surplus = evolve(lane.entries[-1], sequence=900, run=run("more"))
    with pytest.raises(InvalidValue, match="256"):
        evolve(lane, entries=(*lane.entries, surplus))


def test_a_lane_out_of_order_cannot_be() -> None:
    lane = queued("a", "b")
    with pytest.raises(InvalidValue, match="in order"):
        evolve(lane, entries=lane.entries[::-1])


# ---- what a claim finds -------------------------------------------------------------------------


def test_what_is_due_now_is_due_and_what_is_not_is_not() -> None:
    lane = entered(queued("now", at=0), "later", at=1)
    assert due(lane, NOW) == ["now"]
    assert due(lane, later(1)) == ["now", "later"]


@pytest.mark.parametrize(
    ("limit", "running", "room"),
    [(None, 9, 3), (2, 0, 2), (2, 1, 1), (2, 2, 0), (1, 2, 0), (0, 0, 0), (9, 0, 3)],
)
def test_its_own_limit_says_how_many_more_may_be_claimed(
    limit: int | None, running: int, room: int
) -> None:
    lane = evolve(queued("a", "b", "c"), limit=limit, running=running)
    assert lane.room_to_run == room
    assert bool(due(lane)) == (room > 0)


def test_an_empty_lane_is_idle_and_never_due() -> None:
    assert index(Lane.empty(LANE)) == Index(state="idle", due_at=None, sort="interactive")


def test_a_lane_with_runs_is_ready_when_its_first_is_due() -> None:
    found = index(entered(queued("b", at=5), "a", at=1))
    assert found.state == ready(TurnClass.INTERACTIVE, shard_of(LANE.scope))
    assert found.due_at == later(1)


def test_a_lane_of_the_other_class_is_found_by_that() -> None:
    lane = entered(Lane.empty(LaneId.of(LANE.scope, TurnClass.BACKGROUND)), "a")
    assert index(lane).state == ready(TurnClass.BACKGROUND, shard_of(LANE.scope))


def test_a_lane_that_was_served_is_due_from_then_on_and_no_earlier() -> None:
    lane = queued("a", "b").served(token=digest(1), grants=[grant("a")], now=later(9))
    assert index(lane).due_at == later(9)


def test_a_lane_that_was_served_long_ago_is_due_with_its_first_run() -> None:
    lane = queued("a", at=20).served(token=digest(1), grants=[grant("z")], now=later(9))
    assert index(lane).due_at == later(20)


def test_a_lane_at_its_limit_is_full_and_never_due() -> None:
    lane = evolve(queued("a"), limit=1, running=1)
    assert (index(lane).state, index(lane).due_at) == ("full", None)


def test_a_lane_below_its_limit_is_ready_again() -> None:
    lane = evolve(queued("a"), limit=1, running=1).counted(running=-1)
    assert index(lane).state == ready(TurnClass.INTERACTIVE, shard_of(LANE.scope))


def test_a_parked_lane_is_found_by_nobody_until_it_is_readied() -> None:
    lane = queued("a").parked(TENANT)
    assert (index(lane).state, index(lane).due_at, due(lane)) == ("parked", None, [])
    assert index(lane.readied()).state == ready(TurnClass.INTERACTIVE, shard_of(LANE.scope))
    assert due(lane.readied()) == ["a"]


def test_a_lane_that_is_put_off_gives_nothing_before() -> None:
    lane = queued("a").put_off(until=later(5))
    assert due(lane, later(4.999)) == []
    assert due(lane, later(5)) == ["a"]
    assert index(lane).due_at == later(5)


# ---- tokens -------------------------------------------------------------------------------------


def test_a_token_is_given_what_it_was_given() -> None:
    lane = queued("a").served(token=digest(1), grants=[grant("a", 3)], now=NOW)
    assert lane.granted(digest(1)) == (grant("a", 3),)
    assert lane.granted(digest(2)) is None


def test_a_lane_remembers_16_tokens_and_how_many_it_has_forgotten() -> None:
    lane = queued("a")
    for number in range(18):
        lane = lane.served(token=digest(number), grants=[grant("a", number)], now=NOW)
    assert lane.granted(digest(1)) is None
    assert lane.granted(digest(2)) == (grant("a", 2),)
    assert (len(lane.tokens), lane.tokens_dropped) == (16, 2)


def test_a_lane_tells_its_tokens_as_request_ids_so_that_doubts_about_them_are_judged() -> None:
    lane = queued("a")
    for number in range(18):
        lane = lane.served(token=digest(number), grants=[grant("a", number)], now=NOW)
    marks = LANES.marks_of(lane)
    assert marks is not None
    assert (marks.total, marks.dropped) == (18, 2)


def test_serving_nothing_is_no_service() -> None:
    with pytest.raises(InvalidValue, match="grants"):
        queued("a").served(token=digest(1), grants=[], now=NOW)


def test_nothing_renders_a_token() -> None:
    lane = queued("a").served(token=digest(1), grants=[grant("a")], now=NOW)
    assert repr(digest(1)) not in repr(lane)


def test_fewer_than_no_claimed_run_cannot_be() -> None:
    with pytest.raises(InvalidValue, match="running"):
        queued("a").counted(running=-1)


# ---- its limit ----------------------------------------------------------------------------------


def test_an_operator_limits_a_lane_and_that_is_told() -> None:
    decision = queued("a").limited(3, by=OPERATOR, now=NOW)
    assert isinstance(decision, Changed)
    assert decision.state.limit == 3
    [event] = decision.events
    assert isinstance(event, LaneLimitChanged)
    assert (event.limit, event.actor, event.at) == (3, OPERATOR, NOW)
    assert event.address == decision.state.address


def test_the_same_limit_again_changes_nothing() -> None:
    lane = limited(queued("a"), 3)
    assert lane.limited(3, by=OPERATOR, now=later(1)) == Unchanged(lane)


def test_a_limit_is_taken_away_again() -> None:
    assert limited(limited(queued("a"), 3), None).limit is None


@pytest.mark.parametrize(
    "actor", [Actor.submitter(Principal.person("ada")), Actor.system("billing")]
)
def test_nobody_but_an_operator_limits_a_lane(actor: Actor) -> None:
    assert queued("a").limited(3, by=actor, now=NOW) == Refused(NotPermitted())


def test_a_lower_limit_takes_nothing_from_any_worker() -> None:
    lane = limited(queued("a").counted(running=5), 2)
    assert (lane.running, lane.room_to_run) == (5, 0)


@pytest.mark.parametrize("limit", [-1, 1.0, "3", True])
def test_a_limit_that_is_no_number_is_refused(limit: object) -> None:
    with pytest.raises(InvalidValue, match="limit"):
        queued("a").limited(limit, by=OPERATOR, now=NOW)  # type: ignore[arg-type]  # wrong on purpose


# ---- its id -------------------------------------------------------------------------------------


def test_a_lane_is_that_of_a_tenant_and_user_whatever_lies_below() -> None:
    assert LANE.scope == Scope.of("acme", "ada")


@pytest.mark.parametrize("scope", [Scope.of("acme", None), Scope.of("acme", "ada", thread="t1")])
def test_a_lane_of_anything_else_cannot_be(scope: Scope) -> None:
    with pytest.raises(InvalidValue, match="scope"):
        LaneId(scope=scope, turn_class=TurnClass.INTERACTIVE)
