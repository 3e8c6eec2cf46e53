"""An identifier: text that names something for ever, in one spelling only."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeVar

from turnkeep_domain.errors import InvalidValue

if TYPE_CHECKING:
    from attrs import Attribute

T = TypeVar("T")

IDENTIFIER_BYTES_MAX: Final = 200
COLLECTION_BYTES_MAX: Final = 32
_REMEMBERED: Final = 4_096
_COLLECTION: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")


def require_identifier(what: str, text: object) -> None:
    """Refuses text that could be spelled in two ways or that hides something.

    An identifier has 1 to 200 bytes of UTF-8, is in Unicode normalisation form C (it is never
    normalised here: two spellings would become one name), and has no control characters, no
    surrogates and no white space at its edges.

    Raises:
        InvalidValue: The text breaks one of these rules; the text is not repeated.
    """
    if type(text) is not str:
        raise InvalidValue(what, "must be text")
    # Names are checked wherever they stand, the same few again and again.
    fault = _fault(text) if len(text) <= IDENTIFIER_BYTES_MAX else _fault.__wrapped__(text)
    if fault is not None:
        raise InvalidValue(what, fault)


def require_collection(what: str, text: object) -> None:
    """Refuses a collection name that is not ``[a-z][a-z0-9_]{0,31}``.

    Raises:
        InvalidValue: The name breaks the rule.
    """
    if type(text) is not str or not _COLLECTION.fullmatch(text):
        raise InvalidValue(what, "must match [a-z][a-z0-9_]{0,31}")


def identifier(_: object, attribute: Attribute[T], text: T) -> None:
    """An attrs validator: the field is an identifier, whatever its type is called."""
    require_identifier(attribute.name, text)


def optional_identifier(_: object, attribute: Attribute[T], text: T) -> None:
    """An attrs validator: the field is an identifier or absent."""
    if text is not None:
        require_identifier(attribute.name, text)


@lru_cache(_REMEMBERED)
def _fault(text: str) -> str | None:
    """What is wrong with a text as an identifier, in a clause."""
    fault = None
    if not text.isascii():
        fault = _fault_of_spelling(text)
    elif not text.isprintable():
        fault = "must have no control characters"
    if fault is not None:
        return fault
    if not text or len(text.encode()) > IDENTIFIER_BYTES_MAX:
        return f"must have 1 to {IDENTIFIER_BYTES_MAX} bytes"
    return None if text == text.strip() else "must have no white space at its edges"


def _fault_of_spelling(text: str) -> str | None:
    categories = {unicodedata.category(character) for character in text}
    if "Cs" in categories:
        return "must have no surrogates"
    if "Cc" in categories:
        return "must have no control characters"
    if not unicodedata.is_normalized("NFC", text):
        return "must be in Unicode normalisation form C"
    return None
