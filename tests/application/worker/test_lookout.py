"""A handler hears of a cancel long before its next heartbeat, by hint or by poll."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import pytest
from attrs import evolve

from tests.application.worker.sites import (
    OPERATOR,
    USUAL,
    Host,
    Pace,
    PostgresSite,
    Site,
    VirtualSite,
    thread,
)
from turnkeep_application.turns.views import RunView
from turnkeep_application.worker.context import RunContext
from turnkeep_application.worker.lookout import Lookout
from turnkeep_domain.keys import Address
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.claims import RunStanding
from turnkeep_domain.turns.names import Ref
from turnkeep_domain.turns.run_states import RunStatus
from turnkeep_domain.turns.turn_state import TURN_STATES
from turnkeep_ports.clock import Deadline
from turnkeep_ports.store import Entry, Put

# Quick looks, and heartbeats that are far away: what is heard of, is not heard by them.
PATIENT: Final = Pace(
    turns=USUAL.turns, worker=evolve(USUAL.worker, poll_seconds=0.05, look_seconds=0.2)
)
THREADLESS: Final = Scope.of("acme", "ada", agent="scout")


def patient(site: Site) -> Site:
    if isinstance(site, PostgresSite):
        site.pace = PATIENT
    return site


async def cancelled(host: Host, run: RunView) -> None:
    standing = await host.turns.request_cancel(
        run.address, reason=Ref("enough"), actor=OPERATOR, request_id=RequestId(f"c{run.id}")
    )
    assert isinstance(standing, RunStanding)


async def deleted(host: Host, run: RunView) -> None:
    await host.keep.threads.ensure_thread(run.scope, "t1", created_by="ada")
    await host.keep.threads.delete(run.scope, "t1", force=True)


CALLED_OFF: Final[dict[str, Callable[[Host, RunView], Awaitable[None]]]] = {
    "cancelled": cancelled,
    "thread deleted": deleted,
}


@pytest.mark.parametrize("how", CALLED_OFF)
def test_a_handler_hears_that_its_run_is_called_off_before_any_heartbeat(
    site: Site, how: str
) -> None:
    heard: list[float] = []
    site = patient(site)

    async def handler(ctx: RunContext) -> None:
        begun.set()
        await ctx.cancelling.wait()
        heard.append(ctx.remaining_seconds())

    async def scenario() -> None:
        begun.clear()
        async with site.host() as host, site.host() as other:
            run = await host.submit()
            async with host.worker(handler):
                await begun.wait()
                before = host.turns.clock.monotonic()
                await CALLED_OFF[how](other, run)
                assert (await host.settled(run)).status is RunStatus.CANCELLED
                took = host.turns.clock.monotonic() - before
        assert took < host.pace.worker.heartbeat_seconds / 2
        assert len(heard) == 1

    begun = asyncio.Event()
    site.run(scenario)


def test_children_hear_it_with_their_root_threadless_or_not(site: Site) -> None:
    site = patient(site)
    heard: list[RunAddress] = []
    begun: list[RunAddress] = []

    async def handler(ctx: RunContext) -> None:
        begun.append(ctx.run.address)
        if ctx.run.lineage.parent is None:
            await ctx.spawn("help", scope=thread("child"))
            await ctx.spawn("help", scope=THREADLESS)
        await ctx.cancelling.wait()
        heard.append(ctx.run.address)

    async def scenario() -> None:
        async with site.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                while len(begun) < 3:
                    await site.sleep(0.01)
                before = host.turns.clock.monotonic()
                await cancelled(host, run)
                while len(heard) < 3:
                    await site.sleep(0.01)
                took = host.turns.clock.monotonic() - before
            assert took < host.pace.worker.heartbeat_seconds / 2
        assert set(heard) == set(begun)

    site.run(scenario)


def test_a_hint_that_never_comes_costs_a_poll(virtual: VirtualSite) -> None:
    took: list[float] = []

    async def handler(ctx: RunContext) -> None:
        await ctx.cancelling.wait()
        took.append(virtual.clock.monotonic())

    async def scenario() -> None:
        async with (
            virtual.host() as host,
            virtual.suffering("changed#*: stall") as (deaf, _),
            deaf.worker(handler),
        ):
            run = await host.submit()
            await host.until(run, lambda view: view.status is RunStatus.RUNNING)
            await virtual.sleep(40)
            before = virtual.clock.monotonic()
            await cancelled(host, run)
            assert (await host.settled(run)).status is RunStatus.CANCELLED
            # A hint that is not answered is slept over, with a second's grace.
            assert took[0] - before <= USUAL.worker.look_seconds + 1.5

    virtual.run(scenario)


def test_a_look_that_stalls_holds_up_no_heartbeat(
    virtual: VirtualSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim goes on, and the cancel is heard of by a heartbeat."""

    async def stalled(_: Lookout) -> None:
        await virtual.sleep(10_000)

    async def handler(ctx: RunContext) -> None:
        await ctx.cancelling.wait()

    async def scenario() -> None:
        monkeypatch.setattr(Lookout, "look", stalled)
        async with virtual.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                await host.until(run, lambda view: view.status is RunStatus.RUNNING)
                await virtual.sleep(200)
                before = virtual.clock.monotonic()
                await cancelled(host, run)
                view = await host.settled(run)
            assert (view.status, view.epoch) == (RunStatus.CANCELLED, 1)
            assert virtual.clock.monotonic() - before <= USUAL.worker.heartbeat_seconds + 1

    virtual.run(scenario)


def test_the_damage_of_one_run_keeps_no_other_from_hearing(virtual: VirtualSite) -> None:
    """Law 63."""
    heard: list[str | None] = []

    async def handler(ctx: RunContext) -> None:
        await ctx.cancelling.wait()
        heard.append(ctx.run.scope.thread)

    async def scenario() -> None:
        async with virtual.host() as host:
            runs = [await host.submit(thread(name)) for name in ("t1", "t2")]
            async with host.worker(handler, unwind_seconds=0.1):
                for run in runs:
                    await host.until(run, lambda view: view.status is RunStatus.RUNNING)
                await damage(host, runs[0])
                await cancelled(host, runs[1])
                await virtual.sleep(2)
                assert heard == ["t2"]

    virtual.run(scenario)


async def damage(host: Host, run: RunView) -> None:
    address = Address(TURN_STATES.name, run.scope, str(run.scope.thread))
    deadline = Deadline.after(host.turns.clock, 15)
    cell = (await host.store.load([address], deadline=deadline)).cells[address]
    entry = Entry(body=b"damaged", index=cell.entry.index)
    await host.store.commit(
        host.turns.ids.commit_id(),
        [Put(address, cell.revision, entry)],
        (),
        valid_until=None,
        deadline=deadline,
    )


@pytest.mark.parametrize("runs", [1, 8])
def test_one_look_serves_all_runs_of_a_worker_and_writes_nothing(
    virtual: VirtualSite, runs: int
) -> None:
    """Law 27: what concerns none of them is no reason for a heartbeat."""

    async def handler(ctx: RunContext) -> None:
        await virtual.sleep(25)

    async def scenario() -> None:
        async with virtual.host() as other, virtual.suffering("") as (host, faulty):
            views = [await other.submit(thread(f"t{number}")) for number in range(runs)]
            async with host.worker(handler, concurrency=runs, sweep_seconds=3_600.0):
                for view in views:
                    await other.until(view, lambda view: view.status is RunStatus.RUNNING)
                await virtual.sleep(1)
                before = len(faulty.calls)
                for number in range(50):
                    await other.submit(thread(f"u{number}", user="eve"), request=f"u{number}")
                    await cancelled(other, await other.submit(thread("v"), request=f"v{number}"))
                    await virtual.sleep(0.1)
                calls = [call.operation.value for call in faulty.calls[before:]]
                assert calls.count("commit") == 0
                assert calls.count("load") <= 5 / 0.25 + 2
            assert all([(await other.settled(view)).epoch == 1 for view in views])

    virtual.run(scenario)


def test_an_idle_worker_looks_at_nothing(virtual: VirtualSite) -> None:
    async def handler(ctx: RunContext) -> None:
        pass

    async def scenario() -> None:
        async with virtual.host() as other, virtual.suffering("") as (host, faulty):
            async with host.worker(handler, sweep_seconds=3_600.0):
                await host.settled(await other.submit())
                await virtual.sleep(10)
                before = len(faulty.calls)
                await virtual.sleep(100)
                calls = [call.operation.value for call in faulty.calls[before:]]
            assert set(calls) <= {"scan", "changed"}

    virtual.run(scenario)


def test_a_handler_that_is_given_time_to_end_is_still_called_off(virtual: VirtualSite) -> None:
    heard: list[float] = []

    async def handler(ctx: RunContext) -> None:
        await ctx.cancelling.wait()
        heard.append(virtual.clock.monotonic())

    async def scenario() -> None:
        async with virtual.host() as host:
            run = await host.submit()
            worker = host.worker(handler)
            task = asyncio.ensure_future(worker.run())
            await host.until(run, lambda view: view.status is RunStatus.RUNNING)
            worker.drain()
            await virtual.sleep(3)
            before = virtual.clock.monotonic()
            await cancelled(host, run)
            await task
            assert heard[0] - before < 2
            assert (await host.settled(run)).status is RunStatus.CANCELLED

    virtual.run(scenario)
