"""The collector of a process that has settled: what is loaded is no longer looked through."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from turnkeep import settle_collector
from turnkeep_adapters.system.collector import YOUNG_OBJECTS_MIN


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Gives the process of the tests back what it had."""
    threshold, frozen = gc.get_threshold(), gc.get_freeze_count()
    assert frozen == 0
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)
    gc.enable()


def test_what_is_loaded_is_out_of_its_sight() -> None:
    loaded = [object() for _ in range(3)]
    settle_collector()
    assert gc.get_freeze_count() > 10_000
    assert not any(seen is loaded for seen in gc.get_objects())


def test_garbage_of_later_is_still_found() -> None:
    settle_collector()
    ring: list[object] = []
    ring.append(ring)
    del ring
    assert gc.collect() >= 1


def test_it_looks_less_often() -> None:
    gc.set_threshold(700, 11, 12)
    settle_collector()
    assert gc.get_threshold() == (YOUNG_OBJECTS_MIN, 11, 12)


@pytest.mark.parametrize("young", [0, YOUNG_OBJECTS_MIN + 1])
def test_a_program_that_wants_it_looking_still_less_is_heeded(young: int) -> None:
    gc.set_threshold(young, 10, 10)
    settle_collector()
    assert gc.get_threshold()[0] == young


def test_a_disabled_collector_stays_disabled() -> None:
    gc.disable()
    settle_collector()
    assert not gc.isenabled()


def test_it_may_be_settled_again() -> None:
    settle_collector()
    before, later = gc.get_freeze_count(), [[n] for n in range(1_000)]
    settle_collector()
    assert gc.get_freeze_count() >= before + len(later)
    assert gc.get_threshold()[0] == YOUNG_OBJECTS_MIN
