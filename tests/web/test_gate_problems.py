"""Gate problems: each refusal and each doubt has a code of the closed set, and tells no secret."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from types import UnionType
from typing import Final, Union, get_args, get_origin, get_type_hints

import pytest

from tests.architecture.tree import TOP
from turnkeep import Approvals, Policies
from turnkeep_adapters.web.gate_code import GateCode
from turnkeep_adapters.web.gate_problem import Doubt, GateProblem
from turnkeep_application.errors import Contended
from turnkeep_domain.approvals.grant_refusals import GrantBusy
from turnkeep_domain.approvals.refusals import (
    AmbiguousGate,
    IdSpent,
    InvalidGateRef,
    NotEligible,
    NotPending,
    StaleGate,
    TooManyPending,
)
from turnkeep_domain.approvals.states import ApprovalState
from turnkeep_domain.approvals.votes import Offer, Verdict, Vote
from turnkeep_domain.decisions import Refused
from turnkeep_domain.keys import Address
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope
from turnkeep_ports.errors import OutcomeUnknown, PayloadTooLarge, Unavailable

NOW: Final = datetime(2030, 1, 1, tzinfo=UTC)
ADA: Final = Principal.person("ada")

STATUSES: Final = {
    "invalid_gate_ref": 400,
    "invalid_input": 400,
    "input_too_deep": 400,
    "always_allow_unsupported": 400,
    "not_eligible": 403,
    "tool_disabled": 403,
    "unknown_gate": 404,
    "ambiguous_gate": 409,
    "stale_gate": 409,
    "request_id_reused": 409,
    "id_spent": 409,
    "not_due": 409,
    "not_approved": 409,
    "fingerprint_mismatch": 409,
    "effects_widened": 409,
    "not_begun": 409,
    "already_dispatching": 409,
    "claim_lost": 409,
    "grant_spent": 409,
    "grant_revoked": 409,
    "outcome_uncertain": 409,
    "settle_with_run": 409,
    "consent_changed": 409,
    "grant_busy": 409,
    "payload_too_large": 413,
    "too_many_pending": 429,
    "too_many_allows": 429,
    "contended": 503,
    "unavailable": 503,
    "outcome_unknown": 503,
}


def refusals_of(service: type) -> set[type]:
    """Every class of refusal that a use case of a service declares to answer."""
    found: set[type] = set()
    for name, method in vars(service).items():
        if inspect.iscoroutinefunction(method) and not name.startswith("_"):
            found.update(_reasons(_answer_of(method), within=False))
    return found


def _answer_of(method: object) -> object:
    def answering() -> None:
        """Stands for the method: what it takes is of no interest here."""

    answering.__annotations__ = {"return": inspect.get_annotations(method)["return"]}  # type: ignore[arg-type]  # it is a function
    return get_type_hints(answering, globalns=vars(inspect.getmodule(method)))["return"]


def _reasons(hint: object, *, within: bool) -> Iterator[type]:
    if isinstance(hint, type) and within:
        yield hint
    for part in get_args(hint):
        is_refusal = get_origin(hint) is Refused
        passes = within and get_origin(hint) in (Union, UnionType)
        yield from _reasons(part, within=is_refusal or passes)


REFUSALS: Final = sorted(refusals_of(Approvals) | refusals_of(Policies), key=lambda c: c.__name__)


def test_the_declared_refusals_are_found() -> None:
    names = {refusal.__name__ for refusal in REFUSALS}
    assert {"InvalidGateRef", "NotPending", "StaleGate", "IdSpent", "TooManyAllows"} <= names
    assert {"GrantBusy", "ClaimLost", "OutcomeUncertain", "EffectsWidened"} <= names
    assert len(names) > 25


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.__name__)
def test_every_refusal_that_a_service_answers_has_a_code_of_the_set(refusal: type) -> None:
    assert GateCode(vars(refusal)["code"])


def test_the_table_of_codes_and_statuses_is_this_one() -> None:
    assert {code.value: int(code.status) for code in GateCode} == STATUSES


def test_the_page_on_approvals_tells_every_code_with_its_status() -> None:
    page = TOP.joinpath("docs", "approvals.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([0-9]{3}) \| (.*) \|$", page, flags=re.MULTILINE)
    told = {code: int(status) for status, row in rows for code in re.findall(r"`([a-z_]+)`", row)}
    del told["until"]  # when a busy grant is to be asked for again
    assert told == STATUSES


def test_no_code_is_there_that_nothing_answers() -> None:
    answered = {vars(refusal)["code"] for refusal in REFUSALS}
    # A step whose consent has changed is refused by its run.
    answered |= {"consent_changed", *(doubt.code for doubt in (Contended, OutcomeUnknown))}
    answered |= {"unavailable"}
    assert {code.value for code in GateCode} == answered


def test_what_may_be_sent_again_says_so() -> None:
    retryable = {code.value for code in GateCode if code.retryable}
    assert retryable == {
        "grant_busy",
        "too_many_pending",
        "contended",
        "unavailable",
        "outcome_unknown",
    }


@pytest.mark.parametrize(
    ("doubt", "code"),
    [
        (Contended(32, Address("approval", Scope.of("acme", "ada"), "a-1")), "contended"),
        (Unavailable("it is away"), "unavailable"),
        (Unavailable("the disk is full", code="store.full", retryable=False), "unavailable"),
        (OutcomeUnknown("the connection was lost"), "outcome_unknown"),
    ],
)
def test_every_doubt_is_a_503_to_be_sent_again_and_tells_nothing_else(
    doubt: Doubt, code: str
) -> None:
    problem = GateProblem.of(doubt)
    assert problem.status == 503
    assert problem.body == {"code": code, "retryable": True}


def test_what_is_too_large_for_the_store_is_a_413() -> None:
    problem = GateProblem.of(PayloadTooLarge("body bytes", 9, 8))
    assert (problem.status, problem.body["code"]) == (413, "payload_too_large")


def test_a_stale_gate_tells_its_state_and_ruling() -> None:
    ruling = Vote(
        decision_id=RequestId("d-s3cret"),
        decider=ADA,
        verdict=Verdict.APPROVE,
        offer=Offer.ONCE,
        at=NOW,
    )
    problem = GateProblem.of(Refused(NotPending(ApprovalState.APPROVED, ruling)))
    assert problem.status == 409
    assert problem.body == {
        "code": "stale_gate",
        "retryable": False,
        "state": "approved",
        "ruling": {
            "verdict": "approve",
            "decider": "person:ada",
            "at": "2030-01-01T00:00:00+00:00",
        },
    }
    unruled = GateProblem.of(Refused(NotPending(ApprovalState.EXPIRED, None)))
    assert unruled.facts == {"state": "expired", "ruling": None}


def test_an_ambiguous_gate_tells_from_which_to_choose_and_a_busy_grant_until_when() -> None:
    ambiguous = GateProblem.of(Refused(AmbiguousGate(("approval:1", "approval:2"))))
    assert ambiguous.facts == {"refs": ["approval:1", "approval:2"]}
    busy = GateProblem.of(Refused(GrantBusy(NOW)))
    assert busy.facts == {"until": "2030-01-01T00:00:00+00:00"}
    assert busy.body["retryable"] is True


@pytest.mark.parametrize(
    "reason",
    [InvalidGateRef(), StaleGate("a-1"), IdSpent("a-1"), NotEligible(ADA), TooManyPending(64)],
)
def test_every_other_refusal_tells_its_code_alone(reason: object) -> None:
    problem = GateProblem.of(Refused(reason))  # type: ignore[arg-type]  # a union's members
    assert set(json.loads(json.dumps(problem.body))) == {"code", "retryable"}


def test_what_cannot_be_read_is_a_400() -> None:
    problem = GateProblem.malformed()
    assert (problem.status, problem.body["code"]) == (400, "invalid_input")


def test_a_refusal_of_something_else_is_a_mistake() -> None:
    class Elsewhere:
        code = "elsewhere"

    with pytest.raises(ValueError, match="elsewhere"):
        GateProblem.of(Refused(Elsewhere()))
