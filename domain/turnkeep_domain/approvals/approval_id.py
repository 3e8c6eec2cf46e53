"""An approval id: the name of one asking of one exact call."""

from __future__ import annotations

import hashlib
from typing import Final, NewType
from uuid import UUID

from turnkeep_domain.approvals.fingerprint import Fingerprint

ApprovalId = NewType("ApprovalId", str)
"""A UUID of version 8 (RFC 9562) in its usual spelling."""

_UUID_BYTES: Final = 16
_VERSION_AT: Final = 6
_VARIANT_AT: Final = 8


def approval_id(fingerprint: Fingerprint, attempt: int) -> ApprovalId:
    """The id under which a call is asked for the `attempt`-th time.

    It is the UUID of version 8 whose free bits are those of the SHA-256 of fingerprint, `:` and
    attempt: whoever asks the same, in any process, asks under the same id.
    """
    digest = hashlib.sha256(f"{fingerprint}:{attempt}".encode()).digest()
    octets = bytearray(digest[:_UUID_BYTES])
    octets[_VERSION_AT] = 0x80 | octets[_VERSION_AT] & 0x0F
    octets[_VARIANT_AT] = 0x80 | octets[_VARIANT_AT] & 0x3F
    return ApprovalId(str(UUID(bytes=bytes(octets))))
