"""A handler receives a secret under its claim, once a call, and nothing of it is kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.application.secrets.vaults import MATERIAL, OTHER, OWNER, Vaults
from tests.application.worlds import SCOPE, STORES, rid
from turnkeep import (
    ANY,
    CallRefused,
    Handler,
    Keep,
    Principal,
    RunContext,
    RunStatus,
    RunView,
    TryAgain,
    Worker,
)

COLLECTIONS = ("turn_state", "run", "effect", "checkpoint")


@pytest.fixture(params=STORES)
def world(request: pytest.FixtureRequest) -> Vaults:
    return Vaults(STORES[request.param])


async def carried_out(keep: Keep, handler: Handler) -> RunView:
    """A run of this handler, once it has ended."""
    run = await keep.turns.submit(SCOPE, actor=Principal.person("ada"), request_id=rid("r1"))
    assert isinstance(run, RunView)
    async with Worker(keep, handler):
        ended = await keep.turns.wait(run.address, timeout_seconds=300)
    assert ended is not None
    return ended


def law(world: Vaults, scenario: Callable[[], Awaitable[None]]) -> None:
    async def kept() -> None:
        await world.kept()
        await scenario()

    world.run(kept)


def test_a_handler_receives_the_material_and_it_is_wiped_after_its_block(world: Vaults) -> None:
    async def handler(ctx: RunContext) -> None:
        material = await ctx.secret("api", owner=OWNER)
        with material:
            assert material.reveal() == MATERIAL
        assert material.wiped

    async def scenario() -> None:
        assert (await carried_out(world.keep, handler)).status is RunStatus.COMPLETED

    law(world, scenario)


def test_nothing_of_it_is_journaled(world: Vaults) -> None:
    async def handler(ctx: RunContext) -> None:
        with await ctx.secret("api", owner=OWNER):
            pass

    async def scenario() -> None:
        run = await carried_out(world.keep, handler)
        assert await world.keep.turns.journal(run.address) == ()
        world.collections = (*world.collections, *COLLECTIONS)
        assert all(MATERIAL not in cell.entry.body for cell in await world.cells())

    law(world, scenario)


def test_a_replay_receives_it_anew_as_it_is_by_then(world: Vaults) -> None:
    received: list[bytes] = []

    async def handler(ctx: RunContext) -> None:
        with await ctx.secret("api", owner=OWNER) as material:
            received.append(material.reveal())
        if len(received) == 1:
            await world.put(OTHER, expected=ANY, id="put-2")
            raise TryAgain

    async def scenario() -> None:
        assert (await carried_out(world.keep, handler)).status is RunStatus.COMPLETED
        assert received == [MATERIAL, OTHER]

    law(world, scenario)


def test_two_calls_are_two_uses(world: Vaults) -> None:
    async def handler(ctx: RunContext) -> None:
        for _ in range(2):
            with await ctx.secret("api", owner=OWNER):
                pass

    async def scenario() -> None:
        await carried_out(world.keep, handler)
        page = await world.keep.secrets.leases(SCOPE)
        assert len(page.leases) == 2

    law(world, scenario)


def test_what_there_is_not_is_refused(world: Vaults) -> None:
    codes: list[str] = []

    async def handler(ctx: RunContext) -> None:
        for owner in (OWNER, None):
            try:
                await ctx.secret("api" if owner is None else "other", owner=owner)
            except CallRefused as refused:
                codes.append(refused.code)

    async def scenario() -> None:
        await carried_out(world.keep, handler)
        # Without an owner, it is looked for where tenant and user keep theirs, and nowhere else.
        assert codes == ["secret_unknown", "secret_unknown"]

    law(world, scenario)


def test_nobody_receives_it_under_a_claim_that_has_ended(world: Vaults) -> None:
    """7, 27: though the worker does not know of it yet."""
    received: list[bytes] = []

    async def handler(ctx: RunContext) -> None:
        await world.rival.turns.complete(ctx.claim)
        with await ctx.secret("api", owner=OWNER) as material:
            received.append(material.reveal())

    async def scenario() -> None:
        assert (await carried_out(world.keep, handler)).status is RunStatus.COMPLETED
        assert received == []
        assert (await world.keep.secrets.leases(SCOPE)).leases == ()

    law(world, scenario)


@pytest.mark.parametrize("fault", ["lose-after", "lose-before", "fail-before", "land-late 2"])
@pytest.mark.parametrize("number", [3, 4])
def test_lost_answers_cost_a_use_at_most(world: Vaults, fault: str, number: int) -> None:
    """Whichever commit of it is lost: the third of the host issues, the fourth consumes."""
    received: list[bytes] = []

    async def handler(ctx: RunContext) -> None:
        with await ctx.secret("api", owner=OWNER) as material:
            received.append(material.reveal())

    async def scenario() -> None:
        async with world.suffering(f"commit#{number}: {fault}") as (host, faulty):
            assert (await carried_out(host, handler)).status is RunStatus.COMPLETED
            assert faulty.unspent == ()
        assert received == [MATERIAL]

    law(world, scenario)


def test_a_step_may_use_what_was_received(world: Vaults) -> None:
    async def handler(ctx: RunContext) -> None:
        async def call(key: str) -> int:
            with await ctx.secret("api", owner=OWNER) as material:
                return len(material.reveal())

        assert await ctx.effect("call", call) == len(MATERIAL)

    async def scenario() -> None:
        assert (await carried_out(world.keep, handler)).status is RunStatus.COMPLETED

    law(world, scenario)


def test_a_use_that_was_counted_and_never_answered_is_spent_and_another_one_lent(
    world: Vaults,
) -> None:
    """33: no repeat returns material, so a further lease is issued."""
    deaf = "\n".join(f"load#{number} in secret_lease: fail-before" for number in range(3, 60))
    received: list[bytes] = []

    async def handler(ctx: RunContext) -> None:
        with await ctx.secret("api", owner=OWNER) as material:
            received.append(material.reveal())

    async def scenario() -> None:
        script = f"commit#2 in secret_lease: lose-after\n{deaf}"
        async with world.suffering(script) as (host, _):
            assert (await carried_out(host, handler)).status is RunStatus.COMPLETED
        assert received == [MATERIAL]
        states = [lease.state for lease in (await world.keep.secrets.leases(SCOPE)).leases]
        assert states == ["consumed", "consumed"]

    law(world, scenario)
