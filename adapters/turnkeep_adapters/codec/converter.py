"""A converter: cattrs with a shape chosen by hand for every type, and none for any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from types import EllipsisType, NoneType, UnionType
from typing import Final, NewType, Union, get_args, get_origin

import attrs
from cattrs import Converter

from turnkeep_adapters.codec import sequences, unions
from turnkeep_adapters.codec.classes import fields_of
from turnkeep_adapters.codec.interned import interned
from turnkeep_adapters.codec.scalars import SCALARS, enumerated
from turnkeep_adapters.codec.shape import Shape
from turnkeep_adapters.codec.written_once import written_once
from turnkeep_domain.budgets.account_holds import AccountHolds
from turnkeep_domain.budgets.holds import Hold
from turnkeep_domain.events import Event
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.lane import LaneEntry, LaneGrants

_NOTHING_BESIDE: Final[frozenset[str]] = frozenset()
_BESIDE_AN_EVENT: Final = frozenset(attribute.name for attribute in attrs.fields(Event))
_INTERNED: Final[Mapping[type[object], tuple[str, ...]]] = {
    Scope: tuple(attribute.name for attribute in attrs.fields(Scope))
}

_WRITTEN_ONCE: Final = frozenset({LaneEntry, LaneGrants})


def _of_any_type(_: object) -> bool:
    return True


def exact_converter(variants: Mapping[type[object], str]) -> Converter:
    """The converter that every adapter shares.

    Known are: text, integers of 64 bits, flags, bytes, UTC times, enumerations of texts, types
    made of these by `NewType`, tuples, frozensets, `X | None`, attrs classes, generic ones too,
    and closed unions of attrs classes. An event is written without its address and time. For
    every other type, a subclass of a known one included, asking for a hook is a `TypeError`.

    Args:
        variants: The tag of each class that is a member of a union.
    """
    # Detailed validation tells which field is at fault; it costs a few per cent.
    converter = Converter(detailed_validation=True, use_alias=True)
    for scalar, shape in SCALARS.items():
        converter.register_unstructure_hook(scalar, shape.encode)
        converter.register_structure_hook(scalar, shape.decode)
    shapes = _Shapes(converter, variants)
    converter.register_unstructure_hook_factory(_of_any_type, lambda of: shapes.of(of).encode)
    converter.register_structure_hook_factory(_of_any_type, lambda of: shapes.of(of).decode)
    return converter


class _Shapes:
    """The shapes of all types, each composed once, when it is first asked for."""

    def __init__(self, converter: Converter, variants: Mapping[type[object], str]) -> None:
        self._converter = converter
        self._variants = variants
        self._made = dict[object, Shape](SCALARS.items())
        self._being_made: set[object] = set()

    def of(self, annotation: object) -> Shape:
        """The shape of a type.

        Raises:
            TypeError: The type has no exact form, or contains itself: what nests without a bound
                could be written too deep to be read.
        """
        if annotation not in self._made:
            if annotation in self._being_made:
                raise TypeError(f"{annotation} contains itself")
            self._being_made.add(annotation)
            try:
                self._made[annotation] = self._compose(annotation)
            finally:
                self._being_made.remove(annotation)
        return self._made[annotation]

    def _compose(self, annotation: object) -> Shape:
        if isinstance(annotation, NewType):
            return self.of(annotation.__supertype__)
        if isinstance(annotation, type) and issubclass(annotation, Enum):
            return enumerated(annotation)
        origin = get_origin(annotation)
        arguments = get_args(annotation)
        if origin in (Union, UnionType):
            return self._union(arguments)
        if origin is frozenset:
            return sequences.distinct(self.of(arguments[0]))
        if origin is tuple:
            return self._tuple(arguments)
        cls = origin or annotation
        if cls is AccountHolds:
            return sequences.listed(AccountHolds, self.of(Hold), AccountHolds.of)
        if isinstance(cls, type) and attrs.has(cls):
            shape = fields_of(annotation, cls, self._converter, beside=self._beside(cls))
            if cls in _WRITTEN_ONCE:
                return written_once(shape)
            return interned(shape, _INTERNED[cls]) if cls in _INTERNED else shape
        raise TypeError(f"{annotation} has no exact form")

    def _beside(self, cls: type[attrs.AttrsInstance]) -> frozenset[str]:
        if not issubclass(cls, Event):
            return _NOTHING_BESIDE
        if self._being_made != {cls}:
            raise TypeError(f"{cls.__name__} is an event, and no part of anything")
        return _BESIDE_AN_EVENT

    def _tuple(self, arguments: tuple[object, ...]) -> Shape:
        match arguments:
            case (element, EllipsisType()) if element is int:
                return sequences.integers()
            case (element, EllipsisType()):
                return sequences.row(self.of(element))
            case _:
                return sequences.fixed(tuple([self.of(element) for element in arguments]))

    def _union(self, arguments: tuple[object, ...]) -> Shape:
        members = [member for member in arguments if member is not NoneType]
        shape = self.of(members[0]) if len(members) == 1 else self._tagged(members)
        return shape if len(members) == len(arguments) else unions.optional(shape)

    def _tagged(self, members: Sequence[object]) -> Shape:
        variants: dict[str, tuple[type[object], Shape]] = {}
        for member in members:
            cls: object = get_origin(member) or member
            if not isinstance(cls, type) or cls not in self._variants:
                raise TypeError(f"{member} needs a tag, as a member of a union")
            tag = self._variants[cls]
            if tag in variants:
                raise TypeError(f"{member} needs a tag that no other member of its union has")
            variants[tag] = (cls, self.of(member))
        return unions.tagged(variants)
