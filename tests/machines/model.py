"""A model of approvals: what the service must answer, in the plainest words."""

from __future__ import annotations

from datetime import datetime

from attrs import define, field

from turnkeep import (
    ApprovalOutcome,
    ApprovalState,
    Erased,
    NotDue,
    NotEligible,
    NotPending,
    Offer,
    Principal,
    Quorum,
    Refused,
    RequestId,
    RequestIdReused,
    Unknown,
    Verdict,
    Vote,
)

PENDING, APPROVED, DENIED = (
    ApprovalState.PENDING,
    ApprovalState.APPROVED,
    ApprovalState.DENIED,
)
EXPIRED, DISCARDED = ApprovalState.EXPIRED, ApprovalState.DISCARDED

Answer = ApprovalOutcome | Refused[object]


@define
class Gate:
    """One approval. `events` is what must have been told of it."""

    quorum: Quorum
    expires_at: datetime
    state: ApprovalState = PENDING
    votes: list[Vote] = field(factory=list)
    ruling: Vote | None = None
    answered: dict[RequestId, tuple[object, ApprovalOutcome]] = field(factory=dict)
    payload: bool = True
    events: list[str] = field(factory=lambda: ["approval.raised"])

    def outcome(self) -> ApprovalOutcome:
        missing = self.quorum.threshold - self._yeses() if self.state is PENDING else 0
        return ApprovalOutcome(state=self.state, missing=missing)

    def notice(self, now: datetime) -> bool:
        """Whether its deadline is found to have come."""
        if self.state is not PENDING or now < self.expires_at:
            return False
        self.state = EXPIRED
        self.events.append("approval.expired")
        return True

    def overlook(self) -> None:
        """Its deadline was found to have come, and that could not be stored."""
        self.state = PENDING
        self.events.remove("approval.expired")

    def vote(self, verdict: Verdict, by: Principal, id: RequestId, now: datetime) -> Answer:
        arguments = (verdict, by)
        if id in self.answered:
            return self._replay(id, arguments)
        if self.state is DISCARDED:
            return Refused(NotPending(DISCARDED, None))
        if by not in self.quorum.eligible:
            return Refused(NotEligible(by))
        if any((vote.verdict, vote.decider) == arguments for vote in self.votes):
            return ApprovalOutcome.of(EXPIRED) if self._overdue(now) else self.outcome()
        self.notice(now)
        if self.state is not PENDING:
            return Refused(NotPending(self.state, self.ruling))
        offer = Offer.ONCE if verdict is Verdict.APPROVE else None
        cast = Vote(decision_id=id, decider=by, verdict=verdict, offer=offer, at=now)
        self.votes.append(cast)
        if verdict is Verdict.DENY:
            self.state, self.ruling = DENIED, cast
        elif self._yeses() >= self.quorum.threshold:
            self.state, self.ruling = APPROVED, cast
        told = {PENDING: "voted", APPROVED: "approved", DENIED: "denied"}[self.state]
        self.events.append(f"approval.{told}")
        if self.state is APPROVED:
            self.events.append("grant.issued")
        return self._answer(id, arguments)

    def discard(self, by: Principal, id: RequestId, now: datetime) -> Answer:
        arguments = ("discard", by)
        if id in self.answered:
            return self._replay(id, arguments)
        if self.state is DISCARDED:
            return self.outcome()
        self.notice(now)
        if self.state is not PENDING:
            return Refused(NotPending(self.state, self.ruling))
        self.state, self.payload = DISCARDED, False
        self.events.append("approval.discarded")
        return self._answer(id, arguments)

    def expire(self, now: datetime) -> Answer:
        self.notice(now)
        if self.state is PENDING:
            return Refused(NotDue(self.expires_at))
        if self.state is not EXPIRED:
            return Refused(NotPending(self.state, self.ruling))
        return self.outcome()

    def erase(self, id: str) -> Erased:
        if self.payload:
            self.payload = False
            self.events.append("approval.erased")
        return Erased(id)

    def shown(self, now: datetime) -> ApprovalState:
        return EXPIRED if self._overdue(now) else self.state

    def _overdue(self, now: datetime) -> bool:
        return self.state is PENDING and now >= self.expires_at

    def _yeses(self) -> int:
        return len({vote.decider for vote in self.votes if vote.verdict is Verdict.APPROVE})

    def _answer(self, id: RequestId, arguments: object) -> Answer:
        self.answered[id] = (arguments, self.outcome())
        return self.outcome()

    def _replay(self, id: RequestId, arguments: object) -> Answer:
        before, outcome = self.answered[id]
        return outcome if before == arguments else Refused(RequestIdReused(id))


def unknown(id: str) -> Refused[object]:
    return Refused(Unknown(id))
