"""A fingerprint: the digest of one exact call, so that consent to it serves no other."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Final, NewType

from turnkeep_domain.approvals.calls import Call
from turnkeep_domain.errors import InvalidValue

if TYPE_CHECKING:
    from attrs import Attribute

Fingerprint = NewType("Fingerprint", str)
"""`sha256:` and 64 lowercase hexadecimal digits."""

_VERSION: Final = 1
_FINGERPRINT: Final = re.compile(r"sha256:[0-9a-f]{64}")


def fingerprint_of(call: Call) -> Fingerprint:
    """The SHA-256 of the call as canonical JSON in UTF-8.

    The text is `["turnkeep.call", 1, kind, tenant, user, agent, project, mission, thread,
    invocation, capability, estimate, input]` without white space; 1 is the version, absent
    dimensions of the scope are `null`, and the estimate is an object.
    """
    head = (
        "turnkeep.call",
        _VERSION,
        call.action.kind,
        *call.scope.components(),
        call.invocation,
        call.action.capability,
        call.action.estimate.as_mapping(),
    )
    spelt = json.dumps(head, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    text = f"{spelt[:-1]},{call.input.text}]"
    return Fingerprint(f"sha256:{hashlib.sha256(text.encode()).hexdigest()}")


def fingerprint(_: object, attribute: Attribute[Fingerprint], text: Fingerprint) -> None:
    """An attrs validator: the field is a fingerprint."""
    if type(text) is not str or not _FINGERPRINT.fullmatch(text):
        raise InvalidValue(attribute.name, "must be sha256: and 64 lowercase hexadecimal digits")
