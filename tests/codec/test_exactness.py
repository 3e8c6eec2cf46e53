"""Exactness: no value is taken for another, on the way in or out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from typing import Any

import orjson
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.codec.samples import (
    AT,
    CODEC,
    SHEET,
    SHEET_ADDRESS,
    SHEETS,
    Blank,
    Crate,
    Disc,
    Sheet,
    SheetTorn,
    Square,
    Torn,
)
from turnkeep_adapters.codec.scalars import INTEGER_MAX, INTEGER_MIN, SCALARS
from turnkeep_adapters.codec.sequences import integers, listed
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.principals import Principal, PrincipalKind
from turnkeep_domain.request_ids import Marks
from turnkeep_ports.errors import Corrupt


def with_field(name: str, value: object) -> bytes:
    """The body of the sheet in which one field has other JSON."""
    tree = orjson.loads(CODEC.encode(SHEET))
    tree["d"][name] = value
    return orjson.dumps(tree, option=orjson.OPT_SORT_KEYS)


def read(body: bytes) -> object:
    return CODEC.decode(SHEETS, SHEET_ADDRESS, body)


@pytest.mark.parametrize("name", ["title", "seal", "at", "colour", "id"])
@pytest.mark.parametrize("value", [5, True, False, None, ["5"], {}, 0])
def test_what_is_no_text_is_never_taken_for_text(name: str, value: object) -> None:
    """C3."""
    with pytest.raises(Corrupt):
        read(with_field(name, value))


@pytest.mark.parametrize("value", [True, False, "5", "", None, [5], {}, 5.0, 0.5])
def test_what_is_no_integer_is_never_taken_for_one(value: object) -> None:
    """C3."""
    with pytest.raises(Corrupt):
        read(with_field("copies", value))


@pytest.mark.parametrize("value", [0, 1, "true", "", None, []])
def test_what_is_no_flag_is_never_taken_for_one(value: object) -> None:
    """C3."""
    with pytest.raises(Corrupt):
        read(with_field("done", value))


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63), 0])
def test_integers_of_64_bits_return(value: int) -> None:
    sheet = evolve(SHEET, copies=value)
    assert read(CODEC.encode(sheet)) == sheet


@pytest.mark.parametrize(
    "digits",
    [
        b"9223372036854775808",
        b"-9223372036854775809",
        b"18446744073709551615",
        b"18446744073709551616",
        b"1" * 30,
        b"7.0",
        b"7e0",
        b"-0",
        b"07",
    ],
)
def test_numbers_that_are_no_integers_of_64_bits_are_damage(digits: bytes) -> None:
    body = CODEC.encode(SHEET).replace(b'"copies":7', b'"copies":' + digits)
    assert digits in body
    with pytest.raises(Corrupt):
        read(body)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-02T03:04:05.000006",
        "2026-01-02T03:04:05.000006z",
        "2026-01-02T03:04:05.000006+00:00",
        "2026-01-02T04:04:05.000006+01:00",
        "2026-01-02T03:04:05.00000Z",
        "2026-01-02T03:04:05.0000060Z",
        "2026-01-02T03:04:05Z",
        "2026-01-02T03:04:05,000006Z",
        "2026-01-02 03:04:05.000006Z",
        "20260102T030405.000006Z",
        "2026-W01-5T03:04:05.000006Z",
        "2026-02-30T03:04:05.000006Z",
        "2026-01-02T24:00:00.000000Z",
        "2026-01-02T03:04:60.000000Z",
        "٢٠٢٦-01-02T03:04:05.000006Z",
        "+026-01-02T03:04:05.000006Z",
        "2026-01-02",
        "",
    ],
)
def test_a_time_in_any_other_notation_is_damage(text: str) -> None:
    with pytest.raises(Corrupt):
        read(with_field("at", text))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("-_8A=", id="padded"),
        pytest.param("+/8A", id="another alphabet"),
        pytest.param("-_8B-", id="one digit too many"),
        pytest.param("-_9", id="surplus bits"),
        pytest.param("-_8\n", id="line end"),
        pytest.param(" -_8", id="space"),
        pytest.param("-_.8", id="no digit"),
        pytest.param("-_8é", id="not ASCII"),
    ],
)
def test_bytes_in_any_other_spelling_are_damage(text: str) -> None:
    with pytest.raises(Corrupt):
        read(with_field("seal", text))


@given(seal=st.binary(max_size=40))
def test_bytes_return_from_base64url_without_padding(seal: bytes) -> None:
    sheet = evolve(SHEET, seal=seal)
    body = CODEC.encode(sheet)
    assert b"=" not in body
    assert read(body) == sheet


@pytest.mark.parametrize(
    "tags", [["b", "a"], ["a", "a"], ["a", "a!"], ["a", "b", "b"], ["a", None], "ab", {}]
)
def test_a_set_that_is_unsorted_or_names_something_twice_is_damage(tags: object) -> None:
    with pytest.raises(Corrupt):
        read(with_field("tags", tags))


def test_a_set_is_sorted_by_the_json_of_its_elements() -> None:
    sheet = evolve(SHEET, tags=frozenset({"a", "a!", "b", "ä"}))
    body = CODEC.encode(sheet)
    assert '"tags":["a!","a","b","ä"]'.encode() in body
    assert read(body) == sheet


@pytest.mark.parametrize(
    "figure",
    [
        {"t": "circle", "d": {"radius": 1}},
        {"t": "Disc", "d": {"radius": 1}},
        {"t": "square", "d": {"radius": 1}},
        {"t": "disc", "d": {"radius": 1}, "x": 1},
        {"t": "disc", "d": None},
        {"t": None, "d": {"radius": 1}},
        {"t": ["disc"], "d": {"radius": 1}},
        {"d": {"radius": 1}},
        {"t": "blank"},
        {"radius": 1},
        None,
    ],
)
def test_a_variant_without_a_known_tag_and_its_own_fields_is_damage(figure: object) -> None:
    with pytest.raises(Corrupt):
        read(with_field("figure", figure))


def test_a_variant_outside_its_union_is_damage() -> None:
    with pytest.raises(Corrupt):
        read(with_field("other", {"t": "blank", "d": {}}))


@pytest.mark.parametrize("span", [[1], [1, True, True], [True, 1], [], "12", None])
def test_a_tuple_of_another_length_or_order_is_damage(span: object) -> None:
    with pytest.raises(Corrupt):
        read(with_field("span", span))


class Loud(str):
    __slots__ = ()


class Wide(int):
    pass


class Moment(datetime):
    pass


class Shade(Enum):
    RED = "red"


class RoundedSquare(Square):
    pass


class Boss(Principal):
    pass


UNSTORABLE: list[tuple[str, Any]] = [
    ("count", 2**63),
    ("copies", -(2**63) - 1),
    ("count", True),
    ("count", 1.0),
    ("count", Wide(1)),
    ("done", 1),
    ("title", 5),
    ("title", b"title"),
    ("title", Loud("title")),
    ("title", "\ud800"),
    ("title", None),
    ("seal", "seal"),
    ("seal", bytearray(b"seal")),
    ("at", Moment(2026, 1, 1, tzinfo=UTC)),
    ("until", AT.replace(tzinfo=None)),
    ("until", AT.astimezone(timezone(timedelta(hours=1)))),
    ("until", "2026-01-02T03:04:05.000006Z"),
    ("colour", Shade.RED),
    ("colour", "red"),
    ("lines", ["a"]),
    ("lines", "ab"),
    ("span", (1,)),
    ("span", (True, 1)),
    ("tags", {"a"}),
    ("tags", ("a",)),
    ("figure", RoundedSquare(side=1, colour=SHEET.colour)),
    ("figure", None),
    ("figure", Torn(id="t", scope=SHEET.scope)),
    ("other", Blank()),
    ("scope", SHEET_ADDRESS),
    ("crate", Disc(radius=1)),
    ("crate", Crate(one=Blank(), maybe=None, many=(), some=frozenset())),
    ("people", frozenset({Disc(radius=1)})),
    ("people", frozenset({Boss(PrincipalKind.PERSON, "bo")})),
    ("marks", Marks((), 2**63)),
]


@pytest.mark.parametrize(("name", "value"), UNSTORABLE)
def test_what_would_not_return_as_itself_is_not_written(name: str, value: Any) -> None:
    changed: dict[str, Any] = {name: value}
    with pytest.raises(InvalidValue) as raised:
        CODEC.encode(evolve(SHEET, **changed))
    assert raised.value.what == "value"


def test_an_integer_above_64_bits_is_refused_in_words() -> None:
    with pytest.raises(InvalidValue, match="an integer of 64 bits"):
        CODEC.encode(evolve(SHEET, copies=2**63))


class BetterSheet(Sheet):
    pass


@pytest.mark.parametrize("record", [Disc(radius=1), None, "sheet", {"id": "s"}, Principal])
def test_a_record_of_no_known_class_is_a_type_error(record: object) -> None:
    with pytest.raises(TypeError, match="has no stored form"):
        CODEC.encode(record)


def test_a_subclass_of_a_known_class_is_not_written_as_its_parent() -> None:
    better = BetterSheet(**{field: getattr(SHEET, field) for field in Sheet.__annotations__})
    with pytest.raises(TypeError, match="BetterSheet has no stored form"):
        CODEC.encode(better)


class TornAgain(SheetTorn):
    pass


def test_an_event_of_no_known_class_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="TornAgain has no stored form"):
        CODEC.encode_event(TornAgain(address=SHEET_ADDRESS, at=AT))


def test_a_record_is_not_written_as_an_event() -> None:
    with pytest.raises(TypeError, match="Torn has no stored form"):
        CODEC.encode_event(Torn(id="t", scope=SHEET.scope))  # type: ignore[arg-type]  # the point


class Whole(int):
    pass


@pytest.mark.parametrize(
    "items",
    [(True,), (1, 2.0), ("1",), (None,), (Whole(1),), (INTEGER_MAX + 1,), (INTEGER_MIN - 1,)],
)
def test_a_row_of_integers_takes_nothing_else(items: tuple[object, ...]) -> None:
    """C3."""
    row = integers()
    for refused in (items, (0, *items)):
        with pytest.raises(InvalidValue):
            row.encode(refused)
        with pytest.raises(InvalidValue):
            row.decode(list(refused), None)
    with pytest.raises(InvalidValue):
        row.encode([1])
    with pytest.raises(InvalidValue):
        row.decode((1,), None)


@pytest.mark.parametrize("items", [(), (0,), (INTEGER_MIN, 7, INTEGER_MAX)])
def test_a_row_of_integers_comes_back(items: tuple[int, ...]) -> None:
    assert integers().encode(items) == list(items)
    assert integers().decode(list(items), None) == items


class Odd(list[int]):
    pass


@pytest.mark.parametrize("value", [(1,), Odd([1]), {1: 1}, None])
def test_a_listed_class_takes_nothing_else(value: object) -> None:
    """C3."""
    shape = listed(list, SCALARS[int], list)
    assert shape.encode([1]) == shape.decode([1], None) == [1]
    with pytest.raises(InvalidValue):
        shape.encode(value)
    with pytest.raises(InvalidValue):
        shape.decode(value, None)
    with pytest.raises(InvalidValue):
        shape.decode([True], None)
