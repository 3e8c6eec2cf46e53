"""A cipher: a ring of master keys, and what is encrypted, sealed and told under them."""

from __future__ import annotations

from typing import Protocol

from turnkeep_domain.request_ids import Digest
from turnkeep_domain.secrets.binding import Binding
from turnkeep_domain.secrets.material import Material
from turnkeep_domain.secrets.sealing import KeyId


class Cipher(Protocol):
    """Encrypts and seals under the primary key of a ring; opens under any of its keys.

    All methods are synchronous, quick, and safe to share between threads. Nothing that they raise
    has key, plaintext or ciphertext in it. Without any key, every use raises `MasterKeyMissing`.
    """

    @property
    def primary(self) -> KeyId:
        """The key under which is written.

        Raises:
            MasterKeyMissing: The ring is empty.
        """
        ...

    @property
    def ring(self) -> frozenset[KeyId]:
        """Every key that is held; none where none was given."""
        ...

    def encrypt(self, material: Material, binding: Binding) -> bytes:
        """An envelope of the material, under the primary key, that opens for this binding alone.

        Each has a salt, a nonce and a derived key of its own, so equal material looks different.

        Raises:
            MasterKeyMissing: The ring is empty.
        """
        ...

    def decrypt(self, envelope: bytes, binding: Binding) -> Material:
        """The material of an envelope; whoever gets it wipes it.

        Raises:
            KeyMismatch: Its key is not in the ring.
            Tampered: Its key is held, and it is not what was encrypted for this binding.
            MasterKeyMissing: The ring is empty.
        """
        ...

    def seal(self, binding: Binding, envelope: bytes) -> bytes:
        """The seal of a record and its envelope, under the primary key; equal for equal ones.

        Raises:
            MasterKeyMissing: The ring is empty.
        """
        ...

    def verify(self, seal: bytes, binding: Binding, envelope: bytes) -> None:
        """Makes sure that a record is what was sealed.

        Raises:
            KeyMismatch: The key of the seal, or of the envelope, is not in the ring.
            Tampered: The keys are held, and the record is not what was sealed.
            MasterKeyMissing: The ring is empty.
        """
        ...

    def codes(self, arguments: bytes, material: Material) -> tuple[Digest, ...]:
        """What tells a repeated request from another: one code for each key, the primary's first.

        Raises:
            MasterKeyMissing: The ring is empty.
        """
        ...
