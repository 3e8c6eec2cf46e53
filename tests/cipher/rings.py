"""Rings with known keys and known chance, for known answers."""

from __future__ import annotations

from typing import Final

from turnkeep_adapters.cipher.aes_gcm import AesGcmCipher
from turnkeep_adapters.cipher.master_key import MasterKey, fit
from turnkeep_domain.keys import Address
from turnkeep_domain.scope import Scope
from turnkeep_domain.secrets.binding import Binding, number, text

PLAINTEXT: Final = b"known plaintext, 31 bytes of it"
SCOPE: Final = Scope.of("acme", "ada", agent="scout")
BINDING: Final = Binding.of(
    "turnkeep/known/v1", Address("secret", SCOPE, "api"), number(7), text("more")
)


def key(first: int) -> MasterKey:
    known = fit(bytes(range(first, first + 32)))
    assert isinstance(known, MasterKey)
    return known


ONE: Final = key(1)
TWO: Final = key(101)


def certain(size: int) -> bytes:
    """Bytes that are the same each time: for known answers, and for nothing else."""
    return bytes((size * 7 + place) % 256 for place in range(size))


KNOWN: Final = AesGcmCipher.of([ONE, TWO], chance=certain)
