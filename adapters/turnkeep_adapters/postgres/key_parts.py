"""Key parts: where in a key's bytes its owner and its scope end.

Identifiers have no control characters: `00` only ends a component and `02` only begins one.
"""

from __future__ import annotations

from typing import Final

from turnkeep_domain.scope import OWNER_DEPTH

_ABSENT: Final = 0x01
_BEGIN: Final = b"\x02"
_END: Final = b"\x00"


def levels(key: bytes) -> tuple[int, ...]:
    """How many bytes the collection has, then with the tenant, then with the user: the owner."""
    ends = []
    at = 0
    for _ in range(OWNER_DEPTH + 1):
        at = at + 1 if key[at] == _ABSENT else key.index(_END, at) + 1
        ends.append(at)
    return tuple(ends)


def scope_length(key: bytes) -> int:
    """How many bytes come before the id."""
    return key.rindex(_BEGIN)
