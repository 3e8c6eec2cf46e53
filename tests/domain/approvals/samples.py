"""Samples: one approval in each of its states, and the people around it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from turnkeep_domain.approvals.approval import Approval, ApprovalRecord
from turnkeep_domain.approvals.calls import Action, Call, Dispatch, Effect
from turnkeep_domain.approvals.canonical import CanonicalInput, Json, canonical
from turnkeep_domain.approvals.consent_rules import ConsentRule
from turnkeep_domain.approvals.fingerprint import fingerprint_of
from turnkeep_domain.approvals.names import CorrelationId, InvocationId
from turnkeep_domain.approvals.quorum import Quorum
from turnkeep_domain.approvals.request import Question
from turnkeep_domain.approvals.votes import Offer
from turnkeep_domain.decisions import Changed, Decision, Settled
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.addresses import RunAddress

SCOPE: Final = Scope.of("acme", "ada", agent="scout", thread="t1")
ADA: Final = Principal.person("ada")
GRACE: Final = Principal.person("grace")
LINUS: Final = Principal.person("linus")
AUDIT: Final = Principal.service("audit")
AGENT: Final = Principal.agent("scout")

NOW: Final = datetime(2030, 1, 1, tzinfo=UTC)
HOUR: Final = 3_600
DEADLINE: Final = NOW + timedelta(seconds=HOUR)
OVERDUE: Final = DEADLINE + timedelta(seconds=1)

TWO_OF_THREE: Final = Quorum.of(2, ADA, GRACE, AUDIT)
ONE_OF_TWO: Final = Quorum.of(1, ADA, GRACE)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def spelt(input: Json) -> CanonicalInput:
    text = canonical(input)
    assert isinstance(text, CanonicalInput)
    return text


def dispatch(capability: str = "pay", estimate: Mapping[str, int] | None = None) -> Dispatch:
    return Dispatch.of(capability, estimate)


def call(
    *,
    scope: Scope = SCOPE,
    invocation: str = "i1",
    action: Action | None = None,
    input: Json = None,
) -> Call:
    return Call(
        scope=scope,
        invocation=InvocationId(invocation),
        action=dispatch() if action is None else action,
        input=spelt(input),
    )


def question(
    *,
    asked: Call | None = None,
    attempt: int = 1,
    quorum: Quorum = TWO_OF_THREE,
    requester: Principal = AGENT,
    effects: frozenset[Effect] = frozenset({Effect.FINANCIAL}),
    correlation_id: str = "c1",
    run: RunAddress | None = None,
) -> Question:
    asked = call() if asked is None else asked
    return Question(
        scope=asked.scope,
        attempt=attempt,
        invocation=asked.invocation,
        action=asked.action,
        effects=effects,
        requester=requester,
        correlation_id=CorrelationId(correlation_id),
        fingerprint=fingerprint_of(asked),
        cause=ConsentRule.OTHERWISE,
        offers=frozenset({Offer.ONCE}),
        quorum=quorum,
        run=run,
    )


def pending(asked: Question | None = None) -> Approval:
    asked = question() if asked is None else asked
    return Approval.raised(asked, now=NOW, lifetime_seconds=HOUR).state


def stored(decision: Decision[ApprovalRecord, object, object]) -> ApprovalRecord:
    """The record that a decision stores."""
    assert isinstance(decision, Changed | Settled)
    return decision.state


def approved_by(
    record: ApprovalRecord, by: Principal, decision_id: str, *, now: datetime = NOW
) -> ApprovalRecord:
    return stored(record.approve(by=by, decision_id=RequestId(decision_id), now=now))


def denied_by(
    record: ApprovalRecord, by: Principal, decision_id: str, *, now: datetime = NOW
) -> ApprovalRecord:
    return stored(record.deny(by=by, decision_id=RequestId(decision_id), now=now))


def halfway() -> ApprovalRecord:
    """Ada has approved (`d-ada`); one approval is missing."""
    return approved_by(pending(), ADA, "d-ada")


def approved() -> ApprovalRecord:
    """Ada and Grace have approved (`d-ada`, `d-grace`)."""
    return approved_by(halfway(), GRACE, "d-grace")


def denied() -> ApprovalRecord:
    """Ada has approved (`d-ada`), Grace denied (`d-grace`)."""
    return denied_by(halfway(), GRACE, "d-grace")


def expired() -> ApprovalRecord:
    """Ada has approved (`d-ada`), nobody else in time."""
    return stored(halfway().expire(now=OVERDUE))


def discarded() -> ApprovalRecord:
    """Ada has approved (`d-ada`), then the agent has withdrawn it (`r-agent`)."""
    return stored(halfway().discard(by=AGENT, request_id=RequestId("r-agent"), now=NOW))
