"""Envelopes: each opens as itself, for its own record and key, or not at all."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.cipher.rings import BINDING, ONE, PLAINTEXT, SCOPE, TWO, key
from turnkeep_adapters.cipher.aes_gcm import AesGcmCipher
from turnkeep_adapters.cipher.keyless import KeylessCipher
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Address
from turnkeep_domain.scope import Scope
from turnkeep_domain.secrets.binding import Binding, number, text
from turnkeep_domain.secrets.material import Material
from turnkeep_ports.key_errors import KeyMismatch, MasterKeyMissing, Tampered

RING = AesGcmCipher.of([ONE])
ENVELOPE = RING.encrypt(Material.of(PLAINTEXT), BINDING)
PARTS = {
    "version": range(1),
    "algorithm": range(1, 2),
    "key id": range(2, 18),
    "salt": range(18, 50),
    "nonce": range(50, 62),
    "ciphertext": range(62, len(ENVELOPE) - 16),
    "tag": range(len(ENVELOPE) - 16, len(ENVELOPE)),
}


def flipped(envelope: bytes, place: int, mask: int = 1) -> bytes:
    changed = bytearray(envelope)
    changed[place] ^= mask
    return bytes(changed)


@pytest.mark.parametrize("mask", [1, 0x80, 0xFF])
@pytest.mark.parametrize("part", PARTS)
def test_an_envelope_with_any_byte_flipped_does_not_open(part: str, mask: int) -> None:
    """46: the envelope alone, seal aside."""
    for place in PARTS[part]:
        expected = KeyMismatch if part == "key id" else Tampered
        with pytest.raises(expected) as told:
            RING.decrypt(flipped(ENVELOPE, place, mask), BINDING)
        assert type(told.value) is expected
        assert PLAINTEXT.decode() not in f"{told.value!r} {told.value} {told.value.__cause__!r}"


@pytest.mark.parametrize("size", [0, 1, 18, 62, 78, len(ENVELOPE) - 1])
def test_an_envelope_that_was_cut_does_not_open(size: int) -> None:
    with pytest.raises(Tampered):
        RING.decrypt(ENVELOPE[:size], BINDING)


@pytest.mark.parametrize(
    "other",
    [
        evolve(BINDING, purpose="turnkeep/known/v2"),
        evolve(BINDING, address=Address("secret", SCOPE, "apj")),
        evolve(BINDING, address=Address("secret2", SCOPE, "api")),
        evolve(BINDING, address=Address("secret", Scope.of("acme", "ada"), "api")),
        evolve(BINDING, parts=number(8) + text("more")),
        evolve(BINDING, parts=b""),
    ],
    ids=str,
)
def test_an_envelope_opens_for_its_own_record_alone(other: Binding) -> None:
    """47."""
    with pytest.raises(Tampered):
        RING.decrypt(ENVELOPE, other)
    seal = RING.seal(BINDING, ENVELOPE)
    with pytest.raises(Tampered):
        RING.verify(seal, other, ENVELOPE)


def test_a_seal_with_any_byte_flipped_does_not_fit() -> None:
    """45, 48."""
    for envelope in (ENVELOPE, b""):
        seal = RING.seal(BINDING, envelope)
        RING.verify(seal, BINDING, envelope)
        for place in range(len(seal)):
            with pytest.raises(KeyMismatch if place < 16 else Tampered):
                RING.verify(flipped(seal, place), BINDING, envelope)
    for place in range(len(ENVELOPE)):
        expected = KeyMismatch if place in PARTS["key id"] else Tampered
        with pytest.raises(expected):
            RING.verify(RING.seal(BINDING, ENVELOPE), BINDING, flipped(ENVELOPE, place))
    seal = RING.seal(BINDING, b"")
    for wrong in (b"", seal[:-1], seal + b"x"):
        with pytest.raises(Tampered):
            RING.verify(wrong, BINDING, b"")


def test_a_missing_key_is_a_mismatch_and_names_the_key() -> None:
    """48."""
    other = AesGcmCipher.of([TWO])
    for call in (
        lambda: other.decrypt(ENVELOPE, BINDING),
        lambda: other.verify(RING.seal(BINDING, b""), BINDING, b""),
    ):
        with pytest.raises(KeyMismatch) as told:
            call()
        assert told.value.key_id == ONE.id
        assert ONE.id.hex()[:8] in str(told.value)


def test_older_keys_open_and_the_primary_writes() -> None:
    ring = AesGcmCipher.of([TWO, ONE])
    assert (ring.primary, ring.ring) == (TWO.id, frozenset({ONE.id, TWO.id}))
    assert ring.decrypt(ENVELOPE, BINDING).reveal() == PLAINTEXT
    ring.verify(RING.seal(BINDING, ENVELOPE), BINDING, ENVELOPE)
    with pytest.raises(KeyMismatch):
        RING.decrypt(ring.encrypt(Material.of(PLAINTEXT), BINDING), BINDING)


def test_equal_material_looks_different_each_time() -> None:
    envelopes = {RING.encrypt(Material.of(PLAINTEXT), BINDING) for _ in range(50)}
    salts = {envelope[18:50] for envelope in envelopes}
    nonces = {envelope[50:62] for envelope in envelopes}
    assert (len(envelopes), len(salts), len(nonces)) == (50, 50, 50)


@given(material=st.binary(min_size=1, max_size=300))
def test_any_material_returns_as_itself(material: bytes) -> None:
    envelope = RING.encrypt(Material.of(material), BINDING)
    assert RING.decrypt(envelope, BINDING).reveal() == material


def test_codes_differ_by_key_material_and_arguments() -> None:
    one, two = AesGcmCipher.of([ONE, TWO]).codes(b"a", Material.of("m"))
    assert AesGcmCipher.of([TWO, ONE]).codes(b"a", Material.of("m")) == (two, one)
    others = {
        RING.codes(b"b", Material.of("m"))[0],
        RING.codes(b"a", Material.of("n"))[0],
        RING.codes(b"am", Material.of("m"))[0],
        one,
        two,
    }
    assert len(others) == 5


@pytest.mark.parametrize("count", [0, 9])
def test_a_ring_has_one_to_eight_keys(count: int) -> None:
    with pytest.raises(InvalidValue):
        AesGcmCipher.of([key(number * 16) for number in range(count)])


def test_a_ring_shows_nothing() -> None:
    shown = f"{RING!r} {RING} {ONE!r} {ONE} {ONE:>9}"
    for digits in (ONE.octets().hex(), repr(ONE.octets()), ONE.id.hex()):
        assert digits not in shown


def test_without_keys_every_use_is_refused() -> None:
    cipher = KeylessCipher()
    assert cipher.ring == frozenset()
    calls: tuple[Callable[[], object], ...] = (
        lambda: cipher.primary,
        lambda: cipher.encrypt(Material.of("m"), BINDING),
        lambda: cipher.decrypt(ENVELOPE, BINDING),
        lambda: cipher.seal(BINDING, b""),
        lambda: cipher.verify(b"", BINDING, b""),
        lambda: cipher.codes(b"", Material.of("m")),
    )
    for call in calls:
        with pytest.raises(MasterKeyMissing):
            call()


def test_what_was_decrypted_is_wiped_where_the_tag_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """54: the buffer holds plaintext that nobody vouches for."""
    made: list[Material] = []
    create: Callable[[Material, bytearray], None] = Material.__init__

    def noted(self: Material, buffer: bytearray) -> None:
        create(self, buffer)
        made.append(self)

    monkeypatch.setattr(Material, "__init__", noted)
    with pytest.raises(Tampered):
        RING.decrypt(flipped(ENVELOPE, len(ENVELOPE) - 1), BINDING)
    (material,) = made
    assert material.wiped
    assert bytes(material._buffer) == bytes(len(PLAINTEXT))
