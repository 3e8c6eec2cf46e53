"""A chronicle: what the event log tells of one approval, folded event by event."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from attrs import define, field, frozen

ABSENT: Final = "absent"
PENDING: Final = "pending"
APPROVED: Final = "approved"
DENIED: Final = "denied"
EXPIRED: Final = "expired"
DISCARDED: Final = "discarded"
APPROVE: Final = "approve"
DENY: Final = "deny"

_RAISED: Final = "approval.raised"
_ERASED: Final = "approval.erased"
# What each event that changes the state leads to, and which vote it tells of, if any.
_STEPS: Final = {
    "approval.voted": (PENDING, APPROVE),
    "approval.approved": (APPROVED, APPROVE),
    "approval.denied": (DENIED, DENY),
    "approval.expired": (EXPIRED, None),
    "approval.discarded": (DISCARDED, None),
}


@frozen(kw_only=True)
class Fact:
    """An event of an approval, in plain values.

    Attributes:
        gate: The id of the approval.
        at: When; None of an event that cannot be read, whose kind says why.
        by: Who did it; None where the event does not say.
        request_id: Under which id; None where the event has none.
        cursor: Its place in the log.
    """

    gate: str
    scope: tuple[str | None, ...]
    kind: str
    at: datetime | None
    by: str | None
    request_id: str | None
    cursor: bytes = field(repr=False)


@frozen
class Gap:
    """Events were trimmed away before they could be read."""


@frozen
class Ballot:
    """A vote, in plain values."""

    request_id: str
    by: str
    verdict: str


@define
class Chronicle:
    """One approval, as its events tell it.

    Attributes:
        state: Where the events lead.
        votes: In the order of their events.
        ruling: The decision id of the vote that decided.
        changes: Events that each stand for one stored change of the approval.
        disorder: What is wrong with the order of the events, if anything is.
        cases: How many cases the ledger has of it.
    """

    scope: tuple[str | None, ...] = field(repr=False)
    state: str = ABSENT
    votes: tuple[Ballot, ...] = ()
    ruling: str | None = None
    changes: int = 0
    disorder: str | None = None
    cases: int = 0
    _at: datetime | None = None

    def take(self, fact: Fact) -> None:
        """Folds one event more."""
        wrong = self._wrong(fact)
        if wrong is not None and self.disorder is None:
            self.disorder = wrong
        self._at = fact.at or self._at
        if fact.kind != _ERASED:
            self.changes += 1
            self._step(fact)

    def _wrong(self, fact: Fact) -> str | None:
        if fact.kind not in (_RAISED, _ERASED, *_STEPS):
            return f"an event that says nothing ({fact.kind})"
        if (fact.kind == _RAISED) is not (self.state == ABSENT):
            return f"{fact.kind} where it was {self.state}"
        if fact.kind in _STEPS and self.state != PENDING:
            return f"{fact.kind} after it was {self.state}"
        if self._at is not None and fact.at is not None and fact.at < self._at:
            return f"{fact.kind} is older than the event before"
        if any(vote.request_id == fact.request_id for vote in self.votes):
            return f"{fact.kind} tells of a vote twice"
        return None

    def _step(self, fact: Fact) -> None:
        started = (PENDING, None) if fact.kind == _RAISED else (self.state, None)
        state, verdict = _STEPS.get(fact.kind, started)
        self.state = state
        if verdict is not None:
            vote = Ballot(fact.request_id or "", fact.by or "", verdict)
            self.votes = (*self.votes, vote)
            self.ruling = vote.request_id if state != PENDING else None


@define
class Chronicles:
    """What the event log tells of every approval.

    Attributes:
        events: How many were read.
        disorder: What is wrong with the log as a whole, if anything is.
    """

    events: int = 0
    disorder: str | None = None
    _held: dict[str, Chronicle] = field(factory=dict, repr=False)
    _cursor: bytes | None = None

    def take(self, fact: Fact | Gap) -> None:
        """Folds one event more, in the order of the log."""
        if isinstance(fact, Gap):
            self.disorder = "events were trimmed before they were read"
            return
        if fact.cursor == self._cursor:
            self.disorder = "two events have one cursor"
        self._cursor = fact.cursor
        self.events += 1
        if fact.gate not in self._held:
            self._held[fact.gate] = Chronicle(fact.scope)
        self._held[fact.gate].take(fact)

    def of(self, gate: str) -> Chronicle | None:
        """What is told of one approval; None where it is nothing."""
        return self._held.get(gate)

    def all(self) -> dict[str, Chronicle]:
        """Every approval that the log tells of."""
        return self._held
