"""An identifier: text that names something for ever, in one spelling only."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final, TypeVar

from turnkeep_domain.errors import InvalidValue

if TYPE_CHECKING:
    from attrs import Attribute

T = TypeVar("T")

IDENTIFIER_BYTES_MAX: Final = 200
COLLECTION_BYTES_MAX: Final = 32
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
    if text.isascii():
        if not text.isprintable():
            raise InvalidValue(what, "must have no control characters")
    else:
        _require_one_spelling(what, text)
    if not text or len(text.encode()) > IDENTIFIER_BYTES_MAX:
        raise InvalidValue(what, f"must have 1 to {IDENTIFIER_BYTES_MAX} bytes")
    if text != text.strip():
        raise InvalidValue(what, "must have no white space at its edges")


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


def _require_one_spelling(what: str, text: str) -> None:
    categories = {unicodedata.category(character) for character in text}
    if "Cs" in categories:
        raise InvalidValue(what, "must have no surrogates")
    if "Cc" in categories:
        raise InvalidValue(what, "must have no control characters")
    if not unicodedata.is_normalized("NFC", text):
        raise InvalidValue(what, "must be in Unicode normalisation form C")
