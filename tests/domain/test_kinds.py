"""Kinds: what is of another class is refused, in words that repeat nothing of it."""

from __future__ import annotations

import pytest
from attrs import field, frozen
from attrs.validators import deep_iterable, optional

from turnkeep_domain.approvals.calls import Dispatch, Effect, Estimate, Spawn
from turnkeep_domain.approvals.quorum import Quorum
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Address
from turnkeep_domain.kinds import of_kind, require_kind
from turnkeep_domain.principals import Principal
from turnkeep_domain.scope import ScopePrefix


@frozen
class Sample:
    who: object = field(validator=of_kind(Principal))
    what: object = field(default=None, validator=optional(of_kind(Dispatch, Spawn)))
    effects: object = field(
        default=frozenset(), validator=deep_iterable(of_kind(Effect), of_kind(frozenset))
    )


ADA = Principal.person("ada")


def test_a_value_of_the_kind_passes() -> None:
    Sample(ADA, Spawn.of("scout"), frozenset({Effect.READS}))
    require_kind("number", True, str, int)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"who": "s3cret"}, "who must be a Principal"),
        ({"who": None}, "who must be a Principal"),
        ({"who": Principal}, "who must be a Principal"),
        ({"who": ADA, "what": "s3cret"}, "what must be a Dispatch or a Spawn"),
        ({"who": ADA, "effects": {"s3cret"}}, "effects must be a frozenset"),
        ({"who": ADA, "effects": frozenset({"s3cret"})}, "effects must be an Effect"),
    ],
    ids=str,
)
def test_a_value_of_another_kind_is_refused_by_name_alone(
    wrong: dict[str, object], sentence: str
) -> None:
    with pytest.raises(InvalidValue) as error:
        Sample(**wrong)
    assert str(error.value) == sentence


@pytest.mark.parametrize("scope", ["s3cret", None, ADA], ids=repr)
def test_an_owner_is_a_scope(scope: object) -> None:
    for make in (
        lambda: Address("approval", scope, "i"),  # type: ignore[arg-type]  # as a host errs
        lambda: ScopePrefix.owner(scope),  # type: ignore[arg-type]  # as a host errs
        lambda: Quorum.owner(scope),  # type: ignore[arg-type]  # as a host errs
    ):
        with pytest.raises(InvalidValue, match="scope must be a Scope"):
            make()


@pytest.mark.parametrize("amounts", ["s3cret", [("s3cret", 1)], 0, ""], ids=repr)
def test_an_estimate_is_a_mapping(amounts: object) -> None:
    with pytest.raises(InvalidValue, match="estimate must be a Mapping"):
        Estimate.of(amounts)  # type: ignore[arg-type]  # as a host errs
    with pytest.raises(InvalidValue, match="estimate must be a Mapping"):
        Dispatch.of("pay", amounts)  # type: ignore[arg-type]  # as a host errs
