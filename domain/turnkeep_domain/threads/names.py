"""A name: what threads and their parts are called by, safe to be a part of a path or a URL."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NewType, TypeVar

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import require_identifier

if TYPE_CHECKING:
    from attrs import Attribute

T = TypeVar("T")

MessageId = NewType("MessageId", str)
"""A message of a thread: `m-` and 32 hex digits, which follow from what it is."""
ClaimId = NewType("ClaimId", str)
"""The claim on one inbound event: `c-` and 64 hex digits, from which the event is not known."""
SummaryId = NewType("SummaryId", str)
"""A summary of a thread: `s-` and 32 hex digits, which follow from its request."""

REF_BYTES_MAX: Final = 256
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def require_name(what: str, text: object) -> None:
    """Refuses an id that is no identifier, or could be taken for a path.

    Raises:
        InvalidValue: It is no identifier, has a slash or backslash, or is `.` or `..`.
    """
    require_identifier(what, text)
    if not isinstance(text, str) or "/" in text or "\\" in text or text in (".", ".."):
        raise InvalidValue(what, "must have no slash or backslash, and not be . or ..")


def require_ref(what: str, text: object) -> None:
    """Refuses what cannot name something in another system: 1 to 256 bytes, no control character.

    Raises:
        InvalidValue: It breaks the rule; it is not repeated.
    """
    if type(text) is not str or _CONTROL.search(text):
        raise InvalidValue(what, "must be text without control characters")
    if not 1 <= len(text.encode()) <= REF_BYTES_MAX:
        raise InvalidValue(what, f"must have 1 to {REF_BYTES_MAX} bytes")


def require_code(what: str, text: object) -> None:
    """Refuses a code that is not `[a-z][a-z0-9_]{0,63}`.

    Raises:
        InvalidValue: It breaks the rule.
    """
    if type(text) is not str or not _CODE.fullmatch(text):
        raise InvalidValue(what, "must match [a-z][a-z0-9_]{0,63}")


def name(_: object, attribute: Attribute[T], text: T) -> None:
    """An attrs validator: the field is a name."""
    require_name(attribute.name, text)


def optional_name(_: object, attribute: Attribute[T], text: T) -> None:
    """An attrs validator: the field is a name or absent."""
    if text is not None:
        require_name(attribute.name, text)


def optional_ref(_: object, attribute: Attribute[T], text: T) -> None:
    """An attrs validator: the field is a ref of another system or absent."""
    if text is not None:
        require_ref(attribute.name, text)


def ref(_: object, attribute: Attribute[T], text: T) -> None:
    """An attrs validator: the field is a ref of another system."""
    require_ref(attribute.name, text)


def code(_: object, attribute: Attribute[T], text: T) -> None:
    """An attrs validator: the field is a code."""
    require_code(attribute.name, text)
