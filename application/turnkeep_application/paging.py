"""A page token: where a listing goes on, as text that hosts may hand to clients."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Final

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.kinds import require_kind
from turnkeep_ports.scans import Position

_CHECKSUM_BYTES: Final = 8


def token_of(position: Position | None) -> str | None:
    """The position and its checksum in the letters of URLs; None where there is no next page."""
    if position is None:
        return None
    return base64.urlsafe_b64encode(_checksum(position) + position).decode()


def position_of(token: str | None) -> Position | None:
    """The position that a token stands for; None for the first page.

    The checksum finds what was altered on its way, not who forges: it has no key, for the scope
    that a page is asked for decides what may be seen, and a token only where to go on in it.

    Raises:
        InvalidValue: It is no token, or no longer the one that was handed out.
    """
    if token is None:
        return None
    require_kind("after", token, str)
    try:
        whole = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise _no_token() from None
    position = Position(whole[_CHECKSUM_BYTES:])
    # Compared as text: some letters of base64 may be altered without any effect on the bytes.
    if token != token_of(position):
        raise _no_token()
    return position


def _checksum(position: Position) -> bytes:
    return hashlib.sha256(position).digest()[:_CHECKSUM_BYTES]


def _no_token() -> InvalidValue:
    return InvalidValue("after", "must be the next of a page")
