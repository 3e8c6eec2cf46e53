"""A checkpoint lets a handler skip what led to it, and keeps the count of its calls."""

from __future__ import annotations

from tests.application.worker.sites import Site
from turnkeep_application.worker.context import RunContext
from turnkeep_application.worker.exits import TryAgain
from turnkeep_domain.turns.checkpoint import CheckpointKind
from turnkeep_domain.turns.run_states import RunStatus


def test_a_handler_goes_on_from_its_last_checkpoint(site: Site) -> None:
    """Rule 10: what comes after it meets the same ids as before."""
    called: list[str] = []
    left_at: list[int] = []

    async def step(key: str) -> str:
        called.append(key)
        return key

    async def handler(ctx: RunContext) -> None:
        saved = await ctx.last_checkpoint()
        done = 0 if saved is None else int(saved.payload)
        for number in range(done, 6):
            await ctx.effect("turn", step)
            await ctx.checkpoint(
                CheckpointKind.BEFORE_MODEL, schema=1, payload=str(number + 1).encode()
            )
            if number in (1, 4) and number not in left_at:
                left_at.append(number)
                raise TryAgain

    async def scenario() -> None:
        async with site.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                view = await host.settled(run)
            assert view.status is RunStatus.COMPLETED
            assert view.counters.checkpoint == 6
            assert len(called) == len(set(called)) == 6
            assert left_at == [1, 4]

    site.run(scenario)


def test_a_handler_without_a_checkpoint_is_told_so(site: Site) -> None:
    met: list[object] = []

    async def handler(ctx: RunContext) -> None:
        met.append(await ctx.last_checkpoint())

    async def scenario() -> None:
        async with site.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                await host.settled(run)
        assert met == [None]

    site.run(scenario)
