"""Hosts whose clocks are an hour apart agree on expiry: the database's clock alone decides."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Final

import pytest
from attrs import evolve, frozen

from tests.application.worker.sites import QUICK, Host
from tests.postgres.databases import shared
from tests.postgres.world import QUIET
from turnkeep import ClaimEnded, Heartbeat, Refused, RunStatus, Token
from turnkeep_adapters.postgres.store import PostgresRecordStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_adapters.system.ids import SystemIds
from turnkeep_adapters.system.randomness import SystemRandom

LEASE_SECONDS: Final = 1.5
PACE: Final = evolve(
    QUICK,
    turns=evolve(QUICK.turns, lease_seconds=LEASE_SECONDS),
    worker=evolve(QUICK.worker, fence_seconds=1.0),
)


@frozen
class OffClock(SystemClock):
    """A machine whose clocks, the wall's and the monotonic one, are off by so much."""

    by: timedelta

    def monotonic(self) -> float:  # type: ignore[explicit-override] # typing.override: 3.12
        return super().monotonic() + self.by.total_seconds()

    def utc_now(self) -> datetime:  # type: ignore[explicit-override] # typing.override: 3.12
        return super().utc_now() + self.by


@pytest.fixture
def url() -> Iterator[str]:
    databases = shared()[1]
    yield databases.clone()
    databases.drop()


async def host(stack: AsyncExitStack, url: str, by: timedelta) -> Host:
    clock = OffClock(by)
    store = PostgresRecordStore(url, pool=None, clock=clock, settings=QUIET)
    await stack.enter_async_context(store)
    return Host.over(store, clock=clock, random=SystemRandom(), ids=SystemIds(), pace=PACE)


@pytest.mark.parametrize("hours", [1, -1], ids=["the claimant is ahead", "the claimant is behind"])
async def test_hosts_an_hour_apart_agree_on_expiry(url: str, hours: int) -> None:
    """30."""
    async with AsyncExitStack() as stack:
        one = await host(stack, url, timedelta(hours=hours))
        other = await host(stack, url, timedelta(0))
        run = await one.submit()
        (granted,) = (await one.turns.claim(holder="one", token=Token(b"t" * 16))).granted
        # An hour more or less on a host's clock makes no claim older.
        assert (await other.turns.recover(limit=10)).recovered == 0
        beat = await other.turns.heartbeat(granted.claim)
        assert isinstance(beat, Heartbeat)
        assert beat.until - beat.at == timedelta(seconds=LEASE_SECONDS)

        while (await other.turns.recover(limit=10)).recovered == 0:
            view = await other.turns.get(run.address)
            assert view is not None
            assert view.status is RunStatus.RUNNING
            await asyncio.sleep(0.02)
        ended = await one.turns.complete(granted.claim)
        assert isinstance(ended, Refused)
        assert isinstance(ended.reason, ClaimEnded)
        assert ended.reason.end.outcome.status is RunStatus.QUEUED
        requeued = await other.turns.get(run.address)
        assert requeued is not None
        assert requeued.updated_at >= beat.until
