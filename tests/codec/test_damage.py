"""Damage: whatever the bytes are, they are a record, or told as corrupt in words of our own."""

from __future__ import annotations

import pickle
import traceback
from typing import Final, Protocol, TypeVar

import orjson
import pytest
from attrs import evolve, field, frozen

from tests.codec.golden_files import decoded_event
from tests.codec.samples import (
    AT,
    CARD,
    CARD_ADDRESS,
    CARDS,
    CODEC,
    SCOPE,
    SHEET,
    SHEET_ADDRESS,
    SHEETS,
    Card,
    CardDealt,
    SheetTorn,
)
from turnkeep_adapters.codec.format import Fields, Format
from turnkeep_adapters.codec.json_codec import JsonCodec
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Address, Collection, Identity, Index
from turnkeep_domain.scope import Scope
from turnkeep_ports.errors import Corrupt
from turnkeep_ports.limits import BODY_BYTES_MAX, EVENT_BYTES_MAX


class Kept(Protocol):
    """A record that carries its identity."""

    @property
    def id(self) -> str: ...

    @property
    def scope(self) -> Scope: ...


T = TypeVar("T", bound=Kept)

BODY: Final = CODEC.encode(SHEET)
TORN: Final = SheetTorn(address=SHEET_ADDRESS, at=AT)


def with_fields(**changed: object) -> bytes:
    tree = orjson.loads(BODY)
    tree["d"].update(changed)
    return orjson.dumps(tree, option=orjson.OPT_SORT_KEYS)


def damage(body: bytes) -> Corrupt:
    with pytest.raises(Corrupt) as raised:
        CODEC.decode(SHEETS, SHEET_ADDRESS, body)
    return raised.value


def codec_of(cls: type[T]) -> tuple[JsonCodec, Collection[T]]:
    """A codec and a collection of one class."""
    of: Collection[T] = Collection(
        name="sample",
        members=(cls,),
        permanent=True,
        index=lambda _: Index(state="kept", due_at=None, sort=""),
        identity=lambda record: Identity(record.scope, record.id),
        marks=lambda _: None,
    )
    sample = Format(cls=cls, tag="sample", schema=1, upcasters=())
    return JsonCodec(records=(sample,), events=(), variants={}), of


HOSTILE: Final = {
    "nothing": b"",
    "a space": b" ",
    "NUL": b"\x00",
    "no UTF-8": b'{"d":{},"t":"\xff","v":1}',
    "a surrogate": b'{"d":{},"t":"\\ud800","v":1}',
    "an encoded surrogate": b'{"d":{},"t":"\xed\xa0\x80","v":1}',
    "not a number": b"NaN",
    "infinity": b"Infinity",
    "a huge exponent": b"1e999999999",
    "a huge integer": b"1" * 100_000,
    "null": b"null",
    "a list": b"[]",
    "a text": b'"sheet"',
    "a number": b"5",
    "no fields": b"{}",
    "fields without envelope": b'{"id":"s-1"}',
    "deep lists": b"[" * 900 + b"]" * 900,
    "deeper lists": b"[" * 100_000 + b"]" * 100_000,
    "unended lists": b"[" * 500_000,
    "deep objects": b'{"d":' * 900 + b"1" + b"}" * 900,
    "deeper objects": b'{"d":' * 100_000 + b"1" + b"}" * 100_000,
    "many keys": b"{" + b",".join(b'"%d":0' % number for number in range(70_000)) + b"}",
    "many items": b"[" + b",".join([b"0"] * 500_000) + b"]",
    "too many bytes": b'"' + b"x" * BODY_BYTES_MAX + b'"',
    "far too many bytes": b" " * (64 << 20),
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_hostile_bytes_are_damage_and_nothing_worse(body: bytes) -> None:
    damage(body)
    with pytest.raises(Corrupt):
        decoded_event(CODEC, TORN, body)


@pytest.mark.parametrize("levels", [100, 250, 255, 500, 1000, 2000])
@pytest.mark.parametrize("name", ["title", "lines", "tags", "groups", "figure", "crate", "until"])
def test_deep_nesting_in_any_field_is_damage(name: str, levels: int) -> None:
    for opening, ending in ((b"[", b"]"), (b'{"d":', b"}"), (b'{"d":{},"t":', b"}")):
        deep = opening * levels + b"0" + ending * levels
        tree = orjson.loads(BODY)
        tree["d"][name] = orjson.Fragment(deep)
        damage(orjson.dumps(tree, option=orjson.OPT_SORT_KEYS))


def test_a_body_above_the_limit_is_damage_even_if_it_is_a_record() -> None:
    small = evolve(SHEET, lines=("x" * (BODY_BYTES_MAX - len(BODY) - 100),))
    assert CODEC.decode(SHEETS, SHEET_ADDRESS, CODEC.encode(small)) == small
    large = evolve(SHEET, lines=("x" * BODY_BYTES_MAX,))
    assert damage(CODEC.encode(large)).why == f"body must have at most {BODY_BYTES_MAX} bytes"


def test_the_body_of_an_event_above_its_limit_is_damage() -> None:
    with pytest.raises(Corrupt, match=f"at most {EVENT_BYTES_MAX} bytes"):
        decoded_event(CODEC, TORN, b" " * (EVENT_BYTES_MAX + 1))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"copies": "7"}, "copies: value must be an integer of 64 bits, its sign included"),
        ({"lines": [1]}, "lines: value must be text"),
        ({"count": -1}, "count must not be negative"),
        (
            {"scope": {**orjson.loads(BODY)["d"]["scope"], "tenant": " "}},
            "scope: tenant must have no white space at its edges",
        ),
        (
            {"people": [{"id": "al", "kind": "robot"}]},
            "people.kind: value must be a member of its enumeration",
        ),
        ({"figure": {"t": "disc", "d": {"radius": None}}}, "figure.radius: value must be an in"),
        ({"more": 1}, "value must be an object of a Sheet's fields and no others"),
    ],
)
def test_damage_names_the_field_and_the_rule(changed: dict[str, object], why: str) -> None:
    assert damage(with_fields(**changed)).why.startswith(why)


def test_damage_carries_the_address_and_chains_its_cause() -> None:
    told = damage(with_fields(count=-1))
    assert told.address == SHEET_ADDRESS
    assert isinstance(told.__cause__, Exception)


SECRETS: Final = [
    with_fields(title=["hush" * 2]),
    with_fields(seal="hush" * 2 + "!"),
    with_fields(at="hush" * 2),
    with_fields(colour="hush" * 2),
    with_fields(copies="hush" * 2),
    with_fields(tags=["hush" * 2, "hush" * 2]),
    with_fields(figure={"t": "hush" * 2, "d": {}}),
    with_fields(figure={"t": "disc", "d": {"hush" * 2: 1}}),
    with_fields(id="hush" * 2),
    with_fields(**{"hush" * 2: 1}),
    BODY.replace(b'"t":"sheet"', b'"t":"' + b"hush" * 2 + b'"'),
    b"hush" * 2,
    b'{"' + b"hush" * 2 + b'": ',
]


@pytest.mark.parametrize("body", SECRETS)
def test_neither_damage_nor_its_causes_repeat_the_bytes(body: bytes) -> None:
    assert b"hush" * 2 in body
    told = damage(body)
    whole = "".join(traceback.format_exception(told))
    assert "hush" * 2 not in f"{whole} {told} {told!r}"
    assert str(SHEET_ADDRESS) not in whole


def test_damage_survives_pickling() -> None:
    told = damage(with_fields(count=-1))
    returned = pickle.loads(pickle.dumps(told))
    assert (returned.why, returned.address) == (told.why, SHEET_ADDRESS)
    assert str(returned) == str(told)


@pytest.mark.parametrize(
    "address",
    [
        Address("sheet", SCOPE, "s-2"),
        Address("sheet", Scope.of("acme", "bo", thread="t-1"), "s-1"),
        Address("sheet", Scope.of("acme", "ada"), "s-1"),
        Address("sheet", Scope.of("acme", "ada", thread="t-1", agent="x"), "s-1"),
        Address("sheet", Scope.of("acme", "ada", mission="t-1"), "s-1"),
    ],
    ids=["id", "user", "thread absent", "agent present", "another component"],
)
def test_a_record_that_stands_under_another_key_is_damage(address: Address) -> None:
    """C5."""
    with pytest.raises(Corrupt, match="scope and id must be those of the key") as raised:
        CODEC.decode(SHEETS, address, BODY)
    assert raised.value.address == address


def test_a_record_of_another_collection_is_damage() -> None:
    card = CODEC.encode(evolve(CARD, id="s-1"))
    with pytest.raises(Corrupt, match="tag must be one of the collection's"):
        CODEC.decode(SHEETS, SHEET_ADDRESS, card)


def test_an_address_of_another_collection_is_the_callers_mistake() -> None:
    with pytest.raises(InvalidValue):
        CODEC.decode(SHEETS, CARD_ADDRESS, BODY)


def test_fields_under_the_tag_of_another_class_are_damage() -> None:
    damage(BODY.replace(b'"t":"sheet"', b'"t":"torn"'))


@pytest.mark.parametrize("tag", [None, 5, ["sheet"], {}, "", "Sheet", "sheet ", "card.dealt"])
def test_an_unknown_tag_is_damage(tag: object) -> None:
    tree = {**orjson.loads(BODY), "t": tag}
    damage(orjson.dumps(tree, option=orjson.OPT_SORT_KEYS))


def test_an_event_of_an_unknown_kind_is_damage() -> None:
    @frozen(kw_only=True)
    class Unheard(SheetTorn):
        kind = "sheet.unheard"

    with pytest.raises(Corrupt, match="kind must be one that this release knows") as raised:
        decoded_event(CODEC, Unheard(address=SHEET_ADDRESS, at=AT), b'{"d":{},"v":1}')
    assert raised.value.address is None


@pytest.mark.parametrize(
    "body",
    [
        b'{"d":{"address":null},"v":1}',
        b'{"d":{"at":"2026-01-02T03:04:05.000006Z"},"v":1}',
        b'{"d":{"stars":1},"v":1}',
        b'{"d":{},"t":"sheet.torn","v":1}',
        b'{"d":[],"v":1}',
        b'{"d":null,"v":1}',
        b'{"v":1}',
    ],
)
def test_an_event_with_other_fields_is_damage(body: bytes) -> None:
    with pytest.raises(Corrupt):
        decoded_event(CODEC, TORN, body)


def test_an_event_without_its_fields_is_damage() -> None:
    dealt = CardDealt(address=CARD_ADDRESS, at=AT, stars=1)
    with pytest.raises(Corrupt):
        decoded_event(CODEC, dealt, b'{"d":{},"v":2}')


def test_a_body_that_nests_deeper_than_any_is_told_as_that() -> None:
    assert damage(b"[" * 300 + b"]" * 300).why == "body must nest less deeply"
    assert damage(b"[" * 3000 + b"]" * 3000).why == "body must be JSON"


@pytest.mark.parametrize(
    "error",
    [ArithmeticError, AssertionError, AttributeError, IndexError, KeyError, TypeError, ValueError],
)
def test_what_an_upcaster_raises_for_fields_that_nobody_wrote_is_damage(
    error: type[Exception],
) -> None:
    def stumble(fields: Fields) -> Fields:
        raise error(fields["title"])

    codec = JsonCodec(
        records=(Format(cls=Card, tag="card", schema=2, upcasters=(stumble,)),),
        events=(),
        variants={},
    )
    body = codec.encode(CARD).replace(b'"v":2', b'"v":1')
    with pytest.raises(Corrupt) as raised:
        codec.decode(CARDS, CARD_ADDRESS, body)
    assert raised.value.why == "a rule of the class does not hold"
    assert isinstance(raised.value.__cause__, error)


@frozen(kw_only=True)
class Loose:
    """A record whose invariant repeats the value when it does not hold."""

    id: str = field()
    scope: Scope

    @id.validator
    def _repeats(self, _: object, id: str) -> None:
        if id != "written":
            raise ValueError(id)


def test_what_an_invariant_says_in_words_of_its_own_is_not_repeated() -> None:
    codec, of = codec_of(Loose)
    body = codec.encode(Loose(id="written", scope=SCOPE)).replace(b'"written"', b'"hostile"')
    with pytest.raises(Corrupt) as raised:
        codec.decode(of, Address("sample", SCOPE, "hostile"), body)
    assert raised.value.why == "a rule of the class does not hold"


@frozen(kw_only=True)
class Greedy:
    """A record whose invariant fails in a way that says nothing about the bytes."""

    id: str = field()
    scope: Scope

    @id.validator
    def _exhausts(self, _: object, id: str) -> None:
        if id != "written":
            raise MemoryError


def test_exhausted_memory_is_not_told_as_damage() -> None:
    codec, of = codec_of(Greedy)
    body = codec.encode(Greedy(id="written", scope=SCOPE)).replace(b'"written"', b'"hostile"')
    with pytest.raises(MemoryError):
        codec.decode(of, Address("sample", SCOPE, "hostile"), body)


def test_a_body_is_read_by_one_spelling_alone() -> None:
    assert CODEC.decode(SHEETS, SHEET_ADDRESS, BODY) == SHEET
    respelled = orjson.dumps(orjson.loads(BODY), option=orjson.OPT_INDENT_2)
    assert damage(respelled).why == "body must be in its one spelling"
    doubled = BODY.replace(b'"copies":7', b'"copies":7,"copies":7')
    assert damage(doubled).why == "body must be in its one spelling"


def test_cards_are_read_as_cards() -> None:
    assert CODEC.decode(CARDS, CARD_ADDRESS, CODEC.encode(CARD)) == CARD
