"""A step value: what a step was given and what it returned, as the journal keeps it.

JSON is kept exactly (whole numbers of 64 bits, finite floats, text without lone surrogates; keys
are sorted, and a tuple comes back as a list); bytes are kept as they are. What `effect` returns on
the spot is read back from what was kept, so that no replay ever returns something else.
"""

from __future__ import annotations

import hashlib
import json
from typing import Final, TypeAlias

from turnkeep_domain.approvals.canonical import CanonicalInput, Json, canonical
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.request_ids import Digest
from turnkeep_domain.turns.limits import OUTPUT_BYTES_MAX

StepValue: TypeAlias = "Json | bytes"

_JSON: Final = b"j"
_BYTES: Final = b"b"


def encoded(what: str, value: object) -> bytes:
    """The value as bytes.

    Raises:
        InvalidValue: It is neither bytes nor what JSON can say exactly.
    """
    if isinstance(value, bytes):
        return _BYTES + value
    spelt = canonical(value)  # type: ignore[arg-type]  # whether it is JSON, is found out there
    if not isinstance(spelt, CanonicalInput):
        raise InvalidValue(what, "must be bytes, or what JSON can say exactly")
    return _JSON + spelt.text.encode()


def step_output(value: object) -> bytes:
    """What a step returned, as bytes.

    Raises:
        InvalidValue: It is no step value, or takes more than 64 KiB.
    """
    output = encoded("output", value)
    if len(output) > OUTPUT_BYTES_MAX:
        raise InvalidValue("output", f"must take at most {OUTPUT_BYTES_MAX} bytes")
    return output


def decoded(output: bytes) -> object:
    """What a step returned; None for an output that is empty, as operators settle it.

    Raises:
        InvalidValue: The bytes were not made here.
    """
    if not output:
        return None
    if output[:1] == _BYTES:
        return output[1:]
    if output[:1] != _JSON:
        raise InvalidValue("output", "must be what a step returned")
    parsed: object = json.loads(output[1:])
    return parsed


def digest(what: str, *values: object) -> Digest:
    """The digest of what a call was given, so that a replay with other arguments is told.

    Raises:
        InvalidValue: One is no step value.
    """
    whole = hashlib.sha256()
    for value in values:
        part = encoded(what, value)
        whole.update(len(part).to_bytes(8, "big") + part)
    return Digest(whole.digest())
