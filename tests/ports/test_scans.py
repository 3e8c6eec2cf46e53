"""Scans: queries say what they can answer, and a position belongs to its query."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Index
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_ports.scans import (
    Due,
    InScope,
    Place,
    Position,
    Query,
    Sorted,
    due_bytes,
    due_of,
    place,
    place_of,
    position,
)

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SCOPE = Scope.of("t", "u", thread="h")
OWNER = ScopePrefix.owner(SCOPE)
QUERIES: list[Query] = [
    Due(collection="a", states=frozenset({"x"}), by=NOW),
    Due(collection="a", states=frozenset({"x", "y"}), by=NOW),
    Due(collection="b", states=frozenset({"x"}), by=NOW),
    Sorted(collection="a", prefix=OWNER, state="x"),
    Sorted(collection="a", prefix=OWNER, state="y"),
    Sorted(collection="a", prefix=ScopePrefix.exactly(SCOPE), state="x"),
    Sorted(collection="a", prefix=ScopePrefix.exactly(SCOPE), state=None),
    InScope(collection="a", prefix=OWNER),
    InScope(collection="a", prefix=ScopePrefix.exactly(SCOPE)),
]
moments = st.datetimes(timezones=st.just(UTC))


@given(moments, moments)
def test_due_bytes_sort_as_instants_do(one: datetime, other: datetime) -> None:
    assert (due_bytes(one) < due_bytes(other)) == (one < other)
    assert due_of(due_bytes(one)) == one


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("other", QUERIES)
def test_a_position_is_taken_by_its_own_query_alone(query: Query, other: Query) -> None:
    at = place(query, Index(state="x", due_at=NOW, sort="s"), b"key")
    token = position(query, at)
    if query == other:
        assert place_of(other, token) == at
    else:
        with pytest.raises(InvalidValue):
            place_of(other, token)


def test_a_position_survives_a_later_now() -> None:
    query = Due(collection="a", states=frozenset({"x"}), by=NOW)
    later = Due(collection="a", states=frozenset({"x"}), by=NOW + timedelta(1))
    at = place(query, Index(state="x", due_at=NOW, sort="s"), b"key")
    assert place_of(later, position(query, at)) == at


@pytest.mark.parametrize("query", QUERIES)
def test_bytes_that_are_no_position_are_refused(query: Query) -> None:
    token = position(query, Place(due_bytes(NOW), b"key"))
    for damaged in (b"", b"x", token[:8], token[:9], token[:12], b"\x00" * 40):
        with pytest.raises(InvalidValue):
            place_of(query, Position(damaged))


def test_queries_demand_what_makes_their_order_an_index() -> None:
    with pytest.raises(InvalidValue):
        Sorted(collection="a", prefix=ScopePrefix(scope=SCOPE, depth=1), state="x")
    with pytest.raises(InvalidValue):
        Sorted(collection="a", prefix=OWNER, state=None)
    with pytest.raises(InvalidValue):
        Due(collection="a", states=frozenset(), by=NOW)
    with pytest.raises(InvalidValue):
        Due(collection="A", states=frozenset({"x"}), by=NOW)
    with pytest.raises(ValueError, match="never due"):
        place(QUERIES[0], Index(state="x", due_at=None, sort="s"), b"key")
