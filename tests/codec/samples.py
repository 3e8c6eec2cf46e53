"""Sample classes: one of every type that has a stored form, and a card whose format has a past."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from typing import ClassVar, Final, Generic, NewType, TypeVar

from attrs import field, frozen

from turnkeep_adapters.codec.format import Fields, Format
from turnkeep_adapters.codec.json_codec import JsonCodec
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.events import Event
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant
from turnkeep_domain.keys import Address, Collection, Identity, Index
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import Digest, Mark, Marks, RequestId
from turnkeep_domain.scope import Scope

T = TypeVar("T")
Title = NewType("Title", str)

AT: Final = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
SCOPE: Final = Scope.of("acme", "ada", thread="t-1")


class Colour(Enum):
    RED = "red"
    GREEN = "green"


@frozen(kw_only=True)
class Disc:
    radius: int


@frozen(kw_only=True)
class Square:
    side: int
    colour: Colour


@frozen
class Blank:
    pass


@frozen(kw_only=True)
class Crate(Generic[T]):
    """A generic class that uses its parameter in every position."""

    one: T
    maybe: T | None
    many: tuple[T, ...]
    some: frozenset[T]


@frozen(kw_only=True)
class Sheet:
    """A record with a field of every type; `copies` has a default, which no stored field may."""

    id: str = field(validator=identifier)
    scope: Scope
    title: Title
    count: int = field()
    done: bool
    seal: bytes
    at: datetime = field(validator=instant)
    until: datetime | None
    colour: Colour
    lines: tuple[str, ...]
    span: tuple[int, bool]
    tags: frozenset[str]
    people: frozenset[Principal]
    groups: frozenset[frozenset[int]]
    figure: Disc | Square | Blank
    other: Disc | Square | None
    crate: Crate[Disc]
    marks: Marks[Disc | Blank]
    copies: int = 7

    @count.validator
    def _not_negative(self, _: object, count: int) -> None:
        if count < 0:
            raise InvalidValue("count", "must not be negative")


@frozen(kw_only=True)
class Torn:
    """The other member of the collection of sheets."""

    id: str
    scope: Scope


@frozen(kw_only=True)
class Card:
    """A record whose third schema is the newest."""

    id: str
    scope: Scope
    title: str
    stars: int


@frozen(kw_only=True)
class SheetDrawn(Event):
    kind: ClassVar[str] = "sheet.drawn"

    by: Principal
    colours: frozenset[Colour]


@frozen(kw_only=True)
class SheetTorn(Event):
    """An event that has no field of its own."""

    kind: ClassVar[str] = "sheet.torn"


@frozen(kw_only=True)
class CardDealt(Event):
    """An event whose second schema is the newest."""

    kind: ClassVar[str] = "card.dealt"

    stars: int


def text_became_title(fields: Fields) -> Fields:
    kept = {name: value for name, value in fields.items() if name != "text"}
    return _with(kept, "title", fields["text"])


def cards_had_no_stars(fields: Fields) -> Fields:
    return _with(fields, "stars", 0)


def _with(fields: Fields, name: str, value: object) -> Fields:
    if name in fields:
        raise KeyError(name)
    return {**fields, name: value}


def _index(_: object) -> Index:
    return Index(state="kept", due_at=None, sort="")


SHEETS: Final[Collection[Sheet | Torn]] = Collection(
    name="sheet",
    members=(Sheet, Torn),
    permanent=True,
    index=_index,
    identity=lambda record: Identity(record.scope, record.id),
    marks=lambda _: None,
)
CARDS: Final[Collection[Card]] = Collection(
    name="card",
    members=(Card,),
    permanent=False,
    index=_index,
    identity=lambda card: Identity(card.scope, card.id),
    marks=lambda _: None,
)

CODEC: Final = JsonCodec(
    records=(
        Format(cls=Sheet, tag="sheet", schema=1, upcasters=()),
        Format(cls=Torn, tag="torn", schema=1, upcasters=()),
        Format(
            cls=Card,
            tag="card",
            schema=3,
            upcasters=(text_became_title, cards_had_no_stars),
        ),
    ),
    events=(
        Format(cls=SheetDrawn, tag="sheet.drawn", schema=1, upcasters=()),
        Format(cls=SheetTorn, tag="sheet.torn", schema=1, upcasters=()),
        Format(cls=CardDealt, tag="card.dealt", schema=2, upcasters=(cards_had_no_stars,)),
    ),
    variants={Blank: "blank", Disc: "disc", Square: "square"},
)

SHEET: Final = Sheet(
    id="s-1",
    scope=SCOPE,
    title=Title('Ä "sheet"\\\x00\x1f\x7f\u2028'),
    count=3,
    done=True,
    seal=b"\xfb\xff\x00",
    at=AT,
    until=None,
    colour=Colour.GREEN,
    lines=("b", "a", "b"),
    span=(-1, False),
    tags=frozenset({"b", "a", "a!"}),
    people=frozenset({Principal.person("bo"), Principal.agent("al"), Principal.person("al")}),
    groups=frozenset({frozenset({2, 10}), frozenset[int](), frozenset({1})}),
    figure=Square(side=2, colour=Colour.RED),
    other=None,
    crate=Crate(
        one=Disc(radius=1),
        maybe=Disc(radius=2),
        many=(Disc(radius=3), Disc(radius=3)),
        some=frozenset({Disc(radius=4), Disc(radius=10)}),
    ),
    marks=Marks(
        (
            Mark(RequestId("r-1"), Digest(b"\x01" * 32), Disc(radius=5)),
            Mark(RequestId("r-2"), Digest(b"\x02" * 32), Blank()),
        ),
        4,
    ),
)
CARD: Final = Card(id="c-1", scope=SCOPE, title="Ace", stars=0)
SHEET_ADDRESS: Final = Address("sheet", SCOPE, "s-1")
CARD_ADDRESS: Final = Address("card", SCOPE, "c-1")
