"""Scopes: absent is a value of its own, and a prefix covers exactly what it fixes."""

import pytest

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.scope import DEPTH_MAX, Scope, ScopePrefix

FULL = Scope.of("t", "u", agent="a", project="p", mission="m", thread="h")


def test_absent_and_present_components_differ() -> None:
    assert Scope.of("t", "u") != FULL
    assert Scope.of("t", "u").components() == ("t", "u", None, None, None, None)
    assert FULL.components() == ("t", "u", "a", "p", "m", "h")


@pytest.mark.parametrize("component", ["tenant", "user", "agent", "project", "mission", "thread"])
def test_every_component_must_be_an_identifier(component: str) -> None:
    given = {"tenant": "t", "user": "u", component: " x"}
    tenant, user = given.pop("tenant"), given.pop("user")
    with pytest.raises(InvalidValue) as caught:
        Scope.of(tenant, user, **given)
    assert caught.value.what == component


def test_the_shared_user_cannot_be_named() -> None:
    with pytest.raises(InvalidValue, match="reserved"):
        Scope.of("t", "*")
    Scope.of("*", "u", agent="*")


@pytest.mark.parametrize("scope", [Scope.of("t", None), Scope.of(None, "u"), Scope.of(None, None)])
def test_work_needs_a_tenant_and_a_user(scope: Scope) -> None:
    with pytest.raises(InvalidValue):
        scope.require_work()
    FULL.require_work()


@pytest.mark.parametrize("depth", [-1, 7, True, 1.0, "2"])
def test_a_prefix_is_0_to_6_deep(depth: int) -> None:
    with pytest.raises(InvalidValue):
        ScopePrefix(scope=FULL, depth=depth)


@pytest.mark.parametrize("depth", range(DEPTH_MAX + 1))
def test_a_prefix_covers_what_shares_its_fixed_components_and_nothing_else(depth: int) -> None:
    prefix = ScopePrefix(scope=FULL, depth=depth)
    assert prefix.covers(FULL)
    for at, name in enumerate(["tenant", "user", "agent", "project", "mission", "thread"]):
        for other in ("x", None):
            names = ["tenant", "user", "agent", "project", "mission", "thread"]
            components = dict(zip(names, FULL.components(), strict=True))
            components[name] = other
            tenant, user = components.pop("tenant"), components.pop("user")
            assert prefix.covers(Scope.of(tenant, user, **components)) == (at >= depth)


def test_an_owner_has_all_their_agents_and_threads() -> None:
    owner = ScopePrefix.owner(FULL)
    assert owner.covers(Scope.of("t", "u"))
    assert owner.covers(Scope.of("t", "u", thread="other"))
    assert not owner.covers(Scope.of("t", "other"))
    assert not ScopePrefix.exactly(FULL).covers(Scope.of("t", "u"))
