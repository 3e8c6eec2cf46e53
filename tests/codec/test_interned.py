"""Interning: a scope that is read again is the one that was built before; damage stays damage."""

from __future__ import annotations

import orjson
import pytest

from tests.codec.samples import CODEC, SHEET, SHEET_ADDRESS, SHEETS
from turnkeep_adapters.codec.interned import interned
from turnkeep_adapters.codec.shape import Shape
from turnkeep_domain.errors import InvalidValue
from turnkeep_ports.errors import Corrupt


def test_a_scope_is_built_once_however_often_it_is_read() -> None:
    body = CODEC.encode(SHEET)
    one = CODEC.decode(SHEETS, SHEET_ADDRESS, body)
    other = CODEC.decode(SHEETS, SHEET_ADDRESS, body)
    assert one is not other
    assert one.scope == SHEET.scope
    assert one.scope is other.scope


@pytest.mark.parametrize(
    "scope",
    [
        {"tenant": 1},
        {"tenant": True},
        {"tenant": ["acme"]},
        {"tenant": {}},
        {"tenant": ""},
        {"tenant": " acme"},
        {"user": "*"},
        {"thread": 1.0},
    ],
    ids=str,
)
def test_a_scope_of_anything_but_names_is_damage_each_time_it_is_read(
    scope: dict[str, object],
) -> None:
    tree = orjson.loads(CODEC.encode(SHEET))
    tree["d"]["scope"] |= scope
    for _ in range(2):
        with pytest.raises(Corrupt, match="scope"):
            CODEC.decode(SHEETS, SHEET_ADDRESS, orjson.dumps(tree, option=orjson.OPT_SORT_KEYS))


@pytest.mark.parametrize("change", ["missing", "renamed", "further", "no object"])
def test_a_scope_with_other_fields_is_damage(change: str) -> None:
    tree = orjson.loads(CODEC.encode(SHEET))
    scope = tree["d"]["scope"]
    if change in ("missing", "renamed"):
        del scope["mission"]
    if change in ("renamed", "further"):
        scope["vision"] = None
    if change == "no object":
        tree["d"]["scope"] = "acme"
    with pytest.raises(Corrupt, match="scope"):
        CODEC.decode(SHEETS, SHEET_ADDRESS, orjson.dumps(tree, option=orjson.OPT_SORT_KEYS))


def test_what_is_refused_is_never_kept() -> None:
    asked: list[object] = []

    def decode(value: object, _: object) -> object:
        asked.append(value)
        if value == {"one": "bad", "other": None}:
            raise InvalidValue("value", "must be good")
        return object()

    shape = interned(Shape(lambda value: value, decode), ("one", "other"))
    for _ in range(2):
        with pytest.raises(InvalidValue, match="must be good"):
            shape.decode({"one": "bad", "other": None}, None)
    refused = len(asked)
    good = [shape.decode({"one": "good", "other": None}, None) for _ in range(3)]
    assert len(set(map(id, good))) == 1
    assert len(asked) == refused + 1
