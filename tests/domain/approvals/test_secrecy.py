"""Secrecy: nothing that is shown, told or raised has payload, input or fingerprint in it."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.domain.approvals.samples import (
    ADA,
    AGENT,
    GRACE,
    LINUS,
    OVERDUE,
    SCOPE,
    approved,
    call,
    denied,
    discarded,
    expired,
    halfway,
    later,
    pending,
    question,
)
from turnkeep_domain.approvals.approval import Approval, ApprovalRecord
from turnkeep_domain.approvals.calls import Call
from turnkeep_domain.approvals.fingerprint import fingerprint_of
from turnkeep_domain.approvals.payload import ApprovalPayload
from turnkeep_domain.approvals.refusals import (
    IdSpent,
    InputTooDeep,
    InputTooLarge,
    InvalidInput,
    NotDue,
    NotEligible,
    NotPending,
    TooManyPending,
    Unknown,
)
from turnkeep_domain.request_ids import RequestId

SECRET_CALL: Call = call(input={"card": "s3cret"})
FINGERPRINT = fingerprint_of(SECRET_CALL).removeprefix("sha256:")


def shown(thing: object) -> str:
    return f"{thing!r} {thing}"


@pytest.mark.parametrize(
    "record", [pending(), halfway(), approved(), denied(), expired(), discarded()]
)
def test_no_record_shows_its_fingerprint_or_digests(record: ApprovalRecord) -> None:
    """9."""
    fingerprint = question().fingerprint.removeprefix("sha256:")
    assert fingerprint not in shown(record)
    assert "arguments" not in shown(record)


@pytest.mark.parametrize("now", [later(1), OVERDUE])
def test_no_answer_to_any_command_shows_a_fingerprint(now: datetime) -> None:
    """9."""
    raised = Approval.raised(question(asked=SECRET_CALL), now=later(0), lifetime_seconds=3_600)
    answers: list[object] = [raised, SECRET_CALL]
    approval = raised.state
    for by in (ADA, GRACE, LINUS):
        answers.append(approval.approve(by=by, decision_id=RequestId("d"), now=now))
        answers.append(approval.deny(by=by, decision_id=RequestId("d"), now=now))
    answers.append(approval.discard(by=AGENT, request_id=RequestId("r"), now=now))
    answers.append(approval.expire(now=now))
    answers.append(approval.erase(now=now))
    answers.append(approval.prune(before=now, now=now))
    answers.append(approval.asked_again(question(asked=SECRET_CALL, effects=frozenset())))
    for answer in answers:
        assert FINGERPRINT not in shown(answer)
        assert "s3cret" not in shown(answer)


def test_no_payload_shows_itself() -> None:
    """9."""
    payload = ApprovalPayload.of(question().id, SCOPE, reason="s3cret", display="s3cret")
    assert "s3cret" not in shown(payload)


def test_every_refusal_has_its_own_code() -> None:
    kinds = (
        IdSpent,
        InputTooDeep,
        InputTooLarge,
        InvalidInput,
        NotDue,
        NotEligible,
        NotPending,
        TooManyPending,
        Unknown,
    )
    assert [kind.code for kind in kinds] == [
        "id_spent",
        "input_too_deep",
        "payload_too_large",
        "invalid_input",
        "not_due",
        "not_eligible",
        "stale_gate",
        "too_many_pending",
        "unknown_gate",
    ]
