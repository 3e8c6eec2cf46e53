"""A worker process: it carries out tasks on a store that others work on too, until it is killed."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Final

from examples.agentdojo.agent import Agent
from examples.agentdojo.asking import Asking
from turnkeep import (
    Scope,
    ScopePrefix,
    Settings,
    TurnSettings,
    Worker,
    WorkerSettings,
    drained_by_signals,
    open_keep,
)

READY: Final = "ready"

# Leases as short as a trial needs them: who is killed is missed soon.
HASTY: Final = Settings(
    turns=TurnSettings(lease_seconds=3, cancel_grace_seconds=1, backoff_seconds_min=0.1)
)
HASTY_WORKER: Final = WorkerSettings(
    heartbeat_seconds=0.75,
    fence_seconds=2.25,
    poll_seconds=0.1,
    sweep_seconds=0.3,
    drain_seconds=10,
)
_CONCURRENCY: Final = 2
_STDIN: Final = 0


async def work(*, store: str, tenant: str, socket: str, holder: str) -> None:
    """Carries out the runs of a tenant until it is drained, or whoever started it has gone."""
    async with open_keep(store, settings=HASTY) as keep:
        worker = Worker(
            keep,
            Agent(Asking(socket)),
            concurrency=_CONCURRENCY,
            prefix=ScopePrefix(scope=Scope.of(tenant, None), depth=1),
            holder=holder,
            settings=HASTY_WORKER,
        )
        loop = asyncio.get_running_loop()
        with drained_by_signals(worker):
            loop.add_reader(_STDIN, worker.drain)
            print(READY, flush=True)
            try:
                await worker.run()
            finally:
                loop.remove_reader(_STDIN)


def main() -> None:
    """Does what the first line of standard input says; a URL may hold a password."""
    asyncio.run(work(**json.loads(sys.stdin.buffer.readline())))


if __name__ == "__main__":
    main()
