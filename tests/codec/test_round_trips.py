"""A round trip: what was written is read as itself, and equal records are equal bytes."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TypeVar

import pytest
from attrs import evolve
from hypothesis import given

from tests.codec import cases, strategies
from tests.codec.golden_files import decoded_event
from tests.codec.samples import (
    AT,
    CODEC,
    SCOPE,
    SHEET,
    SHEET_ADDRESS,
    SHEETS,
    Colour,
    Sheet,
    SheetDrawn,
    SheetTorn,
    Torn,
)
from turnkeep_domain.approvals.approval import APPROVALS, ApprovalRecord
from turnkeep_domain.approvals.payload import APPROVAL_PAYLOADS, ApprovalPayload
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Address, Collection
from turnkeep_domain.principals import Principal

T = TypeVar("T")


def refilled(members: frozenset[T]) -> frozenset[T]:
    """The same set, filled in the opposite order and grown from another size."""
    kept = list(members)
    grown = {*reversed(kept), *range(64)}
    return frozenset(member for member in grown if member in members)


def address_in(of: Collection[T], record: T) -> Address:
    identity = of.identity_of(record)
    return Address(of.name, identity.scope, identity.id)


@given(sheet=strategies.SHEETS)
def test_a_record_with_every_type_returns_as_itself(sheet: Sheet) -> None:
    """C2."""
    body = CODEC.encode(sheet)
    returned = CODEC.decode(SHEETS, address_in(SHEETS, sheet), body)
    assert returned == sheet
    assert CODEC.encode(returned) == body


@given(record=strategies.approvals())
def test_an_approval_returns_as_itself(record: ApprovalRecord) -> None:
    """C2."""
    body = cases.CODEC.encode(record)
    returned = cases.CODEC.decode(APPROVALS, address_in(APPROVALS, record), body)
    assert returned == record
    assert cases.CODEC.encode(returned) == body


@given(payload=strategies.PAYLOADS)
def test_a_payload_returns_as_itself(payload: ApprovalPayload) -> None:
    """C2."""
    body = cases.CODEC.encode(payload)
    address = address_in(APPROVAL_PAYLOADS, payload)
    assert cases.CODEC.decode(APPROVAL_PAYLOADS, address, body) == payload


@pytest.mark.parametrize(
    "event",
    [
        SheetDrawn(
            address=SHEET_ADDRESS, at=AT, by=Principal.person("bo"), colours=frozenset(Colour)
        ),
        SheetTorn(address=SHEET_ADDRESS, at=AT),
    ],
)
def test_an_event_returns_with_the_address_and_time_of_the_log(event: Event) -> None:
    """C2."""
    assert decoded_event(CODEC, event, CODEC.encode_event(event)) == event


def test_the_body_of_an_event_has_its_own_fields_alone() -> None:
    torn = SheetTorn(address=SHEET_ADDRESS, at=AT)
    assert CODEC.encode_event(torn) == b'{"d":{},"v":1}'
    drawn = SheetDrawn(address=SHEET_ADDRESS, at=AT, by=Principal.agent("a"), colours=frozenset())
    body = b'{"d":{"by":{"id":"a","kind":"agent"},"colours":[]},"v":1}'
    assert CODEC.encode_event(drawn) == body


def test_the_body_of_a_record_is_json_with_sorted_keys() -> None:
    torn = Torn(id="ü", scope=SCOPE)
    scope = (
        '{"agent":null,"mission":null,"project":null,"tenant":"acme","thread":"t-1","user":"ada"}'
    )
    body = '{"d":{"id":"ü","scope":' + scope + '},"t":"torn","v":1}'
    assert CODEC.encode(torn) == body.encode()


@given(sheet=strategies.SHEETS)
def test_equal_records_are_equal_bytes_whatever_the_order_of_their_sets(sheet: Sheet) -> None:
    """C2."""
    other = evolve(
        sheet,
        tags=refilled(sheet.tags),
        people=refilled(sheet.people),
        groups=frozenset({refilled(group) for group in refilled(sheet.groups)}),
    )
    assert other == sheet
    assert CODEC.encode(other) == CODEC.encode(sheet)


def test_equal_times_of_different_zone_objects_are_equal_bytes() -> None:
    """C2."""
    other = evolve(SHEET, at=AT.replace(tzinfo=timezone(timedelta(0), "Zulu")))
    assert other == SHEET
    assert CODEC.encode(other) == CODEC.encode(SHEET)


TOP = Path(__file__).parents[2]
ENCODE = "from tests.codec.samples import CODEC, SHEET; print(CODEC.encode(SHEET).hex())"


@pytest.mark.parametrize("seed", ["0", "1", "2"])
def test_a_record_is_the_same_bytes_in_every_process(seed: str) -> None:
    """C2: sets are ordered by hashes that differ from process to process."""
    done = subprocess.run(
        [sys.executable, "-c", ENCODE],
        cwd=TOP,
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        check=True,
        text=True,
    )
    assert bytes.fromhex(done.stdout) == CODEC.encode(SHEET)


@given(one=strategies.SHEETS, other=strategies.SHEETS)
def test_other_records_are_other_bytes(one: Sheet, other: Sheet) -> None:
    assert (CODEC.encode(one) == CODEC.encode(other)) == (one == other)


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (AT, "2026-01-02T03:04:05.000006Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00.000000Z"),
        (datetime.max.replace(tzinfo=UTC), "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_a_time_has_six_digits_and_z(at: datetime, text: str) -> None:
    body = CODEC.encode(evolve(SHEET, at=at))
    assert f'"at":"{text}"'.encode() in body
    assert CODEC.decode(SHEETS, SHEET_ADDRESS, body) == evolve(SHEET, at=at)
