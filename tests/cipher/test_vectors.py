"""Known answers: what an earlier release has sealed and encrypted, this one opens."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.cipher.rings import BINDING, KNOWN, ONE, PLAINTEXT, certain
from tests.cipher.write_vectors import DIRECTORY, answers
from turnkeep_domain.secrets.sealing import ENVELOPE_BYTES_MIN, SEAL_BYTES

VECTORS = {name: json.loads((DIRECTORY / name).read_text()) for name in answers()}


@pytest.mark.parametrize(
    ("name", "answer"), [(name, answer) for name, told in VECTORS.items() for answer in told]
)
def test_every_known_answer_is_given_again(name: str, answer: str) -> None:
    assert answers()[name][answer] == VECTORS[name][answer]


@pytest.mark.parametrize("name", VECTORS)
def test_every_answer_is_known(name: str) -> None:
    assert answers()[name].keys() == VECTORS[name].keys()


def test_a_known_envelope_opens() -> None:
    envelope = bytes.fromhex(VECTORS["cipher-v1.json"]["envelope"])
    with KNOWN.decrypt(envelope, BINDING) as material:
        assert material.reveal() == PLAINTEXT
    KNOWN.verify(bytes.fromhex(VECTORS["cipher-v1.json"]["seal"]), BINDING, envelope)


def hkdf(key: bytes, salt: bytes, info: bytes) -> bytes:
    """RFC 5869, for one block of SHA-256, by hand."""
    extracted = hmac.digest(salt or bytes(32), key, hashlib.sha256)
    return hmac.digest(extracted, info + b"\x01", hashlib.sha256)


def part(value: bytes) -> bytes:
    return len(value).to_bytes(8, "big") + value


def test_the_envelope_is_what_its_description_says() -> None:
    """Version, algorithm, key id, salt, nonce, ciphertext and tag, put together by hand."""
    header = b"\x01\x01" + ONE.id
    salt, nonce = certain(32), certain(12)
    derived = hkdf(ONE.octets(), salt, b"turnkeep/v1/envelope/" + BINDING.purpose.encode())
    data = part(header) + BINDING.encoded()
    expected = header + salt + nonce + AESGCM(derived).encrypt(nonce, PLAINTEXT, data)
    assert VECTORS["cipher-v1.json"]["envelope"] == expected.hex()
    assert len(expected) == ENVELOPE_BYTES_MIN - 1 + len(PLAINTEXT)


def test_the_seal_and_the_key_id_are_what_their_descriptions_say() -> None:
    envelope = bytes.fromhex(VECTORS["cipher-v1.json"]["envelope"])
    told = part(BINDING.encoded()) + part(envelope)
    code = hmac.digest(hkdf(ONE.octets(), b"", b"turnkeep/v1/seal"), told, hashlib.sha256)
    assert VECTORS["cipher-v1.json"]["seal"] == (ONE.id + code).hex()
    assert len(ONE.id + code) == SEAL_BYTES
    id = hmac.digest(ONE.octets(), b"turnkeep/v1/key-id", hashlib.sha256)[:16]
    assert VECTORS["cipher-v1.json"]["key_id_one"] == id.hex()


def test_the_binding_is_what_its_description_says() -> None:
    def present(value: bytes) -> bytes:
        return part(b"\x01" + part(value))

    absent = part(b"\x00")
    scope = present(b"acme") + present(b"ada") + present(b"scout") + absent * 3
    parts = part((7).to_bytes(8, "big")) + part(b"more")
    expected = part(b"turnkeep/known/v1") + part(b"secret") + scope + part(b"api") + part(parts)
    assert BINDING.encoded() == expected
