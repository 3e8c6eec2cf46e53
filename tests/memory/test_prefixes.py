"""What is cut from a key's bytes is what the port says a scope's keys begin with."""

import pytest

from turnkeep_adapters.memory.prefixes import prefixes, scope_of
from turnkeep_domain.keys import Address
from turnkeep_domain.scope import DEPTH_MAX, Scope, ScopePrefix
from turnkeep_ports.key_bytes import key_bytes, prefix_bytes, scope_bytes

SCOPES = [
    Scope.of("t", "u"),
    Scope.of("t", None),
    Scope.of(None, None),
    Scope.of(None, "u", thread="h"),
    Scope.of("t", "u", agent="a", project="p", mission="m", thread="h"),
    Scope.of("ten\N{LATIN SMALL LETTER A WITH ACUTE}nt", "\N{CJK UNIFIED IDEOGRAPH-4E00}" * 66),
]


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("id", ["one", "\N{SNAKE}"])
def test_a_prefix_of_every_depth_is_the_ports(scope: Scope, id: str) -> None:
    address = Address("note", scope, id)
    assert prefixes(key_bytes(address)) == tuple(
        prefix_bytes("note", ScopePrefix(scope=scope, depth=depth))
        for depth in range(DEPTH_MAX + 1)
    )


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("id", ["one", "\N{SNAKE}"])
def test_the_scope_of_a_key_is_the_ports(scope: Scope, id: str) -> None:
    assert scope_of(key_bytes(Address("note", scope, id))) == scope_bytes("note", scope)
