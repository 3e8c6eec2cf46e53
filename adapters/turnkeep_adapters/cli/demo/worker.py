"""A worker process: it takes turns on a store that others work on too, until it is drained."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Final

from attrs import asdict

from turnkeep import Tallies, Worker, drained_by_signals, open_keep
from turnkeep_adapters.cli.demo.agent import Agent
from turnkeep_adapters.cli.demo.contract import CONCURRENCY, HASTY, HASTY_WORKER, Contract
from turnkeep_adapters.cli.demo.effort import Effort
from turnkeep_adapters.cli.demo.shelf import Shelf
from turnkeep_adapters.cli.demo.world import World

READY: Final = b"ready\n"
_STDIN: Final = 0
_STDOUT: Final = 1


async def work(contract: Contract) -> Effort:
    """Takes turns until it is drained; what that took.

    Raises:
        TurnkeepError: The store cannot be opened.
    """
    tallies = Tallies()
    agent = Agent(
        shelf=Shelf(contract.errands, contract.seed),
        world=World(contract.world),
        seed=contract.seed,
    )
    async with open_keep(contract.store, settings=HASTY, telemetry=tallies) as keep:
        worker = Worker(
            keep,
            agent,
            concurrency=CONCURRENCY,
            holder=contract.holder,
            settings=HASTY_WORKER,
        )
        with drained_by_signals(worker):
            # Standard input ends with the company, which can then drain nobody.
            loop = asyncio.get_running_loop()
            loop.add_reader(_STDIN, worker.drain)
            os.write(_STDOUT, READY)
            try:
                await worker.run()
            finally:
                loop.remove_reader(_STDIN)
    return Effort.of(tallies)


def main() -> None:
    """Does what the contract on standard input says."""
    contract = Contract.of(sys.stdin.buffer.readline())
    os.write(_STDOUT, json.dumps(asdict(asyncio.run(work(contract)))).encode() + b"\n")


if __name__ == "__main__":
    main()
