"""An examination: what actors were told, what the store says and what its events tell, compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from attrs import define, field, frozen

from turnkeep_adapters.cli.demo.checks import Check, Findings
from turnkeep_adapters.cli.demo.chronicle import (
    ABSENT,
    APPROVE,
    APPROVED,
    DENIED,
    DENY,
    DISCARDED,
    EXPIRED,
    PENDING,
    Ballot,
    Chronicle,
    Chronicles,
)
from turnkeep_adapters.cli.demo.ledger import UNKNOWN, Case, Told


@frozen(kw_only=True)
class Found:
    """What the store says of one approval.

    Attributes:
        state: `absent` where there is none; the code of the error where it cannot be read.
        ruling: The decision id of the vote that decided.
        votes: In order; None of a discarded approval, which keeps none.
        threshold: How many had to approve; None of a discarded approval.
        changes: How often it was stored anew, the raising included; None of a discarded approval.
    """

    state: str
    ruling: str | None
    votes: tuple[Ballot, ...] | None
    threshold: int | None
    changes: int | None


# Which command it is: of one approval, under one id.
_Command: TypeAlias = tuple[str, str, str]

# What is counted in any case, in the order in which it is told.
_NUMBERS: Final = {
    Check.DECIDED: ("calls", "approvals", APPROVED, DENIED, DISCARDED),
    Check.KEPT: ("answers",),
    Check.SINGLE: ("votes", "repeats"),
    Check.ALONE: ("attempts",),
    Check.ORDERED: ("events", "approvals"),
    Check.FOLDED: ("approvals",),
    Check.ENDED: ("pending",),
}

NOTHING: Final = Found(state=ABSENT, ruling=None, votes=(), threshold=None, changes=None)
"""What the store says where there is no approval."""


@define
class Examination:
    """Goes through cases one by one and notes what is untrue.

    Attributes:
        findings: Where it notes that.
        ends: How often each plot has led to each state.
    """

    chronicles: Chronicles
    findings: Findings = field(factory=Findings)
    ends: Counter[tuple[str, str]] = field(factory=Counter)
    # What the killed worker was told; it was killed early, so that this is little.
    _plots: dict[str, str] = field(factory=dict, init=False)
    _acknowledged: dict[_Command, Told] = field(factory=dict, init=False)
    _not_replayed: dict[str, str] = field(factory=dict, init=False)

    def of_case(self, case: Case, found: Found) -> None:
        """Examines what was told of one call; the approval itself, when it is the first case."""
        place = _place(case)
        self.findings.count(Check.DECIDED, "calls")
        self._of_trouble(case)
        if not case.gate:
            return
        # Where the killed worker had withdrawn a call, its replacement meets no scene any more.
        self.ends[self._plots.get(case.gate, case.plot), found.state] += 1
        chronicle = self._chronicle(case)
        if chronicle.cases == 0:
            self.of_approval(place, found, chronicle)
        chronicle.cases += 1
        self._of_told(case, found, chronicle)
        self._of_repeats(place, case.told)

    def of_approval(self, place: str, found: Found, chronicle: Chronicle) -> None:
        """Examines one approval: as it is stored, as it is told of, and the two together."""
        self._of_end(place, found)
        self._of_votes(place, found, chronicle)
        self._of_events(place, found, chronicle)

    def of_log(self) -> None:
        """Examines the log as a whole, before anything else."""
        for check, names in _NUMBERS.items():
            for name in names:
                self.findings.count(check, name, 0)
        self.findings.count(Check.ORDERED, "events", self.chronicles.events)
        if self.chronicles.disorder is not None:
            self.findings.complain(Check.ORDERED, self.chronicles.disorder)

    def of_pending(self, pending: int) -> None:
        """Examines how many approvals the store still lists as pending."""
        self.findings.count(Check.ENDED, "pending", pending)
        if pending:
            self.findings.complain(Check.ENDED, f"{pending} approvals are listed as pending")

    # ---- the killed worker ----------------------------------------------------------------------

    def of_kill(self) -> None:
        """Notes that a worker was killed, before any case is examined."""
        for name in ("answers", "calls in flight", "commands repeated"):
            self.findings.count(Check.SURVIVED, name, 0)

    def of_killed_case(self, case: Case, found: Found) -> None:
        """Examines what the killed worker was told of one call, which is no call more."""
        self.findings.count(Check.SURVIVED, "answers", len(case.told))
        self.findings.count(Check.SURVIVED, "calls in flight", int(not case.ended))
        self._of_trouble(case)
        if not case.gate:
            return
        chronicle = self._chronicle(case)
        for untrue in self._of_told(case, found, chronicle):
            self.findings.complain(Check.SURVIVED, untrue)
        self._plots.setdefault(case.gate, case.plot)
        self._not_replayed[case.gate] = _place(case)
        stored = {vote.request_id for vote in _votes(found, chronicle)}
        for told in case.told:
            if told.request_id is None:
                continue
            # An approval that says again what is stored is not remembered under its own id.
            if told.refused is not None or told.command == "discard" or told.request_id in stored:
                self._acknowledged.setdefault((case.gate, told.request_id, told.command), told)

    def of_replayed_case(self, case: Case) -> None:
        """Examines a case of the replacement, beside all else: the same commands, answered as ever.

        A call that the killed worker had withdrawn is not asked for again, and nothing is repeated.
        """
        self._not_replayed.pop(case.gate, None)
        for told in case.told:
            earlier = self._acknowledged.get((case.gate, told.request_id or "", told.command))
            if earlier is None:
                continue
            self.findings.count(Check.SURVIVED, "commands repeated")
            if earlier != told:
                complaint = f"{_place(case)}: {_words(told)}, the killed worker otherwise"
                self.findings.complain(Check.SURVIVED, complaint)

    def of_replay(self) -> None:
        """Examines whether the replacement has met every call that the killed worker had begun."""
        for place in self._not_replayed.values():
            self.findings.complain(Check.SURVIVED, f"{place}: the replacement never asked for it")

    # ---- one approval ---------------------------------------------------------------------------

    def _of_end(self, place: str, found: Found) -> None:
        self.findings.count(Check.DECIDED, "approvals")
        self.findings.count(Check.DECIDED, found.state)
        if found.state not in (APPROVED, DENIED, DISCARDED, EXPIRED):
            self.findings.complain(Check.DECIDED, f"{place}: it is {found.state}")
        if found.state == PENDING:
            self.findings.complain(Check.ENDED, f"{place}: it is pending")

    def _of_votes(self, place: str, found: Found, chronicle: Chronicle) -> None:
        votes = _votes(found, chronicle)
        self.findings.count(Check.SINGLE, "votes", len(votes))
        for complaint in _doubled(votes, found):
            self.findings.complain(Check.SINGLE, f"{place}: {complaint}")

    def _of_events(self, place: str, found: Found, chronicle: Chronicle) -> None:
        self.findings.count(Check.ORDERED, "approvals")
        if chronicle.disorder is not None:
            self.findings.complain(Check.ORDERED, f"{place}: {chronicle.disorder}")
        if found.changes not in (None, chronicle.changes):
            told = f"{chronicle.changes} events for {found.changes} changes"
            self.findings.complain(Check.ORDERED, f"{place}: {told}")
        self.findings.count(Check.FOLDED, "approvals")
        told_votes = _votes(found, chronicle)
        if (chronicle.state, chronicle.ruling, chronicle.votes) != (
            found.state,
            found.ruling,
            told_votes,
        ):
            differing = f"its events lead to {chronicle.state}, it is stored as {found.state}"
            if chronicle.state == found.state:
                differing = "its events tell of other votes than are stored"
            self.findings.complain(Check.FOLDED, f"{place}: {differing}")

    # ---- one case -------------------------------------------------------------------------------

    def _of_trouble(self, case: Case) -> None:
        for code in case.trouble:
            self.findings.complain(Check.DECIDED, f"{_place(case)}: an actor gave up ({code})")

    def _chronicle(self, case: Case) -> Chronicle:
        chronicle = self.chronicles.of(case.gate)
        if chronicle is None:
            self.findings.complain(Check.ORDERED, f"{_place(case)}: no event tells of it")
            return Chronicle(case.scope)
        return chronicle

    def _of_told(self, case: Case, found: Found, chronicle: Chronicle) -> list[str]:
        """Examines every answer of a case; the complaints about those that are untrue."""
        untrue: list[str] = []
        history = _history(_votes(found, chronicle), case.threshold)
        for told in case.told:
            if told.stranger:
                self.findings.count(Check.ALONE, "attempts")
                if told.refused != UNKNOWN:
                    self.findings.complain(Check.ALONE, f"{_place(case)}: {_words(told)}")
                continue
            self.findings.count(Check.KEPT, "answers")
            if not _is_true(told, found, history):
                untrue.append(f"{_place(case)}: {_words(told)}, {_stored(found)}")
                self.findings.complain(Check.KEPT, untrue[-1])
        return untrue

    def _of_repeats(self, place: str, told: Sequence[Told]) -> None:
        """One id and one command have one outcome, however often they are sent."""
        first: dict[tuple[str, str], Told] = {}
        for answer in told:
            if answer.request_id is None or answer.refused is not None or answer.stranger:
                continue
            earlier = first.setdefault((answer.request_id, answer.command), answer)
            if earlier is answer:
                continue
            self.findings.count(Check.SINGLE, "repeats")
            if (earlier.state, earlier.missing) != (answer.state, answer.missing):
                self.findings.complain(Check.SINGLE, f"{place}: {_words(answer)}, first otherwise")


def _votes(found: Found, chronicle: Chronicle) -> tuple[Ballot, ...]:
    """The votes that are stored; those that events tell of, where a discarded one keeps none."""
    return chronicle.votes if found.votes is None else found.votes


def _place(case: Case) -> str:
    return f"line {case.line}, call {case.call}"


@frozen
class _Moment:
    """What an approval was once a vote had been counted."""

    vote: Ballot
    state: str
    missing: int


def _history(votes: Sequence[Ballot], threshold: int) -> tuple[_Moment, ...]:
    moments: list[_Moment] = []
    missing = threshold
    for vote in votes:
        missing -= vote.verdict == APPROVE
        ended = DENIED if vote.verdict == DENY else APPROVED
        pending = vote.verdict == APPROVE and missing > 0
        moments.append(_Moment(vote, PENDING if pending else ended, missing if pending else 0))
    return tuple(moments)


def _doubled(votes: Sequence[Ballot], found: Found) -> Iterator[str]:
    if len({vote.request_id for vote in votes}) != len(votes):
        yield "a decision id is counted twice"
    if len({(vote.by, vote.verdict) for vote in votes}) != len(votes):
        yield "a decider's vote is counted twice"
    denials = sum(vote.verdict == DENY for vote in votes)
    approvals = len(votes) - denials
    rulings = denials + (found.threshold is not None and approvals >= found.threshold)
    decided = found.state in (APPROVED, DENIED)
    if rulings != decided and found.threshold is not None:
        yield f"its votes make {rulings} rulings, and it is {found.state}"


def _is_true(told: Told, found: Found, history: Sequence[_Moment]) -> bool:
    """Whether the store bears out what somebody was told."""
    match told.command, told.refused:
        case ("raise", None):
            return found.state != ABSENT
        case ("raise", code):
            return code == "id_spent" and found.state == DISCARDED
        case ("wait", None) | (_, "stale_gate"):
            return (told.state, told.ruling) == (found.state, found.ruling)
        case ("discard", None):
            return told.state == found.state == DISCARDED
        case (verdict, None):
            return _is_remembered(told, verdict, history)
        case (_, "request_id_reused"):
            return any(moment.vote.request_id == told.request_id for moment in history)
        case (_, "not_eligible"):
            return not any(moment.vote.by == told.by for moment in history)
        case _:
            return False


def _is_remembered(told: Told, verdict: str, history: Sequence[_Moment]) -> bool:
    """Whether the vote is stored with the outcome told, or says again what is stored."""
    for position, moment in enumerate(history):
        if (moment.vote.by, moment.vote.verdict) == (told.by, verdict):
            # Said again under another id, it is answered what had come of it by then.
            exact = moment.vote.request_id == told.request_id
            may_be = history[position : position + 1] if exact else history[position:]
            return any((told.state, told.missing) == (m.state, m.missing) for m in may_be)
    return False


def _words(told: Told) -> str:
    answer = told.refused or told.state or "nothing"
    return f"{told.by} was told {answer} to {told.command}"


def _stored(found: Found) -> str:
    return f"it is stored as {found.state} with {len(found.votes or ())} votes"
