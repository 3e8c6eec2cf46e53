"""A key's prefixes: the scopes that a key lies in, each as the bytes that its keys begin with.

They are cut from the key's bytes, so that a replayed key needs no address. Identifiers have no
control characters: `00` only ends a component and `02` only begins one.
"""

from __future__ import annotations

from typing import Final

from turnkeep_domain.scope import DEPTH_MAX

_ABSENT: Final = 0x01
_BEGIN: Final = b"\x02"
_END: Final = b"\x00"


def prefixes(key: bytes) -> tuple[bytes, ...]:
    """What a key begins with, by depth: 0 is its collection alone, 6 its exact scope."""
    return cut(key, DEPTH_MAX)


def cut(key: bytes, depth: int) -> tuple[bytes, ...]:
    """The prefixes of a key, down to a depth."""
    found: list[bytes] = []
    at = 0
    for _ in range(depth + 1):
        at = at + 1 if key[at] == _ABSENT else key.index(_END, at) + 1
        found.append(key[:at])
    return tuple(found)


def scope_of(key: bytes) -> bytes:
    """The last of the prefixes: all but the id."""
    return key[: key.rindex(_BEGIN)]
