"""Quorums: each can be met, by people and services alone, and never by its own requester."""

from __future__ import annotations

import pytest

from tests.domain.approvals.samples import ADA, AGENT, AUDIT, GRACE, SCOPE, question
from turnkeep_domain.approvals.quorum import Quorum
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.principals import Principal
from turnkeep_domain.scope import Scope

SIXTEEN = tuple(Principal.person(f"p{n}") for n in range(16))


def test_a_quorum_is_people_and_services() -> None:
    assert Quorum.of(2, ADA, AUDIT).eligible == {ADA, AUDIT}


@pytest.mark.parametrize("threshold", [-1, 0, 3])
def test_a_threshold_that_cannot_be_reached_is_refused(threshold: int) -> None:
    """6."""
    with pytest.raises(InvalidValue):
        Quorum.of(threshold, ADA, GRACE)


@pytest.mark.parametrize("threshold", [True, 1.0, "1", None])
def test_a_threshold_that_is_no_whole_number_is_refused(threshold: object) -> None:
    with pytest.raises(InvalidValue):
        Quorum.of(threshold, ADA, GRACE)  # type: ignore[arg-type]  # what is tested


def test_a_quorum_of_nobody_is_refused() -> None:
    """6."""
    with pytest.raises(InvalidValue):
        Quorum.of(1)


@pytest.mark.parametrize("voter", [AGENT, Principal.extension("plugin")], ids=lambda p: p.id)
def test_an_agent_or_extension_never_decides(voter: Principal) -> None:
    """6."""
    with pytest.raises(InvalidValue):
        Quorum.of(1, ADA, voter)


def test_sixteen_may_decide_and_seventeen_may_not() -> None:
    assert Quorum.of(16, *SIXTEEN).threshold == 16
    with pytest.raises(InvalidValue):
        Quorum.of(1, *SIXTEEN, Principal.person("p16"))


def test_the_user_of_the_scope_decides_alone_by_default() -> None:
    assert Quorum.owner(SCOPE) == Quorum.of(1, ADA)


@pytest.mark.parametrize("scope", [Scope.of("acme", None), Scope.of(None, "ada")])
def test_a_scope_without_work_has_no_owner(scope: Scope) -> None:
    with pytest.raises(InvalidValue):
        Quorum.owner(scope)


def test_a_requester_does_not_decide_above_threshold_1() -> None:
    """6."""
    with pytest.raises(InvalidValue):
        question(requester=ADA, quorum=Quorum.of(2, ADA, GRACE))


def test_a_requester_may_decide_at_threshold_1() -> None:
    assert question(requester=ADA, quorum=Quorum.of(1, ADA, GRACE)).requester == ADA
