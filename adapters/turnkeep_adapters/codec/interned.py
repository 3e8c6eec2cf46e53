"""An interned shape: a small value that stands in many records is built once and then shared.

A scope stands in every record, often several times, and its rules cost more than all else that is
read beside it. Whoever reads the queue of one user again and again finds its scopes built already.
"""

from __future__ import annotations

from functools import lru_cache
from operator import itemgetter
from typing import Final

from turnkeep_adapters.codec.shape import Shape

INTERNED_MAX: Final = 8_192
"""How many values of one class are kept, those that were read last; a scope has about 600 bytes."""


def interned(inner: Shape, names: tuple[str, ...]) -> Shape:
    """The shape that reads equal JSON as one and the same value, and writes it once.

    Args:
        inner: The shape of an immutable class.
        names: Its fields, two at least, of texts that may be absent: of any other type, equal
            parts might have different JSON.
    """
    parts_of = itemgetter(*names)

    @lru_cache(maxsize=INTERNED_MAX)
    def built(*parts: object) -> object:
        return inner.decode(dict(zip(names, parts, strict=True)), None)

    def decode(value: object, _: object) -> object:
        if type(value) is dict and len(value) == len(names):
            try:
                return built(*parts_of(value))
            except (KeyError, TypeError):
                # A field is missing, or no text: told below, as of any other class.
                pass
        return inner.decode(value, None)

    # Typed, so that a subclass is told apart; nobody changes the JSON that is shared so.
    @lru_cache(maxsize=INTERNED_MAX, typed=True)
    def written(value: object) -> object:
        return inner.encode(value)

    def encode(value: object) -> object:
        try:
            return written(value)
        except TypeError:
            # It cannot be hashed, so it is none: told as any other class.
            return inner.encode(value)

    return Shape(encode, decode)
