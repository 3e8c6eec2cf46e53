"""Runners: who holds a claim is judged in one order, before anything that a command asks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import pytest
from attrs import evolve

from tests.domain.turns.samples import (
    ADA,
    AUTH,
    BACKOFF,
    DEADLINE,
    GRACE,
    HOST,
    MOMENT,
    NEXT,
    NOW,
    ONE,
    OTHER,
    RUN,
    SCOPE,
    SUBMITTER,
    TTL,
    UNJOURNALED,
    Thread,
    blocked,
    cancelled,
    cancelling,
    claim_of,
    claimed,
    completed,
    expired,
    failed,
    free,
    later,
    queued,
    running,
    submitted,
    token,
    with_intent,
)
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.checkpoint import CheckpointKind
from turnkeep_domain.turns.claims import Claim, Heartbeat, Relinquishment, RunStanding, Token
from turnkeep_domain.turns.ended import RetiredRun
from turnkeep_domain.turns.events import RunClaimed
from turnkeep_domain.turns.lane import Granted
from turnkeep_domain.turns.moved import Moved
from turnkeep_domain.turns.names import Category, Ref
from turnkeep_domain.turns.refusals import (
    ClaimEnded,
    EffectsOpen,
    EndRefusal,
    LeaseExpired,
    LeaseLost,
    NotFound,
    RouteFixed,
    RunNotDue,
    ThreadDeleted,
    WrongState,
)
from turnkeep_domain.turns.route import Route
from turnkeep_domain.turns.run_states import Cancelled, Failed, NeedsOperator, Queued, RunStatus

RESULT: Final = Ref("result-1")
ROUTE: Final = Route(provider=Ref("house"), model=Ref("large"), config_ref=None, auth_ref=None)


def held(thread: Thread, claim: Claim, now: datetime = NOW) -> object:
    return thread.state.held(claim=claim, ended=thread.record(), now=now)


def complete(
    thread: Thread, claim: Claim, *, result: Ref | None = RESULT
) -> Decision[Moved, RunStanding, EndRefusal]:
    return thread.state.complete(claim=claim, result_ref=result, ended=thread.record(), now=NOW)


# ---- order -------------------------------------------------------------------------------------


def test_a_claim_of_another_run_is_not_found_whatever_else_is_wrong() -> None:
    claim = Claim(run=RunAddress(SCOPE, NEXT), epoch=9, token=OTHER)
    assert held(running(), claim, DEADLINE) == Refused(NotFound(NEXT))


def test_a_recorded_end_is_told_before_anything_that_is_wrong_with_the_lease() -> None:
    """18."""
    thread = expired(running())
    old = claim_of(thread)
    again = claimed(thread, token=OTHER, now=later(100))
    answer = held(again, old, later(1_000))
    assert answer == Refused(ClaimEnded(thread.state.ends[-1]))


@pytest.mark.parametrize(
    ("epoch", "presented"), [(0, ONE), (2, ONE), (1, OTHER)], ids=["old", "future", "foreign"]
)
def test_another_epoch_or_token_has_lost_the_lease_even_past_the_deadline(
    epoch: int, presented: Token
) -> None:
    """32."""
    thread = running()
    claim = evolve(claim_of(thread), epoch=epoch, token=presented)
    assert held(thread, claim, DEADLINE) == Refused(LeaseLost())


def test_at_its_deadline_a_claim_is_over_and_a_moment_before_it_is_not() -> None:
    """28."""
    thread = running()
    claim = claim_of(thread)
    assert held(thread, claim, DEADLINE - MOMENT) == thread.run
    assert held(thread, claim, DEADLINE) == Refused(LeaseExpired(DEADLINE))


def test_the_deadline_is_judged_before_the_state() -> None:
    """29."""
    thread = cancelling()
    answer = thread.state.set_route(claim=claim_of(thread), route=ROUTE, ended=None, now=DEADLINE)
    assert answer == Refused(LeaseExpired(DEADLINE))


def test_the_state_is_judged_before_open_steps() -> None:
    thread = cancelling(with_intent())
    answer = thread.state.set_route(claim=claim_of(thread), route=ROUTE, ended=None, now=NOW)
    assert answer == Refused(WrongState(RunStatus.CANCEL_REQUESTED))


def test_of_a_retired_run_nothing_answers() -> None:
    ended = completed().record()
    assert ended is not None
    retired = ended.retire(retention=timedelta(0), now=NOW)
    assert isinstance(retired, Changed)
    assert isinstance(retired.state, RetiredRun)
    answer = free().state.held(
        claim=Claim(run=RunAddress(SCOPE, RUN), epoch=1, token=ONE), ended=retired.state, now=NOW
    )
    assert answer == Refused(NotFound(RUN))


# ---- repeats ------------------------------------------------------------------------------------


def test_a_repeated_complete_has_the_same_outcome_even_after_the_next_run() -> None:
    """34."""
    thread = completed()
    claim = Claim(run=RunAddress(SCOPE, RUN), epoch=1, token=ONE)
    outcome = RunStanding(run=RUN, status=RunStatus.COMPLETED, version=3)
    assert complete(thread, claim) == Unchanged(outcome)
    following = claimed(submitted(thread, request="q2"), token=OTHER)
    assert complete(following, claim) == Unchanged(outcome)


def test_a_repeat_of_a_run_without_a_thread_is_answered_from_its_record() -> None:
    thread = completed()
    forgotten = Thread(state=free().state, ended=thread.ended)
    claim = Claim(run=RunAddress(SCOPE, RUN), epoch=1, token=ONE)
    assert isinstance(complete(forgotten, claim), Unchanged)


def test_complete_with_another_result_is_another_end() -> None:
    thread = completed()
    claim = Claim(run=RunAddress(SCOPE, RUN), epoch=1, token=ONE)
    assert complete(thread, claim, result=None) == Refused(ClaimEnded(thread.state.ends[-1]))


def test_fail_after_complete_is_told_how_the_claim_ended() -> None:
    """35."""
    thread = completed()
    answer = thread.state.fail(
        claim=Claim(run=RunAddress(SCOPE, RUN), epoch=1, token=ONE),
        category=Category("late"),
        effect=None,
        ended=thread.record(),
        now=NOW,
    )
    assert answer == Refused(ClaimEnded(thread.state.ends[-1]))


def test_a_repeated_block_is_answered_after_the_run_was_cancelled() -> None:
    thread = blocked(AUTH, until=None)
    claim = claim_of(thread)
    after = thread.after(
        thread.state.call_off(run=RUN, reason=Ref("r"), by=HOST, grace=GRACE, now=NOW)
    )
    answer = after.state.block(
        claim=claim,
        gate=AUTH,
        live=(),
        until=later(5),
        settled=None,
        approval=None,
        effect=None,
        ended=after.record(),
        now=NOW,
    )
    assert answer == Unchanged(RunStanding(run=RUN, status=RunStatus.BLOCKED, version=3))


def test_the_ends_of_eight_claims_are_remembered_and_older_ones_have_lost_their_lease() -> None:
    thread = submitted(free())
    claims = []
    for number in range(9):
        thread = claimed(thread, token=token(number), now=later(number))
        claims.append(claim_of(thread, token(number)))
        thread = drained(thread, claims[-1], now=later(number))
    assert len(thread.state.ends) == 8
    assert held(thread, claims[0], later(9)) == Refused(LeaseLost())
    assert all(isinstance(told(held(thread, claim, later(9))), ClaimEnded) for claim in claims[1:])


def told(answer: object) -> object:
    assert isinstance(answer, Refused)
    return answer.reason


def drained(thread: Thread, claim: Claim, *, now: datetime = NOW) -> Thread:
    return thread.after(
        thread.state.relinquish(
            claim=claim,
            reason=Relinquishment.DRAIN,
            redo=None,
            effect=None,
            backoff=BACKOFF,
            ended=None,
            now=now,
        )
    )


# ---- claim --------------------------------------------------------------------------------------


def test_a_claim_takes_the_next_fence_as_its_epoch() -> None:
    thread = running()
    assert (thread.run.epoch, thread.state.fence) == (1, 1)
    again = claimed(expired(thread), token=OTHER, now=later(100))
    assert (again.run.epoch, again.state.fence) == (3, 3)


def test_a_claim_carries_no_deadline_and_its_event_names_holder_and_epoch() -> None:
    thread = queued()
    answer = thread.state.claim(run=RUN, holder="worker-1", token=ONE, ttl=TTL, now=NOW)
    assert isinstance(answer, Changed)
    assert answer.valid_until is None
    (event,) = answer.events
    assert isinstance(event, RunClaimed)
    assert (event.holder, event.epoch, event.version) == ("worker-1", 1, 2)


def test_a_repeated_token_is_given_the_same_while_its_claim_lasts() -> None:
    """16."""
    thread = running()
    granted = Granted(run=RunAddress(SCOPE, RUN), epoch=1)
    for now, answer in (
        (DEADLINE - MOMENT, Unchanged(granted)),
        (DEADLINE, Refused(WrongState(RunStatus.RUNNING))),
    ):
        again = thread.state.claim(run=RUN, holder="worker-1", token=ONE, ttl=TTL, now=now)
        assert again == answer


def test_an_ended_token_is_told_so_and_takes_nothing() -> None:
    """18."""
    thread = expired(running())
    answer = thread.state.claim(run=RUN, holder="worker-1", token=ONE, ttl=TTL, now=later(200))
    assert answer == Refused(ClaimEnded(thread.state.ends[-1]))


def test_a_run_is_claimed_when_it_is_due_and_not_a_moment_before() -> None:
    thread = expired(running())
    state = thread.run.state
    assert isinstance(state, Queued)
    early = thread.state.claim(run=RUN, holder="w", token=OTHER, ttl=TTL, now=state.due_at - MOMENT)
    assert early == Refused(RunNotDue(state.due_at))
    assert claimed(thread, token=OTHER, now=state.due_at).run.status is RunStatus.RUNNING


def test_a_run_outside_its_lane_is_not_claimed() -> None:
    state = queued().state.put_outside()
    answer = state.claim(run=RUN, holder="w", token=ONE, ttl=TTL, now=NOW)
    assert answer == Refused(WrongState(RunStatus.QUEUED))


def test_in_a_closed_thread_nothing_is_claimed_and_what_is_held_goes_on() -> None:
    closed = queued().state.close(now=NOW)
    assert isinstance(closed, Changed)
    answer = closed.state.state.claim(run=RUN, holder="w", token=ONE, ttl=TTL, now=NOW)
    assert answer == Refused(ThreadDeleted())
    thread = running()
    closing = thread.state.close(now=NOW)
    assert isinstance(closing, Changed)
    assert closing.state.state.held(claim=claim_of(thread), ended=None, now=NOW) == thread.run


# ---- heartbeat, start, checkpoint, route --------------------------------------------------------


def test_a_heartbeat_changes_the_lease_and_nothing_else() -> None:
    """27."""
    thread = running()
    answer = thread.state.heartbeat(claim=claim_of(thread), ttl=TTL, ended=None, now=later(30))
    assert isinstance(answer, Changed)
    assert answer.outcome == Heartbeat(until=later(120), cancel_by=None, at=later(30))
    assert answer.events == ()
    after = answer.state.state
    assert after.active is not None
    assert evolve(after, active=evolve(after.active, lease=thread.run.lease)) == thread.state


def test_a_heartbeat_never_shortens_and_stops_at_cancel_by() -> None:
    """33."""
    thread = running()
    late = cancelling(thread, now=later(50))
    answer = late.state.heartbeat(claim=claim_of(thread), ttl=TTL, ended=None, now=later(60))
    assert isinstance(answer, Changed)
    assert answer.outcome == Heartbeat(until=later(110), cancel_by=later(110), at=later(60))
    early = cancelling(thread, now=later(1))
    answer = early.state.heartbeat(claim=claim_of(thread), ttl=TTL, ended=None, now=later(30))
    assert answer == Unchanged(Heartbeat(until=DEADLINE, cancel_by=later(61), at=later(30)))


def test_a_start_is_noted_once_and_only_of_a_run_that_is_not_journaled() -> None:
    thread = running(policy=UNJOURNALED)
    claim = claim_of(thread)
    started = thread.after(thread.state.start(claim=claim, ended=None, now=NOW))
    assert started.run.lease is not None
    assert started.run.lease.started
    again = started.state.start(claim=claim, ended=None, now=NOW)
    assert again == Unchanged(started.run.standing)
    journaled = running()
    answer = journaled.state.start(claim=claim_of(journaled), ended=None, now=NOW)
    assert answer == Unchanged(journaled.run.standing)


def test_a_run_that_is_called_off_is_not_started() -> None:
    thread = cancelling(running(policy=UNJOURNALED))
    answer = thread.state.start(claim=claim_of(thread), ended=None, now=NOW)
    assert answer == Refused(WrongState(RunStatus.CANCEL_REQUESTED))


def test_checkpoints_are_numbered_and_bounded() -> None:
    thread = running()
    for sequence in (1, 2):
        answer = thread.state.checkpoint(
            claim=claim_of(thread),
            kind=CheckpointKind.BEFORE_MODEL,
            schema=3,
            payload=b"s" * 65_536,
            ordinals=(("mail", 2),),
            ended=None,
            now=NOW,
        )
        assert isinstance(answer, Changed)
        assert (answer.outcome.sequence, answer.outcome.run) == (sequence, RUN)
        assert answer.events == ()
        thread = thread.after(answer)
        assert thread.run.counters.checkpoint == sequence
    with pytest.raises(InvalidValue, match="payload must have at most 65536 bytes"):
        thread.state.checkpoint(
            claim=claim_of(thread),
            kind=CheckpointKind.FINAL,
            schema=3,
            payload=b"s" * 65_537,
            ordinals=(),
            ended=None,
            now=NOW,
        )


def test_a_route_is_chosen_once() -> None:
    thread = running()
    claim = claim_of(thread)
    answer = thread.state.set_route(claim=claim, route=ROUTE, ended=None, now=NOW)
    assert isinstance(answer, Changed)
    assert [event.kind for event in answer.events] == ["run.routed"]
    routed = thread.after(answer)
    again = routed.state.set_route(claim=claim, route=ROUTE, ended=None, now=NOW)
    assert again == Unchanged(routed.run.standing)
    other = evolve(ROUTE, model=Ref("small"))
    refusal = routed.state.set_route(claim=claim, route=other, ended=None, now=NOW)
    assert refusal == Refused(RouteFixed())


# ---- ends ---------------------------------------------------------------------------------------


def test_a_run_with_an_open_step_is_not_completed_and_fails_into_an_operators_hands() -> None:
    """37."""
    thread = with_intent()
    assert complete(thread, claim_of(thread)) == Refused(EffectsOpen(thread.run.open))
    after = failed(thread)
    assert after.run.state == NeedsOperator(category=Category("model_overloaded"), since=NOW)


def test_after_a_cancel_request_every_end_is_cancelled_and_counts_what_is_uncertain() -> None:
    """38."""
    thread = cancelling(with_intent())
    after = thread.after(complete(thread, claim_of(thread)))
    assert after.run.state == Cancelled(
        reason=Ref("no longer wanted"), by=SUBMITTER, result_ref=Ref("result-1"), uncertain=1
    )
    assert after.record() is not None
    assert after.state.active is None


def test_a_drain_is_due_at_once_and_counted_apart_from_losses() -> None:
    thread = running()
    after = drained(thread, claim_of(thread))
    assert after.run.state == Queued(due_at=NOW, outside=False)
    assert (after.run.counters.returned, after.run.counters.lost) == (1, 0)


@pytest.mark.parametrize(("losses", "seconds"), [(1, 1.5), (2, 3), (3, 6), (4, 12), (5, 24)])
def test_a_lost_run_rests_twice_as_long_each_time_and_jitter_is_added(
    losses: int, seconds: float
) -> None:
    thread = submitted(free())
    now, due_at = NOW, NOW
    for number in range(losses):
        thread = claimed(thread, token=token(number), now=due_at)
        now = due_at + TTL
        thread = expired(thread, now=now)
        state = thread.run.state
        assert isinstance(state, Queued)
        due_at = state.due_at
    assert due_at - now == timedelta(seconds=seconds)


def test_the_sixth_loss_fails_the_run() -> None:
    """61."""
    thread = submitted(free())
    now = NOW
    for number in range(6):
        assert thread.run.status is RunStatus.QUEUED
        thread = claimed(thread, token=token(number), now=now)
        now += TTL
        thread = expired(thread, now=now)
        now += timedelta(minutes=2)
    assert thread.run.state == Failed(category=Category("attempts_exhausted"), effect=None)


def test_the_twenty_first_return_fails_the_run() -> None:
    thread = submitted(free())
    for number in range(21):
        assert thread.run.status is RunStatus.QUEUED
        thread = claimed(thread, token=token(number))
        thread = drained(thread, claim_of(thread, token(number)))
    assert thread.run.state == Failed(category=Category("attempts_exhausted"), effect=None)


@pytest.mark.parametrize("started", [False, True])
def test_a_started_run_without_a_journal_goes_to_an_operator_when_it_is_lost(
    *, started: bool
) -> None:
    thread = running(policy=UNJOURNALED)
    if started:
        thread = thread.after(thread.state.start(claim=claim_of(thread), ended=None, now=NOW))
    status = RunStatus.NEEDS_OPERATOR if started else RunStatus.QUEUED
    assert expired(thread).run.status is status
    assert drained(thread, claim_of(thread)).run.status is status


def test_a_started_run_without_a_journal_may_say_itself_that_it_failed() -> None:
    thread = running(policy=UNJOURNALED)
    thread = thread.after(thread.state.start(claim=claim_of(thread), ended=None, now=NOW))
    assert failed(thread).run.status is RunStatus.FAILED


def test_a_step_under_way_goes_to_an_operator_even_when_attempts_are_exhausted() -> None:
    policy = evolve(UNJOURNALED, journaled=True, lost_max=0)
    thread = expired(with_intent(running(policy=policy)))
    assert thread.run.state == NeedsOperator(category=Category("expired"), since=DEADLINE)
    assert expired(running(policy=policy)).run.status is RunStatus.FAILED


def test_a_sweep_a_moment_early_does_nothing() -> None:
    """60."""
    early = running().state.expire(run=RUN, backoff=BACKOFF, now=DEADLINE - MOMENT)
    assert early == Refused(RunNotDue(DEADLINE))


def test_a_second_sweep_finds_nothing_to_recover() -> None:
    """62."""
    after = expired(running())
    again = after.state.expire(run=RUN, backoff=BACKOFF, now=DEADLINE)
    assert again == Refused(WrongState(RunStatus.QUEUED))


def test_an_expiry_is_recorded_so_that_its_runner_is_told() -> None:
    thread = expired(running())
    answer = thread.state.complete(
        claim=Claim(run=RunAddress(SCOPE, RUN), epoch=1, token=ONE),
        result_ref=None,
        ended=None,
        now=DEADLINE,
    )
    (end,) = thread.state.ends
    assert answer == Refused(ClaimEnded(end))
    assert (end.operation.value, end.outcome.status) == ("expiry", RunStatus.QUEUED)


def test_an_ended_run_keeps_its_ends_and_requests() -> None:
    record = cancelled().record()
    assert record is not None
    assert [mark.request_id for mark in record.requests.entries] == ["c1"]
    record = completed().record()
    assert record is not None
    assert [end.operation.value for end in record.ends] == ["complete"]
    assert record.run.turn.actor == ADA
