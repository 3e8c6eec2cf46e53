"""A frame: a file's bytes with what they are, their version, and a checksum over all of them.

::

    magic (8)  version (2)  payload  SHA-256 of all before (32)

The checksum is judged first, so that any changed byte is damage and never a wrong answer. It ends
the file in every version, so that a newer version is told from damage.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from struct import Struct
from typing import Any, Final

from turnkeep_ports.errors import SchemaTooNew

DIGEST_BYTES: Final = 32
MAGIC_BYTES: Final = 8
_VERSION_BYTES: Final = 2
_HEAD_BYTES: Final = MAGIC_BYTES + _VERSION_BYTES


class Damaged(Exception):
    """Bytes are not what they should be; says in which way, without repeating them."""


def framed(magic: bytes, version: int, payload: Iterable[bytes]) -> bytes:
    """The bytes of a file."""
    body = b"".join([magic, version.to_bytes(_VERSION_BYTES, "big"), *payload])
    return body + hashlib.sha256(body).digest()


def unframed(raw: bytes, *, magic: bytes, version: int, what: str) -> bytes:
    """The payload of a file.

    Raises:
        Damaged: The checksum does not fit, or it is another kind of file.
        SchemaTooNew: It has a version that this release does not read.
    """
    if len(raw) < _HEAD_BYTES + DIGEST_BYTES:
        raise Damaged("is cut short")
    body = memoryview(raw)[:-DIGEST_BYTES]
    if hashlib.sha256(body).digest() != digest_of(raw):
        raise Damaged("does not fit its checksum")
    if raw[:MAGIC_BYTES] != magic:
        raise Damaged("is a file of another kind")
    found = int.from_bytes(raw[MAGIC_BYTES:_HEAD_BYTES], "big")
    if found > version:
        raise SchemaTooNew(what, found, version)
    if found != version:
        raise Damaged("has a version that never was")
    return bytes(body[_HEAD_BYTES:])


def digest_of(raw: bytes) -> bytes:
    """The checksum that a file ends with; it names the file's content."""
    return raw[-DIGEST_BYTES:]


class Taking:
    """A payload, taken apart from its beginning."""

    def __init__(self, payload: bytes) -> None:
        """Nothing is taken yet."""
        self.payload = payload
        self.at = 0

    def bytes(self, count: int) -> bytes:
        """The next bytes.

        Raises:
            Damaged: There are not as many.
        """
        begin = self.passed(count)
        return self.payload[begin : self.at]

    def number(self, count: int) -> int:
        """The next bytes, as a number."""
        return int.from_bytes(self.bytes(count), "big")

    def fields(self, of: Struct) -> tuple[Any, ...]:
        """The next bytes, taken apart by a structure.

        Raises:
            Damaged: There are not as many.
        """
        return of.unpack_from(self.payload, self.passed(of.size))

    def passed(self, count: int) -> int:
        """Where the next bytes begin, which are taken without being copied.

        Raises:
            Damaged: There are not as many.
        """
        begin = self.at
        if begin + count > len(self.payload):
            raise Damaged("ends too early")
        self.at = begin + count
        return begin

    def end(self) -> None:
        """Makes sure that nothing is left.

        Raises:
            Damaged: Something is.
        """
        if self.at != len(self.payload):
            raise Damaged("goes on after its end")
