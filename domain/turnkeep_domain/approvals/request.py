"""An approval request: one exact call that is put before people, until a deadline."""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.approvals.approval_id import ApprovalId, approval_id
from turnkeep_domain.approvals.calls import (
    Action,
    Dispatch,
    Effect,
    Spawn,
)
from turnkeep_domain.approvals.consent_rules import ConsentAnswer, ConsentRule
from turnkeep_domain.approvals.fingerprint import Fingerprint, fingerprint
from turnkeep_domain.approvals.hard_floor import HARD_FLOOR
from turnkeep_domain.approvals.limits import (
    ATTEMPT_MAX,
    LIFETIME_SECONDS_MAX,
    LIFETIME_SECONDS_MIN,
    require_lifetime,
    require_whole,
)
from turnkeep_domain.approvals.names import CorrelationId, InvocationId
from turnkeep_domain.approvals.quorum import Quorum, owner_of
from turnkeep_domain.approvals.votes import Offer
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.principals import Principal
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.addresses import RunAddress


@frozen(kw_only=True)
class Question:
    """What is asked, known before anything is loaded: its id follows from it.

    Attributes:
        attempt: 1 for the first time that the call is asked; the next, once an id is spent.
        effects: What the host says the call may do.
        cause: The rule by which consent asked; it is told, and is none of the terms.
        offers: What a yes may be given for: once, and perhaps always, where one approval decides,
            the user of the scope is eligible, and nothing is asked that must be asked each time.
        run: The run that waits for the answer, in the same scope; None where none does.

    Raises:
        InvalidValue: A rule of a field is broken; above threshold 1 the requester may not decide.
    """

    scope: Scope = field(validator=of_kind(Scope))
    attempt: int = field()
    invocation: InvocationId = field(validator=identifier)
    action: Action = field(validator=of_kind(Dispatch, Spawn))
    effects: frozenset[Effect] = field(validator=deep_iterable(of_kind(Effect), of_kind(frozenset)))
    requester: Principal = field(validator=of_kind(Principal))
    correlation_id: CorrelationId = field(validator=identifier)
    fingerprint: Fingerprint = field(validator=fingerprint, repr=False)
    cause: ConsentRule = field(validator=of_kind(ConsentRule))
    offers: frozenset[Offer] = field(validator=deep_iterable(of_kind(Offer), of_kind(frozenset)))
    quorum: Quorum = field(validator=of_kind(Quorum))
    run: RunAddress | None = field(validator=of_kind(RunAddress, type(None)))

    @scope.validator
    def _is_work(self, _: object, scope: Scope) -> None:
        scope.require_work()

    @attempt.validator
    def _counts_from_one(self, _: object, attempt: int) -> None:
        require_whole("attempt", attempt, least=1, most=ATTEMPT_MAX)

    @cause.validator
    def _asks(self, _: object, cause: ConsentRule) -> None:
        if cause.answer is not ConsentAnswer.ASK:
            raise InvalidValue("cause", "must be a rule that asks")

    @offers.validator
    def _offers_this_call_alone(self, _: object, offers: frozenset[Offer]) -> None:
        if Offer.ONCE not in offers:
            raise InvalidValue("offers", "must have once")

    @quorum.validator
    def _is_independent(self, _: object, quorum: Quorum) -> None:
        quorum.require_independence(self.requester)

    @quorum.validator
    def _lets_the_user_allow_always(self, _: object, quorum: Quorum) -> None:
        if Offer.ALWAYS not in self.offers:
            return
        if quorum.threshold > 1 or owner_of(self.scope) not in quorum.eligible:
            raise InvalidValue("offers", "must have always only where the user may decide alone")
        if self.effects & HARD_FLOOR:
            raise InvalidValue("offers", "must not have always for what must be asked each time")

    @run.validator
    def _is_of_the_same_scope(self, _: object, run: RunAddress | None) -> None:
        if run is not None and run.scope != self.scope:
            raise InvalidValue("run", "must be of the same scope")

    @property
    def id(self) -> ApprovalId:
        """The id of every approval that asks this."""
        return approval_id(self.fingerprint, self.attempt)

    def is_offered(self, offer: Offer, decider: Principal) -> bool:
        """Whether one decider may take an offer: only the user of the scope is always allowed."""
        if offer not in self.offers:
            return False
        return offer is not Offer.ALWAYS or decider == owner_of(self.scope)

    def has_terms_of(self, other: Question) -> bool:
        """Whether two questions about one call are asked by, of and for the same."""
        return (self.requester, self.effects, self.quorum, self.offers, self.run) == (
            other.requester,
            other.effects,
            other.quorum,
            other.offers,
            other.run,
        )


@frozen(kw_only=True)
class ApprovalRequest:
    """A question as it was raised, immutable.

    Attributes:
        created_at: The store's now when it was raised.
        expires_at: From this instant on it can no longer be decided; 10 seconds to 30 days
            after `created_at`.
    """

    id: ApprovalId = field()
    question: Question = field(validator=of_kind(Question))
    created_at: datetime = field(validator=instant)
    expires_at: datetime = field(validator=instant)

    @id.validator
    def _follows_from_the_question(self, _: object, id: ApprovalId) -> None:
        if id != self.question.id:
            raise InvalidValue("id", "must follow from fingerprint and attempt")

    @expires_at.validator
    def _within_bounds(self, _: object, expires_at: datetime) -> None:
        least = timedelta(seconds=LIFETIME_SECONDS_MIN)
        most = timedelta(seconds=LIFETIME_SECONDS_MAX)
        if not least <= expires_at - self.created_at <= most:
            raise InvalidValue("expires_at", "must be 10 seconds to 30 days after created_at")

    @classmethod
    def of(cls, question: Question, *, now: datetime, lifetime_seconds: int) -> ApprovalRequest:
        """The question, raised now.

        Raises:
            InvalidValue: The lifetime is outside 10 seconds to 30 days.
        """
        require_lifetime(lifetime_seconds)
        return cls(
            id=question.id,
            question=question,
            created_at=now,
            expires_at=now + timedelta(seconds=lifetime_seconds),
        )

    @property
    def scope(self) -> Scope:
        """Who owns it."""
        return self.question.scope
