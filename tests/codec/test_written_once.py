"""Written once: a part that is the same object as before has the JSON that it had before."""

from __future__ import annotations

import gc
import weakref

import pytest
from attrs import evolve, frozen

from tests.codec.cases import CODEC
from tests.codec.turn_cases import TURN_RECORD_CASES
from turnkeep_adapters.codec import written_once as module
from turnkeep_adapters.codec.shape import Shape
from turnkeep_adapters.codec.written_once import written_once
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.turns.lane import Lane


@frozen
class Part:
    """Something that is compared by what it holds."""

    text: str


def counting() -> tuple[Shape, list[object]]:
    """A shape that notes what it writes."""
    asked: list[object] = []

    def encode(value: object) -> object:
        if type(value) is not Part:
            raise InvalidValue("value", "must be a part")
        asked.append(value)
        return {"text": value.text}

    return written_once(Shape(encode, lambda value, _: value)), asked


def test_an_object_is_written_once() -> None:
    shape, asked = counting()
    part = Part("a")
    assert shape.encode(part) is shape.encode(part)
    assert asked == [part]


def test_an_equal_one_is_written_by_itself() -> None:
    shape, asked = counting()
    parts = [Part("a"), Part("a")]
    assert [shape.encode(part) for part in parts] == [{"text": "a"}, {"text": "a"}]
    assert len(asked) == 2


def test_what_cannot_be_written_is_told_each_time() -> None:
    shape, _ = counting()
    for _ in range(2):
        with pytest.raises(InvalidValue, match="part"):
            shape.encode("a")


def test_no_later_object_passes_for_one_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is kept is kept alive, so that nobody gets its place in memory."""
    monkeypatch.setattr(module, "WRITTEN_MAX", 2)
    shape, _ = counting()
    for number in range(1_000):
        assert shape.encode(Part(f"{number}")) == {"text": f"{number}"}


def test_those_written_longest_ago_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WRITTEN_MAX", 2)
    shape, asked = counting()
    part = Part("a")
    gone = weakref.ref(part)
    shape.encode(part)
    asked.clear()
    del part
    gc.collect()
    assert gone() is not None
    for text in ("b", "c"):
        shape.encode(Part(text))
    gc.collect()
    assert gone() is None


def test_a_lane_that_keeps_its_entries_has_the_bytes_of_one_that_is_built_anew() -> None:
    lane = TURN_RECORD_CASES["lane", "full"]
    assert isinstance(lane, Lane)
    CODEC.encode(lane)
    changed = evolve(lane, next_sequence=9, entries=lane.entries[1:])
    anew = evolve(
        changed,
        entries=tuple(evolve(entry) for entry in changed.entries),
        tokens=tuple(evolve(grants) for grants in changed.tokens),
    )
    assert CODEC.encode(changed) == CODEC.encode(anew)
