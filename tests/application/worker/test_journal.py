"""A call's id is its name and how often that name was called before it."""

from __future__ import annotations

import pytest

from turnkeep_application.worker.journal import Journal
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.names import RunId


def journal() -> Journal:
    return Journal.of(RunId("r1"), ())


def test_each_name_is_counted_for_itself() -> None:
    calls = journal()
    ids = [calls.next_call(name) for name in ("a", "b", "a", "a", "b")]
    assert ids == [EffectId(*id) for id in (("a", 0), ("b", 0), ("a", 1), ("a", 2), ("b", 1))]
    assert calls.ordinals == {"a": 3, "b": 2}


def test_a_name_is_an_identifier() -> None:
    with pytest.raises(InvalidValue):
        journal().next_call("")


def test_a_checkpoint_counts_calls_as_made() -> None:
    calls = journal()
    calls.next_call("a")
    calls.go_on_from((("a", 4), ("b", 1)))
    assert [calls.next_call(name) for name in ("a", "b")] == [EffectId("a", 4), EffectId("b", 1)]


def test_a_checkpoint_never_counts_back() -> None:
    calls = journal()
    for _ in range(3):
        calls.next_call("a")
    calls.go_on_from((("a", 1),))
    assert calls.next_call("a") == EffectId("a", 3)
