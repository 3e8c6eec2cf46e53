"""Strategies: records as hosts make them, of samples and of approvals."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Final

from hypothesis import strategies as st

from tests.codec.samples import Blank, Colour, Crate, Disc, Sheet, Square, Title
from turnkeep_domain.approvals.approval import Approval, ApprovalRecord
from turnkeep_domain.approvals.calls import Dispatch, Effect, Estimate, Spawn
from turnkeep_domain.approvals.consent_rules import ConsentAnswer, ConsentRule
from turnkeep_domain.approvals.discarded import Discarded
from turnkeep_domain.approvals.fingerprint import Fingerprint
from turnkeep_domain.approvals.limits import LIFETIME_SECONDS_MAX, LIFETIME_SECONDS_MIN
from turnkeep_domain.approvals.names import CapabilityId, CorrelationId, InvocationId
from turnkeep_domain.approvals.payload import ApprovalPayload
from turnkeep_domain.approvals.quorum import Quorum
from turnkeep_domain.approvals.request import Question
from turnkeep_domain.approvals.votes import Offer
from turnkeep_domain.decisions import Changed, Settled
from turnkeep_domain.principals import Principal, PrincipalKind
from turnkeep_domain.request_ids import Digest, Mark, Marks, RequestId
from turnkeep_domain.scope import SHARED_USER, Scope
from turnkeep_domain.turns.addresses import RunAddress

INTEGERS: Final = st.integers(-(2**63), 2**63 - 1)
TEXTS: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
TIMES: Final = st.datetimes(timezones=st.just(UTC))


def _is_identifier(text: str) -> bool:
    return bool(text) and text == text.strip() and len(text.encode()) <= 200


IDENTIFIERS: Final = (
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
    .map(lambda text: unicodedata.normalize("NFC", text).strip())
    .filter(_is_identifier)
)
OWNERS: Final = IDENTIFIERS.filter(lambda text: text != SHARED_USER)
PARTS: Final = st.none() | IDENTIFIERS


def scopes(*, work: bool) -> st.SearchStrategy[Scope]:
    owner = OWNERS if work else st.none() | OWNERS
    return st.builds(
        Scope.of,
        IDENTIFIERS if work else PARTS,
        owner,
        agent=PARTS,
        project=PARTS,
        mission=PARTS,
        thread=PARTS,
    )


DECIDERS: Final = st.builds(
    Principal, st.sampled_from([PrincipalKind.PERSON, PrincipalKind.SERVICE]), IDENTIFIERS
)
PRINCIPALS: Final = st.builds(Principal, st.sampled_from(PrincipalKind), IDENTIFIERS)
DISCS: Final = st.builds(Disc, radius=INTEGERS)
SQUARES: Final = st.builds(Square, side=INTEGERS, colour=st.sampled_from(Colour))
MARKS: Final = st.builds(
    Marks,
    st.lists(
        st.builds(
            Mark,
            IDENTIFIERS.map(RequestId),
            st.binary(min_size=32, max_size=32).map(Digest),
            DISCS | st.builds(Blank),
        ),
        max_size=3,
        unique_by=lambda mark: mark.request_id,
    ).map(tuple),
    st.integers(0, 2**63 - 1),
)

SHEETS: Final = st.builds(
    Sheet,
    id=IDENTIFIERS,
    scope=scopes(work=False),
    title=TEXTS.map(Title),
    count=st.integers(0, 2**63 - 1),
    done=st.booleans(),
    seal=st.binary(max_size=9),
    at=TIMES,
    until=st.none() | TIMES,
    colour=st.sampled_from(Colour),
    lines=st.lists(TEXTS, max_size=3).map(tuple),
    span=st.tuples(INTEGERS, st.booleans()),
    tags=st.frozensets(TEXTS, max_size=4),
    people=st.frozensets(PRINCIPALS, max_size=3),
    groups=st.frozensets(st.frozensets(INTEGERS, max_size=3), max_size=3),
    figure=DISCS | SQUARES | st.builds(Blank),
    other=st.none() | DISCS | SQUARES,
    crate=st.builds(
        Crate,
        one=DISCS,
        maybe=st.none() | DISCS,
        many=st.lists(DISCS, max_size=3).map(tuple),
        some=st.frozensets(DISCS, max_size=3),
    ),
    marks=MARKS,
    copies=INTEGERS,
)

PAYLOADS: Final = st.builds(
    ApprovalPayload.of,
    st.uuids().map(str),
    scopes(work=True),
    reason=st.text(max_size=40),
    display=st.text(max_size=40),
)


ASKING: Final = [rule for rule in ConsentRule if rule.answer is ConsentAnswer.ASK]


@st.composite
def questions(draw: st.DrawFn) -> Question:
    eligible = draw(st.frozensets(DECIDERS, min_size=1, max_size=4))
    amounts = st.dictionaries(IDENTIFIERS, st.integers(0, 2**63 - 1), max_size=3)
    capability = CapabilityId(draw(IDENTIFIERS))
    estimate = Estimate.of(draw(amounts))
    actions: list[Dispatch | Spawn] = [
        Dispatch(capability=capability, estimate=estimate),
        Spawn(capability=capability, estimate=estimate),
    ]
    scope = draw(scopes(work=True))
    return Question(
        scope=scope,
        attempt=draw(st.integers(1, 9)),
        invocation=InvocationId(draw(IDENTIFIERS)),
        action=draw(st.sampled_from(actions)),
        effects=draw(st.frozensets(st.sampled_from(Effect))),
        requester=draw(PRINCIPALS.filter(lambda one: one not in eligible)),
        correlation_id=CorrelationId(draw(IDENTIFIERS)),
        fingerprint=Fingerprint(f"sha256:{draw(st.binary(min_size=32, max_size=32)).hex()}"),
        cause=draw(st.sampled_from(ASKING)),
        offers=frozenset({Offer.ONCE}),
        quorum=Quorum(threshold=draw(st.integers(1, len(eligible))), eligible=eligible),
        run=draw(st.none() | st.builds(RunAddress, st.just(scope), IDENTIFIERS)),
    )


@st.composite
def approvals(draw: st.DrawFn) -> ApprovalRecord:
    """An approval, or the tombstone of one, after any commands."""
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=draw(st.integers(0, 2**50)))
    lifetime = draw(st.integers(LIFETIME_SECONDS_MIN, LIFETIME_SECONDS_MAX))
    question = draw(questions())
    record: ApprovalRecord = Approval.raised(question, now=now, lifetime_seconds=lifetime).state
    deciders = st.sampled_from(sorted(question.quorum.eligible))
    for number in range(draw(st.integers(0, 4))):
        now += timedelta(microseconds=draw(st.integers(0, lifetime * 500_000)))
        name = RequestId(f"{number}-{draw(IDENTIFIERS)}"[:40])
        command = draw(st.sampled_from(["approve", "approve", "deny", "discard", "expire"]))
        record = _after(record, command, by=draw(deciders), id=name, now=now)
    return record


def _after(
    record: ApprovalRecord, command: str, *, by: Principal, id: RequestId, now: datetime
) -> ApprovalRecord:
    decision: object
    match command:
        case "approve":
            decision = record.approve(by=by, decision_id=id, now=now)
        case "deny":
            decision = record.deny(by=by, decision_id=id, now=now)
        case "discard":
            decision = record.discard(by=by, request_id=id, now=now)
        case _:
            decision = record.expire(now=now)
    match decision:
        case Changed(Approval() | Discarded() as state) | Settled(
            Approval() | Discarded() as state
        ):
            return state
        case _:
            return record
