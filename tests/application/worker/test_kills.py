"""A worker that is killed at any of its commits costs its run time, and nothing else.

The same errand is run again and again; each time its worker dies one commit later, either just
before the commit is handed over or just before its answer is heard. Another worker goes on.
"""

from __future__ import annotations

import asyncio

import pytest

from tests.application.approvals.keep import STORES
from tests.application.worker.errand import People, errand, require_whole
from tests.application.worker.mortal import Moment, MortalStore
from tests.application.worker.outside import Remembered
from tests.application.worker.sites import VirtualSite, thread
from turnkeep_application.worker.racing import first_of
from turnkeep_ports.store import RecordStore

LEAST = 19
"""Commits that an errand takes, at least: fewer would mean that it leaves doors out."""


async def died(site: VirtualSite, at: int, moment: Moment) -> bool:
    """One errand whose first worker dies at its commit of that number; whether it got so far."""
    outside = Remembered()
    handler = errand(outside)

    def mortal(inner: RecordStore) -> MortalStore:
        return MortalStore(inner, at=at, moment=moment)

    async with site.host() as host, site.host(mortal) as doomed:
        store = doomed.store
        assert isinstance(store, MortalStore)
        run = await host.submit(thread(f"t{at}"), request=f"q{at}")
        people = asyncio.create_task(People(host, outside).look_after(5.0))
        dying = asyncio.create_task(doomed.worker(handler).run())
        await first_of(store.died.wait(), host.until(run, lambda view: view.status.final))
        async with host.worker(handler):
            await host.until(run, lambda view: view.status.final)
        for task in (people, dying):
            task.cancel()
            await asyncio.wait([task])
        await require_whole(host, outside, [run])
        return store.died.is_set()


@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize("store", ["memory", "files"])
def test_a_worker_may_be_killed_at_each_of_its_commits(store: str, moment: Moment) -> None:
    """Laws 52 to 54 and 64, every crash window of a run's life among them."""
    site, at = VirtualSite(STORES[store]), 0

    async def scenario() -> None:
        nonlocal at
        while await died(site, at + 1, moment):
            at += 1

    site.run(scenario)
    assert at >= LEAST
