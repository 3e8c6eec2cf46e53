"""Spellings of a secret: every form in which a careless line could tell or store it."""

from __future__ import annotations

import base64


def spellings(secret: bytes) -> set[bytes]:
    """A secret in every spelling that a careless line could give it."""
    plain = {secret, secret.hex().encode(), repr(list(secret)).encode()[1:-1]}
    for cut in range(3):
        whole = base64.b64encode(b"x" * cut + secret)
        inner = whole[4 if cut else 0 : -4]
        plain |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    return plain
