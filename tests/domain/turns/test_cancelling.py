"""Cancelling: total in every state, and whatever ends a claim afterwards ends the run."""

from __future__ import annotations

import pytest

from tests.domain.turns.samples import (
    EIGHT,
    GRACE,
    HOST,
    NOW,
    OPERATOR,
    RUN,
    STRANGER,
    SUBMITTER,
    Thread,
    blocked,
    cancelled,
    cancelling,
    completed,
    later,
    needing_an_operator,
    queued,
    running,
    submitted,
)
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.request_ids import RequestId, RequestIdReused
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.claims import RunStanding
from turnkeep_domain.turns.events import RunCancelled, RunCancelRequested
from turnkeep_domain.turns.moved import Moved
from turnkeep_domain.turns.names import Ref, RunId
from turnkeep_domain.turns.refusals import CancelRefusal, NotFound, NotPermitted
from turnkeep_domain.turns.run_states import Cancelled, CancelRequested, RunStatus


def cancel(
    thread: Thread,
    *,
    actor: Actor = SUBMITTER,
    request_id: str = "c9",
    reason: str = "enough",
    run: RunId = RUN,
    seconds: float = 0,
) -> Decision[Moved, RunStanding, CancelRefusal]:
    return thread.state.request_cancel(
        run=run,
        reason=Ref(reason),
        actor=actor,
        request_id=RequestId(request_id),
        grace=GRACE,
        ended=thread.record(),
        now=later(seconds),
    )


@pytest.mark.parametrize("state", EIGHT)
def test_a_repeated_cancel_is_answered_alike_and_writes_nothing(state: str) -> None:
    """39."""
    thread = EIGHT[state]()
    first = cancel(thread)
    assert isinstance(first, Changed | Unchanged)
    after = thread.after(first) if isinstance(first, Changed) else thread
    assert cancel(after, seconds=1) == Unchanged(first.outcome)
    assert cancel(after, request_id="another", seconds=1) == Unchanged(after.run.standing)


@pytest.mark.parametrize("thread", [queued(), blocked(), needing_an_operator()])
def test_a_run_that_nobody_holds_ends_at_once(thread: Thread) -> None:
    answer = cancel(thread, actor=OPERATOR)
    assert isinstance(answer, Changed)
    (event,) = answer.events
    assert isinstance(event, RunCancelled)
    uncertain = len(thread.run.open)
    assert (event.actor, event.reason, event.uncertain) == (OPERATOR, "enough", uncertain)
    after = thread.after(answer)
    assert after.state.active is None
    assert after.run.state == Cancelled(
        reason=Ref("enough"), by=OPERATOR, result_ref=None, uncertain=uncertain
    )
    assert after.state.fence == thread.state.fence


def test_a_run_that_is_held_is_told_to_end_by_a_deadline() -> None:
    """26."""
    thread = running()
    answer = cancel(thread, actor=HOST, seconds=5)
    assert isinstance(answer, Changed)
    (event,) = answer.events
    assert isinstance(event, RunCancelRequested)
    assert event.cancel_by == later(65)
    after = thread.after(answer)
    assert after.run.state == CancelRequested(reason=Ref("enough"), by=HOST, cancel_by=later(65))
    assert after.run.lease is not None
    assert after.run.lease.cancel_by == later(65)
    assert after.run.lease.tenure == (thread.run.lease and thread.run.lease.tenure)


@pytest.mark.parametrize("state", EIGHT)
def test_a_stranger_cancels_nothing(state: str) -> None:
    """40."""
    assert cancel(EIGHT[state](), actor=STRANGER) == Refused(NotPermitted())


@pytest.mark.parametrize("thread", [cancelling(), cancelled()])
def test_cancel_judges_the_run_then_the_request_then_the_actor(thread: Thread) -> None:
    assert cancel(thread, run=RunId("x"), request_id="c1", actor=STRANGER) == Refused(NotFound("x"))
    reused = Refused(RequestIdReused(RequestId("c1")))
    assert cancel(thread, request_id="c1", actor=STRANGER) == reused
    assert cancel(thread, request_id="c1", reason="another") == reused


def test_a_request_id_serves_one_run_of_a_thread() -> None:
    thread = submitted(cancelled(), request="q2")
    answer = cancel(thread, run=thread.run.id, request_id="c1", reason="no longer wanted")
    assert answer == Refused(RequestIdReused(RequestId("c1")))


def test_a_cancel_of_an_ended_run_leaves_the_next_one_alone() -> None:
    thread = submitted(completed(), request="q2")
    answer = cancel(thread)
    assert answer == Unchanged(RunStanding(run=RUN, status=RunStatus.COMPLETED, version=3))
    assert thread.run.status is RunStatus.QUEUED


def test_a_run_that_is_called_off_along_leaves_no_request_behind() -> None:
    thread = queued()
    answer = thread.state.call_off(run=RUN, reason=Ref("tree"), by=HOST, grace=GRACE, now=NOW)
    after = thread.after(answer)
    assert after.run.status is RunStatus.CANCELLED
    assert after.state.requests.entries == ()
