"""A changed body: it is told as damage, or it is exactly another record's body."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.codec import golden_files
from tests.codec.golden_files import GoldenName
from tests.codec.mutations import mutations
from tests.codec.samples import CODEC, SHEET, SHEET_ADDRESS, SHEETS
from turnkeep_ports.errors import Corrupt, SchemaTooNew

GOLDEN = golden_files.names()
IDS = [name.file_name for name in GOLDEN]


def is_refused(name: GoldenName, body: bytes) -> bool:
    """Whether a body is told as damage; if not, its value must be written as just that body."""
    try:
        value = golden_files.decoded(name, body)
    except (Corrupt, SchemaTooNew):
        return True
    if name.is_newest:
        assert golden_files.encoded(value) == body
    return False


@pytest.mark.parametrize("name", GOLDEN, ids=IDS)
def test_a_single_mutation_is_damage_or_exactly_another_body(name: GoldenName) -> None:
    refused = 0
    for mutation in mutations(golden_files.body_of(name)):
        is_damage = is_refused(name, mutation.body)
        refused += is_damage
        assert is_damage or not mutation.retyped, mutation.name
    assert refused > 0


def test_a_single_mutation_of_a_record_with_every_type_is_damage_or_exactly_another_body() -> None:
    body = CODEC.encode(SHEET)
    for mutation in mutations(body):
        try:
            sheet = CODEC.decode(SHEETS, SHEET_ADDRESS, mutation.body)
        except (Corrupt, SchemaTooNew):
            continue
        assert CODEC.encode(sheet) == mutation.body, mutation.name
        assert not mutation.retyped, mutation.name


@given(data=st.data(), name=st.sampled_from(GOLDEN))
def test_flipped_lost_and_inserted_bytes_are_damage_or_exactly_another_body(
    data: st.DataObject, name: GoldenName
) -> None:
    body = golden_files.body_of(name)
    start = data.draw(st.integers(0, len(body)), label="start")
    end = data.draw(st.integers(start, min(len(body), start + 8)), label="end")
    put = data.draw(st.binary(max_size=8) | st.sampled_from([b"{}", b"null", b"0"]), label="put")
    is_refused(name, body[:start] + put + body[end:])


@given(name=st.sampled_from(GOLDEN), body=st.binary(max_size=64))
def test_arbitrary_bytes_are_damage(name: GoldenName, body: bytes) -> None:
    assert is_refused(name, body)


SCALAR = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text()
JSON = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(name=st.sampled_from(GOLDEN), fields=JSON)
def test_arbitrary_fields_are_damage(name: GoldenName, fields: object) -> None:
    envelope = {**orjson.loads(golden_files.body_of(name)), "d": fields}
    assert is_refused(name, orjson.dumps(envelope, option=orjson.OPT_SORT_KEYS))
