"""A format: what has no exact form is refused when the codec is made, not when it is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from pathlib import Path
from threading import Barrier
from typing import Any, ClassVar, Generic, Literal, NewType, Optional, TypeVar, Union

import pytest
from attrs import define, field, frozen, make_class

from tests.codec.samples import (
    Blank,
    Card,
    Colour,
    Disc,
    SheetDrawn,
    SheetTorn,
    Square,
    cards_had_no_stars,
)
from turnkeep_adapters.codec.format import Format
from turnkeep_adapters.codec.formats import EVENTS, RECORDS, VARIANTS
from turnkeep_adapters.codec.json_codec import JsonCodec
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.events import Event

T = TypeVar("T")
Ratio = NewType("Ratio", float)


class Loud(str):
    __slots__ = ()


class Size(Enum):
    SMALL = 1


class Word(StrEnum):
    YES = "yes"


def record(cls: type[object]) -> Format:
    return Format(cls=cls, tag="record", schema=1, upcasters=())


def codec(
    *records: Format,
    events: tuple[Format, ...] = (),
    variants: Mapping[type[object], str] | None = None,
) -> JsonCodec:
    made = JsonCodec(records=records, events=events, variants=variants or {})
    made.compose()
    return made


def test_every_stored_class_has_an_exact_form() -> None:
    codec(*RECORDS, events=EVENTS, variants=VARIANTS)


def test_a_codec_can_be_shared_by_threads_that_all_need_it_first() -> None:
    made = JsonCodec(records=RECORDS, events=EVENTS, variants=VARIANTS)
    together = Barrier(4)

    def compose(_: int) -> None:
        together.wait()
        made.compose()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(compose, range(4))) == [None] * 4


def class_with(annotation: Any, **options: Any) -> type[object]:
    return make_class(
        "Holder", {"held": field(type=annotation, **options)}, frozen=True, kw_only=True
    )


@pytest.mark.parametrize(
    "annotation",
    [
        *(float, Decimal, date, timedelta, Path, object, Any, None, type(None), Loud),
        *(list[int], dict[str, int], set[int], Sequence[int], Mapping[str, int], tuple, frozenset),
        *(Literal["a"], int | str, Colour | None | int, Size, Word, Ratio, T, Event, bytearray),
        *(tuple[float, ...], frozenset[float], tuple[int, Loud], float | None, Loud | None),
        *(tuple[dict[str, int], ...], frozenset[Any], Exception),
    ],
    ids=str,
)
def test_a_field_whose_type_has_no_exact_form_is_refused(annotation: Any) -> None:
    with pytest.raises(TypeError):
        codec(record(class_with(annotation)))


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"eq": False}, "Holder.held is not compared as it is"),
        ({"eq": str.lower}, "Holder.held is not compared as it is"),
        ({"converter": str.lower}, "Holder.held is changed by the constructor"),
        ({"init": False, "default": ""}, "Holder.held is not given to the constructor"),
    ],
)
def test_a_field_that_could_differ_from_its_bytes_is_refused(
    options: dict[str, Any], why: str
) -> None:
    with pytest.raises(TypeError, match=why):
        codec(record(class_with(str, **options)))


@define
class Mutable:
    held: str


@frozen(eq=False)
class Incomparable:
    held: str


class NoAttrs:
    held: str


@pytest.mark.parametrize("cls", [Mutable, Incomparable, NoAttrs])
def test_a_class_that_is_not_frozen_and_compared_by_its_fields_is_refused(
    cls: type[object],
) -> None:
    with pytest.raises(TypeError):
        codec(record(cls))
    with pytest.raises(TypeError):
        codec(record(class_with(cls | None)))


@pytest.mark.parametrize("cls", [str, dict, Colour])
def test_a_record_of_no_attrs_class_is_refused(cls: type[object]) -> None:
    with pytest.raises(TypeError, match="is no attrs class"):
        codec(record(cls))


@frozen
class Chain:
    next: Chain | None


@frozen
class Tree:
    branches: tuple[Tree, ...]


@pytest.mark.parametrize("cls", [Chain, Tree])
def test_a_class_that_contains_itself_is_refused(cls: type[object]) -> None:
    with pytest.raises(TypeError, match="contains itself"):
        codec(record(cls))


@frozen
class Pair(Generic[T]):
    one: T
    other: T


def test_a_generic_class_without_its_argument_is_refused() -> None:
    with pytest.raises(TypeError, match="Pair needs its arguments"):
        codec(record(Pair))


def test_a_generic_class_has_a_form_for_each_argument() -> None:
    holder: Any = class_with(tuple[Pair[int], Pair[str]])
    made = codec(record(holder))
    body = made.encode(holder(held=(Pair(1, 2), Pair("1", "2"))))
    assert b'"held":[{"one":1,"other":2},{"one":"1","other":"2"}]' in body
    with pytest.raises(InvalidValue):
        made.encode(holder(held=(Pair("1", "2"), Pair(1, 2))))


def test_a_member_of_a_union_needs_a_tag_that_no_other_member_has() -> None:
    holder = record(class_with(Disc | Blank))
    assert codec(holder, variants={Disc: "disc", Blank: "blank"})
    with pytest.raises(TypeError, match="needs a tag, as a member of a union"):
        codec(holder, variants={Disc: "disc"})
    with pytest.raises(TypeError, match="needs a tag that no other member"):
        codec(holder, variants={Disc: "same", Blank: "same"})


def test_a_union_is_the_same_in_both_notations() -> None:
    older = Optional[Union[Blank, Disc]]  # noqa: UP007, UP045  the older notation is the point
    for annotation in (Disc | Blank | None, older):
        holder: Any = class_with(annotation)
        made = codec(record(holder), variants={Disc: "disc", Blank: "blank"})
        assert b'"held":{"d":{"radius":1},"t":"disc"}' in made.encode(holder(held=Disc(radius=1)))
        assert b'"held":null' in made.encode(holder(held=None))


def test_a_private_field_is_written_under_its_public_name() -> None:
    @frozen
    class Private:
        _held: int

    assert codec(record(Private)).encode(Private(3)) == b'{"d":{"held":3},"t":"record","v":1}'


def test_two_formats_may_share_neither_tag_nor_class() -> None:
    card = Format(cls=Card, tag="card", schema=1, upcasters=())
    with pytest.raises(InvalidValue):
        codec(card, Format(cls=Square, tag="card", schema=1, upcasters=()))
    with pytest.raises(InvalidValue):
        codec(card, Format(cls=Card, tag="other", schema=1, upcasters=()))


def test_the_tag_of_an_event_is_its_kind() -> None:
    drawn = Format(cls=SheetDrawn, tag="sheet.drawn", schema=1, upcasters=())
    assert codec(events=(drawn,))
    with pytest.raises(InvalidValue, match="must be its kind"):
        codec(events=(Format(cls=SheetDrawn, tag="sheet.torn", schema=1, upcasters=()),))
    with pytest.raises(InvalidValue, match="must be its kind"):
        codec(events=(Format(cls=Disc, tag="disc", schema=1, upcasters=()),))


def test_an_event_is_no_part_of_a_record_or_of_another_event() -> None:
    @frozen(kw_only=True)
    class Nested(Event):
        kind: ClassVar[str] = "sheet.nested"
        torn: SheetTorn

    with pytest.raises(TypeError, match="no part of anything"):
        codec(record(class_with(SheetTorn | None)))
    with pytest.raises(TypeError, match="no part of anything"):
        codec(events=(Format(cls=Nested, tag="sheet.nested", schema=1, upcasters=()),))


@pytest.mark.parametrize("schema", [0, 1, 3, -1])
def test_a_schema_is_one_more_than_there_are_upcasters(schema: int) -> None:
    assert Format(cls=Card, tag="card", schema=2, upcasters=(cards_had_no_stars,))
    with pytest.raises(InvalidValue):
        Format(cls=Card, tag="card", schema=schema, upcasters=(cards_had_no_stars,))


@pytest.mark.parametrize(
    "tag", ["", "Card", "card ", "1card", "a.b.c", "card-1", ".card", "card\n"]
)
def test_a_tag_is_a_short_plain_word(tag: str) -> None:
    with pytest.raises(InvalidValue):
        Format(cls=Card, tag=tag, schema=1, upcasters=())
