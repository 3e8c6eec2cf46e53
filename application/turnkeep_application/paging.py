"""A page token: where a listing goes on, as text that hosts may hand to clients."""

from __future__ import annotations

import base64
import binascii

from turnkeep_domain.errors import InvalidValue
from turnkeep_ports.scans import Position


def token_of(position: Position | None) -> str | None:
    """The position in the letters of URLs; None where there is no next page."""
    return None if position is None else base64.urlsafe_b64encode(position).decode()


def position_of(token: str | None) -> Position | None:
    """The position that a token stands for; None for the first page.

    Raises:
        InvalidValue: It is no token.
    """
    if token is None:
        return None
    try:
        position = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise InvalidValue("after", "must be the next of a page") from None
    return Position(position)
