"""A version 8 UUID (RFC 9562): an id that follows from what it names."""

from __future__ import annotations

import hashlib
from typing import Final
from uuid import UUID

_UUID_BYTES: Final = 16
_VERSION_AT: Final = 6
_VARIANT_AT: Final = 8


def version_8(content: bytes) -> str:
    """The UUID, in its usual spelling, whose free bits are those of the SHA-256 of the content.

    Whoever names the same content, in any process, gets the same id.
    """
    octets = bytearray(hashlib.sha256(content).digest()[:_UUID_BYTES])
    octets[_VERSION_AT] = 0x80 | octets[_VERSION_AT] & 0x0F
    octets[_VARIANT_AT] = 0x80 | octets[_VARIANT_AT] & 0x3F
    return str(UUID(bytes=bytes(octets)))
