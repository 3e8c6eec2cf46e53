"""The cases of grants' golden files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from attrs import evolve

from turnkeep_domain.approvals.approval_id import approval_id
from turnkeep_domain.approvals.calls import Dispatch, Effect, Spawn
from turnkeep_domain.approvals.fingerprint import Fingerprint
from turnkeep_domain.approvals.grant import Grant
from turnkeep_domain.approvals.grant_events import (
    GrantAborted,
    GrantBegan,
    GrantClaimed,
    GrantConsumed,
    GrantExtended,
    GrantIssued,
    GrantSettled,
    GrantTold,
    GrantWithdrawn,
)
from turnkeep_domain.approvals.grant_phases import (
    ActiveGrant,
    ClaimedGrant,
    ConsumedGrant,
    DispatchingGrant,
    GrantOutcome,
    GrantPhase,
    GrantRevokeCause,
    GrantStep,
    RevokedGrant,
)
from turnkeep_domain.approvals.grant_token import GrantToken, grant_token_digest
from turnkeep_domain.approvals.names import CorrelationId
from turnkeep_domain.events import Event
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import Mark, Marks, RequestId, digest_of
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.names import RunId

NOW: Final = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
UNTIL: Final = NOW + timedelta(seconds=60)
SCOPE: Final = Scope.of("acme", "zoë", agent="writer", thread="t/1 ü")
RUN: Final = RunAddress(SCOPE, RunId("run-1"))
ADA: Final = Principal.person("ada")
AGENT: Final = Principal.agent("writer")
FINGERPRINT: Final = Fingerprint(f"sha256:{'0123456789abcdef' * 4}")
TOKEN: Final = grant_token_digest(GrantToken(b"0123456789abcdef"))
_CLAIMED: Final = ClaimedGrant(token=TOKEN, by=AGENT, deadline=UNTIL)

ACTIVE: Final = Grant(
    id=approval_id(FINGERPRINT, 1),
    scope=SCOPE,
    fingerprint=FINGERPRINT,
    correlation_id=CorrelationId("run ü"),
    action=Dispatch.of("pay", {"usd_nano": 5}),
    effects=frozenset({Effect.FINANCIAL, Effect.WRITES}),
    grantee=AGENT,
    run=None,
    issued_by=ADA,
    issued_at=NOW,
    expires_at=NOW + timedelta(hours=1),
    phase=ActiveGrant(),
    marks=Marks.none(),
)
CLAIMED: Final = evolve(
    ACTIVE,
    phase=_CLAIMED,
    marks=Marks(
        (Mark(RequestId("r-1"), digest_of("claim"), GrantOutcome.of(_CLAIMED)),), dropped=3
    ),
)
OF_A_RUN: Final = evolve(ACTIVE, run=RUN, action=Spawn.of("researcher"), effects=frozenset())


def _begun(step: GrantStep | None) -> DispatchingGrant:
    return DispatchingGrant(token=TOKEN, by=AGENT, deadline=UNTIL, step=step)


def _revoked(by: Principal | None, cause: GrantRevokeCause) -> Grant:
    return evolve(OF_A_RUN, phase=RevokedGrant(by=by, at=UNTIL, cause=cause))


PHASES: Final[tuple[GrantPhase, ...]] = (
    ActiveGrant(),
    _CLAIMED,
    _begun(None),
    ConsumedGrant(token=TOKEN, at=UNTIL),
    RevokedGrant(by=None, at=UNTIL, cause=GrantRevokeCause.EXPIRED),
)

GRANT_RECORD_CASES: Final[dict[tuple[str, str], object]] = {
    ("grant", "active"): ACTIVE,
    ("grant", "claimed"): CLAIMED,
    ("grant", "of_a_run"): OF_A_RUN,
    ("grant", "dispatching"): evolve(ACTIVE, phase=_begun(None)),
    ("grant", "dispatching_with_a_step"): evolve(
        OF_A_RUN, phase=_begun(GrantStep(run=RUN, effect=EffectId("pay ü", 2)))
    ),
    ("grant", "consumed"): evolve(ACTIVE, phase=ConsumedGrant(token=TOKEN, at=UNTIL)),
    ("grant", "every_outcome"): evolve(
        ACTIVE,
        marks=Marks(
            tuple(
                Mark(RequestId(f"r-{number}"), digest_of(number), GrantOutcome.of(phase))
                for number, phase in enumerate(PHASES)
            ),
            dropped=0,
        ),
    ),
    ("grant", "expired"): _revoked(None, GrantRevokeCause.EXPIRED),
    ("grant", "withdrawn"): _revoked(ADA, GrantRevokeCause.WITHDRAWN),
    ("grant", "run_ended"): _revoked(Principal.service("turns"), GrantRevokeCause.RUN_ENDED),
}

_TOLD: Final = GrantTold(
    address=ACTIVE.address,
    at=NOW,
    capability=ACTIVE.capability,
    correlation_id=ACTIVE.correlation_id,
)

GRANT_EVENT_CASES: Final[dict[tuple[str, str], Event]] = {
    ("grant.issued", "plain"): GrantIssued(
        **_TOLD, by=ADA, grantee=AGENT, expires_at=ACTIVE.expires_at
    ),
    ("grant.claimed", "plain"): GrantClaimed(**_TOLD, by=AGENT, until=UNTIL),
    ("grant.began", "plain"): GrantBegan(**_TOLD, by=AGENT, until=UNTIL),
    ("grant.extended", "plain"): GrantExtended(**_TOLD, by=AGENT, until=UNTIL),
    ("grant.aborted", "plain"): GrantAborted(**_TOLD, by=AGENT),
    ("grant.consumed", "plain"): GrantConsumed(**_TOLD, by=AGENT),
    ("grant.settled", "happened"): GrantSettled(**_TOLD, by=ADA, happened=True),
    ("grant.settled", "did_not"): GrantSettled(**_TOLD, by=ADA, happened=False),
    ("grant.revoked", "expired"): GrantWithdrawn(**_TOLD, by=None, cause=GrantRevokeCause.EXPIRED),
    ("grant.revoked", "run_ended"): GrantWithdrawn(
        **_TOLD, by=ADA, cause=GrantRevokeCause.RUN_ENDED
    ),
    ("grant.revoked", "withdrawn"): GrantWithdrawn(
        **_TOLD, by=ADA, cause=GrantRevokeCause.WITHDRAWN
    ),
}
