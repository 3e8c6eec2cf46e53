"""A schema: older numbers are stepped up, newer ones refused untouched, nothing is filled in."""

from __future__ import annotations

import orjson
import pytest
from attrs import NOTHING, evolve, fields, has

from tests.codec.golden_files import decoded_event
from tests.codec.samples import (
    AT,
    CARD,
    CARD_ADDRESS,
    CARDS,
    CODEC,
    SHEET,
    SHEET_ADDRESS,
    SHEETS,
    Card,
    CardDealt,
    Sheet,
)
from tests.codec.stored_types import all_stored_types
from turnkeep_adapters.codec.format import Fields, Format
from turnkeep_adapters.codec.formats import RECORDS
from turnkeep_adapters.codec.json_codec import JsonCodec
from turnkeep_ports.errors import Corrupt, SchemaTooNew

FIELDS: Fields = orjson.loads(CODEC.encode(CARD))["d"]


def card_body(schema: object, fields: object) -> bytes:
    return orjson.dumps({"d": fields, "t": "card", "v": schema}, option=orjson.OPT_SORT_KEYS)


def without(*names: str) -> Fields:
    return {name: value for name, value in FIELDS.items() if name not in names}


def read(body: bytes) -> Card:
    return CODEC.decode(CARDS, CARD_ADDRESS, body)


@pytest.mark.parametrize(
    ("schema", "fields"),
    [
        (1, {**without("title", "stars"), "text": "Ace"}),
        (2, without("stars")),
        (3, FIELDS),
    ],
)
def test_every_older_schema_is_stepped_up_to_the_newest(schema: int, fields: Fields) -> None:
    """C1."""
    assert read(card_body(schema, fields)) == CARD


def test_what_was_read_in_an_older_schema_is_written_in_the_newest() -> None:
    older = card_body(1, {**without("title", "stars"), "text": "Ace"})
    assert CODEC.encode(read(older)) == card_body(3, FIELDS)


def test_an_older_event_is_stepped_up_too() -> None:
    dealt = CardDealt(address=CARD_ADDRESS, at=AT, stars=0)
    assert decoded_event(CODEC, dealt, b'{"d":{},"v":1}') == dealt
    assert CODEC.encode_event(dealt) == b'{"d":{"stars":0},"v":2}'


@pytest.mark.parametrize("schema", [4, 5, 1_000, 2**63 - 1])
@pytest.mark.parametrize("fields", [FIELDS, {}, None, [], {"unheard": {"of": 1}}])
def test_a_newer_schema_is_refused_whatever_its_fields(schema: int, fields: object) -> None:
    """C6."""
    with pytest.raises(SchemaTooNew) as raised:
        read(card_body(schema, fields))
    told = raised.value
    assert (told.what, told.found, told.newest) == ("a stored card record", schema, 3)


def test_a_newer_schema_of_an_event_is_refused() -> None:
    """C6."""
    dealt = CardDealt(address=CARD_ADDRESS, at=AT, stars=1)
    with pytest.raises(SchemaTooNew) as raised:
        decoded_event(CODEC, dealt, b'{"d":{},"v":3}')
    told = raised.value
    assert (told.what, told.found, told.newest) == ("a stored card.dealt event", 3, 2)


def test_a_newer_schema_is_refused_before_any_upcaster_sees_it() -> None:
    """C6."""
    seen: list[Fields] = []

    def note(fields: Fields) -> Fields:
        seen.append(fields)
        return fields

    codec = JsonCodec(
        records=(Format(cls=Card, tag="card", schema=2, upcasters=(note,)),),
        events=(),
        variants={},
    )
    with pytest.raises(SchemaTooNew):
        codec.decode(CARDS, CARD_ADDRESS, card_body(3, FIELDS))
    assert seen == []
    assert codec.decode(CARDS, CARD_ADDRESS, card_body(1, FIELDS)) == CARD
    assert seen == [FIELDS]


@pytest.mark.parametrize(
    "schema", [0, -1, None, True, "3", 3.0, [3], {}, 2**63, 2**64, "newest", -(2**63)]
)
def test_a_schema_that_is_no_number_from_one_is_damage(schema: object) -> None:
    spelled = orjson.Fragment(str(schema)) if type(schema) is int else schema
    with pytest.raises(Corrupt):
        read(card_body(spelled, FIELDS))


@pytest.mark.parametrize(
    ("schema", "fields"),
    [
        (1, FIELDS),
        (1, without("title", "stars")),
        (1, {**without("title", "stars"), "text": 5}),
        (1, {**without("stars"), "text": "Ace"}),
        (1, {}),
        (1, None),
        (2, FIELDS | {"stars": 1, "text": "Ace"}),
        (2, without("stars", "title")),
        (2, []),
        (3, without("stars")),
    ],
)
def test_fields_that_no_release_wrote_under_a_number_are_damage(
    schema: int, fields: object
) -> None:
    with pytest.raises(Corrupt):
        read(card_body(schema, fields))


@pytest.mark.parametrize("name", [attribute.name for attribute in fields(Sheet)])
def test_a_missing_field_is_damage_even_where_the_class_has_a_default(name: str) -> None:
    """C4."""
    tree = orjson.loads(CODEC.encode(evolve(SHEET, copies=7)))
    del tree["d"][name]
    with pytest.raises(Corrupt, match="must be an object of a Sheet's fields and no others"):
        CODEC.decode(SHEETS, SHEET_ADDRESS, orjson.dumps(tree, option=orjson.OPT_SORT_KEYS))


def test_no_stored_field_of_turnkeep_has_a_default() -> None:
    """C4."""
    stored = [part for part in all_stored_types() if isinstance(part, type) and has(part)]
    assert {format.cls for format in RECORDS} <= set(stored)
    defaults = [
        f"{part.__name__}.{attribute.name}"
        for part in stored
        for attribute in fields(part)
        if attribute.default is not NOTHING
    ]
    assert defaults == []
