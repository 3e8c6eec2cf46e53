"""A company: the worker processes of one demonstration, and the harm that is done to them.

After every few deeds one of them, drawn at random, is killed and replaced, or stopped until its
leases are long over and then woken: it must find that it has lost its runs, and write nothing.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from attrs import define, evolve, field, frozen

from turnkeep_adapters.cli.demo.contract import LEASE_SECONDS, Contract
from turnkeep_adapters.cli.demo.effort import Effort
from turnkeep_adapters.cli.demo.errand import drawn
from turnkeep_adapters.cli.demo.hired import Hired
from turnkeep_adapters.cli.demo.world import World

_ROUND_SECONDS: Final = 0.02
_DEEDS_MAX: Final = 3
_PAUSE_SECONDS: Final = 1.5 * LEASE_SECONDS


@frozen(kw_only=True)
class Harm:
    """What is to be done to workers.

    Attributes:
        kills: How many are to be killed.
        pauses: How many are to be paused past their leases.
    """

    kills: int
    pauses: int


@define(kw_only=True)
class Company:
    """Workers on one store, and what became of them.

    Attributes:
        contract: What each is hired for; holders are numbered.
        workers: How many work at once.
        harm: What is to be done to them.
        directory: Where what they say is kept.
        killed: Who was, in order.
        paused: Who was, in order.
        effort: What it took those that were drained.
    """

    contract: Contract
    workers: int
    harm: Harm
    directory: Path
    killed: list[str] = field(factory=list, init=False)
    paused: list[str] = field(factory=list, init=False)
    effort: Effort = field(factory=lambda: Effort.together(()), init=False)
    _working: list[Hired] = field(factory=list, init=False)
    _well: list[Hired] = field(factory=list, init=False)
    _hired: int = field(default=0, init=False)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Workers take turns as long as the block runs, and are drained at its end.

        Raises:
            WorkerDied: One ended that nobody had killed.
        """
        try:
            await asyncio.gather(*(self._hire() for _ in range(self.workers)))
            yield
            efforts = await asyncio.gather(*(hired.drained() for hired in self._working))
            self.effort = Effort.together(efforts)
        finally:
            for hired in self._working:
                hired.kill()
            await asyncio.gather(*(hired.gone() for hired in self._working))

    async def suffer(self) -> None:
        """Does harm to workers while they do deeds, until all that was planned is done."""
        chance = drawn(self.contract.seed, "harm")
        plan = [self._kill] * self.harm.kills + [self._pause] * self.harm.pauses
        chance.shuffle(plan)
        async with asyncio.TaskGroup() as group:
            for harm in plan:
                await self._deeds(chance.randint(1, _DEEDS_MAX))
                group.create_task(harm(await self._victim(chance)))

    async def watch(self) -> None:
        """Never returns.

        Raises:
            WorkerDied: A worker ended that nobody had killed.
        """
        while True:
            for hired in self._working:
                if hired.has_ended:
                    raise await hired.death()
            await asyncio.sleep(_ROUND_SECONDS)

    async def _deeds(self, number: int) -> None:
        """Returns when so many more deeds were done."""
        world = World(self.contract.world)
        until = world.count() + number
        # The world has no bell to ring.
        while world.count() < until:  # noqa: ASYNC110
            await asyncio.sleep(_ROUND_SECONDS)

    async def _victim(self, chance: random.Random) -> Hired:
        """Somebody who works, once there is anybody; nobody else may harm them meanwhile."""
        while not self._well:  # noqa: ASYNC110 - a worker that is ready has no bell to ring
            await asyncio.sleep(_ROUND_SECONDS)
        victim = chance.choice(self._well)
        self._well.remove(victim)
        return victim

    async def _kill(self, victim: Hired) -> None:
        # Nobody may take its end for a death of its own.
        self._working.remove(victim)
        victim.kill()
        await victim.gone()
        self.killed.append(victim.name)
        await self._hire()

    async def _pause(self, victim: Hired) -> None:
        victim.pause()
        try:
            await asyncio.sleep(_PAUSE_SECONDS)
        finally:
            victim.wake()
        self.paused.append(victim.name)
        self._well.append(victim)

    async def _hire(self) -> None:
        self._hired += 1
        contract = evolve(self.contract, holder=f"worker-{self._hired}")
        hired = await Hired.under(contract, self.directory)
        self._working.append(hired)
        self._well.append(hired)
