"""A vote: what one person or service decided on one request."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from typing import TypeAlias

from attrs import field, frozen
from attrs.validators import optional

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import Digest, RequestId, digest_of


class Verdict(Enum):
    """Yes or no."""

    APPROVE = "approve"
    DENY = "deny"


class Offer(Enum):
    """What a yes may be given for: this call alone, or every further one of its kind too."""

    ONCE = "once"
    ALWAYS = "always"


@frozen(kw_only=True)
class Vote:
    """What one decider said, when, under which id.

    Attributes:
        decision_id: The decider's idempotency key.
        offer: What an approval was given for; None for a denial.
        at: The store's now when it was decided.
    """

    decision_id: RequestId = field(validator=identifier)
    decider: Principal = field(validator=of_kind(Principal))
    verdict: Verdict = field(validator=of_kind(Verdict))
    offer: Offer | None = field(validator=optional(of_kind(Offer)))
    at: datetime = field(validator=instant)

    @offer.validator
    def _only_a_yes_is_for_something(self, _: object, offer: Offer | None) -> None:
        if (offer is None) is not (self.verdict is Verdict.DENY):
            raise InvalidValue("offer", "must be named for an approval, and for nothing else")

    def arguments(self) -> Digest:
        """What tells a repeated decision from another one under the same id."""
        offer = None if self.offer is None else self.offer.value
        return digest_of(self.verdict.value, self.decider.kind.value, self.decider.id, offer)

    def says_the_same(self, other: Vote) -> bool:
        """Whether the other vote has this decider, verdict and offer, whatever its id and time."""
        return (self.decider, self.verdict, self.offer) == (
            other.decider,
            other.verdict,
            other.offer,
        )


Ruling: TypeAlias = Vote
"""The vote that decided."""


def approvals_among(votes: Iterable[Vote]) -> int:
    """How many deciders approved; one who said it twice counts once."""
    return len({vote.decider for vote in votes if vote.verdict is Verdict.APPROVE})


def denials_among(votes: Iterable[Vote]) -> int:
    """How many votes deny; one is enough to decide."""
    return sum(vote.verdict is Verdict.DENY for vote in votes)
