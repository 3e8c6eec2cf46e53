"""A class: an attrs class as a JSON object of exactly its fields, through cattrs' own functions."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from pathlib import Path
from typing import Final, get_args

import attrs
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from turnkeep_adapters.codec.format import Fields
from turnkeep_adapters.codec.scalars import SCALARS
from turnkeep_adapters.codec.shape import Shape
from turnkeep_domain.errors import InvalidValue

# The overrides of single fields and the options share one **kwargs, which no type can tell apart.
_make_builder: Final[Callable[..., Callable[[Fields, object], object]]] = make_dict_structure_fn
_make_taker: Final[Callable[..., Callable[[object], object]]] = make_dict_unstructure_fn

# cattrs would hand a subclass of one of these to its parent's hook.
_SCALAR_PARENTS: Final[tuple[type[object], ...]] = (*SCALARS, Path)


def fields_of(
    annotation: object,
    cls: type[attrs.AttrsInstance],
    converter: Converter,
    *,
    beside: frozenset[str],
) -> Shape:
    """The shape of an attrs class.

    Args:
        annotation: The class as it was asked for, a generic one with its arguments.
        cls: The class itself.
        converter: Gives the shapes of the fields' types.
        beside: Fields that writing leaves out. For reading they are put into the object, as the
            values that they are.

    Raises:
        TypeError: The class has a field that cannot be stored exactly, or a parameter that was
            not given.
    """
    if annotation is cls and getattr(cls, "__parameters__", None):
        raise TypeError(f"{cls.__name__} needs its arguments")
    names = {attribute.alias for attribute in _storable(cls)}
    inserted = {name: override(struct_hook=_as_it_is) for name in beside}
    omitted = {name: override(omit=True) for name in beside}
    build = _make_builder(annotation, converter, **inserted)
    take_apart = _make_taker(annotation, converter, **omitted)

    def encode(value: object) -> object:
        if type(value) is not cls:
            raise InvalidValue("value", f"must be a {cls.__name__}, and of no subclass")
        return take_apart(value)

    def decode(value: object, _: object) -> object:
        # Without this, the builder would fill a missing field from the class's default.
        if type(value) is not dict or value.keys() != names:
            raise InvalidValue(
                "value", f"must be an object of a {cls.__name__}'s fields and no others"
            )
        return build(value, cls)

    return Shape(encode, decode)


def _as_it_is(value: object, _: object) -> object:
    return value


def _storable(cls: type[attrs.AttrsInstance]) -> tuple[attrs.Attribute[object], ...]:
    """The attributes of a class whose constructor, equality and JSON tell the same.

    Raises:
        TypeError: One of the three tells more or less than the others.
    """
    if cls.__eq__ is object.__eq__ or not issubclass(cls, Hashable):
        raise TypeError(f"{cls.__name__} must be frozen and compared by its fields")
    attributes: tuple[attrs.Attribute[object], ...] = attrs.fields(attrs.resolve_types(cls))
    for attribute in attributes:
        obstacle = _obstacle(attribute)
        if obstacle is not None:
            raise TypeError(f"{cls.__name__}.{attribute.name} {obstacle}")
    return attributes


def _obstacle(attribute: attrs.Attribute[object]) -> str | None:
    if attribute.type is None:
        return "has no type"
    if not attribute.init:
        return "is not given to the constructor"
    if attribute.converter is not None:
        return "is changed by the constructor"
    by_key = attribute.eq_key is not None  # type: ignore[attr-defined]  # the stubs lack it
    if by_key or not attribute.eq:
        return "is not compared as it is, so equal records would have different bytes"
    for part in _parts(attribute.type):
        if isinstance(part, type) and issubclass(part, _SCALAR_PARENTS) and part not in SCALARS:
            return f"holds {part.__name__}, which has no exact form"
    return None


def _parts(annotation: object) -> Iterator[object]:
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)
