"""Judging: what a commit expects is compared, and nothing is written."""

import pytest

from tests.memory.samples import (
    NOON,
    STORE_ID,
    address,
    after,
    commit,
    commit_id,
    event,
    judged,
    land,
    put,
    revision_of,
)
from turnkeep_adapters.memory.commits import Judged, committed
from turnkeep_adapters.memory.engine import EMPTY, Engine
from turnkeep_ports.store import ABSENT, Check, Delete, Late, Revision, Stale

ONE, TWO = address("one"), address("two")


@pytest.fixture
def engine() -> Engine:
    return Engine(STORE_ID)


def test_judging_writes_nothing(engine: Engine) -> None:
    judged(engine, commit(1, put(ONE), events=(event(ONE),)))
    assert engine.state() == EMPTY


def test_a_revision_is_a_number_and_what_the_commit_id_begins_with(engine: Engine) -> None:
    land(engine, commit(7, put(ONE)))
    assert revision_of(engine, ONE) == (1).to_bytes(8, "big") + commit_id(7)[:8]


def test_every_put_and_delete_takes_a_number_of_its_own(engine: Engine) -> None:
    land(engine, commit(1, put(ONE), Check(address("none"), ABSENT), put(TWO)))
    land(engine, commit(2, Delete(ONE, revision_of(engine, ONE))))
    third = land(engine, commit(3, put(ONE)))
    assert (third.first, engine.state().sequence) == (4, 4)


def test_the_answer_names_the_revisions_of_puts_alone(engine: Engine) -> None:
    land(engine, commit(1, put(TWO)))
    asked = commit(
        2, Check(address("none"), ABSENT), Delete(TWO, revision_of(engine, TWO)), put(ONE)
    )
    answer = committed(asked, land(engine, asked))
    assert answer.revisions == {ONE: revision_of(engine, ONE)}


def test_a_delete_without_a_revision_is_stale_even_on_an_absent_cell(engine: Engine) -> None:
    smuggled = Delete(ONE, ABSENT)  # type: ignore[arg-type]  # what no typed caller can write
    assert engine.judge(commit(1, smuggled), NOON) == Stale(frozenset({ONE}), busy=False)


def test_what_is_late_and_stale_is_late(engine: Engine) -> None:
    land(engine, commit(1, put(ONE)))
    asked = commit(2, put(ONE), valid_until=NOON)
    assert engine.judge(asked, NOON) == Late()
    assert isinstance(engine.judge(asked, after(-1)), Stale)


def test_a_trial_judges_upon_the_commits_before(engine: Engine) -> None:
    trial = engine.trial()
    first = trial.judge(commit(1, put(ONE)), NOON)
    assert isinstance(first, Judged)
    assert isinstance(trial.judge(commit(2, put(ONE)), NOON), Stale)
    row = first.effects[0].row
    assert row is not None
    assert isinstance(trial.judge(commit(3, Delete(ONE, row.revision)), NOON), Judged)
    assert isinstance(trial.judge(commit(4, put(ONE)), NOON), Judged)


def test_a_trial_sees_what_it_deleted_as_absent(engine: Engine) -> None:
    land(engine, commit(1, put(ONE)))
    trial = engine.trial()
    deletion = commit(2, Delete(ONE, revision_of(engine, ONE)))
    assert isinstance(trial.judge(deletion, NOON), Judged)
    assert isinstance(trial.judge(deletion, NOON), Stale)
    assert isinstance(trial.judge(commit(3, put(ONE)), NOON), Judged)


def test_a_trial_counts_on_over_what_is_stale(engine: Engine) -> None:
    trial = engine.trial()
    answers = [
        trial.judge(commit(1, put(ONE), put(TWO)), NOON),
        trial.judge(commit(2, put(ONE)), NOON),
        trial.judge(commit(3, put(address("three"))), NOON),
    ]
    assert [answer.first for answer in answers if isinstance(answer, Judged)] == [1, 3]


def test_what_a_trial_accepted_applies_in_its_order(engine: Engine) -> None:
    trial = engine.trial()
    for number, at in enumerate([ONE, TWO], 1):
        answer = trial.judge(commit(number, put(at)), NOON)
        assert isinstance(answer, Judged)
        engine.apply(answer)
    assert set(engine.load([ONE, TWO], NOON).cells) == {ONE, TWO}


def test_a_dropped_trial_leaves_the_engine_as_it_was(engine: Engine) -> None:
    land(engine, commit(1, put(ONE)))
    before = engine.state()
    engine.trial().judge(commit(2, Delete(ONE, revision_of(engine, ONE))), NOON)
    assert engine.state() == before
    assert judged(engine, commit(3, put(TWO))).first == 2


def test_a_revision_of_the_right_number_and_another_commit_is_stale(engine: Engine) -> None:
    land(engine, commit(1, put(ONE)))
    other = Revision(revision_of(engine, ONE)[:8] + commit_id(2)[:8])
    assert isinstance(engine.judge(commit(3, put(ONE, other)), NOON), Stale)
