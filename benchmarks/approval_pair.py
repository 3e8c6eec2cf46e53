"""An approval pair: two states of one real approval, of which every update puts the other one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from attrs import frozen

from turnkeep import (
    CapabilityId,
    CorrelationId,
    Dispatch,
    Effect,
    Estimate,
    InvocationId,
    Principal,
    Quorum,
    RequestId,
    Scope,
)
from turnkeep_application.records import Records
from turnkeep_domain.approvals.approval import APPROVALS, Approval, ApprovalRecord
from turnkeep_domain.approvals.calls import Call
from turnkeep_domain.approvals.canonical import CanonicalInput, canonical
from turnkeep_domain.approvals.consent_rules import ConsentRule
from turnkeep_domain.approvals.fingerprint import fingerprint_of
from turnkeep_domain.approvals.request import Question
from turnkeep_domain.approvals.votes import Offer
from turnkeep_domain.decisions import Changed, Decision
from turnkeep_domain.keys import Key, key
from turnkeep_ports.codec import Codec

ANN, BOB, EVE = (Principal.person(name) for name in ("ann", "bob", "eve"))
SCOPE: Final = Scope.of("acme", "ann", agent="clerk", project="books", thread="rent")
# Fixed, so that every process makes the same pair.
RAISED_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)


@frozen
class ApprovalPair:
    """Two states of one approval. The first update, and each odd one, puts `one`."""

    where: Key[ApprovalRecord]
    one: Approval
    other: Approval

    @classmethod
    def made(cls, number: int = 1) -> ApprovalPair:
        """An approval with one vote of three, and with two; the number tells pairs apart."""
        invocation = InvocationId(f"turn-7/call-{number}")
        question = _question(invocation)
        raised = Approval.raised(question, now=RAISED_AT, lifetime_seconds=86_400).state
        one = _voted(raised, ANN)
        return cls(key(APPROVALS, SCOPE, question.id), one, _voted(one, BOB))

    def swap(self, records: Records, now: datetime) -> Decision[Records, None, None]:
        """Puts the state that is not there, and tells it with one event."""
        record = self.other if records[self.where] == self.one else self.one
        erased = record.erase(now=now)
        told = erased.events if isinstance(erased, Changed) else ()
        return Changed(records.put(self.where, record), None, told)

    def after(self, updates: int) -> Approval:
        """The state that so many updates leave, one at least."""
        return self.one if updates % 2 else self.other

    def bodies(self, codec: Codec) -> tuple[bytes, bytes]:
        """Both states as they are stored, for peers that store bytes."""
        return bytes(codec.encode(self.one)), bytes(codec.encode(self.other))


def _question(invocation: InvocationId) -> Question:
    action = Dispatch(
        capability=CapabilityId("send_money"), estimate=Estimate.of({"usd_nano": 25_000_000})
    )
    spelt = canonical({"recipient": "GB29NWBK60161331926819", "amount": 1200})
    assert isinstance(spelt, CanonicalInput)
    call = Call(scope=SCOPE, invocation=invocation, action=action, input=spelt)
    return Question(
        scope=SCOPE,
        attempt=1,
        invocation=invocation,
        action=action,
        effects=frozenset({Effect.FINANCIAL, Effect.WRITES}),
        requester=Principal.agent("clerk"),
        correlation_id=CorrelationId("turn-7"),
        fingerprint=fingerprint_of(call),
        cause=ConsentRule.OTHERWISE,
        offers=frozenset({Offer.ONCE}),
        quorum=Quorum.of(3, ANN, BOB, EVE),
        run=None,
    )


def _voted(approval: Approval, by: Principal) -> Approval:
    decision = approval.approve(by=by, decision_id=RequestId(f"click-{by.id}"), now=RAISED_AT)
    assert isinstance(decision, Changed)
    assert isinstance(decision.state, Approval)
    return decision.state
