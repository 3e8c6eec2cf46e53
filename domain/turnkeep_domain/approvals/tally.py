"""A tally: what the votes on a request add up to, which its marks and its phase must agree with."""

from __future__ import annotations

from typing import assert_never

from turnkeep_domain.approvals.phases import Approved, Denied, Expired, Pending, Phase
from turnkeep_domain.approvals.request import ApprovalRequest
from turnkeep_domain.approvals.states import ApprovalOutcome
from turnkeep_domain.approvals.votes import Vote, approvals_among, denials_among
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.request_ids import Marks


def require_agreement(
    request: ApprovalRequest,
    votes: tuple[Vote, ...],
    marks: Marks[ApprovalOutcome],
    phase: Phase,
) -> None:
    """Refuses an approval that its commands could not have led to.

    Raises:
        InvalidValue: A vote is not by the eligible, in time and the only one of its kind; the
            marks are not those of the votes; or the phase is not what the votes decide.
    """
    question = request.question
    if not {vote.decider for vote in votes} <= question.quorum.eligible:
        raise InvalidValue("votes", "must be of the eligible")
    if not all(vote.at < request.expires_at for vote in votes):
        raise InvalidValue("votes", "must be before the deadline")
    if not all(
        vote.offer is None or question.is_offered(vote.offer, vote.decider) for vote in votes
    ):
        raise InvalidValue("votes", "must take what is offered")
    if len({(vote.decider, vote.verdict) for vote in votes}) != len(votes):
        raise InvalidValue("votes", "must say nothing twice")
    if marks.dropped or [mark.request_id for mark in marks.entries] != [
        vote.decision_id for vote in votes
    ]:
        raise InvalidValue("marks", "must be those of the votes")
    if not _decides(phase, request, votes):
        raise InvalidValue("phase", "must be what the votes decide")


def _decides(phase: Phase, request: ApprovalRequest, votes: tuple[Vote, ...]) -> bool:
    threshold = request.question.quorum.threshold
    approvals, denials = approvals_among(votes), denials_among(votes)
    match phase:
        case Pending():
            return denials == 0 and approvals < threshold
        case Expired(expired_at):
            return denials == 0 and approvals < threshold and expired_at >= request.expires_at
        case Approved(ruling):
            return denials == 0 and approvals == threshold and votes[-1] == ruling
        case Denied(ruling):
            return denials == 1 and approvals < threshold and votes[-1] == ruling
        case _:
            assert_never(phase)
