"""Ambiguous outcomes: a commit that landed, lands late or never is one event and one place."""

from __future__ import annotations

from typing import Final

import pytest

from tests.application.turns.keep import OPERATOR, Keep, lane_of, step
from turnkeep_application.turns.turns import Turns
from turnkeep_domain.request_ids import RequestId, digest_of
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.bucket_ids import Axis, BucketId
from turnkeep_domain.turns.claims import Claim, Relinquishment, RunStanding
from turnkeep_domain.turns.effect import Done, Mode
from turnkeep_domain.turns.gates import Disposition, Gate, GateKind
from turnkeep_domain.turns.names import Category, Ref
from turnkeep_ports.errors import OutcomeUnknown

TENANT: Final = BucketId(scope=Scope.of("acme", None), axis=Axis.TENANT, turn_class=None)
GATE: Final = Gate.of(kind=GateKind.EXTERNAL_TOOL, ref=Ref("tool-1"), effect=step("gate"))

FATES: Final = [
    "commit#1: lose-before",
    "commit#1: lose-after",
    "commit#1: fail-before",
    "commit#1: land-late 1",
    "commit#1: land-late 2",
    "commit#1: land-late 9",
    "commit#1: lose-after\ncommit#2: lose-after",
    "commit#1: lose-before\ncommit#2: land-late 1",
    "commit#1: lose-after\nload#2: fail-before\nload#3: fail-before",
]
ENDS: Final = {
    "complete": "completed",
    "fail": "failed",
    "block": "blocked",
    "drain": "requeued",
}


async def end(turns: Turns, claim: Claim, how: str) -> object:
    match how:
        case "complete":
            return await turns.complete(claim, result_ref=Ref("answer"))
        case "fail":
            return await turns.fail(claim, category=Category("broken"))
        case "block":
            return await turns.block(claim, gate=GATE)
        case _:
            return await turns.relinquish(claim, reason=Relinquishment.DRAIN)


async def settled(keep: Keep, turns: Turns, claim: Claim, how: str) -> object:
    """The answer; after a doubt that of a repeat."""
    try:
        return await end(turns, claim, how)
    except OutcomeUnknown:
        return await end(keep.turns, claim, how)


@pytest.mark.parametrize("fate", FATES)
@pytest.mark.parametrize("how", ENDS)
def test_an_ambiguous_end_is_one_event_and_one_freed_place(
    timed: Keep, how: str, fate: str
) -> None:
    """Law 36."""

    async def scenario() -> None:
        await timed.limit(TENANT, running=2)
        claim = await timed.running()
        other = (await timed.queue("t2"), await timed.claimed())[1][0]
        assert (await timed.bucket(TENANT)).running == 2
        async with timed.suffering(fate) as (turns, _):
            answer = await settled(timed, turns, claim, how)
        assert isinstance(answer, RunStanding)
        assert await end(timed.turns, claim, how) == answer
        assert (await timed.kinds()).count(ENDS[how]) == 1
        assert (await timed.bucket(TENANT)).running == 1
        assert (await timed.lane()).running == 1
        await timed.completed(other)

    timed.run(scenario)


@pytest.mark.parametrize("fate", FATES)
def test_an_ambiguous_claim_is_one_grant(timed: Keep, fate: str) -> None:
    """Law 17."""

    async def scenario() -> None:
        await timed.limit(TENANT, running=1)
        (run,) = await timed.queue("t1")
        token = timed.token()
        async with timed.suffering(fate) as (turns, _):
            found = await timed.claim(on=turns, token=token)
        if not found.granted:
            assert found.doubtful == (lane_of(),) or "fail-before" in fate
            found = await timed.claim(token=token, lanes=[lane_of()])
        (granted,) = found.granted
        assert granted.claim.run == run
        assert granted.claim.epoch == 1
        assert (await timed.kinds()).count("claimed") == 1
        assert (await timed.bucket(TENANT)).running == 1
        assert isinstance(await timed.turns.complete(granted.claim), RunStanding)
        assert (await timed.bucket(TENANT)).running == 0

    timed.run(scenario)


@pytest.mark.parametrize("fate", FATES)
def test_an_ambiguous_resume_is_one_event(timed: Keep, fate: str) -> None:
    """Law 48."""

    async def scenario() -> None:
        claim = await timed.running()
        await timed.turns.block(claim, gate=GATE)

        async def resume(turns: Turns) -> object:
            return await turns.resume(
                claim.run,
                kind=GATE.kind,
                ref=GATE.ref,
                disposition=Disposition.GRANTED,
                actor=Actor.system("callbacks"),
                request_id=RequestId("go"),
            )

        async with timed.suffering(fate) as (turns, _):
            try:
                answer = await resume(turns)
            except OutcomeUnknown:
                answer = await resume(timed.turns)
        assert isinstance(answer, RunStanding)
        assert await resume(timed.turns) == answer
        assert (await timed.kinds()).count("resumed") == 1
        assert len((await timed.lane()).entries) == 1

    timed.run(scenario)


@pytest.mark.parametrize("fate", FATES)
def test_an_ambiguous_cancel_is_one_event(timed: Keep, fate: str) -> None:
    async def scenario() -> None:
        await timed.limit(TENANT, held=5)
        (run,) = await timed.queue("t1")

        async def cancel(turns: Turns) -> object:
            return await turns.request_cancel(
                run, reason=Ref("stop"), actor=OPERATOR, request_id=RequestId("c1")
            )

        async with timed.suffering(fate) as (turns, _):
            try:
                answer = await cancel(turns)
            except OutcomeUnknown:
                answer = await cancel(timed.turns)
        assert isinstance(answer, RunStanding)
        assert (await timed.kinds()).count("cancelled") == 1
        assert (await timed.bucket(TENANT)).held == 0

    timed.run(scenario)


@pytest.mark.parametrize("fate", FATES)
def test_an_ambiguous_step_is_journaled_once(timed: Keep, fate: str) -> None:
    async def scenario() -> None:
        claim = await timed.running()
        async with timed.suffering(fate) as (turns, _):
            await turns.intend(claim, step("s"), arguments=digest_of("a"))
        async with timed.suffering(fate) as (turns, _):
            state = await turns.settle(
                claim,
                step("s"),
                mode=Mode.ONCE,
                arguments=digest_of("a"),
                outcome=Done(output=b"1", disposition=None),
            )
        assert isinstance(state, Done)
        assert (await timed.kinds()).count("effect_settled") == 1
        assert (await timed.view(claim.run)).counters.effects == 1

    timed.run(scenario)
