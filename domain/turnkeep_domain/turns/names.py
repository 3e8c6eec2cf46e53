"""The names of turns: ids that Turnkeep derives, and references that a host gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, NewType, TypeVar

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.turns.limits import REF_BYTES_MAX

if TYPE_CHECKING:
    from attrs import Attribute

T = TypeVar("T")

TurnId = NewType("TurnId", str)
"""A UUID of version 8 that follows from scope, operation and request id."""

RunId = NewType("RunId", str)
"""A UUID of version 8 that follows from scope, operation and request id."""

Ref = NewType("Ref", str)
"""A host's own name for something (a message, a result, a credential): never its content."""

Category = NewType("Category", str)
"""A host's word for why something failed, for example `model_overloaded`: never a backend text."""


def require_ref(what: str, text: object) -> None:
    """Refuses text that is no reference: 1 to 256 bytes of UTF-8, no control characters.

    Raises:
        InvalidValue: It is none; the text is not repeated.
    """
    if type(text) is not str:
        raise InvalidValue(what, "must be text")
    if not text.isprintable():
        raise InvalidValue(what, "must have no control characters")
    if not 1 <= len(text.encode()) <= REF_BYTES_MAX:
        raise InvalidValue(what, f"must have 1 to {REF_BYTES_MAX} bytes")


def ref(_: object, attribute: Attribute[T], text: T) -> None:
    """An attrs validator: the field is a reference or a category."""
    require_ref(attribute.name, text)


def optional_ref(_: object, attribute: Attribute[T], text: T) -> None:
    """An attrs validator: the field is a reference, a category or absent."""
    if text is not None:
        require_ref(attribute.name, text)
