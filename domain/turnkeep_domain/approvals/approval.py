"""An approval: one exact call, put before the people who may decide it, until a deadline.

```text
                 .-- d: a vote below the threshold
                 v   |
    raise --> Pending --a--> Approved     a  the approval that reaches the threshold
                 |------b--> Denied       b  any denial
                 |------c--> Expired      c  the deadline has come
                 '------e--> Discarded    e  withdrawn by the raiser before the deadline
```

Every command first asks the marks, so a repeat answers as it did, whatever happened since. The
module is long because the commands of one aggregate, and what its cells are, stand together.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, TypeAlias, assert_never

from attrs import evolve, field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.approvals.discarded import Discarded, discard_arguments
from turnkeep_domain.approvals.events import (
    ApprovalApproved,
    ApprovalDenied,
    ApprovalDiscarded,
    ApprovalErased,
    ApprovalExpired,
    ApprovalPruned,
    ApprovalRaised,
    ApprovalVoted,
    BallotEvent,
)
from turnkeep_domain.approvals.phases import (
    Approved,
    Denied,
    Expired,
    Pending,
    Phase,
    ruling_of,
    state_of,
)
from turnkeep_domain.approvals.refusals import (
    AlwaysAllowUnsupported,
    DiscardRefusal,
    ExpireRefusal,
    IdSpent,
    NotDue,
    NotEligible,
    NotOver,
    NotPending,
    VoteRefusal,
)
from turnkeep_domain.approvals.request import ApprovalRequest, Question
from turnkeep_domain.approvals.states import ApprovalOutcome, ApprovalState
from turnkeep_domain.approvals.tally import require_agreement
from turnkeep_domain.approvals.votes import Offer, Verdict, Vote, approvals_among
from turnkeep_domain.decisions import Changed, Decision, Refused, Settled, Unchanged
from turnkeep_domain.instants import sorted_from
from turnkeep_domain.keys import Address, Collection, Identity, Index
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.principals import Principal
from turnkeep_domain.replay import replayed
from turnkeep_domain.request_ids import Mark, Marks, RequestId, remember

_NAME: Final = "approval"
ERASED: Final = ".erased"
"""What the index adds to the state of an ended approval whose payload is erased."""


@frozen(kw_only=True)
class Approval:
    """A request, the votes on it, and where it stands.

    Attributes:
        votes: In the order in which they were cast.
        marks: Every decision id with what it was answered; none is ever dropped.
        erased: Whether reason and display are erased.
    """

    request: ApprovalRequest = field(validator=of_kind(ApprovalRequest))
    votes: tuple[Vote, ...] = field(validator=deep_iterable(of_kind(Vote), of_kind(tuple)))
    marks: Marks[ApprovalOutcome] = field(validator=of_kind(Marks))
    phase: Phase = field(validator=of_kind(Pending, Approved, Denied, Expired))
    erased: bool = field(validator=of_kind(bool))

    def __attrs_post_init__(self) -> None:
        require_agreement(self.request, self.votes, self.marks, self.phase)

    @classmethod
    def raised(
        cls, question: Question, *, now: datetime, lifetime_seconds: int
    ) -> Changed[Approval, Approval]:
        """The question is put before those who may decide it.

        Raises:
            InvalidValue: The lifetime is outside 10 seconds to 30 days.
        """
        request = ApprovalRequest.of(question, now=now, lifetime_seconds=lifetime_seconds)
        approval = cls(request=request, votes=(), marks=Marks.none(), phase=Pending(), erased=False)
        event = ApprovalRaised(
            address=approval.address,
            at=now,
            capability=question.action.capability,
            correlation_id=question.correlation_id,
            invocation=question.invocation,
            requester=question.requester,
            expires_at=request.expires_at,
        )
        return Changed(approval, approval, (event,))

    @property
    def address(self) -> Address:
        """Where it is kept."""
        return Address(_NAME, self.request.scope, self.request.id)

    @property
    def changes(self) -> int:
        """How often it was stored anew since it was raised, the raising included."""
        return 1 + len(self.votes) + isinstance(self.phase, Expired)

    @property
    def ended_at(self) -> datetime | None:
        """When it was decided, or its deadline if nobody did; None until either is noted."""
        if isinstance(self.phase, Expired):
            return self.request.expires_at
        ruling = ruling_of(self.phase)
        return None if ruling is None else ruling.at

    def state_at(self, now: datetime) -> ApprovalState:
        """Where it stands; overdue is expired, whether or not that was noted."""
        return ApprovalState.EXPIRED if self._is_overdue(now) else state_of(self.phase)

    def missing_at(self, now: datetime) -> int:
        """The approvals that it still lacks; 0 once it has ended."""
        if self.state_at(now).final:
            return 0
        return self.request.question.quorum.threshold - approvals_among(self.votes)

    def outcome_at(self, now: datetime) -> ApprovalOutcome:
        """Where it stands, as a command would answer it."""
        return ApprovalOutcome(state=self.state_at(now), missing=self.missing_at(now))

    def asked_again(self, question: Question) -> Unchanged[Approval] | Refused[IdSpent]:
        """The same call, raised again: this approval where the terms are equal."""
        same = self.request.question.has_terms_of(question)
        return Unchanged(self) if same else Refused(IdSpent(self.request.id))

    def approve(
        self,
        *,
        by: Principal,
        decision_id: RequestId,
        now: datetime,
        offer: Offer = Offer.ONCE,
    ) -> Decision[ApprovalRecord, ApprovalOutcome, VoteRefusal]:
        """Somebody says yes. Checked: mark, eligible, same vote, pending, in time, offered."""
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
    ) -> Decision[ApprovalRecord, ApprovalOutcome, VoteRefusal]:
        """Somebody says no, which decides, even after an own yes. Checked as `approve` is."""
        return self._cast(
            Vote(decision_id=decision_id, decider=by, verdict=Verdict.DENY, offer=None, at=now)
        )

    def discard(
        self, *, by: Principal, request_id: RequestId, now: datetime
    ) -> Decision[ApprovalRecord, ApprovalOutcome, DiscardRefusal]:
        """Withdraws the request. In this order: mark, pending, in time."""
        arguments = discard_arguments(by)
        replay = replayed(self.marks, request_id, arguments)
        if replay is not None:
            return replay
        if not isinstance(self.phase, Pending):
            return Refused(self._not_pending())
        if self._is_overdue(now):
            return self._settled(now)
        outcome = ApprovalOutcome.of(ApprovalState.DISCARDED)
        tombstone = Discarded(
            id=self.request.id,
            scope=self.request.scope,
            was=ApprovalState.PENDING,
            created_at=self.request.created_at,
            ended_at=now,
            marks=remember(self.marks, Mark(request_id, arguments, outcome), bound=None),
        )
        question = self.request.question
        event = ApprovalDiscarded(
            address=self.address,
            at=now,
            capability=question.action.capability,
            correlation_id=question.correlation_id,
            by=by,
            request_id=request_id,
        )
        return Changed(tombstone, outcome, (event,), self.request.expires_at)

    def expire(self, *, now: datetime) -> Decision[ApprovalRecord, ApprovalOutcome, ExpireRefusal]:
        """Notes that the deadline has come."""
        if isinstance(self.phase, Expired):
            return Unchanged(ApprovalOutcome.of(ApprovalState.EXPIRED))
        if not isinstance(self.phase, Pending):
            return Refused(self._not_pending())
        if not self._is_overdue(now):
            return Refused(NotDue(self.request.expires_at))
        settled = self._settled(now)
        return Changed(settled.state, ApprovalOutcome.of(ApprovalState.EXPIRED), settled.events)

    def erase(self, *, now: datetime) -> Changed[ApprovalRecord, None] | Unchanged[None]:
        """Notes that reason and display are erased, which changes no ruling."""
        if self.erased:
            return Unchanged(None)
        question = self.request.question
        event = ApprovalErased(
            address=self.address,
            at=now,
            capability=question.action.capability,
            correlation_id=question.correlation_id,
        )
        return Changed(evolve(self, erased=True), None, (event,))

    def prune(
        self, *, before: datetime, now: datetime
    ) -> Changed[ApprovalRecord, None] | Refused[NotOver]:
        """Leaves the tombstone of an approval that had ended by `before`: its marks, no call."""
        ended_at = self.ended_at
        if ended_at is None or ended_at > before:
            return Refused(NotOver(self.request.id))
        tombstone = Discarded(
            id=self.request.id,
            scope=self.request.scope,
            was=state_of(self.phase),
            created_at=self.request.created_at,
            ended_at=ended_at,
            marks=self.marks,
        )
        question = self.request.question
        event = ApprovalPruned(
            address=self.address,
            at=now,
            capability=question.action.capability,
            correlation_id=question.correlation_id,
        )
        return Changed(tombstone, None, (event,))

    def _cast(self, vote: Vote) -> Decision[ApprovalRecord, ApprovalOutcome, VoteRefusal]:
        replay = replayed(self.marks, vote.decision_id, vote.arguments())
        if replay is not None:
            return replay
        if vote.decider not in self.request.question.quorum.eligible:
            return Refused(NotEligible(vote.decider))
        if any(vote.says_the_same(earlier) for earlier in self.votes):
            return Unchanged(self.outcome_at(vote.at))
        if not isinstance(self.phase, Pending):
            return Refused(self._not_pending())
        if self._is_overdue(vote.at):
            return self._settled(vote.at)
        question = self.request.question
        if vote.offer is not None and not question.is_offered(vote.offer, vote.decider):
            return Refused(AlwaysAllowUnsupported(self.request.id))
        return self._with(vote)

    def _with(self, vote: Vote) -> Changed[ApprovalRecord, ApprovalOutcome]:
        phase = self._phase_after(vote)
        state = state_of(phase)
        votes = (*self.votes, vote)
        quorum = self.request.question.quorum
        missing = 0 if state.final else quorum.threshold - approvals_among(votes)
        outcome = ApprovalOutcome(state=state, missing=missing)
        mark = Mark(vote.decision_id, vote.arguments(), outcome)
        marks = remember(self.marks, mark, bound=None)
        return Changed(
            evolve(self, votes=votes, marks=marks, phase=phase),
            outcome,
            (self._told_of(vote, phase),),
            self.request.expires_at,
        )

    def _phase_after(self, vote: Vote) -> Phase:
        if vote.verdict is Verdict.DENY:
            return Denied(vote)
        reached = approvals_among((*self.votes, vote)) >= self.request.question.quorum.threshold
        return Approved(vote) if reached else Pending()

    def _told_of(self, vote: Vote, phase: Phase) -> BallotEvent:
        told: type[BallotEvent]
        match phase:
            case Approved():
                told = ApprovalApproved
            case Denied():
                told = ApprovalDenied
            case Pending() | Expired():
                told = ApprovalVoted
            case _:
                assert_never(phase)
        question = self.request.question
        return told(
            address=self.address,
            at=vote.at,
            capability=question.action.capability,
            correlation_id=question.correlation_id,
            decider=vote.decider,
            decision_id=vote.decision_id,
        )

    def _settled(self, now: datetime) -> Settled[ApprovalRecord, NotPending]:
        question = self.request.question
        event = ApprovalExpired(
            address=self.address,
            at=now,
            capability=question.action.capability,
            correlation_id=question.correlation_id,
        )
        refusal = NotPending(ApprovalState.EXPIRED, None)
        return Settled(evolve(self, phase=Expired(now)), refusal, (event,), tidy=True)

    def _is_overdue(self, now: datetime) -> bool:
        return isinstance(self.phase, Pending) and now >= self.request.expires_at

    def _not_pending(self) -> NotPending:
        return NotPending(state_of(self.phase), ruling_of(self.phase))


ApprovalRecord: TypeAlias = Approval | Discarded
"""What a cell of the collection holds: an approval, or the tombstone of one."""


def _index(record: ApprovalRecord) -> Index:
    due_at: datetime | None
    match record:
        case Approval(request=request, phase=phase, ended_at=ended_at):
            due_at = request.expires_at if ended_at is None else ended_at
            is_erased = record.erased and ended_at is not None
            state = f"{state_of(phase).value}{ERASED if is_erased else ''}"
            created_at, id = request.created_at, request.id
        case Discarded(created_at=created_at, id=id):
            state, due_at = ApprovalState.DISCARDED.value, None
        case _:
            assert_never(record)
    # Ties are broken by the id.
    return Index(state=state, due_at=due_at, sort=f"{sorted_from(created_at)}{id}")


def _identity(record: ApprovalRecord) -> Identity:
    match record:
        case Approval(request=request):
            return Identity(request.scope, request.id)
        case Discarded(scope=scope, id=id):
            return Identity(scope, id)
        case _:
            assert_never(record)


APPROVALS: Final[Collection[ApprovalRecord]] = Collection(
    name=_NAME,
    members=(Approval, Discarded),
    permanent=True,
    index=_index,
    identity=_identity,
    marks=lambda record: record.marks,
    remembered=True,
)
