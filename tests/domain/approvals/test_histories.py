"""Histories: whatever is done to an approval, in whatever order, a small model tells the same."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal, TypeAlias

from attrs import define, field, frozen
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.approvals.samples import ADA, AGENT, AUDIT, DEADLINE, GRACE, LINUS, later, pending
from turnkeep_domain.approvals.approval import Approval, ApprovalRecord
from turnkeep_domain.approvals.phases import Pending
from turnkeep_domain.approvals.refusals import NotDue, NotEligible, NotPending
from turnkeep_domain.approvals.states import ApprovalOutcome
from turnkeep_domain.decisions import Changed, Decision, Settled, Unchanged
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId, RequestIdReused

Verb: TypeAlias = Literal["approve", "deny", "discard", "expire"]
VERBS: Final[tuple[Verb, ...]] = ("approve", "deny", "discard", "expire")
PEOPLE: Final = (ADA, GRACE, AUDIT, LINUS, AGENT)
ELIGIBLE: Final = frozenset({ADA, GRACE, AUDIT})
THRESHOLD: Final = 2


@frozen
class Step:
    verb: Verb
    by: Principal
    id: str
    seconds: int


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(VERBS),
        st.sampled_from(PEOPLE),
        st.sampled_from([f"r{n}" for n in range(6)]),
        st.integers(0, 900),
    ),
    max_size=12,
)


@define
class Model:
    """An approval in a few lines: a state, and who said what."""

    state: str = "pending"
    said: dict[tuple[Principal, str], str] = field(factory=dict)
    marks: dict[str, tuple[tuple[str, Principal], str]] = field(factory=dict)

    def answer(self, step: Step, now: datetime) -> str:
        asks = (step.verb, step.by)
        if step.verb != "expire" and step.id in self.marks:
            earlier, outcome = self.marks[step.id]
            return outcome if earlier == asks else "reused"
        if step.verb in ("approve", "deny") and self.state != "discarded":
            if step.by not in ELIGIBLE:
                return "not eligible"
            if (step.by, step.verb) in self.said:
                return "expired" if self.is_overdue(now) else self.told()
        if step.verb == "discard" and self.state == "discarded":
            return "discarded"
        if step.verb == "expire" and self.state == "expired":
            return "expired"
        if self.state != "pending":
            return f"ended {self.state}"
        return self.act(step, now)

    def act(self, step: Step, now: datetime) -> str:
        if self.is_overdue(now):
            self.state = "expired"
            return "expired" if step.verb == "expire" else "ended expired"
        match step.verb:
            case "expire":
                return "not due"
            case "discard":
                self.state = "discarded"
            case "deny":
                self.state = "denied"
                self.said[step.by, step.verb] = step.id
            case "approve":
                self.said[step.by, step.verb] = step.id
                if sum(verb == "approve" for _, verb in self.said) == THRESHOLD:
                    self.state = "approved"
        self.marks[step.id] = ((step.verb, step.by), self.told())
        return self.told()

    def told(self) -> str:
        return f"pending {THRESHOLD - len(self.said)}" if self.state == "pending" else self.state

    def is_overdue(self, now: datetime) -> bool:
        return self.state == "pending" and now >= DEADLINE


def ask(
    record: ApprovalRecord, step: Step, now: datetime
) -> Decision[ApprovalRecord, ApprovalOutcome, object]:
    id = RequestId(step.id)
    match step.verb:
        case "approve":
            return record.approve(by=step.by, decision_id=id, now=now)
        case "deny":
            return record.deny(by=step.by, decision_id=id, now=now)
        case "discard":
            return record.discard(by=step.by, request_id=id, now=now)
        case "expire":
            return record.expire(now=now)


def in_words(answer: Decision[ApprovalRecord, ApprovalOutcome, object]) -> str:
    if isinstance(answer, Changed | Unchanged):
        outcome = answer.outcome
        return f"{outcome.state.value} {outcome.missing or ''}".strip()
    match answer.reason:
        case NotPending(state):
            return f"ended {state.value}"
        case RequestIdReused():
            return "reused"
        case NotEligible():
            return "not eligible"
        case NotDue():
            return "not due"
        case _:
            raise AssertionError(answer)


@given(STEPS)
def test_every_history_is_answered_as_the_model_answers_it(steps: list[Step]) -> None:
    """4."""
    record: ApprovalRecord = pending()
    model = Model()
    seconds = 0
    for step in steps:
        seconds += step.seconds
        answer = ask(record, step, later(seconds))
        assert in_words(answer) == model.answer(step, later(seconds))
        if isinstance(answer, Changed | Settled):
            assert len(answer.events) == 1
            record = answer.state
        if isinstance(record, Approval):
            assert record.state_at(later(0)).value == model.state
        else:
            assert model.state == "discarded"


@given(STEPS)
def test_no_end_ever_changes(steps: list[Step]) -> None:
    """4."""
    record: ApprovalRecord = pending()
    seconds = 0
    ended: ApprovalRecord | None = None
    for step in steps:
        seconds += step.seconds
        answer = ask(record, step, later(seconds))
        if isinstance(answer, Changed | Settled):
            assert ended is None
            before, record = record, answer.state
            assert isinstance(before, Approval)
            if isinstance(record, Approval):
                assert record.changes == before.changes + 1
                assert record.votes[: len(before.votes)] == before.votes
                ended = None if isinstance(record.phase, Pending) else record
            else:
                ended = record
    assert ended is None or record == ended
