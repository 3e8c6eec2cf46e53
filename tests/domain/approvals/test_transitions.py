"""Transitions: every command in every state answers as the table says, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, TypeAlias

import pytest

from tests.domain.approvals.samples import (
    ADA,
    AGENT,
    AUDIT,
    DEADLINE,
    GRACE,
    LINUS,
    NOW,
    OVERDUE,
    approved,
    approved_by,
    denied,
    denied_by,
    discarded,
    expired,
    halfway,
    later,
    pending,
    question,
    stored,
)
from turnkeep_domain.approvals.approval import Approval, ApprovalRecord
from turnkeep_domain.approvals.calls import Effect
from turnkeep_domain.approvals.discarded import Discarded
from turnkeep_domain.approvals.phases import Approved, Denied, Expired, Pending
from turnkeep_domain.approvals.quorum import Quorum
from turnkeep_domain.approvals.refusals import IdSpent, NotDue, NotEligible, NotPending
from turnkeep_domain.approvals.states import ApprovalOutcome, ApprovalState
from turnkeep_domain.approvals.votes import Offer, Verdict, Vote
from turnkeep_domain.decisions import Changed, Decision, Refused, Settled, Unchanged
from turnkeep_domain.events import Event
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId, RequestIdReused

Answer: TypeAlias = Decision[ApprovalRecord, object, object]
Command: TypeAlias = Callable[[ApprovalRecord, datetime], Answer]


def approve(by: Principal, id: str) -> Command:
    return lambda record, now: record.approve(by=by, decision_id=RequestId(id), now=now)


def deny(by: Principal, id: str) -> Command:
    return lambda record, now: record.deny(by=by, decision_id=RequestId(id), now=now)


def discard(by: Principal, id: str) -> Command:
    return lambda record, now: record.discard(by=by, request_id=RequestId(id), now=now)


def expire(record: ApprovalRecord, now: datetime) -> Answer:
    return record.expire(now=now)


def raise_again(record: ApprovalRecord, _: datetime) -> Answer:
    return record.asked_again(question(correlation_id="another"))


def raise_otherwise(record: ApprovalRecord, _: datetime) -> Answer:
    return record.asked_again(question(effects=frozenset({Effect.READS})))


STATES: Final[dict[str, tuple[Callable[[], ApprovalRecord], datetime]]] = {
    "pending": (pending, later(1)),
    "halfway": (halfway, later(1)),
    "overdue": (pending, DEADLINE),
    "overdue halfway": (halfway, OVERDUE),
    "approved": (approved, later(1)),
    "approved, long ago": (approved, OVERDUE),
    "denied": (denied, later(1)),
    "expired": (expired, OVERDUE),
    "discarded": (discarded, later(1)),
}

COMMANDS: Final[dict[str, Command]] = {
    "raise again": raise_again,
    "raise on other terms": raise_otherwise,
    "Grace approves": approve(GRACE, "new"),
    "Grace denies": deny(GRACE, "new"),
    "Ada approves again": approve(ADA, "new"),
    "Ada denies": deny(ADA, "new"),
    "Linus approves": approve(LINUS, "new"),
    "Linus denies": deny(LINUS, "new"),
    "repeat of d-ada": approve(ADA, "d-ada"),
    "d-ada for a denial": deny(ADA, "d-ada"),
    "d-ada for a discard": discard(AGENT, "d-ada"),
    "discard": discard(AGENT, "new"),
    "expire": expire,
}

VOTES = ("approves", "denies")

TABLE: Final[dict[str, dict[str, str]]] = {
    "pending": {
        "raise again": "same",
        "raise on other terms": "id_spent",
        "Grace approves": "+ pending 1",
        "Grace denies": "+ denied",
        "Ada approves again": "+ pending 1",
        "Ada denies": "+ denied",
        "Linus approves": "not_eligible",
        "Linus denies": "not_eligible",
        "repeat of d-ada": "+ pending 1",
        "d-ada for a denial": "+ denied",
        "d-ada for a discard": "+ discarded",
        "discard": "+ discarded",
        "expire": "not_due",
    },
    "halfway": {
        "raise again": "same",
        "raise on other terms": "id_spent",
        "Grace approves": "+ approved",
        "Grace denies": "+ denied",
        "Ada approves again": "= pending 1",
        "Ada denies": "+ denied",
        "Linus approves": "not_eligible",
        "Linus denies": "not_eligible",
        "repeat of d-ada": "= pending 1",
        "d-ada for a denial": "reused",
        "d-ada for a discard": "reused",
        "discard": "+ discarded",
        "expire": "not_due",
    },
    "overdue": {
        "raise again": "same",
        "raise on other terms": "id_spent",
        "Grace approves": "settled expired",
        "Grace denies": "settled expired",
        "Ada approves again": "settled expired",
        "Ada denies": "settled expired",
        "Linus approves": "not_eligible",
        "Linus denies": "not_eligible",
        "repeat of d-ada": "settled expired",
        "d-ada for a denial": "settled expired",
        "d-ada for a discard": "settled expired",
        "discard": "settled expired",
        "expire": "+ expired",
    },
    "overdue halfway": {
        "raise again": "same",
        "raise on other terms": "id_spent",
        "Grace approves": "settled expired",
        "Grace denies": "settled expired",
        "Ada approves again": "= expired",
        "Ada denies": "settled expired",
        "Linus approves": "not_eligible",
        "Linus denies": "not_eligible",
        "repeat of d-ada": "= pending 1",
        "d-ada for a denial": "reused",
        "d-ada for a discard": "reused",
        "discard": "settled expired",
        "expire": "+ expired",
    },
    "approved": {
        "raise again": "same",
        "raise on other terms": "id_spent",
        "Grace approves": "= approved",
        "Grace denies": "ended approved d-grace",
        "Ada approves again": "= approved",
        "Ada denies": "ended approved d-grace",
        "Linus approves": "not_eligible",
        "Linus denies": "not_eligible",
        "repeat of d-ada": "= pending 1",
        "d-ada for a denial": "reused",
        "d-ada for a discard": "reused",
        "discard": "ended approved d-grace",
        "expire": "ended approved d-grace",
    },
    "denied": {
        "raise again": "same",
        "raise on other terms": "id_spent",
        "Grace approves": "ended denied d-grace",
        "Grace denies": "= denied",
        "Ada approves again": "= denied",
        "Ada denies": "ended denied d-grace",
        "Linus approves": "not_eligible",
        "Linus denies": "not_eligible",
        "repeat of d-ada": "= pending 1",
        "d-ada for a denial": "reused",
        "d-ada for a discard": "reused",
        "discard": "ended denied d-grace",
        "expire": "ended denied d-grace",
    },
    "expired": {
        "raise again": "same",
        "raise on other terms": "id_spent",
        "Grace approves": "ended expired",
        "Grace denies": "ended expired",
        "Ada approves again": "= expired",
        "Ada denies": "ended expired",
        "Linus approves": "not_eligible",
        "Linus denies": "not_eligible",
        "repeat of d-ada": "= pending 1",
        "d-ada for a denial": "reused",
        "d-ada for a discard": "reused",
        "discard": "ended expired",
        "expire": "= expired",
    },
    # A tombstone knows no voters and no votes: marks, then its end.
    "discarded": {
        "raise again": "id_spent",
        "raise on other terms": "id_spent",
        "Grace approves": "ended discarded",
        "Grace denies": "ended discarded",
        "Ada approves again": "ended discarded",
        "Ada denies": "ended discarded",
        "Linus approves": "ended discarded",
        "Linus denies": "ended discarded",
        "repeat of d-ada": "= pending 1",
        "d-ada for a denial": "reused",
        "d-ada for a discard": "reused",
        "discard": "= discarded",
        "expire": "ended discarded",
    },
}
TABLE["approved, long ago"] = TABLE["approved"]


def told(outcome: object) -> str:
    assert isinstance(outcome, ApprovalOutcome)
    missing = f" {outcome.missing}" if outcome.missing else ""
    return f"{outcome.state.value}{missing}"


def reason_told(reason: object) -> str:
    match reason:
        case NotPending(state, ruling):
            return f"ended {state.value}" + (f" {ruling.decision_id}" if ruling else "")
        case RequestIdReused():
            return "reused"
        case IdSpent() | NotDue() | NotEligible():
            return reason.code
        case _:
            raise AssertionError(reason)


def in_words(answer: Answer, record: ApprovalRecord) -> str:
    match answer:
        case Changed(outcome=outcome):
            return f"+ {told(outcome)}"
        case Unchanged(Approval() as view):
            assert view is record
            return "same"
        case Unchanged(outcome):
            return f"= {told(outcome)}"
        case Settled(state=Approval(phase=Expired()), reason=NotPending(state, None), tidy=True):
            return f"settled {state.value}"
        case Refused(reason):
            return reason_told(reason)
        case _:
            raise AssertionError(answer)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("state", STATES)
def test_a_command_answers_as_the_table_says(state: str, command: str) -> None:
    """4."""
    build, now = STATES[state]
    record = build()
    assert in_words(COMMANDS[command](record, now), record) == TABLE[state][command]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("state", ["approved", "denied", "expired", "discarded"])
def test_no_command_stores_anything_over_an_end(state: str, command: str) -> None:
    """4."""
    build, now = STATES[state]
    assert not isinstance(COMMANDS[command](build(), now), Changed | Settled)


def test_an_approval_is_raised_pending() -> None:
    changed = Approval.raised(question(), now=NOW, lifetime_seconds=10)
    approval = changed.state
    assert (approval.phase, approval.votes, approval.changes) == (Pending(), (), 1)
    assert approval.state_at(NOW) is ApprovalState.PENDING
    assert approval.missing_at(NOW) == 2
    assert changed.outcome is approval


@pytest.mark.parametrize(
    "other",
    [
        question(requester=Principal.agent("other")),
        question(effects=frozenset()),
        question(quorum=Quorum.of(2, ADA, GRACE)),
        question(quorum=Quorum.of(1, ADA, GRACE, AUDIT)),
    ],
)
def test_each_term_that_differs_spends_the_id(other: object) -> None:
    """14."""
    assert isinstance(other, type(question()))
    assert pending().asked_again(other) == Refused(IdSpent(other.id))


def test_a_denial_vetoes_even_after_ones_own_approval() -> None:
    """5."""
    record = denied_by(halfway(), ADA, "d-ada-no")
    assert isinstance(record, Approval)
    assert isinstance(record.phase, Denied)
    assert [vote.verdict for vote in record.votes] == [Verdict.APPROVE, Verdict.DENY]


def test_approving_twice_counts_once() -> None:
    """5."""
    again = halfway().approve(by=ADA, decision_id=RequestId("again"), now=later(1))
    expected = ApprovalOutcome(state=ApprovalState.PENDING, missing=1)
    assert again == Unchanged(expected)


def test_the_vote_that_decides_is_the_ruling() -> None:
    record = approved()
    assert isinstance(record, Approval)
    ruling = Vote(
        decision_id=RequestId("d-grace"),
        decider=GRACE,
        verdict=Verdict.APPROVE,
        offer=Offer.ONCE,
        at=NOW,
    )
    assert record.phase == Approved(ruling)
    assert record.votes[-1] == ruling


@pytest.mark.parametrize("command", ["Grace approves", "Grace denies", "discard"])
def test_a_decision_may_be_stored_only_until_the_deadline(command: str) -> None:
    """20."""
    answer = COMMANDS[command](halfway(), later(1))
    assert isinstance(answer, Changed)
    assert answer.valid_until == DEADLINE


@pytest.mark.parametrize("command", ["Grace approves", "Grace denies", "discard"])
def test_the_last_microsecond_decides_and_the_deadline_does_not(command: str) -> None:
    """20."""
    last = DEADLINE - timedelta(microseconds=1)
    assert isinstance(COMMANDS[command](halfway(), last), Changed)
    assert isinstance(COMMANDS[command](halfway(), DEADLINE), Settled)


def test_a_tombstone_keeps_no_call_actor_or_text() -> None:
    """15."""
    record = discarded()
    assert isinstance(record, Discarded)
    assert (record.was, record.created_at, record.ended_at) == (ApprovalState.PENDING, NOW, NOW)
    seen = repr(record)
    for hidden in ("ada'", "grace", "pay", "financial", "c1", "i1"):
        assert hidden not in seen.replace(repr(record.scope), "").replace("d-ada", "")


def events_of(answer: Answer) -> tuple[Event, ...]:
    return answer.events if isinstance(answer, Changed | Settled) else ()


@pytest.mark.parametrize(
    ("record", "command", "kind"),
    [
        (pending(), approve(ADA, "new"), "approval.voted"),
        (halfway(), approve(GRACE, "new"), "approval.approved"),
        (halfway(), deny(GRACE, "new"), "approval.denied"),
        (halfway(), discard(AGENT, "new"), "approval.discarded"),
        (halfway(), lambda record, _: record.expire(now=OVERDUE), "approval.expired"),
        (halfway(), lambda record, _: approve(GRACE, "new")(record, OVERDUE), "approval.expired"),
        (halfway(), approve(ADA, "new"), None),
        (halfway(), approve(ADA, "d-ada"), None),
        (approved(), deny(ADA, "new"), None),
    ],
)
def test_each_change_tells_one_event_and_a_repeat_none(
    record: ApprovalRecord, command: Command, kind: str | None
) -> None:
    """32."""
    events = events_of(command(record, later(1)))
    assert [event.kind for event in events] == ([] if kind is None else [kind])
    for event in events:
        assert isinstance(record, Approval)
        assert event.address == record.address


def test_a_raise_tells_one_event() -> None:
    """32."""
    (event,) = Approval.raised(question(), now=NOW, lifetime_seconds=10).events
    assert (event.kind, event.address, event.at) == ("approval.raised", pending().address, NOW)


def test_the_count_of_changes_grows_with_every_change() -> None:
    counts = [
        record.changes
        for record in (pending(), halfway(), approved(), denied(), expired())
        if isinstance(record, Approval)
    ]
    assert counts == [1, 2, 3, 3, 3]


def test_every_vote_of_sixteen_is_remembered() -> None:
    """11."""
    voters = [Principal.person(f"p{n}") for n in range(16)]
    record: ApprovalRecord = pending(question(quorum=Quorum.of(16, *voters)))
    for voter in voters[:-1]:
        record = approved_by(record, voter, f"yes {voter.id}")
    record = denied_by(record, voters[0], "no")
    record = stored_end(record)
    for missing, voter in zip(range(15, 0, -1), voters[:-1], strict=True):
        again = record.approve(by=voter, decision_id=RequestId(f"yes {voter.id}"), now=OVERDUE)
        assert again == Unchanged(ApprovalOutcome(state=ApprovalState.PENDING, missing=missing))


def stored_end(record: ApprovalRecord) -> ApprovalRecord:
    assert isinstance(record, Approval)
    assert isinstance(record.phase, Denied)
    return record


def test_an_overdue_approval_reads_as_expired_though_nobody_noted_it() -> None:
    """20."""
    approval = pending()
    assert approval.state_at(DEADLINE - timedelta(microseconds=1)) is ApprovalState.PENDING
    assert approval.state_at(DEADLINE) is ApprovalState.EXPIRED
    assert approval.missing_at(DEADLINE) == 0
    assert stored(approval.expire(now=OVERDUE)) != approval
