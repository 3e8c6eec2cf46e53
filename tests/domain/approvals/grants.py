"""Grants: one in each of its states, and who is about to use it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from tests.domain.approvals.samples import AGENT, GRACE, NOW, SCOPE, approved, later, question
from turnkeep_domain.approvals.approval import Approval
from turnkeep_domain.approvals.calls import Effect
from turnkeep_domain.approvals.grant import Grant
from turnkeep_domain.approvals.grant_phases import GrantStep
from turnkeep_domain.approvals.grant_token import GrantToken, grant_token_digest
from turnkeep_domain.approvals.phases import Approved
from turnkeep_domain.approvals.presented import PresentedCall
from turnkeep_domain.decisions import Changed, Decision, Settled
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import Digest, RequestId
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.names import RunId

LIFE: Final = 1_000
ENDS: Final = NOW + timedelta(seconds=LIFE)
CLAIM: Final = timedelta(seconds=60)
DISPATCH: Final = timedelta(seconds=900)
MINE: Final = grant_token_digest(GrantToken(b"m" * 16))
OTHER: Final = grant_token_digest(GrantToken(b"o" * 16))
OPERATOR: Final = Principal.person("olga")
STEP: Final = GrantStep(run=RunAddress(SCOPE, RunId("r-1")), effect=EffectId("pay", 0))
CALL: Final = PresentedCall(
    by=AGENT,
    fingerprint=question().fingerprint,
    effects=frozenset({Effect.FINANCIAL}),
)


def rid(text: str) -> RequestId:
    return RequestId(text)


def kept(decision: Decision[Grant, object, object]) -> Grant:
    """The grant that a decision stores."""
    assert isinstance(decision, Changed | Settled)
    return decision.state


def issued() -> Grant:
    """Grace's was the yes that decided."""
    approval = approved()
    assert isinstance(approval, Approval)
    assert isinstance(approval.phase, Approved)
    ruling = approval.phase.ruling
    assert ruling.decider == GRACE
    return Grant.issued(approval.request, ruling, lifetime_seconds=LIFE, now=NOW).state


def claimed(token: Digest = MINE, *, now: datetime = NOW, id: str = "r-claim") -> Grant:
    """Claimed for a minute."""
    return kept(
        issued().claim(CALL, token=token, request_id=rid(id), ttl=CLAIM, barred=None, now=now)
    )


def dispatching() -> Grant:
    """Begun under `r-begin`, for a quarter of an hour."""
    return kept(
        claimed().begin(
            token=MINE, request_id=rid("r-begin"), ttl=DISPATCH, barred=None, now=later(1)
        )
    )


def stepping() -> Grant:
    """Begun along with a step of a run."""
    return kept(
        issued().begin_step(CALL, step=STEP, token=MINE, ttl=DISPATCH, barred=None, now=later(1))
    )


def consumed() -> Grant:
    return kept(dispatching().consume(token=MINE, request_id=rid("r-consume"), now=later(2)))


def revoked() -> Grant:
    return kept(issued().revoke(by=OPERATOR, request_id=rid("r-revoke"), now=later(2)))


def run_over() -> Grant:
    return kept(issued().run_ended(by=OPERATOR, now=later(2)))


def expired() -> Grant:
    return kept(issued().expire(now=ENDS))
