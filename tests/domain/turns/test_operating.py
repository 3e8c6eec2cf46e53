"""Operating: what happened is settled by a person, and nobody else lets such a run go on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import pytest
from attrs import evolve

from tests.domain.turns.samples import (
    DEADLINE,
    GRACE,
    HOST,
    MAIL,
    MOMENT,
    NEXT,
    NOW,
    OPERATOR,
    RUN,
    SUBMITTER,
    TTL,
    Thread,
    cancelled,
    claim_of,
    claimed,
    completed,
    expired,
    failed,
    intent,
    later,
    needing_an_operator,
    running,
    submitted,
    token,
    with_intent,
)
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.request_ids import RequestId, RequestIdReused
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.bucket_ids import Axis, BucketId
from turnkeep_domain.turns.claims import RunStanding
from turnkeep_domain.turns.effect import Done, NotDone, Outcome, RunEffect, Uncertain
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.ended import EndedRun, RetiredRun
from turnkeep_domain.turns.events import (
    EffectSettled,
    RunFailed,
    RunRequeued,
    RunRetired,
    RunSubmitted,
)
from turnkeep_domain.turns.lineage import Lineage
from turnkeep_domain.turns.moved import Moved
from turnkeep_domain.turns.names import Category, Ref, RunId
from turnkeep_domain.turns.refusals import (
    EffectsUnsettled,
    NotPermitted,
    OperatorRefusal,
    ResubmitRefusal,
    RunNotDue,
    ThreadBusy,
    ThreadClosed,
    WrongState,
)
from turnkeep_domain.turns.run import Run
from turnkeep_domain.turns.run_states import Failed, Queued, RunStatus

SENT: Final = Done(output=b"sent", disposition=None)
NEVER: Final = NotDone(category=Category("never_sent"), redo=True)
BUCKET: Final = BucketId(scope=Scope.of("acme", None), axis=Axis.TENANT, turn_class=None)


def retry(
    thread: Thread,
    settlements: Mapping[EffectId, Outcome] | None = None,
    *,
    actor: Actor = OPERATOR,
    request_id: str = "o1",
) -> Decision[Moved, RunStanding, OperatorRefusal]:
    return thread.state.retry(
        run=RUN,
        settlements={MAIL: SENT} if settlements is None else settlements,
        effects=tuple(thread.effects.values()),
        actor=actor,
        request_id=RequestId(request_id),
        ended=thread.record(),
        now=later(200),
    )


def give_up(
    thread: Thread,
    settlements: Mapping[EffectId, Outcome] | None = None,
    *,
    actor: Actor = OPERATOR,
    request_id: str = "o1",
) -> Decision[Moved, RunStanding, OperatorRefusal]:
    return thread.state.give_up(
        run=RUN,
        settlements=settlements or {},
        effects=tuple(thread.effects.values()),
        category=Category("hopeless"),
        actor=actor,
        request_id=RequestId(request_id),
        ended=thread.record(),
        now=later(200),
    )


def resubmit(
    thread: Thread,
    settlements: Mapping[EffectId, Outcome] | None = None,
    *,
    actor: Actor = OPERATOR,
    holds: tuple[BucketId, ...] = (),
    request_id: str = "again",
) -> Decision[Moved, Run, ResubmitRefusal]:
    record = thread.record()
    assert record is not None
    return thread.state.resubmit(
        called_off=(),
        failed=record,
        id=NEXT,
        settlements=settlements or {},
        effects=tuple(thread.effects.values()),
        holds=holds,
        actor=actor,
        request_id=RequestId(request_id),
        ended=None,
        now=later(200),
    )


# ---- retry --------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [SENT, NEVER])
def test_a_retry_settles_what_is_uncertain_and_lets_the_run_go_on(outcome: Outcome) -> None:
    """55."""
    thread = needing_an_operator()
    answer = retry(thread, {MAIL: outcome})
    assert isinstance(answer, Changed)
    told = [type(event) for event in answer.events]
    assert told == [EffectSettled, RunRequeued]
    after = thread.after(answer)
    assert after.run.state == Queued(due_at=later(200), outside=False)
    assert after.effects[MAIL].state == outcome
    assert (after.run.open, after.run.counters.lost) == ((), 0)
    assert after.run.counters.effects == 1


@pytest.mark.parametrize(
    "settlements",
    [{}, {EffectId("mail", 1): SENT}, {MAIL: SENT, EffectId("mail", 1): SENT}],
)
def test_a_retry_waits_until_all_uncertain_steps_and_no_others_are_settled(
    settlements: Mapping[EffectId, Outcome],
) -> None:
    """55."""
    answer = retry(needing_an_operator(), settlements)
    assert answer == Refused(EffectsUnsettled((MAIL,)))


def test_a_step_that_never_happened_may_be_called_again_after_a_retry() -> None:
    thread = needing_an_operator()
    thread = thread.after(retry(thread, {MAIL: NEVER}))
    again = claimed(thread, token=token(9), now=later(200))
    assert isinstance(intent(again, token=token(9), now=later(200)), Changed)
    done = needing_an_operator()
    done = claimed(done.after(retry(done)), token=token(9), now=later(200))
    assert intent(done, token=token(9), now=later(200)) == Unchanged(SENT)


@pytest.mark.parametrize("command", [retry, give_up])
@pytest.mark.parametrize("actor", [SUBMITTER, HOST])
def test_only_an_operator_decides_about_such_a_run(command: object, actor: Actor) -> None:
    assert callable(command)
    assert command(needing_an_operator(), actor=actor) == Refused(NotPermitted())


def test_a_repeated_retry_is_answered_alike_even_after_the_run_went_on() -> None:
    thread = needing_an_operator()
    first = retry(thread)
    assert isinstance(first, Changed)
    after = claimed(thread.after(first), token=token(9), now=later(200))
    assert retry(after) == Unchanged(first.outcome)
    reused = Refused(RequestIdReused(RequestId("o1")))
    assert retry(after, {MAIL: NEVER}) == reused
    assert retry(after, {MAIL: evolve(SENT, output=b"other")}) == reused
    assert retry(after, request_id="o2") == Refused(WrongState(RunStatus.RUNNING))
    never = thread.after(retry(thread, {MAIL: NEVER}))
    assert retry(never, {MAIL: evolve(NEVER, redo=False)}) == reused


def test_what_is_no_outcome_settles_nothing() -> None:
    for settlement in ("done", None, Uncertain(since=NOW, epoch=1, token=b"", evidence=())):  # type: ignore[arg-type]  # no digest
        with pytest.raises(InvalidValue, match="settlements must be"):
            retry(needing_an_operator(), {MAIL: settlement})  # type: ignore[dict-item]  # wrong on purpose


# ---- give up ------------------------------------------------------------------------------------


def test_a_run_that_is_given_up_fails_and_what_was_not_settled_stays_uncertain() -> None:
    thread = needing_an_operator()
    answer = give_up(thread)
    assert isinstance(answer, Changed)
    assert [type(event) for event in answer.events] == [RunFailed]
    after = thread.after(answer)
    assert after.run.state == Failed(category=Category("hopeless"), effect=None)
    assert after.run.open == (MAIL,)
    assert after.effects == thread.effects
    settled = thread.after(give_up(thread, {MAIL: SENT}))
    assert (settled.run.open, settled.effects[MAIL].state) == ((), SENT)


def test_a_run_is_not_given_up_with_settlements_of_other_steps() -> None:
    answer = give_up(needing_an_operator(), {EffectId("mail", 1): SENT})
    assert answer == Refused(EffectsUnsettled((MAIL,)))


def test_a_repeated_give_up_is_answered_from_the_runs_record() -> None:
    thread = needing_an_operator()
    first = give_up(thread)
    assert isinstance(first, Changed)
    after = thread.after(first)
    assert give_up(after) == Unchanged(first.outcome)
    assert give_up(after, request_id="o2") == Refused(WrongState(RunStatus.FAILED))


# ---- retry of a failed run ----------------------------------------------------------------------


def failed_by(outcome: Outcome) -> Thread:
    """Failed because of a step that came to this."""
    thread = with_intent()
    thread = thread.after(
        thread.state.settle(
            claim=claim_of(thread),
            id=MAIL,
            kind=thread.effects[MAIL].kind,
            mode=thread.effects[MAIL].mode,
            arguments=thread.effects[MAIL].arguments,
            outcome=outcome,
            effect=thread.effects[MAIL],
            ended=None,
            now=NOW,
        )
    )
    return failed(thread, effect=MAIL)


def test_a_failed_run_is_repeated_by_a_new_one_of_the_same_turn_on_the_same_journal() -> None:
    thread = failed_by(evolve(NEVER, redo=False))
    answer = resubmit(thread, holds=(BUCKET,))
    assert isinstance(answer, Changed)
    assert answer.valid_until == later(215)
    (event,) = answer.events
    assert isinstance(event, RunSubmitted)
    assert (event.retry_of, event.actor) == (RUN, OPERATOR)
    run = thread.after(answer).run
    assert (run.id, run.journal, run.version, run.epoch) == (NEXT, RUN, 1, 0)
    assert run.turn == thread.run.turn
    assert run.lineage == Lineage.of_root(retry_of=RUN)
    assert (run.holds, run.counters.effects, run.counters.lost) == ((BUCKET,), 1, 0)


def test_of_a_failed_run_only_the_call_that_failed_it_is_redone() -> None:
    """52, 58."""
    thread = failed_by(evolve(NEVER, redo=False))
    after = thread.after(resubmit(thread))
    assert after.effects[MAIL].is_to_be_redone
    done = failed_by(SENT)
    assert done.after(resubmit(done)).effects == done.effects
    caught = evolve(
        thread, ended={RUN: evolve_state(thread, Failed(category=Category("other"), effect=None))}
    )
    assert caught.after(resubmit(caught)).effects == caught.effects


def evolve_state(thread: Thread, state: Failed) -> EndedRun:
    record = thread.record()
    assert record is not None
    return evolve(record, run=evolve(record.run, state=state))


def test_a_failed_run_with_uncertain_steps_is_repeated_once_they_are_settled() -> None:
    """55."""
    thread = needing_an_operator()
    thread = thread.after(give_up(thread))
    assert resubmit(thread) == Refused(EffectsUnsettled((MAIL,)))
    answer = resubmit(thread, {MAIL: SENT})
    assert isinstance(answer, Changed)
    assert [type(event) for event in answer.events] == [RunSubmitted, EffectSettled]
    assert thread.after(answer).effects[MAIL].state == SENT


@pytest.mark.parametrize("thread", [completed(), cancelled()])
def test_only_a_failed_run_is_repeated(thread: Thread) -> None:
    assert resubmit(thread) == Refused(WrongState(thread.run.status))


def test_a_retry_judges_actor_then_state_then_steps_then_thread_then_busy() -> None:
    thread = needing_an_operator()
    thread = submitted(thread.after(give_up(thread)), request="q9")
    closed = thread.state.close(now=NOW)
    assert isinstance(closed, Changed)
    deleted = evolve(thread, state=closed.state.state)
    for actor in (SUBMITTER, HOST):
        assert resubmit(deleted, actor=actor) == Refused(NotPermitted())
    assert resubmit(deleted) == Refused(EffectsUnsettled((MAIL,)))
    assert resubmit(deleted, {MAIL: SENT}) == Refused(ThreadClosed())
    busy = ThreadBusy(thread.run.id, RunStatus.QUEUED)
    assert resubmit(thread, {MAIL: SENT}) == Refused(busy)


# ---- retire -------------------------------------------------------------------------------------


def test_a_run_is_retired_after_its_retention_and_its_tombstone_has_no_more_than_it_needs() -> None:
    record = completed().record()
    assert record is not None
    retention = timedelta(days=30)
    early = record.retire(retention=retention, now=NOW + retention - MOMENT)
    assert early == Refused(RunNotDue(NOW + retention))
    answer = record.retire(retention=retention, now=NOW + retention)
    assert isinstance(answer, Changed)
    assert answer.state == RetiredRun(
        id=RUN,
        scope=record.run.scope,
        payload=record.run.turn.payload,
        was=RunStatus.COMPLETED,
        ended_at=NOW,
        retired_at=NOW + retention,
    )
    assert [type(event) for event in answer.events] == [RunRetired]


def test_an_operators_run_may_be_called_off_and_says_how_much_is_uncertain() -> None:
    thread = needing_an_operator()
    after = thread.after(
        thread.state.call_off(run=RUN, reason=Ref("r"), by=OPERATOR, grace=GRACE, now=DEADLINE)
    )
    assert getattr(after.run.state, "uncertain", None) == 1


def test_settlements_name_entries_that_were_loaded() -> None:
    thread = needing_an_operator()
    nothing: Mapping[EffectId, RunEffect] = {}
    with pytest.raises(KeyError):
        retry(evolve(thread, effects=nothing))


def test_a_lost_run_that_was_retried_begins_to_count_anew() -> None:
    thread = needing_an_operator()
    thread = thread.after(retry(thread))
    again = claimed(thread, token=token(9), now=later(200))
    assert expired(again, now=later(200) + TTL).run.counters.lost == 1
    assert running().run.id == RunId(RUN)
