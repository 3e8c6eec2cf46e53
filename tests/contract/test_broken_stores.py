"""Broken stores prove that the suite can fail: each law has been seen to see its breach."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pytest
from attrs import frozen

from tests.contract import (
    broken_commits,
    broken_endings,
    broken_events,
    broken_files,
    broken_handles,
    broken_limits,
    broken_reads,
    broken_scans,
    broken_waits,
)
from tests.contract.breaking import BREAKS, Break
from tests.contract.filed_store import FiledHarness, FiledStore
from tests.contract.reference_harness import ReferenceHarness
from turnkeep.testing import Harness, StoreContract
from turnkeep_domain import errors, identifiers, scope
from turnkeep_domain.errors import TurnkeepError

MODULES = (
    broken_commits,
    broken_endings,
    broken_events,
    broken_files,
    broken_handles,
    broken_limits,
    broken_reads,
    broken_scans,
    broken_waits,
)
OF_VALUES = {
    "test_a_second_spelling_is_refused",
    "test_errors_survive_a_pickle",
    "test_texts_of_errors_leak_nothing",
}
"""Laws that no store can break: they are about values that stores are handed."""


def laws_of(contract: type[object]) -> set[str]:
    return {name for name in dir(contract) if name.startswith("test_")}


def failure_of(test: str, harness: Harness) -> str:
    """Judges a law that must be broken; answers the note that says which one it was."""
    judge = getattr(StoreContract(), test)
    with pytest.raises(AssertionError) as failure:
        judge(harness)
    (note,) = failure.value.__notes__
    return note


def name(each: Break) -> str:
    return f"{each.store.__name__}-{each.law}-{each.test.removeprefix('test_')}"


@pytest.mark.parametrize("each", BREAKS, ids=name)
def test_a_broken_store_fails_its_law(each: Break, tmp_path: Path) -> None:
    harness: Harness
    if issubclass(each.store, FiledStore):
        harness = FiledHarness(tmp_path, each.store)
    else:
        harness = ReferenceHarness(each.store)
    assert failure_of(each.test, harness).startswith(f"broken law: {each.law}: ")


def test_each_law_has_a_store_that_breaks_it() -> None:
    assert laws_of(StoreContract) - OF_VALUES == {each.test for each in BREAKS}


def test_every_broken_store_breaks_a_law() -> None:
    made = {
        thing
        for module in MODULES
        for thing in vars(module).values()
        if isinstance(thing, type) and thing.__module__ == module.__name__
    }
    idle = made - {each.store for each in BREAKS}
    assert {thing.__name__ for thing in idle} == {"KeepsAnIndex", "Live"}


def test_a_second_spelling_that_is_taken_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identifiers, "require_identifier", lambda *_: None)
    # What is made meanwhile must not be remembered as sound.
    monkeypatch.setattr(scope, "_made", lru_cache(scope._made.__wrapped__))
    note = failure_of("test_a_second_spelling_is_refused", ReferenceHarness())
    assert note.startswith("broken law: P13: ")


@frozen
class Unpicklable(TurnkeepError):
    code = "unpicklable"
    sentence = "it cannot travel"

    # typing.override is not in Python 3.11's library.
    def __reduce__(self) -> tuple[object, ...]:  # type: ignore[explicit-override]
        return (TurnkeepError, ())


class Talkative(errors.InvalidValue):
    def __str__(self) -> str:  # type: ignore[explicit-override]  # 3.11 has none
        return "a record of sesame"


@pytest.mark.parametrize(
    ("kind", "test"),
    [
        (Unpicklable, "test_errors_survive_a_pickle"),
        (Talkative, "test_texts_of_errors_leak_nothing"),
    ],
)
def test_an_error_that_breaks_its_law_is_seen(
    kind: type[TurnkeepError], test: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errors, kind.__name__, kind, raising=False)
    assert failure_of(test, ReferenceHarness()).startswith("broken law: P18: ")
