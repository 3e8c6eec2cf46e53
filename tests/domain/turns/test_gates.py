"""Gates: a run waits without a worker, and goes on exactly once."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import pytest
from attrs import evolve

from tests.domain.turns.samples import (
    APPROVAL_ID,
    ASK,
    AUTH,
    CHILD,
    GATE,
    HOST,
    JOIN,
    JOINED,
    MOMENT,
    NOW,
    OPERATOR,
    RUN,
    SIBLING,
    STRANGER,
    SUBMITTER,
    UNTIL,
    Thread,
    blocked,
    cancelling,
    claim_of,
    claimed,
    completed,
    granted_by_approval,
    later,
    running,
    token,
    with_intent,
)
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.request_ids import RequestId, RequestIdReused
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.claims import RunStanding
from turnkeep_domain.turns.effect import Done, EffectKind, Mode
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.events import EffectSettled, RunBlocked, RunResumed
from turnkeep_domain.turns.gates import Disposition, Gate, GateKind
from turnkeep_domain.turns.limits import APPROVALS_MAX, APPROVALS_OPEN_MAX, AWAITED_MAX, EFFECTS_MAX
from turnkeep_domain.turns.moved import Moved
from turnkeep_domain.turns.names import Ref, RunId
from turnkeep_domain.turns.parking import call_at
from turnkeep_domain.turns.refusals import (
    BlockRefusal,
    ClaimEnded,
    EffectsFull,
    EffectsOpen,
    GateMismatch,
    GatePending,
    NotFound,
    NotPermitted,
    ReplayDiverged,
    ResumeRefusal,
    RunNotDue,
    WrongState,
)
from turnkeep_domain.turns.run import RunApproval
from turnkeep_domain.turns.run_states import Blocked, Queued, RunStatus

RESUMED: Final = RequestId("r1")


def block(
    thread: Thread,
    gate: Gate = GATE,
    *,
    live: tuple[RunAddress, ...] | None = None,
    until: datetime | None = UNTIL,
    settled: Disposition | None = None,
    approval: str | None = None,
) -> Decision[Moved, RunStanding | Disposition, BlockRefusal]:
    return thread.state.block(
        claim=claim_of(thread),
        gate=gate,
        live=gate.awaited if live is None else live,
        until=until,
        settled=settled,
        approval=approval,
        effect=thread.effects.get(gate.effect),
        ended=thread.record(),
        now=NOW,
    )


def resume(
    thread: Thread,
    *,
    kind: GateKind = GateKind.APPROVAL,
    ref: str = APPROVAL_ID,
    disposition: Disposition | None = Disposition.GRANTED,
    actor: Actor = HOST,
    request_id: RequestId = RESUMED,
    now: datetime = NOW,
) -> Decision[Moved, RunStanding, ResumeRefusal]:
    return thread.state.resume(
        run=RUN,
        kind=kind,
        ref=Ref(ref),
        disposition=disposition,
        actor=actor,
        request_id=request_id,
        ended=thread.record(),
        now=now,
    )


# ---- block --------------------------------------------------------------------------------------


def test_a_blocked_run_keeps_its_gate_and_lists_the_approval_that_was_raised_along() -> None:
    """44."""
    answer = block(running(), approval=APPROVAL_ID)
    assert isinstance(answer, Changed)
    (event,) = answer.events
    assert isinstance(event, RunBlocked)
    assert (event.gate, event.until) == (GateKind.APPROVAL, UNTIL)
    run = answer.state.state.active
    assert run is not None
    assert run.state == Blocked(gate=GATE, since=NOW, until=UNTIL)
    assert run.approvals == (RunApproval(id=APPROVAL_ID, open=True),)
    assert run.counters.effects == 0


def test_a_run_with_an_open_step_does_not_wait() -> None:
    thread = with_intent()
    assert block(thread) == Refused(EffectsOpen(thread.run.open))


@pytest.mark.parametrize("settled", Disposition)
def test_a_gate_that_has_ended_never_parks(settled: Disposition) -> None:
    """45."""
    thread = with_intent()
    answer = block(thread, settled=settled)
    assert isinstance(answer, Changed)
    assert answer.outcome is settled
    assert [type(event) for event in answer.events] == [EffectSettled]
    after = thread.after(answer)
    assert after.run.status is RunStatus.RUNNING
    assert after.run.lease == thread.run.lease
    assert after.effects[ASK].state == Done(output=b"", disposition=settled)
    assert after.run.counters.effects == 2
    assert block(after) == Unchanged(settled)


def test_joined_runs_that_have_all_ended_never_park() -> None:
    """45."""
    answer = block(running(), JOINED, live=(), until=None)
    assert isinstance(answer, Changed)
    assert answer.outcome is Disposition.GRANTED


def test_a_run_waits_for_those_joined_runs_that_have_not_ended() -> None:
    thread = running()
    after = thread.after(block(thread, JOINED, live=(SIBLING,), until=None))
    assert isinstance(after.run.state, Blocked)
    assert after.run.state.gate == evolve(JOINED, awaited=(SIBLING,))


def test_a_wait_that_has_elapsed_before_it_began_never_parks() -> None:
    answer = block(running(), AUTH, until=NOW)
    assert isinstance(answer, Changed)
    assert answer.outcome is Disposition.ELAPSED
    thread = running()
    waiting = thread.after(block(thread, AUTH, until=NOW + MOMENT))
    assert waiting.run.status is RunStatus.BLOCKED


def test_a_gate_under_a_known_name_is_the_same_gate() -> None:
    """57."""
    thread = running()
    passed = thread.after(block(thread, settled=Disposition.GRANTED))
    other = Gate.of(kind=GateKind.APPROVAL, ref=Ref("another"), effect=ASK)
    assert block(passed, other) == Refused(ReplayDiverged(ASK))
    fewer = Gate.of(kind=GateKind.DEPENDENT_RUN, ref=Ref("join"), effect=JOIN, awaited=(CHILD,))
    joined = thread.after(block(thread, JOINED, live=(), until=None))
    assert block(joined, fewer) == Refused(ReplayDiverged(JOIN))
    assert block(joined, JOINED, until=None) == Unchanged(Disposition.GRANTED)


def test_a_run_that_is_called_off_ends_instead_of_waiting() -> None:
    """38."""
    thread = cancelling(with_intent())
    answer = block(thread, approval=APPROVAL_ID)
    assert isinstance(answer, Changed)
    assert answer.state.ended is not None
    assert answer.state.ended.run.approvals == ()
    assert answer.state.ended.run.status is RunStatus.CANCELLED


def with_approvals(thread: Thread, *entries: RunApproval) -> Thread:
    return evolve(thread, state=evolve(thread.state, active=evolve(thread.run, approvals=entries)))


def test_a_ninth_approval_and_a_fifth_open_one_find_the_run_full() -> None:
    """75."""
    spent = [RunApproval(id=f"a{n}", open=False) for n in range(APPROVALS_MAX)]
    eight = with_approvals(running(), *spent)
    assert block(eight, approval=APPROVAL_ID) == Refused(EffectsFull("approvals"))
    assert isinstance(block(with_approvals(running(), *spent[1:]), approval=APPROVAL_ID), Changed)
    pending = [RunApproval(id=f"a{n}", open=True) for n in range(APPROVALS_OPEN_MAX)]
    four = with_approvals(running(), *pending)
    assert block(four, approval=APPROVAL_ID) == Refused(EffectsFull("approvals_open"))


def test_an_approval_is_listed_once() -> None:
    listed = RunApproval(id=APPROVAL_ID, open=True)
    thread = with_approvals(running(), listed)
    after = thread.after(block(thread, approval=APPROVAL_ID))
    assert after.run.approvals == (listed,)


def test_a_run_without_room_in_its_journal_does_not_wait() -> None:
    """75."""
    thread = running()
    run = evolve(thread.run, counters=evolve(thread.run.counters, effects=EFFECTS_MAX))
    full = evolve(thread, state=evolve(thread.state, active=run))
    assert block(full) == Refused(EffectsFull("effects"))
    assert block(full, settled=Disposition.GRANTED) == Refused(EffectsFull("effects"))


def test_a_repeated_block_names_the_same_call() -> None:
    thread = running()
    waiting = thread.after(block(thread, AUTH, until=None))
    claim = claim_of(thread)
    for gate, same in (
        (AUTH, True),
        (Gate.of(kind=AUTH.kind, ref=AUTH.ref, effect=EffectId("ask", 1)), False),
        (Gate.of(kind=AUTH.kind, ref=AUTH.ref, effect=EffectId("tell", 0)), False),
    ):
        answer = waiting.state.block(
            claim=claim,
            gate=gate,
            live=(),
            until=None,
            settled=None,
            approval=None,
            effect=None,
            ended=None,
            now=NOW,
        )
        ended = Refused(ClaimEnded(waiting.state.ends[-1]))
        assert answer == (Unchanged(waiting.run.standing) if same else ended)


# ---- resume -------------------------------------------------------------------------------------


@pytest.mark.parametrize("disposition", Disposition)
def test_a_gate_that_ends_queues_the_run_and_is_journaled_however_it_ends(
    disposition: Disposition,
) -> None:
    """49."""
    thread = blocked()
    answer = resume(thread, disposition=disposition)
    assert isinstance(answer, Changed)
    (event,) = answer.events
    assert isinstance(event, RunResumed)
    assert (event.gate, event.disposition, event.actor) == (GateKind.APPROVAL, disposition, HOST)
    assert answer.valid_until == UNTIL
    after = thread.after(answer)
    assert after.run.state == Queued(due_at=NOW, outside=False)
    entry = after.effects[ASK]
    assert (entry.kind, entry.mode) == (EffectKind.GATE, Mode.SAFE)
    assert entry.state == Done(output=b"", disposition=disposition)
    assert entry.is_call(call_at(GATE))
    assert after.run.counters.effects == 1


def test_a_resume_zeroes_what_was_lost_and_returned() -> None:
    thread = running()
    counters = evolve(thread.run.counters, lost=3, returned=4)
    run = evolve(thread.run, counters=counters)
    thread = blocked(thread=evolve(thread, state=evolve(thread.state, active=run)))
    after = thread.after(resume(thread)).run.counters
    assert (after.lost, after.returned) == (0, 0)


@pytest.mark.parametrize(
    ("disposition", "listed"),
    [
        (Disposition.GRANTED, (RunApproval(id=APPROVAL_ID, open=False),)),
        (Disposition.DENIED, ()),
        (Disposition.ELAPSED, ()),
        (Disposition.WITHDRAWN, ()),
    ],
)
def test_an_approval_that_was_granted_stays_listed_and_any_other_does_not(
    disposition: Disposition, listed: tuple[RunApproval, ...]
) -> None:
    thread = blocked()
    assert thread.after(resume(thread, disposition=disposition)).run.approvals == listed


def test_resume_judges_request_then_actor_then_state_then_gate_then_approval() -> None:
    """46."""
    thread = blocked()
    resumed = thread.after(resume(thread))
    assert resume(resumed, actor=STRANGER) == Refused(RequestIdReused(RESUMED))
    assert resume(thread, actor=STRANGER, kind=GateKind.AUTH, ref="x") == Refused(NotPermitted())
    elsewhere = resume(thread, kind=GateKind.AUTH, ref="another", disposition=None)
    assert elsewhere == Refused(WrongState(RunStatus.BLOCKED))
    assert resume(thread, ref="another", disposition=None) == Refused(GateMismatch())
    assert resume(thread, disposition=None) == Refused(GatePending(Ref(APPROVAL_ID)))


def test_another_actor_in_the_same_role_does_not_repeat_a_request() -> None:
    thread = blocked()
    resumed = thread.after(resume(thread))
    elsewhere = resume(resumed, actor=Actor.system("another gateway"))
    assert elsewhere == Refused(RequestIdReused(RESUMED))


def test_resume_is_asked_of_a_run_that_exists() -> None:
    answer = blocked().state.resume(
        run=RunId("another"),
        kind=GateKind.APPROVAL,
        ref=Ref(APPROVAL_ID),
        disposition=Disposition.GRANTED,
        actor=STRANGER,
        request_id=RESUMED,
        ended=None,
        now=NOW,
    )
    assert answer == Refused(NotFound("another"))


@pytest.mark.parametrize("kind", GateKind)
@pytest.mark.parametrize("actor", [SUBMITTER, STRANGER, OPERATOR, HOST])
def test_a_gate_is_ended_by_the_submitter_or_the_host_and_joined_runs_by_the_host(
    actor: Actor, kind: GateKind
) -> None:
    gate = JOINED if kind is GateKind.DEPENDENT_RUN else evolve(AUTH, kind=kind)
    thread = blocked(gate)
    may = actor == HOST or (actor == SUBMITTER and kind is not GateKind.DEPENDENT_RUN)
    answer = resume(thread, kind=kind, ref=gate.ref, actor=actor)
    assert isinstance(answer, Changed) == may
    assert may or answer == Refused(NotPermitted())


def test_two_resumes_are_one_event_and_the_repeat_has_the_same_outcome() -> None:
    """48."""
    thread = blocked()
    first = resume(thread)
    assert isinstance(first, Changed)
    after = thread.after(first)
    assert resume(after) == Unchanged(first.outcome)
    other = resume(after, request_id=RequestId("r2"))
    assert other == Refused(WrongState(RunStatus.QUEUED))


def test_a_repeat_is_answered_after_the_run_has_ended() -> None:
    thread = blocked()
    first = resume(thread)
    assert isinstance(first, Changed)
    again = claimed(thread.after(first), token=token(7))
    ended = again.after(
        again.state.complete(claim=claim_of(again, token(7)), result_ref=None, ended=None, now=NOW)
    )
    assert resume(ended) == Unchanged(first.outcome)
    assert resume(ended, request_id=RequestId("r2")) == Refused(WrongState(RunStatus.COMPLETED))


def test_what_a_caller_says_of_an_approval_is_no_part_of_the_request() -> None:
    """47: the approval says it, so a repeat may find it said otherwise."""
    thread = blocked()
    after = thread.after(resume(thread))
    assert isinstance(resume(after, disposition=Disposition.DENIED), Unchanged)
    waiting = blocked(AUTH)
    resumed = waiting.after(resume(waiting, kind=GateKind.AUTH, ref="login"))
    other = resume(resumed, kind=GateKind.AUTH, ref="login", disposition=Disposition.DENIED)
    assert other == Refused(RequestIdReused(RESUMED))


@pytest.mark.parametrize("disposition", [None, *Disposition])
def test_a_resume_at_its_deadline_is_elapsed_whatever_is_said(
    disposition: Disposition | None,
) -> None:
    """51."""
    thread = blocked()
    answer = resume(thread, disposition=disposition, now=UNTIL)
    assert isinstance(answer, Changed)
    assert answer.valid_until is None
    after = thread.after(answer)
    assert after.effects[ASK].state == Done(output=b"", disposition=Disposition.ELAPSED)
    assert after.run.approvals == ()


def test_a_release_is_a_resume_whose_actor_was_judged_elsewhere() -> None:
    thread = blocked()
    after = granted_by_approval(thread)
    assert after.run.status is RunStatus.QUEUED
    assert after.state.requests.entries == ()
    for kind, ref, refusal in (
        (GateKind.AUTH, APPROVAL_ID, WrongState(RunStatus.BLOCKED)),
        (GateKind.APPROVAL, "another", GateMismatch()),
    ):
        answer = thread.state.release(
            run=RUN,
            kind=kind,
            ref=Ref(ref),
            disposition=Disposition.GRANTED,
            actor=HOST,
            now=NOW,
        )
        assert answer == Refused(refusal)


def test_thirty_two_requests_are_remembered_and_those_before_are_counted() -> None:
    thread = running()
    for number in range(34):
        gate = Gate.of(kind=GateKind.AUTH, ref=Ref("login"), effect=EffectId("ask", number))
        waiting = evolve(
            claim_of(thread), token=token(number) if number else claim_of(thread).token
        )
        thread = thread.after(
            thread.state.block(
                claim=waiting,
                gate=gate,
                live=(),
                until=None,
                settled=None,
                approval=None,
                effect=None,
                ended=None,
                now=NOW,
            )
        )
        request_id = RequestId(f"r{number}")
        answer = resume(thread, kind=GateKind.AUTH, ref="login", request_id=request_id)
        thread = claimed(thread.after(answer), token=token(number + 1))
    marks = thread.state.requests
    assert [mark.request_id for mark in marks.entries] == [f"r{n}" for n in range(2, 34)]
    assert marks.dropped == 2


# ---- elapse, awaited runs -----------------------------------------------------------------------


def test_a_wait_elapses_at_its_end_and_not_a_moment_before() -> None:
    """60."""
    thread = blocked()
    early = thread.state.elapse(run=RUN, now=UNTIL - MOMENT)
    assert early == Refused(RunNotDue(UNTIL))
    after = thread.after(thread.state.elapse(run=RUN, now=UNTIL))
    assert after.effects[ASK].state == Done(output=b"", disposition=Disposition.ELAPSED)
    endless = blocked(AUTH, until=None)
    answer = endless.state.elapse(run=RUN, now=later(10**9))
    assert answer == Refused(WrongState(RunStatus.BLOCKED))


def test_the_last_awaited_run_lets_its_parent_go() -> None:
    """50."""
    thread = blocked(JOINED, until=None)
    first = thread.state.awaited_ended(child=CHILD, now=NOW)
    assert isinstance(first, Changed)
    assert first.events == ()
    one_left = thread.after(first)
    assert one_left.run.version == thread.run.version + 1
    assert isinstance(one_left.run.state, Blocked)
    assert one_left.run.state.gate.awaited == (SIBLING,)
    assert one_left.state.awaited_ended(child=CHILD, now=NOW) == Unchanged(None)
    last = one_left.state.awaited_ended(child=SIBLING, now=NOW)
    assert isinstance(last, Changed)
    assert [type(event) for event in last.events] == [RunResumed]
    after = one_left.after(last)
    assert after.run.status is RunStatus.QUEUED
    assert after.effects[JOIN].state == Done(output=b"", disposition=Disposition.GRANTED)
    assert after.effects[JOIN].is_call(call_at(JOINED))


@pytest.mark.parametrize("thread", [running(), blocked(), completed()])
def test_who_awaits_nobody_is_not_changed(thread: Thread) -> None:
    assert thread.state.awaited_ended(child=CHILD, now=NOW) == Unchanged(None)


def test_an_awaited_run_that_ends_past_the_deadline_finds_the_wait_elapsed() -> None:
    """51."""
    thread = blocked(JOINED)
    for child in (CHILD, SIBLING):
        early = thread.state.awaited_ended(child=child, now=NOW)
        assert isinstance(early, Changed)
        assert early.valid_until == UNTIL
    after = thread.after(thread.state.awaited_ended(child=CHILD, now=UNTIL))
    assert after.effects[JOIN].state == Done(output=b"", disposition=Disposition.ELAPSED)


# ---- approvals of a run -------------------------------------------------------------------------


def test_an_approval_that_ends_without_a_gate_is_noted_in_the_run() -> None:
    listed = (RunApproval(id="a", open=True), RunApproval(id="b", open=True))
    thread = with_approvals(running(), *listed)
    yes = thread.state.approval_ended(run=RUN, approval="a", approved=True, now=NOW)
    no = thread.state.approval_ended(run=RUN, approval="a", approved=False, now=NOW)
    assert thread.after(yes).run.approvals == (RunApproval(id="a", open=False), listed[1])
    assert thread.after(no).run.approvals == (listed[1],)
    unknown = thread.state.approval_ended(run=RUN, approval="c", approved=True, now=NOW)
    assert unknown == Unchanged(thread.run.standing)


# ---- gates themselves ---------------------------------------------------------------------------


def test_a_gate_names_runs_exactly_where_it_waits_for_runs() -> None:
    for kind in GateKind:
        awaited = () if kind is GateKind.DEPENDENT_RUN else (CHILD,)
        with pytest.raises(InvalidValue, match="must name runs exactly where"):
            Gate.of(kind=kind, ref=Ref("g"), effect=ASK, awaited=awaited)


def test_a_gate_awaits_sixteen_distinct_runs_at_most() -> None:
    runs = tuple(evolve(CHILD, id=RunId(f"c{number}")) for number in range(AWAITED_MAX + 1))
    for awaited in (runs, (CHILD, CHILD)):
        with pytest.raises(InvalidValue, match="at most 16 distinct runs"):
            Gate.of(kind=GateKind.DEPENDENT_RUN, ref=Ref("g"), effect=ASK, awaited=awaited)
    Gate.of(kind=GateKind.DEPENDENT_RUN, ref=Ref("g"), effect=ASK, awaited=runs[:-1])


def test_the_arguments_of_a_gate_follow_from_all_that_it_names() -> None:
    gates = [
        GATE,
        evolve_gate(ref="another"),
        evolve_gate(kind=GateKind.AUTH),
        JOINED,
        Gate.of(kind=JOINED.kind, ref=JOINED.ref, effect=JOIN, awaited=(CHILD,)),
    ]
    assert len({gate.arguments for gate in gates}) == len(gates)
    elsewhere = Gate.of(kind=GATE.kind, ref=GATE.ref, effect=EffectId("ask", 1))
    assert elsewhere.arguments == GATE.arguments


def evolve_gate(*, kind: GateKind = GateKind.APPROVAL, ref: str = APPROVAL_ID) -> Gate:
    return Gate.of(kind=kind, ref=Ref(ref), effect=ASK)
