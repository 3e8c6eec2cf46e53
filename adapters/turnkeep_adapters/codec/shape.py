"""A shape: how values of one type become JSON and return, exactly or not at all."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen


@frozen
class Shape:
    """Both directions of one type.

    Both check the value exactly (a flag is no integer, a subclass is not its parent) and raise
    `InvalidValue`, which repeats nothing of it. Both are injective: equal JSON means equal values,
    other JSON other values.

    Attributes:
        encode: The JSON of a value.
        decode: The value of JSON; the second argument is the type, which cattrs hands over.
    """

    encode: Callable[[object], object]
    decode: Callable[[object, object], object]
