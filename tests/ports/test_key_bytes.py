"""Key bytes: injective, in component order, and every prefix is one range."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Address
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_ports.key_bytes import KEY_BYTES_MAX, address_of, key_bytes, key_range

components = st.sampled_from(["a", "ab", "b", "é", "~", "\U0001f600", "a b"])
optional = st.none() | components
scopes = st.builds(
    Scope.of,
    optional,
    optional,
    agent=optional,
    project=optional,
    mission=optional,
    thread=optional,
)
addresses = st.builds(Address, st.sampled_from(["a", "ab", "b_1"]), scopes, components)


def order(address: Address) -> tuple[tuple[bool, str], ...]:
    """Absent first, then by code points, component by component."""
    parts = (address.collection, *address.scope.components(), address.id)
    return tuple((part is not None, part or "") for part in parts)


@given(addresses, addresses)
def test_distinct_keys_encode_distinctly_and_sort_as_their_components_do(
    one: Address, other: Address
) -> None:
    """P12."""
    assert (key_bytes(one) == key_bytes(other)) == (one == other)
    assert (key_bytes(one) < key_bytes(other)) == (order(one) < order(other))


@given(addresses)
def test_a_key_tells_its_address(address: Address) -> None:
    assert address_of(key_bytes(address)) == address


@given(addresses, scopes, st.integers(0, 6))
def test_a_prefix_is_exactly_the_range_of_its_keys(
    address: Address, scope: Scope, depth: int
) -> None:
    prefix = ScopePrefix(scope=scope, depth=depth)
    keys = key_range(address.collection, prefix)
    assert (keys.start <= key_bytes(address) < keys.end) == prefix.covers(address.scope)


def test_the_longest_key_has_1448_bytes() -> None:
    long = "x" * 200
    scope = Scope.of(long, long, agent=long, project=long, mission=long, thread=long)
    assert len(key_bytes(Address("c" * 32, scope, long))) == KEY_BYTES_MAX


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"\x02a\x00",
        b"\x02a",
        b"\x03",
        key_bytes(Address("a", Scope.of("t", "u"), "i"))[:-1],
        key_bytes(Address("a", Scope.of("t", "u"), "i")) + b"\x01",
        b"\x01" * 8,
        b"\x02a\x00" + b"\x01" * 7,
        b"\x02a\x00\x02\xff\x00" + b"\x01" * 5 + b"\x02i\x00",
    ],
)
def test_bytes_that_are_no_key_are_refused(damaged: bytes) -> None:
    with pytest.raises(InvalidValue):
        address_of(damaged)
