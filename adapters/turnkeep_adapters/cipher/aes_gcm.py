"""A cipher of AES-256-GCM: each envelope under a key of its own, derived from a master key.

An envelope of version 1 is: version, algorithm (1: HKDF-SHA256 and AES-256-GCM), the id of the
master key (16 bytes), a fresh salt (32), a fresh nonce (12), the ciphertext, the tag (16). The
derived key encrypts once. Its additional data are the header and the whole binding.

A seal is the id of the master key and an HMAC-SHA256 over binding and envelope.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from attrs import field, frozen
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from turnkeep_adapters.cipher.master_key import KEY_BYTES, MasterKey
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.request_ids import Digest
from turnkeep_domain.secrets.binding import Binding, raw
from turnkeep_domain.secrets.canary import KEYS_MAX
from turnkeep_domain.secrets.material import Material
from turnkeep_domain.secrets.sealing import (
    ENVELOPE_BYTES_MIN,
    HEADER_BYTES,
    NONCE_BYTES,
    SALT_BYTES,
    SEAL_BYTES,
    TAG_BYTES,
    KeyId,
    sealed_under,
    written_under,
)
from turnkeep_ports.key_errors import KeyMismatch, Tampered

VERSION: Final = 1
ALGORITHM: Final = 1
_FORM: Final = bytes((VERSION, ALGORITHM))
_FOR_SEALS: Final = b"turnkeep/v1/seal"
_FOR_REQUESTS: Final = b"turnkeep/v1/request"
_FOR_ENVELOPES: Final = b"turnkeep/v1/envelope/"
_NOT_IN_RING: Final = "is needed, and is not in the ring"

Chance = Callable[[int], bytes]


def _keyed(_: object, __: object, keys: Mapping[KeyId, MasterKey]) -> None:
    if not 1 <= len(keys) <= KEYS_MAX:
        raise InvalidValue("keys", f"must be 1 to {KEYS_MAX}")


@frozen
class AesGcmCipher:
    """A ring of keys, the primary first; nothing of it is shown."""

    _keys: Mapping[KeyId, MasterKey] = field(repr=False, validator=_keyed)
    _chance: Chance = field(repr=False)

    @classmethod
    def of(cls, keys: Sequence[MasterKey], *, chance: Chance = secrets.token_bytes) -> AesGcmCipher:
        """The cipher of a ring.

        Args:
            keys: The primary first.
            chance: Where salts and nonces come from; secure, but in tests of known answers.

        Raises:
            InvalidValue: There are none, or more than eight.
        """
        return cls({key.id: key for key in keys}, chance)

    @property
    def primary(self) -> KeyId:
        """The key under which is written."""
        return next(iter(self._keys))

    @property
    def ring(self) -> frozenset[KeyId]:
        """Every key that is held."""
        return frozenset(self._keys)

    def encrypt(self, material: Material, binding: Binding) -> bytes:
        """As `Cipher.encrypt` promises."""
        header = _FORM + self.primary
        salt, nonce = self._chance(SALT_BYTES), self._chance(NONCE_BYTES)
        cipher = self._once(self.primary, salt, binding)
        return header + salt + nonce + cipher.encrypt(nonce, material.view(), _aad(header, binding))

    def decrypt(self, envelope: bytes, binding: Binding) -> Material:
        """As `Cipher.decrypt` promises."""
        if len(envelope) < ENVELOPE_BYTES_MIN:
            raise Tampered("the envelope is too short", binding.address)
        self._require(written_under(envelope))
        header, body = envelope[:HEADER_BYTES], envelope[HEADER_BYTES:]
        if not header.startswith(_FORM):
            raise Tampered("the envelope is of no version that this release knows", binding.address)
        salt, nonce, sealed = (
            body[:SALT_BYTES],
            body[SALT_BYTES : SALT_BYTES + NONCE_BYTES],
            body[SALT_BYTES + NONCE_BYTES :],
        )
        cipher = self._once(written_under(envelope), salt, binding)
        material = Material(bytearray(len(sealed) - TAG_BYTES))
        try:
            with material.filled() as buffer:
                cipher.decrypt_into(nonce, sealed, _aad(header, binding), buffer)
        except InvalidTag:
            # Until the tag was checked, the buffer holds plaintext that nobody vouches for.
            material.wipe()
            raise Tampered("the envelope was not made for this record", binding.address) from None
        except BaseException:
            material.wipe()
            raise
        return material

    def seal(self, binding: Binding, envelope: bytes) -> bytes:
        """As `Cipher.seal` promises."""
        return self._sealed(self.primary, binding, envelope)

    def verify(self, seal: bytes, binding: Binding, envelope: bytes) -> None:
        """As `Cipher.verify` promises."""
        if envelope:
            self._require(written_under(envelope))
        if len(seal) != SEAL_BYTES:
            raise Tampered("the seal is missing", binding.address)
        self._require(sealed_under(seal))
        if not hmac.compare_digest(self._sealed(sealed_under(seal), binding, envelope), seal):
            raise Tampered("the seal does not fit", binding.address)

    def codes(self, arguments: bytes, material: Material) -> tuple[Digest, ...]:
        """As `Cipher.codes` promises."""
        return tuple(self._code(key, arguments, material) for key in self._keys)

    def _code(self, key: KeyId, arguments: bytes, material: Material) -> Digest:
        code = hmac.new(self._derived(key, _FOR_REQUESTS, b""), raw(arguments), hashlib.sha256)
        code.update(material.view())
        return Digest(code.digest())

    def _sealed(self, key: KeyId, binding: Binding, envelope: bytes) -> bytes:
        told = raw(binding.encoded()) + raw(envelope)
        return key + hmac.digest(self._derived(key, _FOR_SEALS, b""), told, hashlib.sha256)

    def _once(self, key: KeyId, salt: bytes, binding: Binding) -> AESGCM:
        return AESGCM(self._derived(key, _FOR_ENVELOPES + binding.purpose.encode(), salt))

    def _derived(self, key: KeyId, info: bytes, salt: bytes) -> bytes:
        derivation = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=info)
        return derivation.derive(self._keys[key].octets())

    def _require(self, key: KeyId) -> None:
        if key not in self._keys:
            raise KeyMismatch(key, _NOT_IN_RING)


def _aad(header: bytes, binding: Binding) -> bytes:
    return raw(header) + binding.encoded()
