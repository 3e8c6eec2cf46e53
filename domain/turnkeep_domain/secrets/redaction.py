"""A redaction: what is secret shows itself as one fixed marker, and hands itself to nobody.

It stands for `repr`, `str` and `format`. Copying, pickling and iterating raise, since each would
make a further, unguarded copy; comparing is by identity.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NoReturn, SupportsIndex

MARKER: Final = "[redacted]"


class Undisclosed:
    """Something secret; subclasses add the only ways to it."""

    __slots__ = ()

    # typing.override is not in Python 3.11's standard library.
    def __repr__(self) -> str:  # type: ignore[explicit-override]
        return MARKER

    def __str__(self) -> str:  # type: ignore[explicit-override]
        return MARKER

    def __format__(self, _: str) -> str:  # type: ignore[explicit-override]
        return MARKER

    def __iter__(self) -> Iterator[NoReturn]:
        raise TypeError("what is secret is not iterated")

    def __copy__(self) -> NoReturn:
        raise TypeError("what is secret is not copied")

    def __deepcopy__(self, _: object) -> NoReturn:
        raise TypeError("what is secret is not copied")

    def __reduce_ex__(self, _: SupportsIndex) -> NoReturn:  # type: ignore[explicit-override]
        raise TypeError("what is secret is not pickled")
