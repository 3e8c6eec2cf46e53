"""A view of an approval: what a host may show of it; never reason, display or fingerprint."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from turnkeep_application.reading import Unreadable
from turnkeep_domain.approvals.approval import Approval, ApprovalRecord
from turnkeep_domain.approvals.approval_id import ApprovalId
from turnkeep_domain.approvals.calls import Action, Effect
from turnkeep_domain.approvals.consent_rules import ConsentRule
from turnkeep_domain.approvals.gate_ref import GateRef
from turnkeep_domain.approvals.names import CorrelationId, InvocationId
from turnkeep_domain.approvals.phases import ruling_of
from turnkeep_domain.approvals.quorum import Quorum
from turnkeep_domain.approvals.states import ApprovalState
from turnkeep_domain.approvals.votes import Offer, Ruling, Vote
from turnkeep_domain.principals import Principal
from turnkeep_domain.scope import Scope


@frozen(kw_only=True)
class ApprovalView:
    """An approval as it stood at one moment of the store's clock.

    Attributes:
        id: Its id, for every other use case.
        state: Where it stands; one that is overdue is `EXPIRED`, noted or not.
        attempt: How often the call has been asked, this time included.
        cause: The rule by which consent asked.
        offers: What a yes may be given for.
        missing: Approvals that it still lacks; 0 once it has ended.
        votes: In the order in which they were cast.
        ruling: The vote that decided; None where none did.
        expires_at: From this instant on it can no longer be decided.
        ended_at: When it was decided, or its deadline if nobody did; None while it is pending.
        changes: How often it has been stored; grows with every vote and at its end. What `wait`
            takes as `seen`.
    """

    id: ApprovalId
    scope: Scope
    state: ApprovalState
    attempt: int
    invocation: InvocationId
    action: Action
    effects: frozenset[Effect]
    requester: Principal
    correlation_id: CorrelationId
    cause: ConsentRule
    offers: frozenset[Offer]
    quorum: Quorum
    missing: int
    votes: tuple[Vote, ...]
    ruling: Ruling | None
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    changes: int

    @property
    def ref(self) -> GateRef:
        """What a prompt shows, and an answer names."""
        return GateRef(self.id)


@frozen
class StillPending:
    """A wait has ended and nothing else has: the approval is as it was.

    Attributes:
        view: As it was read last; wait again with its `changes`.
    """

    view: ApprovalView


@frozen(kw_only=True)
class PendingPage:
    """Approvals that may still be decided, oldest first.

    Attributes:
        approvals: With the unreadable at most the limit asked for. Fewer, or none, does not mean
            that there are no more.
        unreadable: What lay among them and could not be read.
        read_at: The store's clock when they were read; what an answer without a reference, to the
            prompt that shows them, hands in as `shown_at`.
        next: Where the next page begins, opaque; None when there is none, and only then.
    """

    approvals: tuple[ApprovalView, ...]
    unreadable: tuple[Unreadable, ...]
    read_at: datetime
    next: str | None


def view_of(record: ApprovalRecord | None, now: datetime) -> ApprovalView | None:
    """What may be shown of a record; None of what is absent or discarded."""
    return approval_view(record, now) if isinstance(record, Approval) else None


def approval_view(approval: Approval, now: datetime) -> ApprovalView:
    """An approval as it stands at a moment of the store's clock."""
    request = approval.request
    question = request.question
    return ApprovalView(
        id=request.id,
        scope=question.scope,
        state=approval.state_at(now),
        attempt=question.attempt,
        invocation=question.invocation,
        action=question.action,
        effects=question.effects,
        requester=question.requester,
        correlation_id=question.correlation_id,
        cause=question.cause,
        offers=question.offers,
        quorum=question.quorum,
        missing=approval.missing_at(now),
        votes=approval.votes,
        ruling=ruling_of(approval.phase),
        created_at=request.created_at,
        expires_at=request.expires_at,
        ended_at=_ended_at(approval, now),
        changes=approval.changes,
    )


def _ended_at(approval: Approval, now: datetime) -> datetime | None:
    ruling = ruling_of(approval.phase)
    if ruling is not None:
        return ruling.at
    return approval.request.expires_at if approval.state_at(now).final else None
