"""Fates: processes meet theirs in the middle of their runs, and another worker goes on."""

from __future__ import annotations

import asyncio

from tests.application.worker.sites import Host
from tests.processes.working import Labourer, Order, labourers
from turnkeep_application.turns.views import RunView
from turnkeep_application.worker.context import Handler


async def carried_on(host: Host, orders: list[Order], runs: list[RunView], handler: Handler) -> int:
    """Ends all runs, each begun by the process of its order; how many of those met their fate."""
    with labourers(*orders) as running:
        pairs = list(zip(running, runs, strict=True))
        met = sum(await asyncio.gather(*(met_its_fate(host, *pair) for pair in pairs)))
        async with host.worker(handler):
            for run in runs:
                await host.until(run, lambda view: view.status.final)
        for labourer in running:
            if labourer.stopped:
                labourer.go_on()
            if not labourer.ended:
                assert labourer.drained() == 0, "it does not see that it was fenced"
    return met


async def met_its_fate(host: Host, labourer: Labourer, run: RunView) -> bool:
    """Waits until the process was killed or stopped; False where its run has ended before."""
    while not labourer.met_its_fate():
        view = await host.turns.get(run.address)
        assert view is not None
        if view.status.final:
            return labourer.met_its_fate()
        await asyncio.sleep(0.05)
    return True
