"""A place: where a reader, or a waiter, stands in each of the mounts, told as one value.

It begins with the layout of the mounts, and has the place of each, with its length before it. So
places of one composite store order as bytes wherever no mount's place goes back, and one of another
store, or of a store that is made of others, is recognised.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NewType

_LENGTH_BYTES: Final = 2
_LENGTH_MAX: Final = (1 << 8 * _LENGTH_BYTES) - 1

Joined = NewType("Joined", bytes)


def joined(layout: bytes, places: Sequence[bytes]) -> Joined:
    """One value of the places of all mounts."""
    return Joined(layout + b"".join(_framed(place) for place in places))


def parted(layout: bytes, value: bytes, mounts: int) -> list[bytes] | None:
    """The places of all mounts; None if the value is not of such mounts."""
    if not value.startswith(layout):
        return None
    places = []
    at = len(layout)
    while at + _LENGTH_BYTES <= len(value):
        begin = at + _LENGTH_BYTES
        at = begin + int.from_bytes(value[begin - _LENGTH_BYTES : begin], "big")
        places.append(value[begin:at])
    return places if at == len(value) and len(places) == mounts else None


def _framed(place: bytes) -> bytes:
    if len(place) > _LENGTH_MAX:
        raise ValueError("a mount's place is longer than any store's")
    return len(place).to_bytes(_LENGTH_BYTES, "big") + place
