"""A worker hears of a run at once, or finds it with its next poll."""

from __future__ import annotations

from tests.application.approvals.keep import memory
from tests.application.worker.sites import VirtualSite
from turnkeep_application.worker.context import RunContext
from turnkeep_domain.turns.run_states import RunStatus


async def handler(ctx: RunContext) -> None:
    pass


def test_a_run_is_begun_at_once_where_the_store_hints() -> None:
    site = VirtualSite(memory)

    async def scenario() -> None:
        async with site.host() as host, host.worker(handler):
            await site.sleep(30)
            before = site.clock.monotonic()
            run = await host.submit()
            await host.turns.wait(run.address, timeout_seconds=30)
            assert site.clock.monotonic() - before < 0.1

    site.run(scenario)


def test_a_lost_wake_costs_one_poll(virtual: VirtualSite) -> None:
    """Law 67."""

    async def scenario() -> None:
        async with (
            virtual.host() as host,
            virtual.suffering("changed#*: stall") as (deaf, _),
            deaf.worker(handler),
        ):
            await virtual.sleep(30)
            run = await host.submit()
            view = await host.turns.wait(run.address, timeout_seconds=30)
            assert view is not None
            assert view.status is RunStatus.COMPLETED
            assert view.ended_at is not None
            # A hint that is not answered is slept over, with a second's grace.
            assert (view.ended_at - run.updated_at).total_seconds() <= 2.1

    virtual.run(scenario)


def test_an_idle_worker_writes_nothing(virtual: VirtualSite) -> None:
    """Law 19."""

    async def scenario() -> None:
        async with virtual.suffering("") as (host, faulty), host.worker(handler):
            await virtual.sleep(300)
            assert [call for call in faulty.calls if call.operation.value == "commit"] == []

    virtual.run(scenario)


def test_a_store_that_was_away_is_served_again(virtual: VirtualSite) -> None:
    async def scenario() -> None:
        async with (
            virtual.host() as host,
            virtual.suffering("") as (sick, faulty),
            sick.worker(handler),
        ):
            faulty.follow(faulty.script.parse("scan#*: fail-before\nload#*: fail-before"))
            await virtual.sleep(100)
            run = await host.submit()
            faulty.follow(faulty.script.parse(""))
            assert (await host.settled(run)).status is RunStatus.COMPLETED

    virtual.run(scenario)


def test_a_claim_of_unknown_outcome_is_repeated_with_the_same_token(
    virtual: VirtualSite,
) -> None:
    """Laws 16 and 17: one grant, and no claim is left to expire."""

    async def scenario() -> None:
        for number, lost in enumerate(("lose-after", "land-late 3", "lose-before")):
            # All attempts of one update, until its deadline: the caller is told of the doubt.
            script = "\n".join(
                [f"commit#1: {lost}", *(f"load#{n}: fail-before" for n in range(2, 40))]
            )
            async with virtual.host() as host, virtual.suffering(script) as (sick, _):
                run = await host.submit(request=f"q{number}")
                async with sick.worker(handler, sweep_seconds=3_600.0):
                    view = await host.settled(run)
                assert (view.status, view.counters.lost) == (RunStatus.COMPLETED, 0)
                kinds = [kind for kind in await host.kinds() if kind == "claimed"]
                assert len(kinds) == number + 1

    virtual.run(scenario)
