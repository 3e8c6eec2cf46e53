"""A handle: the name of a secret within its owner's scope, in one spelling only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NewType

from turnkeep_domain.errors import InvalidValue

if TYPE_CHECKING:
    from attrs import Attribute

Handle = NewType("Handle", str)
"""1 to 128 of `a-z`, `0-9`, `_`, `.` and `-`."""

_HANDLE: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,127}", re.ASCII)


def require_handle(what: str, text: object) -> None:
    """Refuses what is no handle; nothing is ever normalised into one.

    A handle matches ``[a-z0-9][a-z0-9_.-]*``, has 1 to 128 bytes, no two dots in a row, and no dot
    at its end: it is safe as a part of a path or of a variable's name, wherever a host uses it so.

    Raises:
        InvalidValue: The text breaks one of these rules; it is not repeated.
    """
    plain = type(text) is str and _HANDLE.fullmatch(text) is not None
    if not plain or ".." in str(text) or str(text).endswith("."):
        raise InvalidValue(
            what,
            "must match [a-z0-9][a-z0-9_.-]{0,127} with no two dots in a row or dot at its end",
        )


def handle(_: object, attribute: Attribute[Handle], text: Handle) -> None:
    """An attrs validator: the field is a handle."""
    require_handle(attribute.name, text)
