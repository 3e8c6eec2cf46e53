"""A session id: the bearer of a credential session. Whoever has it may use the account."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Final, NewType, Self

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.secrets.redaction import Undisclosed

if TYPE_CHECKING:
    from attrs import Attribute

SessionDigest = NewType("SessionDigest", str)
"""The SHA-256 of a session id, in hexadecimal: what its session is stored under."""

ID_BYTES: Final = 32
_PREFIX: Final = "tks_"
_ID: Final = re.compile(r"tks_[A-Za-z0-9_-]{43}", re.ASCII)
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


class SessionId(Undisclosed):
    """`tks_` and 256 random bits; it is stored nowhere, and shown by `reveal` alone.

    Raises:
        InvalidValue: The text is no session id; it is not repeated.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Takes a session id from a bearer's text."""
        require_kind("session_id", text, str)
        if not _ID.fullmatch(text):
            raise InvalidValue("session_id", "must be tks_ and 43 letters of base64")
        self._text = text

    @classmethod
    def of(cls, octets: bytes) -> Self:
        """The id that 32 random bytes spell."""
        if len(octets) != ID_BYTES:
            raise InvalidValue("session_id", f"must have {ID_BYTES} random bytes")
        return cls(_PREFIX + base64.urlsafe_b64encode(octets).rstrip(b"=").decode())

    def reveal(self) -> str:
        """The id itself, to be handed to its bearer."""
        return self._text

    def digest(self) -> SessionDigest:
        """What its session is stored under."""
        return SessionDigest(hashlib.sha256(self._text.encode()).hexdigest())


def session_digest(_: object, attribute: Attribute[SessionDigest], text: SessionDigest) -> None:
    """An attrs validator: the field is the digest of a session id."""
    if type(text) is not str or not _DIGEST.fullmatch(text):
        raise InvalidValue(attribute.name, "must be 64 hexadecimal digits")
