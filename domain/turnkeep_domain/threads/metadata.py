"""Metadata: what a host notes beside a thread or a message, a JSON object in one spelling."""

from __future__ import annotations

from typing import Final, NewType

from turnkeep_domain.approvals.canonical import CanonicalInput, Json, JsonText, canonical
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.threads.limits import METADATA_BYTES_MAX, require_at_most
from turnkeep_domain.threads.texts import bytes_of, require_text

Metadata = NewType("Metadata", str)
"""The canonical text of a JSON object, at most 16 KiB."""

NOTHING_NOTED: Final = Metadata("{}")


def canonical_json(what: str, json: Json | JsonText) -> str:
    """The one spelling of a JSON value, without NUL.

    Raises:
        InvalidValue: It is not what JSON can say in one way, or nests deeper than 64 levels.
    """
    spelt = canonical(json)
    if not isinstance(spelt, CanonicalInput):
        raise InvalidValue(what, "must be JSON in one spelling, at most 64 levels deep")
    return spelt.text


def metadata_of(json: Json | JsonText | None) -> Metadata:
    """The metadata that a host hands over; None notes nothing.

    Raises:
        InvalidValue: It is no JSON object.
        ThreadLimitExceeded: It has more than 16 KiB.
    """
    if json is None:
        return NOTHING_NOTED
    noted = Metadata(canonical_json("metadata", json))
    require_metadata("metadata", noted)
    return noted


def require_metadata(what: str, noted: object) -> None:
    """Refuses what is no metadata.

    Raises:
        InvalidValue: It is no text of an object in braces.
        ThreadLimitExceeded: It has more than 16 KiB.
    """
    text = require_text(what, noted)
    if not (text.startswith("{") and text.endswith("}")):
        raise InvalidValue(what, "must be a JSON object")
    require_at_most(what, bytes_of(text), METADATA_BYTES_MAX, "bytes")
