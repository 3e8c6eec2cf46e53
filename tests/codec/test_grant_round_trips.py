"""A round trip of grants: whatever their commands lead to is read as itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.codec.cases import CODEC
from tests.codec.grant_cases import ACTIVE, AGENT, NOW, OF_A_RUN, RUN
from turnkeep_domain.approvals.calls import Effect
from turnkeep_domain.approvals.grant import GRANTS, Grant
from turnkeep_domain.approvals.grant_phases import GrantStep
from turnkeep_domain.approvals.grant_token import GrantToken, grant_token_digest
from turnkeep_domain.approvals.presented import PresentedCall
from turnkeep_domain.decisions import Changed, Decision, Settled
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.turns.effect_ids import EffectId

TOKENS: Final = st.binary(min_size=16, max_size=16).map(GrantToken).map(grant_token_digest)
COMMANDS: Final = ("claim", "begin", "step", "extend", "abort", "consume", "settle", "revoke")


@st.composite
def grants(draw: st.DrawFn) -> Grant:
    grant = evolve(
        draw(st.sampled_from([ACTIVE, OF_A_RUN])),
        effects=draw(st.frozensets(st.sampled_from(Effect))),
    )
    tokens, now = draw(st.lists(TOKENS, min_size=1, max_size=2)), NOW
    call = PresentedCall(by=AGENT, fingerprint=grant.fingerprint, effects=frozenset())
    for number in range(draw(st.integers(0, 6))):
        now += timedelta(microseconds=draw(st.integers(0, 2**31)))
        id, token = RequestId(f"r{number}"), draw(st.sampled_from(tokens))
        ttl = timedelta(seconds=draw(st.integers(1, 86_400)))
        decision: Decision[Grant, object, object]
        match draw(st.sampled_from(COMMANDS)):
            case "claim":
                decision = grant.claim(
                    call, token=token, request_id=id, ttl=ttl, barred=None, now=now
                )
            case "begin":
                decision = grant.begin(token=token, request_id=id, ttl=ttl, barred=None, now=now)
            case "step":
                step = GrantStep(run=RUN, effect=EffectId("pay", number))
                decision = grant.begin_step(
                    call, step=step, token=token, ttl=ttl, barred=None, now=now
                )
            case "extend":
                decision = grant.extend(token=token, ttl=ttl, now=now)
            case "abort":
                decision = grant.abort(
                    token=token,
                    request_id=id,
                    withdrawn_by=draw(st.sampled_from([AGENT, None])),
                    now=now,
                )
            case "consume":
                decision = grant.consume(token=token, request_id=id, now=now)
            case "settle":
                decision = grant.settle(
                    happened=draw(st.booleans()),
                    by=AGENT,
                    request_id=id,
                    run_lives=False,
                    withdrawn_by=draw(st.sampled_from([AGENT, None])),
                    now=now,
                )
            case _:
                decision = grant.revoke(by=AGENT, request_id=id, now=now)
        if isinstance(decision, Changed | Settled):
            grant = decision.state
    return grant


@given(grant=grants())
def test_every_grant_is_read_as_itself(grant: Grant) -> None:
    body = CODEC.encode(grant)
    assert CODEC.decode(GRANTS, grant.address, body) == grant
