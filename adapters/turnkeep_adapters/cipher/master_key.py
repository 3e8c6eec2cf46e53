"""A master key: 32 bytes from which everything that is sealed or encrypted derives its keys.

What reads one answers why it cannot be used, and raises nothing: a function that raised would hand
its locals, the key among them, to whoever looks at the traceback.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from typing import Final

from attrs import frozen

from turnkeep_domain.secrets.redaction import Undisclosed
from turnkeep_domain.secrets.sealing import KEY_ID_BYTES, KeyId

KEY_BYTES: Final = 32
DISTINCT_MIN: Final = 16

_HEXADECIMAL: Final = re.compile(rb"[0-9a-fA-F]{64}")
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]{43}=?")
_KEY_ID: Final = b"turnkeep/v1/key-id"


@frozen
class Unfit:
    """Why something is no master key: the rule that it breaks, and nothing of it."""

    rule: str


_NO_KEY: Final = Unfit(f"must be {KEY_BYTES} bytes in hexadecimal or base64")


class MasterKey(Undisclosed):
    """A key, and the id that names it; only the cipher asks for the bytes."""

    __slots__ = ("_octets", "id")

    def __init__(self, octets: bytes) -> None:
        """Takes what `fit` has found to be a key."""
        self._octets = octets
        self.id = KeyId(hmac.digest(octets, _KEY_ID, hashlib.sha256)[:KEY_ID_BYTES])

    def octets(self) -> bytes:
        """The key itself."""
        return self._octets


def fit(octets: bytes) -> MasterKey | Unfit:
    """The key that these bytes are: exactly 32, at least 16 of them different."""
    if len(octets) != KEY_BYTES:
        return _NO_KEY
    if len(set(octets)) < DISTINCT_MIN:
        return Unfit("must be random: too many of its bytes are the same")
    return MasterKey(octets)


def read_key(text: bytes) -> MasterKey | Unfit | None:
    """The key that a text spells, in hexadecimal or base64; None where it is blank.

    White space at its ends does not count; whatever else is not the key, makes it unfit.
    """
    plain = text.strip()
    if not plain:
        return None
    if _HEXADECIMAL.fullmatch(plain):
        return fit(bytes.fromhex(plain.decode()))
    return fit(_decoded(plain)) if _BASE64.fullmatch(plain) else _NO_KEY


def _decoded(plain: bytes) -> bytes:
    """The bytes of base64 in either alphabet; none where surplus bits give it a second spelling."""
    standard = plain.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/")) + b"="
    try:
        octets = base64.b64decode(standard, validate=True)
    except binascii.Error:
        return b""
    return octets if base64.b64encode(octets) == standard else b""
