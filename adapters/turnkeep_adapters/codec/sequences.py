"""A sequence: a tuple as a list, a set as the list that is sorted by the JSON of its elements."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from operator import lt
from typing import Final

from turnkeep_adapters.codec.body import render
from turnkeep_adapters.codec.scalars import INTEGER_MAX, INTEGER_MIN
from turnkeep_adapters.codec.shape import Shape
from turnkeep_domain.errors import InvalidValue

_INTEGERS: Final = frozenset({int})


def row(element: Shape) -> Shape:
    """The shape of `tuple[X, ...]`."""
    inward, outward = element.encode, element.decode

    def encode(value: object) -> object:
        if type(value) is not tuple:
            raise InvalidValue("value", "must be a tuple")
        return [inward(item) for item in value]

    def decode(value: object, _: object) -> object:
        if type(value) is not list:
            raise InvalidValue("value", "must be a list")
        return tuple([outward(item, None) for item in value])

    return Shape(encode, decode)


def listed(cls: type[Iterable[object]], element: Shape, build: Callable[..., object]) -> Shape:
    """The shape of a class that is no more than its elements in their order.

    Args:
        cls: The class.
        element: The shape of each.
        build: Makes one of a list of them.
    """
    inward, outward = element.encode, element.decode

    def encode(value: object) -> object:
        if type(value) is not cls:
            raise InvalidValue("value", f"must be a {cls.__name__}, and of no subclass")
        return [inward(item) for item in value]

    def decode(value: object, _: object) -> object:
        if type(value) is not list:
            raise InvalidValue("value", "must be a list")
        return build([outward(item, None) for item in value])

    return Shape(encode, decode)


def integers() -> Shape:
    """The shape of `tuple[int, ...]`, looked at as a whole: budgets write amounts by the row."""

    def exact(items: Collection[int]) -> None:
        if not _INTEGERS.issuperset(map(type, items)) or (
            items and not INTEGER_MIN <= min(items) <= max(items) <= INTEGER_MAX
        ):
            raise InvalidValue("value", "must be an integer of 64 bits, its sign included")

    def encode(value: object) -> object:
        if type(value) is not tuple:
            raise InvalidValue("value", "must be a tuple")
        exact(value)
        return list(value)

    def decode(value: object, _: object) -> object:
        if type(value) is not list:
            raise InvalidValue("value", "must be a list")
        exact(value)
        return tuple(value)

    return Shape(encode, decode)


def fixed(elements: tuple[Shape, ...]) -> Shape:
    """The shape of `tuple[X, Y]`: as many elements, each of its own type."""
    size = len(elements)

    def encode(value: object) -> object:
        if type(value) is not tuple or len(value) != size:
            raise InvalidValue("value", "must be a tuple of its own length")
        return [shape.encode(item) for shape, item in zip(elements, value, strict=True)]

    def decode(value: object, _: object) -> object:
        if type(value) is not list or len(value) != size:
            raise InvalidValue("value", "must be a list of its own length")
        return tuple(
            [shape.decode(item, None) for shape, item in zip(elements, value, strict=True)]
        )

    return Shape(encode, decode)


def distinct(element: Shape) -> Shape:
    """The shape of `frozenset[X]`: equal sets are equal lists, however they were built."""
    inward, outward = element.encode, element.decode

    def encode(value: object) -> object:
        if type(value) is not frozenset:
            raise InvalidValue("value", "must be a frozenset")
        return sorted([inward(item) for item in value], key=render)

    def decode(value: object, _: object) -> object:
        if type(value) is not list:
            raise InvalidValue("value", "must be a list")
        texts = [render(item) for item in value]
        if not all(map(lt, texts, texts[1:])):
            raise InvalidValue("value", "must be sorted and name nothing twice")
        return frozenset([outward(item, None) for item in value])

    return Shape(encode, decode)
