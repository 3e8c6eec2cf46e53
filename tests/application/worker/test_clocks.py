"""Hosts whose clocks differ agree on who holds a run: the store's clock alone decides."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from attrs import field, frozen

from tests.application.approvals.keep import STORES, Handles
from tests.application.worker.sites import QUICK, Host, VirtualSite
from tests.postgres.databases import shared
from tests.postgres.world import QUIET
from turnkeep_adapters.postgres.store import PostgresRecordStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_adapters.system.ids import SystemIds
from turnkeep_adapters.system.randomness import SystemRandom
from turnkeep_adapters.virtual.clock import VirtualClock, Wall
from turnkeep_application.turns.claim_pass import ClaimedRun
from turnkeep_application.worker.context import RunContext
from turnkeep_domain.decisions import Refused
from turnkeep_domain.turns.claims import Heartbeat, Token
from turnkeep_domain.turns.run_states import RunStatus
from turnkeep_ports.clock import Timer

HOUR: float = 3_600.0


@frozen
class AheadClock:
    """A machine whose clocks, all of them, are ahead of another's."""

    seconds: float
    clock: SystemClock = field(factory=SystemClock)

    def monotonic(self) -> float:
        return self.clock.monotonic() + self.seconds

    def utc_now(self) -> datetime:
        return self.clock.utc_now() + timedelta(seconds=self.seconds)

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        return self.clock.call_at(when - self.seconds, callback)

    async def sleep(self, seconds: float) -> None:
        await self.clock.sleep(seconds)


@pytest.fixture
def url() -> Iterator[str]:
    _, databases = shared()
    yield databases.clone()
    databases.drop()


async def claimed(host: Host) -> ClaimedRun:
    found = await host.turns.claim(holder="w1", token=Token(b"t" * 16))
    (granted,) = found.granted
    return granted


def host_on(store: PostgresRecordStore, clock: AheadClock) -> Host:
    return Host.over(store, clock=clock, random=SystemRandom(), ids=SystemIds(), pace=QUICK)


def test_two_hosts_an_hour_apart_agree_on_expiry(url: str) -> None:
    """Law 30: over a server, whose clock is the only one that counts."""
    here, ahead = AheadClock(0.0), AheadClock(HOUR)

    async def scenario() -> None:
        async with (
            PostgresRecordStore(url, clock=here, settings=QUIET) as store,
            PostgresRecordStore(url, clock=ahead, settings=QUIET) as beside,
        ):
            host, other = host_on(store, here), host_on(beside, ahead)
            run = await host.submit()
            granted = await claimed(host)
            assert (await other.turns.recover(limit=10)).recovered == 0
            assert isinstance(await host.turns.heartbeat(granted.claim), Heartbeat)
            await asyncio.sleep(QUICK.turns.lease_seconds + 0.1)
            assert isinstance(await host.turns.heartbeat(granted.claim), Refused)
            assert (await other.turns.recover(limit=10)).recovered == 1

            async def handler(ctx: RunContext) -> None:
                # Long enough for heartbeats to matter.
                await asyncio.sleep(2 * QUICK.turns.lease_seconds)

            async with other.worker(handler), host.worker(handler):
                view = await host.until(run, lambda view: view.status.final)
            assert (view.status, view.counters.lost) == (RunStatus.COMPLETED, 1)

    asyncio.run(scenario())


@pytest.mark.parametrize("step", [-HOUR, HOUR])
def test_a_wall_clock_that_is_set_while_a_run_is_carried_out(step: float) -> None:
    """Law 30: set back it changes nothing; set ahead, a lease is over, and the worker is told."""
    walls: list[Wall] = []

    def made(clock: VirtualClock, wall: Wall) -> Handles:
        walls.append(wall)
        return STORES["memory"](clock, wall)

    site = VirtualSite(made)
    epochs: list[int] = []

    async def handler(ctx: RunContext) -> None:
        epochs.append(ctx.epoch)
        await site.sleep(200)

    async def scenario() -> None:
        async with site.host() as host:
            run = await host.submit()
            async with host.worker(handler):
                await site.sleep(50)
                walls[0].step(step)
                view = await host.until(run, lambda view: view.status.final)
            assert view.status is RunStatus.COMPLETED
            assert len(epochs) == (1 if step < 0 else 2)

    site.run(scenario)
