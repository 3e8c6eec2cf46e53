"""Accepting: a thread has one active run, and a repeated submit finds the first one."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pytest
from attrs import evolve

from tests.domain.turns.samples import (
    EIGHT,
    NEXT,
    NOW,
    PAYLOAD,
    RUN,
    SCOPE,
    SUBMITTER,
    Thread,
    completed,
    free,
    later,
    queued,
    running,
    submitted,
    turn,
)
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Address, Index
from turnkeep_domain.request_ids import RequestId, RequestIdReused, digest_of
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.bucket_ids import Axis, BucketId
from turnkeep_domain.turns.ended import RUNS
from turnkeep_domain.turns.events import RunSubmitted
from turnkeep_domain.turns.lineage import Lineage
from turnkeep_domain.turns.moved import Moved
from turnkeep_domain.turns.names import RunId
from turnkeep_domain.turns.policy import TurnClass, TurnPolicy
from turnkeep_domain.turns.refusals import RunIdSpent, ThreadBusy, ThreadDeleted
from turnkeep_domain.turns.run import Run
from turnkeep_domain.turns.run_states import Queued, RunStatus
from turnkeep_domain.turns.turn import run_id, turn_id
from turnkeep_domain.turns.turn_state import TURN_STATES

REQUEST: Final = RequestId("q1")
PARENT: Final = RunAddress(SCOPE, RunId("parent"))


def submit(thread: Thread, *, lineage: Lineage | None = None) -> Decision[Moved, Run, object]:
    return thread.state.submit(
        id=NEXT,
        turn=turn("q2"),
        policy=TurnPolicy.background(),
        lineage=lineage or Lineage.of_root(),
        holds=(),
        actor=SUBMITTER,
        now=NOW,
    )


def recorded(thread: Thread, *, payload: bytes = PAYLOAD) -> object:
    return thread.state.recorded(
        id=RUN,
        payload=digest_of("other") if payload != PAYLOAD else PAYLOAD,
        request_id=REQUEST,
        ended=thread.record(),
    )


def test_an_accepted_turn_is_queued_due_at_once_and_valid_for_fifteen_seconds() -> None:
    answer = submit(free())
    assert isinstance(answer, Changed)
    assert answer.valid_until == later(15)
    run = answer.outcome
    assert run.state == Queued(due_at=NOW, outside=False)
    assert (run.id, run.journal, run.version, run.epoch, run.lease) == (NEXT, NEXT, 1, 0, None)
    assert run.policy.turn_class is TurnClass.BACKGROUND
    (event,) = answer.events
    assert isinstance(event, RunSubmitted)
    assert event.address == Address(RUNS.name, SCOPE, NEXT)
    assert (event.parent, event.retry_of, event.status) == (None, None, RunStatus.QUEUED)


def test_a_child_tells_its_parent() -> None:
    lineage = Lineage.of_root().child_of(PARENT)
    answer = submit(free(), lineage=lineage)
    assert isinstance(answer, Changed)
    (event,) = answer.events
    assert isinstance(event, RunSubmitted)
    assert event.parent == "parent"
    assert answer.outcome.lineage == Lineage(parent=PARENT, root=PARENT, depth=1, retry_of=None)
    grandchild = lineage.child_of(RunAddress(SCOPE, RUN))
    assert (grandchild.root, grandchild.depth) == (PARENT, 2)


def test_a_deleted_thread_is_told_before_a_busy_one() -> None:
    """5, 9."""
    busy = queued()
    assert submit(busy) == Refused(ThreadBusy(RUN, RunStatus.QUEUED))
    closed = busy.state.close(now=NOW)
    assert isinstance(closed, Changed)
    assert submit(evolve(busy, state=closed.state.state)) == Refused(ThreadDeleted())


def test_a_refused_submit_is_not_recorded_and_may_succeed_later() -> None:
    """5."""
    assert isinstance(submit(running()), Refused)
    assert isinstance(submit(completed()), Changed)


def test_closing_twice_writes_once() -> None:
    closed = free().state.close(now=NOW)
    assert isinstance(closed, Changed)
    assert closed.state.state.close(now=later(1)) == Unchanged(None)


@pytest.mark.parametrize("state", EIGHT)
def test_a_repeated_submit_finds_its_run_active_or_ended(state: str) -> None:
    """2, 3."""
    thread = EIGHT[state]()
    assert recorded(thread) == Unchanged(thread.run)
    assert recorded(thread, payload=b"") == Refused(RequestIdReused(REQUEST))


def test_a_repeated_submit_finds_its_run_after_the_next_one_began() -> None:
    """2."""
    first = completed()
    assert recorded(submitted(first, request="q2")) == Unchanged(first.run)


def test_the_id_of_a_retired_run_is_spent() -> None:
    record = completed().record()
    assert record is not None
    retired = record.retire(retention=timedelta(0), now=NOW)
    assert isinstance(retired, Changed)
    for payload, reason in (
        (PAYLOAD, RunIdSpent(RUN)),
        (digest_of("other"), RequestIdReused(REQUEST)),
    ):
        answer = free().state.recorded(
            id=RUN, payload=payload, request_id=REQUEST, ended=retired.state
        )
        assert answer == Refused(reason)


def test_a_fresh_request_is_not_recorded() -> None:
    assert recorded(free()) is None
    assert recorded(submitted(free(), request="q2")) is None


def test_ids_follow_from_scope_operation_and_request() -> None:
    """7: the actor is no part of them."""
    elsewhere = Scope.of("acme", "bo", agent="scout", thread="t1")
    ids = {
        run_id(SCOPE, "submit", REQUEST),
        run_id(SCOPE, "retry", REQUEST),
        run_id(SCOPE, "submit", RequestId("q2")),
        run_id(elsewhere, "submit", REQUEST),
        turn_id(SCOPE, REQUEST),
    }
    assert len(ids) == 5
    assert run_id(SCOPE, "submit", REQUEST) == RUN
    assert RUN[14] == "8"


# ---- what goes along ----------------------------------------------------------------------------


def test_a_run_that_finds_its_lane_full_stands_outside_until_it_is_entered() -> None:
    state = queued().state.put_outside()
    assert state.active is not None
    assert state.active.state == Queued(due_at=NOW, outside=True)
    assert state.active.version == 1
    entered = state.enter_lane(run=RUN, now=later(1))
    assert isinstance(entered, Changed)
    assert entered.events == ()
    assert entered.outcome.version == 2
    with pytest.raises(InvalidValue, match="active must be queued"):
        running().state.put_outside()


def test_a_bucket_counts_a_run_once() -> None:
    bucket = BucketId(scope=Scope.of("acme", None), axis=Axis.TENANT, turn_class=None)
    joined = queued().state.join_bucket(run=RUN, bucket=bucket, now=NOW)
    assert isinstance(joined, Changed)
    state = joined.state.state
    assert state.active is not None
    assert state.active.holds == (bucket,)
    again = state.join_bucket(run=RUN, bucket=bucket, now=NOW)
    assert again == Unchanged(state.active.standing)


# ---- index --------------------------------------------------------------------------------------

CREATED: Final = "20300101000000000000"


@pytest.mark.parametrize(
    ("state", "indexed", "due_at"),
    [
        ("queued", "queued", None),
        ("running", "held", later(90)),
        ("cancel_requested", "held", later(90)),
        ("blocked", "blocked.approval", later(3_600)),
        ("needs_operator", "needs_operator", None),
    ],
)
def test_an_active_run_is_found_by_what_is_due_of_it(
    state: str, indexed: str, due_at: object
) -> None:
    index = TURN_STATES.index_of(EIGHT[state]().state)
    assert index == Index(state=indexed, due_at=due_at, sort=f"{CREATED}{RUN}")  # type: ignore[arg-type]  # a time


@pytest.mark.parametrize("state", ["completed", "failed", "cancelled"])
def test_a_thread_without_a_run_is_in_no_range_of_live_ones(state: str) -> None:
    """69."""
    index = TURN_STATES.index_of(EIGHT[state]().state)
    assert index == Index(state="free", due_at=None, sort=f"{CREATED}t1")


def test_a_closed_thread_and_a_run_outside_its_lane_are_told_apart() -> None:
    closed = free().state.close(now=NOW)
    assert isinstance(closed, Changed)
    assert TURN_STATES.index_of(closed.state.state).state == "closed"
    outside = TURN_STATES.index_of(queued().state.put_outside())
    assert (outside.state, outside.due_at) == ("outside", NOW)


# ---- what no turn state may say ----------------------------------------------------------------


def wrong(**changes: object) -> None:
    evolve(running().state, **changes)  # type: ignore[arg-type]  # by name


def test_a_turn_state_never_holds_an_ended_run_or_one_of_another_scope() -> None:
    """1 of the invariants."""
    with pytest.raises(InvalidValue, match="that has not ended"):
        wrong(active=completed().run)
    with pytest.raises(InvalidValue, match="of the same scope"):
        wrong(scope=Scope.of("acme", "bo"))


def test_the_epoch_of_a_live_claim_is_the_fence() -> None:
    """2, 3 of the invariants."""
    with pytest.raises(InvalidValue, match="must be the epoch of the active claim"):
        wrong(fence=2)
    waiting = EIGHT["blocked"]().state
    with pytest.raises(InvalidValue, match="must never be below an epoch"):
        evolve(waiting, fence=0)


@pytest.mark.parametrize("state", EIGHT)
def test_a_lease_exists_exactly_while_a_run_is_claimed(state: str) -> None:
    """2 of the invariants."""
    run, held = EIGHT[state]().run, running().run
    with pytest.raises(InvalidValue, match="lease must be there exactly while"):
        evolve(run, lease=None if run.lease is not None else held.lease)
