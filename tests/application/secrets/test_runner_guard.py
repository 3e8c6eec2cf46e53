"""A run as guard: what a runner borrows ends with its claim."""

from __future__ import annotations

import pytest

from tests.application.secrets.vaults import MATERIAL, Vaults
from tests.application.worlds import SCOPE, STORES, rid
from turnkeep import (
    Guard,
    GuardLost,
    Principal,
    Refused,
    RevokeCause,
    RunView,
    SecretLeaseRevoked,
)
from turnkeep_application.turns.claim_pass import ClaimedRun
from turnkeep_domain.keys import Address
from turnkeep_domain.turns.claims import Token
from turnkeep_domain.turns.turn_state import TURN_STATES

LOST = SecretLeaseRevoked(RevokeCause.GUARD_LOST)


@pytest.fixture(params=STORES)
def world(request: pytest.FixtureRequest) -> Vaults:
    return Vaults(STORES[request.param])


async def claimed(world: Vaults, token: bytes) -> ClaimedRun:
    found = await world.keep.turns.claim(holder="worker", token=Token(token * 16))
    (granted,) = found.granted
    return granted


def guard(run: ClaimedRun) -> Guard:
    assert SCOPE.thread is not None
    return Guard(Address(TURN_STATES.name, SCOPE, SCOPE.thread), run.claim.epoch)


@pytest.mark.parametrize("end", ["complete", "elapse", "claimed anew"])
def test_a_secret_lease_under_a_claim_ends_with_it(world: Vaults, end: str) -> None:
    """7, 27."""

    async def scenario() -> None:
        turns = world.keep.turns
        await world.kept()
        asked = await turns.submit(SCOPE, actor=Principal.person("ada"), request_id=rid("r1"))
        assert isinstance(asked, RunView)
        run = await claimed(world, b"a")
        ref = await world.lent(guard=guard(run), uses_max=3, ttl_seconds=3_600)
        assert await world.consume(ref, "u1", on=world.rival) == MATERIAL
        await turns.heartbeat(run.claim)
        assert await world.consume(ref, "u2", on=world.rival) == MATERIAL
        if end == "complete":
            await turns.complete(run.claim)
        else:
            await world.clock.advance(600)
        if end == "claimed anew":
            await turns.recover()
            await world.clock.advance(60)
            assert (await claimed(world, b"b")).claim.epoch > run.claim.epoch
        assert await world.consume(ref, "u3", on=world.rival) == LOST
        assert await world.issue(guard=guard(run), id="late") == Refused(GuardLost())

    world.run(scenario)


def test_nobody_borrows_under_a_claim_that_is_not_there(world: Vaults) -> None:
    async def scenario() -> None:
        await world.kept()
        assert SCOPE.thread is not None
        nowhere = Guard(Address(TURN_STATES.name, SCOPE, SCOPE.thread), 1)
        assert await world.issue(guard=nowhere) == Refused(GuardLost())

    world.run(scenario)
