"""The cases of golden files: for each tag, what its bytes stand for, under a name.

A case stays for as long as a golden file names it: files of older schemas must decode to it too.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from attrs import evolve

from tests.codec import budget_samples
from tests.codec.consent_cases import CONSENT_EVENTS, CONSENT_RECORDS
from tests.codec.credential_cases import CREDENTIAL_EVENTS, CREDENTIAL_RECORDS
from tests.codec.event_reader_cases import EVENT_READER_RECORDS
from tests.codec.grant_cases import GRANT_EVENT_CASES, GRANT_RECORD_CASES
from tests.codec.import_cases import IMPORT_RECORDS
from tests.codec.lease_cases import LEASE_EVENTS, LEASE_RECORDS
from tests.codec.secret_cases import SECRET_EVENTS, SECRET_RECORDS
from tests.codec.thread_cases import (
    THREAD_COLLECTIONS,
    THREAD_EVENT_CASES,
    THREAD_RECORD_CASES,
)
from tests.codec.turn_cases import TURN_COLLECTIONS, TURN_EVENT_CASES, TURN_RECORD_CASES
from turnkeep_adapters.codec.formats import EVENTS, RECORDS, VARIANTS
from turnkeep_adapters.codec.json_codec import JsonCodec
from turnkeep_domain.approvals.approval import APPROVALS, Approval
from turnkeep_domain.approvals.approval_id import approval_id
from turnkeep_domain.approvals.calls import Dispatch, Effect, Estimate, Spawn
from turnkeep_domain.approvals.consent_rules import ConsentRule
from turnkeep_domain.approvals.discarded import Discarded
from turnkeep_domain.approvals.events import (
    ApprovalApproved,
    ApprovalDenied,
    ApprovalDiscarded,
    ApprovalErased,
    ApprovalExpired,
    ApprovalPruned,
    ApprovalRaised,
    ApprovalVoted,
)
from turnkeep_domain.approvals.fingerprint import Fingerprint
from turnkeep_domain.approvals.grant import GRANTS
from turnkeep_domain.approvals.names import CapabilityId, CorrelationId, InvocationId
from turnkeep_domain.approvals.payload import APPROVAL_PAYLOADS, ApprovalPayload
from turnkeep_domain.approvals.quorum import Quorum
from turnkeep_domain.approvals.request import Question
from turnkeep_domain.approvals.states import ApprovalState
from turnkeep_domain.approvals.votes import Offer
from turnkeep_domain.budgets.account import ACCOUNTS
from turnkeep_domain.budgets.pruned import GATES, RESERVATIONS
from turnkeep_domain.consent.consent_settings import CONSENT_SETTINGS
from turnkeep_domain.consent.tool_policy import TOOL_POLICIES
from turnkeep_domain.credentials.account import ACCOUNTS as CREDENTIAL_ACCOUNTS
from turnkeep_domain.credentials.session import SESSIONS
from turnkeep_domain.decisions import Changed, Settled
from turnkeep_domain.event_readers.reader import EVENT_READERS
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Address, Collection
from turnkeep_domain.leases.lease import LEASES
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope
from turnkeep_domain.secrets.canary import CANARIES
from turnkeep_domain.secrets.lease_roll import LEASE_ROLLS
from turnkeep_domain.secrets.secret import SECRETS
from turnkeep_domain.secrets.secret_lease import SECRET_LEASES
from turnkeep_domain.transfers.import_mark import IMPORTS
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.names import RunId

CODEC: Final = JsonCodec(records=RECORDS, events=EVENTS, variants=VARIANTS)
COLLECTIONS: Final[tuple[Collection[object], ...]] = (
    ACCOUNTS,
    APPROVALS,
    APPROVAL_PAYLOADS,
    CONSENT_SETTINGS,
    TOOL_POLICIES,
    GATES,
    RESERVATIONS,
    EVENT_READERS,
    GRANTS,
    IMPORTS,
    LEASES,
    CANARIES,
    LEASE_ROLLS,
    SECRETS,
    SECRET_LEASES,
    CREDENTIAL_ACCOUNTS,
    SESSIONS,
    *TURN_COLLECTIONS,
    *THREAD_COLLECTIONS,
)

RAISED_AT: Final = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
LATER: Final = RAISED_AT + timedelta(minutes=1)
DAY_SECONDS: Final = 24 * 60 * 60
DEADLINE: Final = RAISED_AT + timedelta(seconds=DAY_SECONDS)
OVERDUE: Final = DEADLINE + timedelta(microseconds=1)

SCOPE: Final = Scope.of("acme", "ada")
WHOLE_SCOPE: Final = Scope.of(
    "acme", "zoë", agent="writer", project="apollo", mission="m-7", thread="t/1 ü"
)
ADA: Final = Principal.person("ada")
BO: Final = Principal.person("bo")
RULES: Final = Principal.service("rules")
AGENT: Final = Principal.agent("writer")
FINGERPRINT: Final = Fingerprint(f"sha256:{'0123456789abcdef' * 4}")

ONE_DECIDES: Final = Question(
    scope=SCOPE,
    attempt=1,
    invocation=InvocationId("call-1"),
    action=Dispatch(capability=CapabilityId("mail.send"), estimate=Estimate.nothing()),
    effects=frozenset({Effect.COMMUNICATES}),
    requester=AGENT,
    correlation_id=CorrelationId("run-1"),
    fingerprint=FINGERPRINT,
    cause=ConsentRule.OTHERWISE,
    offers=frozenset({Offer.ONCE}),
    quorum=Quorum.owner(SCOPE),
    run=None,
)
TWO_DECIDE: Final = Question(
    scope=WHOLE_SCOPE,
    attempt=3,
    invocation=InvocationId("call-2"),
    action=Spawn(
        capability=CapabilityId("researcher"),
        estimate=Estimate.of({"usd_nano": 2**63 - 1, "input_tokens": 0, "überlauf": 7}),
    ),
    effects=frozenset(Effect),
    requester=Principal.extension("plug-in"),
    correlation_id=CorrelationId('run "2" \\ ü'),
    fingerprint=FINGERPRINT,
    cause=ConsentRule.OTHERWISE,
    offers=frozenset({Offer.ONCE}),
    quorum=Quorum.of(2, ADA, BO, RULES),
    run=None,
)


def raised(question: Question) -> Approval:
    return Approval.raised(question, now=RAISED_AT, lifetime_seconds=DAY_SECONDS).state


def voted(approval: Approval, by: Principal, *, approve: bool, id: str) -> Approval:
    vote = approval.approve if approve else approval.deny
    decision = vote(by=by, decision_id=RequestId(id), now=LATER)
    assert isinstance(decision, Changed)
    assert isinstance(decision.state, Approval)
    return decision.state


def always_taken(question: Question) -> Approval:
    decision = raised(question).approve(
        by=ADA, decision_id=RequestId("d-1"), offer=Offer.ALWAYS, now=LATER
    )
    assert isinstance(decision, Changed)
    assert isinstance(decision.state, Approval)
    return decision.state


def expired(approval: Approval) -> Approval:
    decision = approval.expire(now=OVERDUE)
    assert isinstance(decision, Changed | Settled)
    assert isinstance(decision.state, Approval)
    return decision.state


def discarded(approval: Approval, by: Principal, *, id: str) -> Discarded:
    decision = approval.discard(by=by, request_id=RequestId(id), now=LATER)
    assert isinstance(decision, Changed)
    assert isinstance(decision.state, Discarded)
    return decision.state


ONE_VOTE: Final = voted(raised(TWO_DECIDE), BO, approve=True, id="d-1")
APPROVED: Final = voted(ONE_VOTE, RULES, approve=True, id="d-2")
ALWAYS: Final = always_taken(
    evolve(ONE_DECIDES, cause=ConsentRule.ASK_EACH_TIME, offers=frozenset(Offer))
)
WITHDRAWN: Final = discarded(ONE_VOTE, AGENT, id="w-1")

RECORD_CASES: Final[dict[tuple[str, str], object]] = {
    **budget_samples.RECORD_CASES,
    ("approval", "pending"): raised(ONE_DECIDES),
    ("approval", "pending_with_vote"): ONE_VOTE,
    ("approval", "of_a_run"): raised(
        evolve(
            TWO_DECIDE, run=RunAddress(WHOLE_SCOPE, RunId("5f1e0c6a-9f1b-8c3d-a1b2-c3d4e5f60718"))
        )
    ),
    ("approval", "approved"): APPROVED,
    ("approval", "denied"): voted(ONE_VOTE, BO, approve=False, id="d-3"),
    ("approval", "expired"): expired(raised(ONE_DECIDES)),
    ("approval", "always"): ALWAYS,
    ("approval", "on_the_hard_floor"): raised(evolve(TWO_DECIDE, cause=ConsentRule.HARD_FLOOR)),
    ("approval", "consent_unreadable"): raised(evolve(ONE_DECIDES, cause=ConsentRule.UNREADABLE)),
    ("approval", "erased"): evolve(APPROVED, erased=True),
    ("approval_discarded", "withdrawn"): WITHDRAWN,
    ("approval_discarded", "was_approved"): Discarded(
        id=APPROVED.request.id,
        scope=WHOLE_SCOPE,
        was=ApprovalState.APPROVED,
        created_at=RAISED_AT,
        ended_at=LATER,
        marks=APPROVED.marks,
    ),
    ("approval_discarded", "was_denied"): Discarded(
        id=approval_id(FINGERPRINT, 1),
        scope=SCOPE,
        was=ApprovalState.DENIED,
        created_at=RAISED_AT,
        ended_at=LATER,
        marks=voted(raised(ONE_DECIDES), ADA, approve=False, id="d-1").marks,
    ),
    ("approval_discarded", "was_expired"): Discarded(
        id=approval_id(FINGERPRINT, 1),
        scope=SCOPE,
        was=ApprovalState.EXPIRED,
        created_at=RAISED_AT,
        ended_at=OVERDUE,
        marks=raised(ONE_DECIDES).marks,
    ),
    ("approval_payload", "plain"): ApprovalPayload.of(
        approval_id(FINGERPRINT, 1), SCOPE, reason="To tell Bo.", display="mail to bo@acme.example"
    ),
    ("approval_payload", "escaped"): ApprovalPayload.of(
        approval_id(FINGERPRINT, 3),
        WHOLE_SCOPE,
        reason='"quoted" \\ slashed / <angled> & été 日本 \U0001f600',
        display="line\nfeed, tab\t, turned \u202e, deleted \x7f",
    ),
    ("approval_payload", "empty"): ApprovalPayload.of(
        approval_id(FINGERPRINT, 1), SCOPE, reason="", display=""
    ),
    **EVENT_READER_RECORDS,
    **CONSENT_RECORDS,
    **GRANT_RECORD_CASES,
    **IMPORT_RECORDS,
    **LEASE_RECORDS,
    **SECRET_RECORDS,
    **CREDENTIAL_RECORDS,
    **TURN_RECORD_CASES,
    **THREAD_RECORD_CASES,
}

ADDRESS: Final = Address("approval", WHOLE_SCOPE, APPROVED.request.id)
CAPABILITY: Final = CapabilityId("mail.send")
CORRELATION: Final = CorrelationId("run-1")

EVENT_CASES: Final[dict[tuple[str, str], Event]] = {
    **budget_samples.EVENT_CASES,
    ("approval.raised", "plain"): ApprovalRaised(
        address=ADDRESS,
        at=RAISED_AT,
        capability=CAPABILITY,
        correlation_id=CORRELATION,
        invocation=InvocationId("call-1"),
        requester=AGENT,
        expires_at=DEADLINE,
    ),
    ("approval.voted", "plain"): ApprovalVoted(
        address=ADDRESS,
        at=LATER,
        capability=CAPABILITY,
        correlation_id=CORRELATION,
        decider=BO,
        decision_id=RequestId("d-1"),
    ),
    ("approval.approved", "plain"): ApprovalApproved(
        address=ADDRESS,
        at=LATER,
        capability=CAPABILITY,
        correlation_id=CORRELATION,
        decider=RULES,
        decision_id=RequestId("d-2"),
    ),
    ("approval.denied", "plain"): ApprovalDenied(
        address=ADDRESS,
        at=LATER,
        capability=CAPABILITY,
        correlation_id=CORRELATION,
        decider=BO,
        decision_id=RequestId("d-3"),
    ),
    ("approval.expired", "plain"): ApprovalExpired(
        address=ADDRESS, at=OVERDUE, capability=CAPABILITY, correlation_id=CORRELATION
    ),
    ("approval.discarded", "plain"): ApprovalDiscarded(
        address=ADDRESS,
        at=LATER,
        capability=CAPABILITY,
        correlation_id=CORRELATION,
        by=AGENT,
        request_id=RequestId("w-1"),
    ),
    ("approval.erased", "plain"): ApprovalErased(
        address=ADDRESS, at=OVERDUE, capability=CAPABILITY, correlation_id=CORRELATION
    ),
    ("approval.pruned", "plain"): ApprovalPruned(
        address=ADDRESS, at=OVERDUE, capability=CAPABILITY, correlation_id=CORRELATION
    ),
    **CONSENT_EVENTS,
    **GRANT_EVENT_CASES,
    **LEASE_EVENTS,
    **SECRET_EVENTS,
    **CREDENTIAL_EVENTS,
    **TURN_EVENT_CASES,
    **THREAD_EVENT_CASES,
}
