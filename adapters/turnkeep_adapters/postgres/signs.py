"""A sign: a digest of the beginning of a key, by which waiters and commits find each other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final, NewType

from turnkeep_adapters.postgres.key_parts import levels
from turnkeep_domain.scope import OWNER_DEPTH, ScopePrefix
from turnkeep_ports.key_bytes import prefix_bytes
from turnkeep_ports.store import Interest

Sign = NewType("Sign", str)
"""16 hexadecimal digits; two beginnings may share one, and then both wake."""

ANYTHING: Final = Sign("")
"""What everybody waits for who has no interest in particular."""

_BYTES: Final = 8


def signs_of(keys: Iterable[bytes]) -> frozenset[Sign]:
    """The signs of changed keys: of their collections, tenants and owners."""
    begins = {key[:length] for key in keys for length in levels(key)}
    return frozenset(_sign(begin) for begin in begins)


def sign_of(interest: Interest | None) -> Sign:
    """The one sign that a waiter listens to; below the owner, it hears of the whole owner."""
    if interest is None:
        return ANYTHING
    depth = min(interest.prefix.depth, OWNER_DEPTH)
    prefix = ScopePrefix(scope=interest.prefix.scope, depth=depth)
    return _sign(prefix_bytes(interest.collection, prefix))


def _sign(begin: bytes) -> Sign:
    return Sign(hashlib.blake2b(begin, digest_size=_BYTES).hexdigest())
