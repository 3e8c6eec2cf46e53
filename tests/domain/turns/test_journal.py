"""Journals: no call that may have happened is entered, counted or made twice."""

from __future__ import annotations

import pytest
from attrs import evolve

from tests.domain.turns.samples import (
    ARGUMENTS,
    BACKOFF,
    DEADLINE,
    MAIL,
    NEXT,
    NOW,
    ONE,
    OPERATOR,
    OTHER,
    RUN,
    SCOPE,
    Thread,
    blocked,
    call,
    cancelling,
    claim_of,
    claimed,
    expired,
    failed,
    free,
    intent,
    later,
    needing_an_operator,
    running,
    submitted,
    with_intent,
)
from turnkeep_domain.decisions import Changed, Decision, Refused, Settled, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.request_ids import Digest, RequestId, digest_of
from turnkeep_domain.turns.claims import Claim, Relinquishment, Token, token_digest
from turnkeep_domain.turns.effect import (
    Done,
    EffectKind,
    EffectState,
    Evidence,
    Intended,
    Mode,
    NotDone,
    Outcome,
    RunEffect,
    Uncertain,
    Unclear,
)
from turnkeep_domain.turns.effect_ids import EffectId, idempotency_key
from turnkeep_domain.turns.events import EffectSettled, EffectUncertain
from turnkeep_domain.turns.limits import EFFECTS_MAX, EVIDENCE_MAX, OPEN_MAX
from turnkeep_domain.turns.moved import Moved
from turnkeep_domain.turns.names import Category, RunId
from turnkeep_domain.turns.policy import TurnPolicy
from turnkeep_domain.turns.refusals import (
    ClaimEnded,
    EffectsFull,
    LeaseExpired,
    LeaseLost,
    ReplayDiverged,
    SettleRefusal,
    WrongState,
)
from turnkeep_domain.turns.run_states import Failed, RunStatus

SENT = Done(output=b"sent", disposition=None)
REFUSED = NotDone(category=Category("refused"), redo=False)
OTHER_ARGUMENTS = digest_of("to", "eve")


def settled(
    thread: Thread,
    outcome: Outcome | Unclear = SENT,
    *,
    id: EffectId = MAIL,
    kind: EffectKind = EffectKind.STEP,
    mode: Mode = Mode.ONCE,
    arguments: Digest = ARGUMENTS,
    claim: Claim | None = None,
    seconds: float = 0,
) -> Decision[Moved, EffectState, SettleRefusal]:
    return thread.state.settle(
        claim=claim or claim_of(thread),
        id=id,
        kind=kind,
        mode=mode,
        arguments=arguments,
        outcome=outcome,
        effect=thread.effects.get(id),
        ended=thread.record(),
        now=later(seconds),
    )


def relinquished(
    thread: Thread, *, redo: EffectId | None = None, claim: Claim | None = None
) -> Thread:
    return thread.after(
        thread.state.relinquish(
            claim=claim or claim_of(thread),
            reason=Relinquishment.ERROR,
            redo=redo,
            effect=None if redo is None else thread.effects[redo],
            backoff=BACKOFF,
            ended=None,
            now=NOW,
        )
    )


def full_of(thread: Thread, effects: int) -> Thread:
    run = evolve(thread.run, counters=evolve(thread.run.counters, effects=effects))
    return evolve(thread, state=evolve(thread.state, active=run))


# ---- intents ------------------------------------------------------------------------------------


def test_an_intent_is_open_under_its_claim_and_no_event_tells_of_it() -> None:
    answer = intent(running())
    assert isinstance(answer, Changed)
    assert answer.events == ()
    (entry,) = answer.state.effects
    assert entry.state == Intended(epoch=1, token=token_digest(ONE))
    assert (entry.journal, entry.run, entry.id) == (RUN, RUN, MAIL)
    run = answer.state.state.active
    assert run is not None
    assert (run.open, run.counters.effects) == ((MAIL,), 1)


def test_a_repeated_intent_is_answered_as_it_stands() -> None:
    thread = with_intent()
    assert intent(thread) == Unchanged(thread.effects[MAIL].state)
    done = thread.after(settled(thread))
    assert intent(done) == Unchanged(SENT)


@pytest.mark.parametrize("of", ["another run", "another claim", "another token"])
def test_what_another_has_intended_is_uncertain_to_everybody_else(of: str) -> None:
    """53: runs of one journal, granted by one pass, have one epoch and one token."""
    thread = with_intent()
    entry = thread.effects[MAIL]
    own = entry.state
    assert isinstance(own, Intended)
    match of:
        case "another run":
            entry = evolve(entry, run=NEXT)
        case "another claim":
            entry = evolve(entry, state=evolve(own, epoch=0))
        case _:
            entry = evolve(entry, state=evolve(own, token=token_digest(OTHER)))
    stranger = evolve(thread, effects={MAIL: entry})
    for answer in (intent(stranger), settled(stranger), settled(stranger, Unclear())):
        assert isinstance(answer, Unchanged)
        assert isinstance(answer.outcome, Uncertain)
    late = settled(stranger, seconds=10**6)
    assert late == settled(evolve(thread, effects={}), seconds=10**6)


def test_an_intent_with_other_arguments_has_diverged() -> None:
    """57."""
    answer = intent(with_intent(), arguments=OTHER_ARGUMENTS)
    assert answer == Refused(ReplayDiverged(MAIL))


def test_the_same_call_of_another_kind_or_mode_has_diverged() -> None:
    thread = with_intent()
    assert settled(thread, mode=Mode.KEYED) == Refused(ReplayDiverged(MAIL))
    assert settled(thread, kind=EffectKind.SPEND) == Refused(ReplayDiverged(MAIL))


def test_after_a_cancel_request_an_outcome_is_accepted_and_an_intent_is_not() -> None:
    """59."""
    thread = cancelling(with_intent())
    refusal = Refused(WrongState(RunStatus.CANCEL_REQUESTED))
    assert intent(thread, EffectId("another", 0)) == refusal
    after = thread.after(settled(thread))
    assert after.effects[MAIL].state == SENT
    assert after.run.open == ()


def test_a_seventeenth_open_step_finds_the_journal_full() -> None:
    """75."""
    thread = running()
    for ordinal in range(OPEN_MAX):
        thread = thread.after(intent(thread, EffectId("mail", ordinal)))
    assert intent(thread, EffectId("mail", OPEN_MAX)) == Refused(EffectsFull("open"))
    freed = thread.after(settled(thread))
    assert isinstance(intent(freed, EffectId("mail", OPEN_MAX)), Changed)


def test_the_thousand_and_first_entry_finds_the_journal_full() -> None:
    """75."""
    last = full_of(running(), EFFECTS_MAX - 1)
    assert isinstance(intent(last), Changed)
    full = full_of(running(), EFFECTS_MAX)
    assert intent(full) == Refused(EffectsFull("effects"))
    assert settled(full, mode=Mode.SAFE) == Refused(EffectsFull("effects"))


def test_a_step_that_is_done_again_needs_no_room() -> None:
    thread = with_intent()
    thread = thread.after(settled(thread, evolve(REFUSED, redo=True)))
    assert isinstance(intent(full_of(thread, EFFECTS_MAX)), Changed)


# ---- outcomes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [SENT, REFUSED])
def test_an_outcome_closes_the_step_and_is_told(outcome: Outcome) -> None:
    thread = with_intent()
    answer = settled(thread, outcome)
    assert isinstance(answer, Changed)
    (event,) = answer.events
    assert isinstance(event, EffectSettled)
    assert (event.effect, event.state) == (
        MAIL,
        "done" if isinstance(outcome, Done) else "not_done",
    )
    after = thread.after(answer)
    assert (after.effects[MAIL].state, after.run.open) == (outcome, ())
    assert after.run.counters.effects == 1


def test_a_repeated_outcome_returns_what_is_stored() -> None:
    thread = with_intent()
    thread = thread.after(settled(thread))
    assert settled(thread) == Unchanged(SENT)
    assert settled(thread, REFUSED) == Unchanged(SENT)


def test_a_once_step_is_settled_after_its_intent_alone() -> None:
    assert settled(running()) == Refused(ReplayDiverged(MAIL))


def test_a_step_of_which_not_even_its_runner_knows_is_uncertain_and_stays_open() -> None:
    thread = with_intent()
    answer = settled(thread, Unclear())
    assert isinstance(answer, Changed)
    assert [type(event) for event in answer.events] == [EffectUncertain]
    after = thread.after(answer)
    assert after.effects[MAIL].state == Uncertain(
        since=NOW, epoch=1, token=token_digest(ONE), evidence=()
    )
    assert after.run.open == (MAIL,)
    assert settled(after) == Unchanged(after.effects[MAIL].state)


@pytest.mark.parametrize("mode", [Mode.KEYED, Mode.SAFE])
def test_what_may_be_called_again_is_entered_with_its_outcome(mode: Mode) -> None:
    thread = running()
    after = thread.after(settled(thread, mode=mode))
    assert (after.effects[MAIL].state, after.run.open) == (SENT, ())
    assert after.run.counters.effects == 1
    assert settled(after, REFUSED, mode=mode) == Unchanged(SENT)
    with pytest.raises(InvalidValue, match="outcome must be clear"):
        settled(thread, Unclear(), mode=mode)


def test_a_caught_failure_is_told_again_and_one_that_is_to_be_redone_is_made_anew() -> None:
    """58."""
    thread = running()
    caught = thread.after(settled(thread, REFUSED, mode=Mode.KEYED))
    assert settled(caught, SENT, mode=Mode.KEYED) == Unchanged(REFUSED)
    redone = relinquished(caught, redo=MAIL)
    assert redone.effects[MAIL].state == evolve(REFUSED, redo=True)
    again = claimed(redone, now=later(10), token=OTHER)
    after = again.after(settled(again, mode=Mode.KEYED, claim=claim_of(again, OTHER), seconds=10))
    assert after.effects[MAIL].state == SENT
    assert after.run.counters.effects == 1


def test_a_failure_that_is_to_be_redone_is_told_once() -> None:
    redo = evolve(REFUSED, redo=True)
    thread = running()
    thread = thread.after(settled(thread, redo, mode=Mode.KEYED))
    assert settled(thread, redo, mode=Mode.KEYED) == Unchanged(redo)


def test_a_once_step_starts_again_only_after_it_surely_did_not_happen() -> None:
    """7 of the invariants."""
    thread = with_intent()
    failed = thread.after(settled(thread, REFUSED))
    redone = claimed(relinquished(failed, redo=MAIL), token=OTHER, now=later(10))
    after = redone.after(intent(redone, token=OTHER, now=later(10)))
    assert after.effects[MAIL].state == Intended(epoch=3, token=token_digest(OTHER))
    assert after.run.open == (MAIL,)


def test_a_call_that_failed_a_run_too_often_is_named_and_to_be_redone() -> None:
    policy = evolve(TurnPolicy.interactive(), lost_max=0)
    thread = running(policy=policy)
    thread = thread.after(settled(thread, REFUSED, mode=Mode.KEYED))
    after = relinquished(thread, redo=MAIL)
    assert after.run.state == Failed(category=Category("attempts_exhausted"), effect=MAIL)
    assert after.effects[MAIL].is_to_be_redone


def test_a_call_is_redone_too_where_another_step_needs_an_operator() -> None:
    thread = with_intent()
    look = EffectId("look", 0)
    thread = thread.after(settled(thread, REFUSED, id=look, mode=Mode.KEYED))
    after = relinquished(thread, redo=look)
    assert after.run.status is RunStatus.NEEDS_OPERATOR
    assert after.effects[look].is_to_be_redone


def test_a_call_is_redone_too_by_whoever_goes_on_from_a_run_that_was_called_off() -> None:
    thread = running()
    thread = cancelling(thread.after(settled(thread, REFUSED, mode=Mode.KEYED)))
    after = relinquished(thread, redo=MAIL)
    assert after.run.status is RunStatus.CANCELLED
    assert after.effects[MAIL].is_to_be_redone


def test_an_entry_names_the_run_that_last_did_it() -> None:
    thread = with_intent()
    thread = thread.after(settled(thread, REFUSED))
    assert thread.effects[MAIL].run == RUN
    failing = failed(thread, effect=MAIL)
    record = failing.record()
    assert record is not None
    again = claimed(
        failing.after(
            failing.state.resubmit(
                called_off=(),
                failed=record,
                id=NEXT,
                settlements={},
                effects=(failing.effects[MAIL],),
                holds=(),
                actor=OPERATOR,
                request_id=RequestId("o1"),
                ended=None,
                now=NOW,
            )
        ),
        token=OTHER,
    )
    after = again.after(intent(again, token=OTHER))
    assert (after.effects[MAIL].run, after.effects[MAIL].journal) == (NEXT, RUN)


def test_a_redo_of_a_step_that_was_done_changes_nothing() -> None:
    thread = with_intent()
    thread = thread.after(settled(thread))
    assert relinquished(thread, redo=MAIL).effects == thread.effects


# ---- late reports -------------------------------------------------------------------------------


def test_a_runner_that_was_fenced_leaves_evidence_and_changes_nothing_else() -> None:
    """56."""
    thread = needing_an_operator()
    claim = Claim(run=thread.run.address, epoch=1, token=ONE)
    answer = settled(thread, claim=claim, seconds=100)
    assert isinstance(answer, Settled)
    assert not answer.tidy
    assert isinstance(answer.reason, ClaimEnded)
    assert answer.events == ()
    assert answer.state.state == thread.state
    after = thread.after(answer)
    assert after.effects[MAIL].state == Uncertain(
        since=DEADLINE,
        epoch=1,
        token=token_digest(ONE),
        evidence=(Evidence(outcome=SENT, at=later(100)),),
    )
    repeated = settled(after, claim=claim, seconds=101)
    assert isinstance(repeated, Refused)


def test_a_report_past_the_deadline_makes_the_step_uncertain_before_any_sweep() -> None:
    """29."""
    thread = with_intent()
    answer = settled(thread, seconds=90)
    assert isinstance(answer, Settled)
    assert answer.reason == LeaseExpired(DEADLINE)
    assert [type(event) for event in answer.events] == [EffectUncertain]
    after = thread.after(answer)
    swept = expired(after)
    assert swept.run.status is RunStatus.NEEDS_OPERATOR
    assert swept.effects == after.effects


@pytest.mark.parametrize(
    "claim",
    [
        Claim(run=with_intent().run.address, epoch=1, token=OTHER),
        Claim(run=with_intent().run.address, epoch=7, token=ONE),
    ],
)
def test_nobody_leaves_evidence_on_the_step_of_another(claim: Claim) -> None:
    assert settled(needing_an_operator(), claim=claim) == Refused(LeaseLost())


@pytest.mark.parametrize(
    ("outcome", "arguments"), [(Unclear(), ARGUMENTS), (SENT, OTHER_ARGUMENTS)]
)
def test_a_late_report_that_says_nothing_of_this_call_is_refused(
    outcome: Outcome | Unclear, arguments: Digest
) -> None:
    thread = needing_an_operator()
    claim = Claim(run=thread.run.address, epoch=1, token=ONE)
    answer = settled(thread, outcome, claim=claim, arguments=arguments)
    assert answer == Refused(ClaimEnded(thread.state.ends[-1]))


def test_evidence_is_bounded() -> None:
    entry = needing_an_operator().effects[MAIL]
    for number in range(EVIDENCE_MAX + 1):
        entry = entry.with_evidence(Done(output=bytes([number]), disposition=None), NOW)
    assert isinstance(entry.state, Uncertain)
    assert [evidence.outcome.output for evidence in entry.state.evidence] == [  # type: ignore[union-attr]  # all are Done
        bytes([number]) for number in range(EVIDENCE_MAX)
    ]


def test_what_is_settled_takes_no_evidence() -> None:
    thread = with_intent()
    thread = thread.after(settled(thread))
    assert thread.effects[MAIL].with_evidence(REFUSED, NOW) == thread.effects[MAIL]


# ---- entries ------------------------------------------------------------------------------------


def test_at_the_end_of_a_claim_an_intent_becomes_uncertain_once() -> None:
    thread = with_intent()
    after = expired(thread)
    answer = thread.effects[MAIL].become_uncertain(run=after.run, now=DEADLINE)
    assert isinstance(answer, Changed)
    (event,) = answer.events
    assert isinstance(event, EffectUncertain)
    assert (event.effect, event.version, event.status) == (
        MAIL,
        after.run.version,
        RunStatus.NEEDS_OPERATOR,
    )
    again = answer.state.become_uncertain(run=after.run, now=DEADLINE)
    assert again == Unchanged(answer.outcome)


def test_only_a_once_step_may_be_open() -> None:
    entry = with_intent().effects[MAIL]
    with pytest.raises(InvalidValue, match="must be settled"):
        evolve(entry, mode=Mode.KEYED)


def test_a_call_has_one_key_in_every_run_of_its_journal() -> None:
    """54."""
    entry = with_intent().effects[MAIL]
    assert entry.key == idempotency_key(SCOPE, RUN, MAIL)
    assert evolve(entry, run=RunId("another")).key == entry.key
    others = {
        entry.key,
        evolve(entry, id=EffectId("mail", 1)).key,
        evolve(entry, id=EffectId("mai", 0)).key,
        evolve(entry, journal=RunId("another")).key,
        evolve(entry, scope=evolve(SCOPE, thread=None)).key,
    }
    assert len(others) == 5


def test_a_call_is_known_by_place_kind_mode_and_arguments() -> None:
    entry: RunEffect = with_intent().effects[MAIL]
    assert entry.is_call(call())
    assert not entry.is_call(call(EffectId("mail", 1)))
    assert not entry.is_call(call(mode=Mode.SAFE))
    assert not entry.is_call(call(given=OTHER_ARGUMENTS))


def test_a_child_is_entered_as_done_by_its_parent() -> None:
    thread = running()
    child = EffectId("research", 0)
    answer = thread.state.spawn(
        claim=claim_of(thread),
        id=child,
        arguments=ARGUMENTS,
        effect=None,
        ended=None,
        now=NOW,
    )
    after = thread.after(answer)
    entry = after.effects[child]
    assert (entry.kind, entry.mode) == (EffectKind.CHILD, Mode.KEYED)
    assert entry.state == Done(output=b"", disposition=None)
    repeat = after.state.spawn(
        claim=claim_of(after),
        id=child,
        arguments=ARGUMENTS,
        effect=entry,
        ended=None,
        now=NOW,
    )
    assert repeat == Unchanged(entry.state)


def test_a_journal_without_a_claim_takes_nothing() -> None:
    thread = submitted(free())
    claim = Claim(run=thread.run.address, epoch=0, token=Token(bytes(16)))
    assert settled(thread, mode=Mode.SAFE, claim=claim) == Refused(LeaseLost())
    assert isinstance(settled(blocked(), mode=Mode.SAFE), Refused)
