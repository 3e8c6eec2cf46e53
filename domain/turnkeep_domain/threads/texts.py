"""A text of a thread: valid Unicode without NUL, kept byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turnkeep_domain.errors import InvalidValue

if TYPE_CHECKING:
    from attrs import Attribute


def require_text(what: str, text: object) -> str:
    """Refuses what is no text, or cannot be kept byte for byte.

    Raises:
        InvalidValue: It is of another class, has a NUL, or a lone surrogate; it is not repeated.
    """
    if type(text) is not str:
        raise InvalidValue(what, "must be text")
    if "\x00" in text:
        raise InvalidValue(what, "must have no NUL")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidValue(what, "must have no lone surrogates") from None
    return text


def bytes_of(text: str) -> int:
    """How many bytes of UTF-8 a text has."""
    return len(text) if text.isascii() else len(text.encode())


def text(_: object, attribute: Attribute[str], value: str) -> None:
    """An attrs validator: the field is a text."""
    require_text(attribute.name, value)


def optional_text(_: object, attribute: Attribute[str | None], value: str | None) -> None:
    """An attrs validator: the field is a text or absent."""
    if value is not None:
        require_text(attribute.name, value)
