"""Requests: what may be asked, for how long, under which id."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from tests.domain.approvals.samples import HOUR, NOW, call, dispatch, pending, question
from turnkeep_domain.approvals.approval import Approval
from turnkeep_domain.approvals.calls import Amount, Estimate
from turnkeep_domain.approvals.fingerprint import Fingerprint
from turnkeep_domain.approvals.request import ApprovalRequest
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.scope import Scope

MONTH = 30 * 24 * HOUR


@pytest.mark.parametrize("seconds", [10, 24 * HOUR, MONTH])
def test_a_lifetime_within_bounds_ends_at_its_second(seconds: int) -> None:
    raised = Approval.raised(question(), now=NOW, lifetime_seconds=seconds).state
    assert raised.request.expires_at == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize("seconds", [-1, 0, 9, MONTH + 1, 60.0, True, "60"])
def test_a_lifetime_out_of_bounds_is_refused(seconds: int) -> None:
    with pytest.raises(InvalidValue):
        Approval.raised(question(), now=NOW, lifetime_seconds=seconds)


@pytest.mark.parametrize("seconds", [9.999999, MONTH + 0.000001])
def test_a_stored_lifetime_out_of_bounds_is_no_request(seconds: float) -> None:
    with pytest.raises(InvalidValue):
        evolve(pending().request, expires_at=NOW + timedelta(seconds=seconds))


def test_the_id_of_a_request_is_that_of_its_question() -> None:
    request = pending().request
    other = question(attempt=2)
    assert request.id == question().id != other.id
    with pytest.raises(InvalidValue):
        evolve(request, id=other.id)
    with pytest.raises(InvalidValue):
        evolve(request, question=other)


@pytest.mark.parametrize("attempt", [0, -1, 1_000_001, True, 1.0])
def test_an_attempt_out_of_bounds_is_refused(attempt: int) -> None:
    with pytest.raises(InvalidValue):
        question(attempt=attempt)


@pytest.mark.parametrize(
    "text", ["", "sha256:", "sha256:" + "A" * 64, "f" * 71, "sha1:" + "a" * 40]
)
def test_what_is_no_fingerprint_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        evolve(question(), fingerprint=Fingerprint(text))


@pytest.mark.parametrize("scope", [Scope.of("acme", None), Scope.of(None, "ada")])
def test_a_call_needs_a_tenant_and_a_user(scope: Scope) -> None:
    with pytest.raises(InvalidValue):
        call(scope=scope)
    with pytest.raises(InvalidValue):
        evolve(question(), scope=scope)


@pytest.mark.parametrize("name", ["", " a", "a\n", "a" * 201, "e\u0301"])
def test_a_name_that_is_no_identifier_is_refused(name: str) -> None:
    with pytest.raises(InvalidValue):
        call(invocation=name)
    with pytest.raises(InvalidValue):
        dispatch(name)
    with pytest.raises(InvalidValue):
        question(correlation_id=name)


def test_an_estimate_is_sorted_whatever_it_was_made_from() -> None:
    estimate = Estimate.of({"b": 2, "a": 1})
    assert estimate.amounts == (Amount("a", 1), Amount("b", 2))
    assert estimate.as_mapping() == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    "amounts",
    [(Amount("b", 1), Amount("a", 1)), (Amount("a", 1), Amount("a", 2))],
    ids=["unsorted", "twice"],
)
def test_a_stored_estimate_is_sorted_and_distinct(amounts: tuple[Amount, ...]) -> None:
    with pytest.raises(InvalidValue):
        Estimate(amounts)


@pytest.mark.parametrize("amount", [-1, 2**63, True, 1.0, "1"])
def test_an_amount_out_of_bounds_is_refused(amount: int) -> None:
    with pytest.raises(InvalidValue):
        Estimate.of({"usd_nano": amount})


def test_sixteen_dimensions_are_estimated_and_no_more() -> None:
    assert len(Estimate.of({f"d{n:02}": 0 for n in range(16)}).amounts) == 16
    with pytest.raises(InvalidValue):
        Estimate.of({f"d{n:02}": 0 for n in range(17)})


def test_a_request_expires_after_it_was_created() -> None:
    request = ApprovalRequest.of(question(), now=NOW, lifetime_seconds=10)
    assert request.created_at < request.expires_at
