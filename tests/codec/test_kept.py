"""Kept records: a body that was read or written is not read again, and nothing else is believed."""

from __future__ import annotations

import pytest
from attrs import evolve

from tests.codec.cases import CODEC as KEEPING_NOTHING
from tests.codec.cases import RECORD_CASES
from tests.codec.golden_files import collection_of
from tests.codec.turn_cases import LANE
from turnkeep_adapters.codec import kept
from turnkeep_adapters.codec.formats import EVENTS, KEPT, RECORDS, VARIANTS
from turnkeep_adapters.codec.json_codec import JsonCodec
from turnkeep_adapters.codec.kept import KeptRecords
from turnkeep_domain.keys import Address
from turnkeep_domain.scope import Scope
from turnkeep_domain.secrets.secret import SECRETS
from turnkeep_domain.turns.lane import LANES, Lane
from turnkeep_domain.turns.turn_state import TURN_STATES
from turnkeep_ports.errors import Corrupt

EMPTY = Lane.empty(LANE)


@pytest.fixture
def codec() -> JsonCodec:
    return JsonCodec(records=RECORDS, events=EVENTS, variants=VARIANTS, kept=KEPT)


def test_what_was_written_is_not_read_again(codec: JsonCodec) -> None:
    body = codec.encode(EMPTY)
    assert codec.decode(LANES, EMPTY.address, bytes(bytearray(body))) is EMPTY


def test_what_was_read_is_not_read_again(codec: JsonCodec) -> None:
    body = KEEPING_NOTHING.encode(EMPTY)
    one = codec.decode(LANES, EMPTY.address, body)
    assert one == EMPTY
    assert codec.decode(LANES, EMPTY.address, bytes(bytearray(body))) is one


def test_another_body_is_another_record(codec: JsonCodec) -> None:
    codec.encode(EMPTY)
    changed = evolve(EMPTY, running=1)
    assert codec.decode(LANES, EMPTY.address, KEEPING_NOTHING.encode(changed)) == changed


def test_a_kept_body_at_the_address_of_another_is_damage(codec: JsonCodec) -> None:
    body = codec.encode(EMPTY)
    elsewhere = Address("lane", Scope.of("acme", "eve"), EMPTY.address.id)
    with pytest.raises(Corrupt, match="scope and id"):
        codec.decode(LANES, elsewhere, body)


def test_a_kept_body_in_another_collection_is_damage(codec: JsonCodec) -> None:
    body = codec.encode(EMPTY)
    elsewhere = Address("turn_state", EMPTY.id.scope, EMPTY.address.id)
    with pytest.raises(Corrupt, match="tag"):
        codec.decode(TURN_STATES, elsewhere, body)


def test_nothing_is_kept_of_a_class_that_was_not_named() -> None:
    codec = JsonCodec(records=RECORDS, events=EVENTS, variants=VARIANTS)
    body = codec.encode(EMPTY)
    one = codec.decode(LANES, EMPTY.address, body)
    assert one is not EMPTY
    assert codec.decode(LANES, EMPTY.address, body) is not one


def test_no_secret_credential_lease_payload_or_message_is_kept() -> None:
    assert not KEPT.intersection(SECRETS.members)
    modules = {cls.__module__.split(".")[1] for cls in KEPT}
    assert modules == {"approvals", "budgets", "turns"}
    assert not any("Payload" in cls.__name__ or "Effect" in cls.__name__ for cls in KEPT)


def test_of_no_other_class_anything_is_kept_whether_read_or_written(codec: JsonCodec) -> None:
    others = [record for record in RECORD_CASES.values() if type(record) not in KEPT]
    for record in others:
        collection = collection_of(record)
        identity = collection.identity_of(record)
        address = Address(collection.name, identity.scope, identity.id)
        body = codec.encode(record)
        assert codec.decode(collection, address, body) == record
        assert len(codec._kept) == 0, type(record)
    assert any(type(record) in SECRETS.members for record in others)


def test_as_few_are_kept_as_bounds_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "KEPT_MAX", 3)
    monkeypatch.setattr(kept, "KEPT_BYTES_MAX", 10)
    records = KeptRecords()
    for body in (b"one", b"two", b"three", b"four"):
        records.keep(body, object())
    assert (len(records), records.body_bytes) == (2, 9)
    assert records.get(b"two") is None
    records.keep(b"x", object())
    assert records.get(b"three") is not None
    records.keep(b"y", object())
    assert (records.get(b"four"), len(records)) == (None, 3)


def test_as_few_are_kept_as_one_bound_says_however_short_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kept, "KEPT_MAX", 3)
    records = KeptRecords()
    for body in (b"1", b"2", b"3", b"4"):
        records.keep(body, object())
    assert (len(records), records.body_bytes, records.get(b"1")) == (3, 3, None)


def test_the_first_of_equal_bodies_is_kept_and_counted_once() -> None:
    records, first = KeptRecords(), object()
    records.keep(b"body", first)
    records.keep(b"body", object())
    assert records.get(b"body") is first
    assert records.body_bytes == 4


def test_the_same_record_kept_again_is_counted_once_and_forgets_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kept, "KEPT_BYTES_MAX", 10)
    records, one, other = KeptRecords(), object(), object()
    records.keep(b"one", one)
    records.keep(b"other", other)
    for _ in range(4):
        records.keep(b"one", one)
    assert (len(records), records.body_bytes) == (2, 8)
    records.keep(b"new", object())
    assert (records.get(b"one"), records.get(b"other")) == (one, None)
