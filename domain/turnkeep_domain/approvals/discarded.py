"""A discarded approval: the tombstone of a withdrawn request, whose id is spent for ever."""

from __future__ import annotations

from datetime import datetime

from attrs import field, frozen

from turnkeep_domain.approvals.approval_id import ApprovalId
from turnkeep_domain.approvals.refusals import (
    DiscardRefusal,
    ExpireRefusal,
    IdSpent,
    NotPending,
    VoteRefusal,
)
from turnkeep_domain.approvals.request import Question
from turnkeep_domain.approvals.states import ApprovalOutcome, ApprovalState
from turnkeep_domain.approvals.votes import Offer, Verdict, Vote
from turnkeep_domain.decisions import Refused, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.principals import Principal
from turnkeep_domain.replay import replayed
from turnkeep_domain.request_ids import Digest, Marks, RequestId, digest_of
from turnkeep_domain.scope import Scope


@frozen(kw_only=True)
class Discarded:
    """What is left of a withdrawn request: no call, no actor, no text.

    It is invisible to those who read, yet still answers commands.

    Attributes:
        was: The state in which the approval was discarded.
        ended_at: The store's now when it was.
        marks: Every request id that was answered before, the discard's own last.
    """

    id: ApprovalId = field(validator=identifier)
    scope: Scope = field(validator=of_kind(Scope))
    was: ApprovalState = field(validator=of_kind(ApprovalState))
    created_at: datetime = field(validator=instant)
    ended_at: datetime = field(validator=instant)
    marks: Marks[ApprovalOutcome] = field(validator=of_kind(Marks))

    @was.validator
    def _was_something_else(self, _: object, was: ApprovalState) -> None:
        if was is ApprovalState.DISCARDED:
            raise InvalidValue("was", "must be the state before the discard")

    @marks.validator
    def _forgets_nothing(self, _: object, marks: Marks[ApprovalOutcome]) -> None:
        if marks.dropped:
            raise InvalidValue("marks", "must all be kept")

    def asked_again(self, _: Question) -> Refused[IdSpent]:
        """Raising the same call again: its id is spent, whatever the terms."""
        return Refused(IdSpent(self.id))

    def approve(
        self,
        *,
        by: Principal,
        decision_id: RequestId,
        now: datetime,
        offer: Offer = Offer.ONCE,
    ) -> Unchanged[ApprovalOutcome] | Refused[VoteRefusal]:
        """An approval that comes too late, or one that came before."""
        return self._cast(
            Vote(
                decision_id=decision_id,
                decider=by,
                verdict=Verdict.APPROVE,
                offer=offer,
                at=now,
            )
        )

    def deny(
        self, *, by: Principal, decision_id: RequestId, now: datetime
    ) -> Unchanged[ApprovalOutcome] | Refused[VoteRefusal]:
        """A denial that comes too late, or one that came before."""
        return self._cast(
            Vote(decision_id=decision_id, decider=by, verdict=Verdict.DENY, offer=None, at=now)
        )

    def discard(
        self, *, by: Principal, request_id: RequestId, now: datetime
    ) -> Unchanged[ApprovalOutcome] | Refused[DiscardRefusal]:
        """It is discarded already."""
        already = Unchanged(ApprovalOutcome.of(ApprovalState.DISCARDED))
        return replayed(self.marks, request_id, discard_arguments(by)) or already

    def expire(self, *, now: datetime) -> Refused[ExpireRefusal]:
        """It can no longer expire."""
        return Refused(self._not_pending())

    def _cast(self, vote: Vote) -> Unchanged[ApprovalOutcome] | Refused[VoteRefusal]:
        replay = replayed(self.marks, vote.decision_id, vote.arguments())
        return replay or Refused(self._not_pending())

    def _not_pending(self) -> NotPending:
        return NotPending(ApprovalState.DISCARDED, None)


def discard_arguments(by: Principal) -> Digest:
    """What tells a repeated discard from another command under the same request id."""
    return digest_of("discard", by.kind.value, by.id)
