"""A worker that is told to end claims nothing more, and gives back what has not ended in time."""

from __future__ import annotations

import asyncio

import pytest

from tests.application.worker.sites import Site, VirtualSite, thread
from turnkeep_application.worker.context import RunContext
from turnkeep_domain.turns.names import Ref
from turnkeep_domain.turns.run_states import Completed, RunStatus


def test_a_handler_that_comes_to_an_end_while_its_worker_drains_completes(site: Site) -> None:
    begun = asyncio.Event()

    async def handler(ctx: RunContext) -> Ref:
        begun.set()
        await ctx.draining.wait()
        return Ref("just in time")

    async def scenario() -> None:
        async with site.host() as host:
            run, later = await host.submit(), None
            worker = host.worker(handler)
            working = asyncio.create_task(worker.run())
            await begun.wait()
            worker.drain()
            later = await host.submit(thread("later"))
            await working
            assert (await host.settled(run)).state == Completed(result_ref=Ref("just in time"))
            view = await host.turns.get(later.address)
            assert view is not None
            assert view.status is RunStatus.QUEUED

    site.run(scenario)


def test_a_handler_that_does_not_is_cancelled_and_its_run_given_back(site: Site) -> None:
    """Law 65, but for the signal."""
    cut_off: list[int] = []

    begun = asyncio.Event()

    async def handler(ctx: RunContext) -> None:
        begun.set()
        try:
            await site.sleep(10_000)
        finally:
            cut_off.append(ctx.epoch)

    async def scenario() -> None:
        async with site.host() as host:
            run = await host.submit()
            worker = host.worker(handler)
            working = asyncio.create_task(worker.run())
            await begun.wait()
            before = host.turns.clock.monotonic()
            worker.drain()
            await working
            took = host.turns.clock.monotonic() - before
            assert host.pace.worker.drain_seconds <= took < host.pace.worker.drain_seconds + 20
            view = await host.turns.get(run.address)
            assert view is not None
            assert (view.status, view.counters.returned, view.counters.lost) == (
                RunStatus.QUEUED,
                1,
                0,
            )
            assert cut_off == [1]

    site.run(scenario)


def test_a_run_that_is_granted_while_its_worker_drains_is_given_back_unbegun(
    virtual: VirtualSite,
) -> None:
    async def handler(ctx: RunContext) -> None:
        raise AssertionError("it is begun")

    async def scenario() -> None:
        async with virtual.host() as host, virtual.suffering("scan#1: delay 3000") as (slow, _):
            run = await host.submit()
            worker = slow.worker(handler)
            working = asyncio.create_task(worker.run())
            await virtual.sleep(1)
            worker.drain()
            await working
            view = await host.turns.get(run.address)
            assert view is not None
            assert (view.status, view.counters.returned) == (RunStatus.QUEUED, 1)

    virtual.run(scenario)


def test_a_worker_that_has_nothing_to_do_ends_at_once(virtual: VirtualSite) -> None:
    async def handler(ctx: RunContext) -> None:
        raise AssertionError("there is nothing to do")

    async def scenario() -> None:
        async with virtual.host() as host:
            worker = host.worker(handler, poll_seconds=60.0)
            working = asyncio.create_task(worker.run())
            await virtual.sleep(5)
            worker.drain()
            await working
            assert virtual.clock.monotonic() == pytest.approx(5.0, abs=0.1)

    virtual.run(scenario)


def test_told_twice_a_worker_does_not_wait(site: Site) -> None:
    begun = asyncio.Event()

    async def handler(ctx: RunContext) -> None:
        begun.set()
        await site.sleep(10_000)

    async def scenario() -> None:
        async with site.host() as host:
            run = await host.submit()
            worker = host.worker(handler, drain_seconds=60.0)
            working = asyncio.create_task(worker.run())
            await begun.wait()
            before = host.turns.clock.monotonic()
            worker.drain()
            worker.drain()
            await working
            assert host.turns.clock.monotonic() - before < 20
            view = await host.turns.get(run.address)
            assert view is not None
            assert view.status is RunStatus.QUEUED

    site.run(scenario)


def test_a_worker_that_is_cancelled_gives_its_runs_back_first(site: Site) -> None:
    begun = asyncio.Event()

    async def handler(ctx: RunContext) -> None:
        begun.set()
        await site.sleep(10_000)

    async def scenario() -> None:
        async with site.host() as host:
            run = await host.submit()
            working = asyncio.create_task(host.worker(handler, drain_seconds=60.0).run())
            await begun.wait()
            working.cancel()
            with pytest.raises(asyncio.CancelledError):
                await working
            view = await host.turns.get(run.address)
            assert view is not None
            assert view.status is RunStatus.QUEUED

    site.run(scenario)


def test_a_block_that_is_left_by_an_error_does_not_wait_for_handlers(
    virtual: VirtualSite,
) -> None:
    async def handler(ctx: RunContext) -> None:
        await virtual.sleep(10_000)

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()

            async def block() -> None:
                async with host.worker(handler):
                    await host.until(run, lambda view: view.status is RunStatus.RUNNING)
                    raise ZeroDivisionError

            with pytest.raises(ZeroDivisionError):
                await block()
            assert virtual.clock.monotonic() < 5

    virtual.run(scenario)


def test_a_run_that_is_returned_too_often_fails(virtual: VirtualSite) -> None:
    async def handler(ctx: RunContext) -> None:
        await virtual.sleep(10_000)

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            for _ in range(21):
                worker = host.worker(handler, drain_seconds=0.0)
                working = asyncio.create_task(worker.run())
                await host.until(run, lambda view: view.status is RunStatus.RUNNING)
                worker.drain()
                await working
            view = await host.settled(run)
            assert view.status is RunStatus.FAILED
            assert "attempts_exhausted" in repr(view.state)

    virtual.run(scenario)


def test_a_worker_ends_in_time_though_the_store_is_away(virtual: VirtualSite) -> None:
    async def handler(ctx: RunContext) -> None:
        await virtual.sleep(10_000)

    async def scenario() -> None:
        async with virtual.host() as host, virtual.suffering("") as (sick, faulty):
            run = await host.submit()
            worker = sick.worker(handler)
            working = asyncio.create_task(worker.run())
            await host.until(run, lambda view: view.status is RunStatus.RUNNING)
            faulty.follow(faulty.script.parse("load#*: stall\ncommit#*: stall\nscan#*: stall"))
            before = virtual.clock.monotonic()
            worker.drain()
            await working
            settings = host.pace.worker
            took = virtual.clock.monotonic() - before
            assert took <= settings.drain_seconds + 2 * settings.unwind_seconds + 1

    virtual.run(scenario)


def test_an_outcome_that_is_known_is_stored_though_its_handler_is_cut_off(
    virtual: VirtualSite,
) -> None:
    async def handler(ctx: RunContext) -> None:
        async def pay(key: str) -> str:
            return "paid"

        await ctx.effect("pay", pay)
        raise AssertionError("it went on")

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            # The answer to the step's outcome comes when the drain is long over.
            async with virtual.suffering("commit#3: delay 3000") as (sick, _):
                worker = sick.worker(handler, drain_seconds=1.0)
                working = asyncio.create_task(worker.run())
                await host.until(run, lambda view: bool(view.open))
                worker.drain()
                await working
            view = await host.turns.get(run.address)
            assert view is not None
            assert (view.status, view.open) == (RunStatus.QUEUED, ())
            assert list(await host.journal(run)) == [("pay", 0)]

    virtual.run(scenario)
