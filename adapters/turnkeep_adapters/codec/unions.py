"""A union: one value of several types, told apart by null or by a short tag inside the value."""

from __future__ import annotations

from collections.abc import Mapping

from turnkeep_adapters.codec.body import FIELDS, TAG
from turnkeep_adapters.codec.shape import Shape
from turnkeep_domain.errors import InvalidValue

_NAMES = {TAG, FIELDS}


def optional(inner: Shape) -> Shape:
    """The shape of `X | None`: null, or as X."""
    inward, outward = inner.encode, inner.decode

    def encode(value: object) -> object:
        return None if value is None else inward(value)

    def decode(value: object, _: object) -> object:
        return None if value is None else outward(value, None)

    return Shape(encode, decode)


def tagged(variants: Mapping[str, tuple[type[object], Shape]]) -> Shape:
    """The shape of a closed union of classes: `{"t": tag, "d": fields}`.

    Args:
        variants: Each tag with its class and that class's own shape.
    """
    by_class = {cls: (tag, shape.encode) for tag, (cls, shape) in variants.items()}
    by_tag = {tag: shape.decode for tag, (_, shape) in variants.items()}

    def encode(value: object) -> object:
        if type(value) not in by_class:
            raise InvalidValue("value", "must be a member of its union")
        tag, inward = by_class[type(value)]
        return {TAG: tag, FIELDS: inward(value)}

    def decode(value: object, _: object) -> object:
        if type(value) is not dict or value.keys() != _NAMES:
            raise InvalidValue("value", "must be an object of tag and fields")
        tag = value[TAG]
        if type(tag) is not str or tag not in by_tag:
            raise InvalidValue("value", "must be a member of its union")
        return by_tag[tag](value[FIELDS], None)

    return Shape(encode, decode)
