"""A step that fails in its own way: it exits, gives its run up, or returns what cannot be kept."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable

import pytest

from tests.application.worker.sites import Site, VirtualSite, thread
from turnkeep_application.worker.context import RunContext
from turnkeep_application.worker.exits import GiveUp, StepNotDone, StepUncertain
from turnkeep_application.worker.spends import Metered
from turnkeep_domain.budgets.dimensions import Dimension
from turnkeep_domain.turns.effect import Mode, NotDone, Uncertain
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.names import Category
from turnkeep_domain.turns.run_states import Failed, NeedsOperator, RunStatus

REPEATABLE = [Mode.KEYED, Mode.SAFE]
UNKEPT = [object(), b"x" * 65_536, float("nan"), {1: "one"}]
DOORS = ["effect", "spend"]


async def _made(
    ctx: RunContext, door: str, step: Callable[[str], Awaitable[object]], mode: Mode
) -> object:
    if door == "effect":
        return await ctx.effect("pay", step, mode=mode)

    async def metered(key: str) -> Metered[object]:
        return Metered(await step(key), {})

    return await ctx.spend("pay", {Dimension.INPUT_TOKENS: 1}, metered, mode=mode)


def test_a_handler_that_exits_fails_its_run_and_no_other(site: Site) -> None:
    async def handler(ctx: RunContext) -> None:
        if ctx.run.scope.thread == "bad":
            sys.exit(3)
        await site.sleep(0.2)

    async def scenario() -> None:
        async with site.host() as host:
            good = await host.submit(thread("good"), request="good")
            bad = await host.submit(thread("bad"), request="bad")
            async with host.worker(handler):
                assert (await host.settled(bad)).state == Failed(
                    category=Category("handler_error"), effect=None
                )
                assert (await host.settled(good)).status is RunStatus.COMPLETED
                after = await host.submit(thread("after"), request="after")
                assert (await host.settled(after)).status is RunStatus.COMPLETED

    site.run(scenario)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("mode", Mode)
def test_a_step_that_exits_is_a_step_that_raised(
    virtual: VirtualSite, mode: Mode, door: str
) -> None:
    async def step(key: str) -> None:
        sys.exit("no more")

    async def handler(ctx: RunContext) -> None:
        await _made(ctx, door, step, mode)

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                state = (await host.settled(run)).state
            if mode is Mode.ONCE:
                assert isinstance(state, NeedsOperator)
                assert state.category == "step_uncertain"
            else:
                assert state == Failed(category=Category("handler_error"), effect=PAY)

    virtual.run(scenario)


PAY = EffectId("pay", 0)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("value", UNKEPT, ids=["no JSON", "too large", "no number", "no name"])
@pytest.mark.parametrize("mode", REPEATABLE)
def test_a_step_whose_output_cannot_be_kept_says_so(
    virtual: VirtualSite, mode: Mode, value: object, door: str
) -> None:
    called: list[str] = []

    async def step(key: str) -> object:
        called.append(key)
        return value

    async def handler(ctx: RunContext) -> None:
        await _made(ctx, door, step, mode)

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                view = await host.settled(run)
            assert view.state == Failed(category=Category("output_invalid"), effect=PAY)
            (entry,) = (await host.journal(run)).values()
            assert entry.state == NotDone(category=Category("output_invalid"), redo=False)
            assert len(called) == 1

    virtual.run(scenario)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("value", UNKEPT, ids=["no JSON", "too large", "no number", "no name"])
def test_a_step_that_is_called_once_stays_uncertain_where_its_output_cannot_be_kept(
    virtual: VirtualSite, value: object, door: str
) -> None:
    async def step(key: str) -> object:
        return value

    async def handler(ctx: RunContext) -> None:
        await _made(ctx, door, step, Mode.ONCE)

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                state = (await host.settled(run)).state
            assert isinstance(state, NeedsOperator)
            assert state.category == "step_uncertain"
            (entry,) = (await host.journal(run)).values()
            assert isinstance(entry.state, Uncertain)

    virtual.run(scenario)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("mode", Mode)
def test_a_run_that_a_step_gives_up_fails_in_the_words_of_the_step(
    virtual: VirtualSite, mode: Mode, door: str
) -> None:
    async def step(key: str) -> None:
        raise GiveUp(Category("account_closed"))

    async def handler(ctx: RunContext) -> None:
        await _made(ctx, door, step, mode)

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                state = (await host.settled(run)).state
            (entry,) = (await host.journal(run)).values()
            if mode is Mode.ONCE:
                assert isinstance(state, NeedsOperator)
                assert state.category == "account_closed"
                assert isinstance(entry.state, Uncertain)
            else:
                assert state == Failed(category=Category("account_closed"), effect=PAY)
                assert entry.state == NotDone(category=Category("account_closed"), redo=False)

    virtual.run(scenario)


def test_a_handler_may_catch_what_a_step_gave_up(virtual: VirtualSite) -> None:
    """And meets the same in a replay; what it raises then is its own."""

    async def step(key: str) -> None:
        raise GiveUp(Category("account_closed"))

    async def handler(ctx: RunContext) -> None:
        with pytest.raises(StepNotDone):
            await ctx.effect("look", step, mode=Mode.SAFE)
        with pytest.raises(StepUncertain):
            await ctx.effect("pay", step)

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                state = (await host.settled(run)).state
            assert isinstance(state, NeedsOperator), "what nobody knows is not swallowed"

    virtual.run(scenario)
