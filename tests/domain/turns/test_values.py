"""Values: what a turn is made of is checked when it is made, and again when it is read."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pytest
from attrs import evolve

from tests.domain.turns.samples import (
    ADA,
    BO,
    CHILD,
    EIGHT,
    HOST,
    MAIL,
    MOMENT,
    NOW,
    ONE,
    OPERATOR,
    RUN,
    SCOPE,
    SUBMITTER,
    TTL,
    claim_of,
    completed,
    later,
    running,
    turn,
    with_intent,
)
from turnkeep_domain.decisions import Changed
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Identity, Index
from turnkeep_domain.leases.tenure import Tenure
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.checkpoint import CHECKPOINTS, Checkpoint, CheckpointKind, checkpoint_id
from turnkeep_domain.turns.claims import Claim, Token, token_digest
from turnkeep_domain.turns.effect import EFFECTS, Done, Evidence, NotDone, Uncertain
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.ended import RUNS, EndedRun
from turnkeep_domain.turns.limits import (
    APPROVALS_MAX,
    APPROVALS_OPEN_MAX,
    EVIDENCE_MAX,
    HOLDS_MAX,
    OPEN_MAX,
    OUTPUT_BYTES_MAX,
)
from turnkeep_domain.turns.lineage import Lineage
from turnkeep_domain.turns.names import Category, Ref
from turnkeep_domain.turns.policy import TurnClass, TurnPolicy
from turnkeep_domain.turns.run import RunApproval
from turnkeep_domain.turns.turn_state import THREADLESS, TURN_STATES

LONGEST: Final = "ü" * 128


# ---- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["r", "channel/7 ü", LONGEST, "x" * 256])
def test_a_ref_has_256_bytes_at_most(text: str) -> None:
    assert evolve(turn(), message_ref=Ref(text)).message_ref == text


@pytest.mark.parametrize("text", ["", "x" * 257, LONGEST + "x", "a\nb", "a\x00", "a\x7f", b"r", 7])
def test_what_is_no_ref_is_refused_and_not_repeated(text: object) -> None:
    with pytest.raises(InvalidValue) as raised:
        evolve(turn(), message_ref=text)  # type: ignore[arg-type]  # wrong on purpose
    assert str(raised.value).startswith("message_ref must")


def test_an_origin_is_named_and_other_refs_may_be_absent() -> None:
    bare = evolve(turn(), message_ref=None, source_ref=None, reply_ref=None)
    assert bare.message_ref is None
    with pytest.raises(InvalidValue, match="origin must"):
        evolve(turn(), origin=None)  # type: ignore[arg-type]  # wrong on purpose


# ---- claims -------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", [b"", b"x" * 15, b"x" * 17, "x" * 16, bytearray(16)])
def test_a_token_has_sixteen_bytes(token: object) -> None:
    with pytest.raises(InvalidValue, match="token must be 16 bytes"):
        Claim(run=CHILD, epoch=1, token=token)  # type: ignore[arg-type]  # wrong on purpose


def test_a_claim_is_known_by_the_digest_of_its_token_alone() -> None:
    claim = claim_of(running())
    lease = running().run.lease
    assert lease is not None
    assert claim.digest == token_digest(ONE) == lease.token
    assert token_digest(Token(b"2" * 16)) != claim.digest


def test_a_tenure_of_a_claim_begins_at_the_claim() -> None:
    lease = running().run.lease
    assert lease is not None
    assert lease.tenure == Tenure(holder="worker-1", since=NOW, until=NOW + TTL)


# ---- actors, addresses, lineage, policy ---------------------------------------------------------


def test_a_submitter_stands_for_itself_and_others_for_everybody() -> None:
    assert SUBMITTER.may_stand_for(ADA)
    assert not SUBMITTER.may_stand_for(BO)
    assert Actor.operator(BO).may_stand_for(ADA)
    assert HOST.may_stand_for(ADA)


@pytest.mark.parametrize("scope", [Scope.of("acme", None), Scope.of(None, "ada")])
def test_a_run_lives_in_a_scope_of_work(scope: Scope) -> None:
    with pytest.raises(InvalidValue, match="scope must have a tenant and a user"):
        RunAddress(scope, RUN)


def test_a_lineage_names_parent_and_root_exactly_below_the_root() -> None:
    for parent, root, depth in (
        (CHILD, None, 1),
        (None, CHILD, 1),
        (CHILD, CHILD, 0),
        (None, None, 1),
    ):
        with pytest.raises(InvalidValue, match="lineage must name parent and root"):
            Lineage(parent=parent, root=root, depth=depth, retry_of=None)


def test_the_usual_policies_are_journaled_and_bounded() -> None:
    for policy, turn_class in (
        (TurnPolicy.interactive(), TurnClass.INTERACTIVE),
        (TurnPolicy.background(), TurnClass.BACKGROUND),
    ):
        assert policy == TurnPolicy(
            turn_class=turn_class, journaled=True, lost_max=5, returned_max=20
        )


@pytest.mark.parametrize("count", [-1, True, 1.0, "1", None])
def test_a_count_is_a_whole_number(count: object) -> None:
    with pytest.raises(InvalidValue, match="lost_max must be a whole number of at least 0"):
        evolve(TurnPolicy.interactive(), lost_max=count)  # type: ignore[arg-type]  # wrong on purpose


# ---- runs ---------------------------------------------------------------------------------------


def test_the_lists_of_a_run_are_bounded_and_name_nothing_twice() -> None:
    run = running().run
    steps = tuple(EffectId("mail", number) for number in range(OPEN_MAX + 1))
    assert evolve(run, open=steps[:-1]).open == steps[:-1]
    for wrong in (steps, (MAIL, MAIL)):
        with pytest.raises(InvalidValue, match=f"open must be at most {OPEN_MAX}"):
            evolve(run, open=wrong)
    spent = tuple(RunApproval(id=f"a{n}", open=False) for n in range(APPROVALS_MAX + 1))
    with pytest.raises(InvalidValue, match=f"approvals must be at most {APPROVALS_MAX}"):
        evolve(run, approvals=spent)
    pending = tuple(evolve(entry, open=True) for entry in spent[: APPROVALS_OPEN_MAX + 1])
    with pytest.raises(InvalidValue, match=f"approvals must be at most {APPROVALS_OPEN_MAX}"):
        evolve(run, approvals=pending)
    assert HOLDS_MAX == 7


def test_a_runs_record_has_ended() -> None:
    record = completed().record()
    assert record is not None
    with pytest.raises(InvalidValue, match="run must have ended"):
        evolve(record, run=running().run)


# ---- effects ------------------------------------------------------------------------------------


def test_an_output_has_64_kib_at_most() -> None:
    assert Done(output=bytes(OUTPUT_BYTES_MAX), disposition=None)
    with pytest.raises(InvalidValue, match="output must have at most 65536 bytes"):
        Done(output=bytes(OUTPUT_BYTES_MAX + 1), disposition=None)


def test_a_step_keeps_eight_reports_at_most() -> None:
    report = Evidence(outcome=NotDone(category=Category("c"), redo=False), at=NOW)
    with pytest.raises(InvalidValue, match=f"evidence must be at most {EVIDENCE_MAX}"):
        Uncertain(
            since=NOW,
            epoch=1,
            token=token_digest(ONE),
            evidence=(report,) * (EVIDENCE_MAX + 1),
        )


def test_a_call_of_a_long_name_has_a_short_key() -> None:
    short = EffectId("mail", 7)
    assert short.cell_id(RUN) == f"{RUN}/7/mail"
    longest = EffectId("x" * 200, 7)
    assert longest.cell_id(RUN).startswith("h-")
    assert len(longest.cell_id(RUN)) == 66
    others = {longest.cell_id(RUN), EffectId("x" * 199, 7).cell_id(RUN)}
    assert len(others) == 2


def test_a_journal_is_listed_in_the_order_in_which_it_grew() -> None:
    entry = with_intent().effects[MAIL]
    index = EFFECTS.index_of(entry)
    assert index == Index(
        state="intended", due_at=None, sort=f"{RUN}/20300101000000000000/{entry.key}"
    )
    assert EFFECTS.index_of(evolve(entry, entered_at=later(1))).sort > index.sort
    assert EFFECTS.identity_of(entry) == Identity(SCOPE, f"{RUN}/0/mail")
    longest = evolve(entry, id=EffectId("x" * 200, 0))
    assert len(EFFECTS.index_of(longest).sort) < 255


# ---- other cells --------------------------------------------------------------------------------


def checkpoint(*, sequence: int = 1) -> Checkpoint:
    return Checkpoint(
        scope=SCOPE,
        run=RUN,
        sequence=sequence,
        kind=CheckpointKind.FINAL,
        schema=1,
        ordinals=(),
        payload=b"",
        saved_at=NOW,
    )


def test_checkpoints_of_a_run_sort_by_number() -> None:
    assert checkpoint_id(RUN, 9) < checkpoint_id(RUN, 10)
    assert CHECKPOINTS.identity_of(checkpoint()) == Identity(SCOPE, checkpoint_id(RUN, 1))
    assert CHECKPOINTS.index_of(checkpoint()) == Index(
        state="final", due_at=NOW, sort=checkpoint_id(RUN, 1)
    )


@pytest.mark.parametrize("state", ["completed", "failed", "cancelled"])
def test_an_ended_run_is_due_for_retirement_from_its_end_on(state: str) -> None:
    record = EIGHT[state]().record()
    assert isinstance(record, EndedRun)
    assert RUNS.index_of(record) == Index(
        state=state, due_at=NOW, sort=f"20300101000000000000{RUN}"
    )
    retired = record.retire(retention=timedelta(0), now=NOW + MOMENT)
    assert isinstance(retired, Changed)
    assert RUNS.index_of(retired.state) == Index(
        state="retired", due_at=None, sort=f"20300101000000000000{RUN}"
    )
    assert RUNS.identity_of(retired.state) == RUNS.identity_of(record) == Identity(SCOPE, RUN)
    assert RUNS.marks_of(record) == record.requests
    assert RUNS.marks_of(retired.state) is None


def test_a_threads_state_is_kept_and_that_of_a_run_without_a_thread_is_not() -> None:
    assert TURN_STATES.permanent
    assert not THREADLESS.permanent
    state = running().state
    assert TURN_STATES.identity_of(state) == THREADLESS.identity_of(state) == Identity(SCOPE, "t1")
    assert TURN_STATES.marks_of(state) == state.requests
    assert OPERATOR.principal == BO
