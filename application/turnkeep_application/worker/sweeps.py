"""Sweeps: the loop of a worker that tidies what time or a crash has left."""

from __future__ import annotations

import asyncio
import itertools
import logging
from typing import Final

from attrs import frozen

from turnkeep_application.keep import Keep
from turnkeep_application.turns.turns import Turns
from turnkeep_application.watching import Watch
from turnkeep_application.worker.intake import EVERYWHERE
from turnkeep_application.worker.tidying import Tidying
from turnkeep_application.worker.worker_settings import WorkerSettings
from turnkeep_domain.budgets.pruned import GATES
from turnkeep_domain.errors import TurnkeepError
from turnkeep_ports.store import Interest

_LOG: Final = logging.getLogger("turnkeep.worker")
_BREATH_SECONDS: Final = 0.02
# Runs may wait for what a sweep of runs does; for a tidying of the rest nobody does.
_SWEEPS_A_TIDYING: Final = 4


@frozen(kw_only=True)
class Sweeps:
    """A sweep now and then, at times that workers do not share."""

    keep: Keep
    settings: WorkerSettings

    @property
    def turns(self) -> Turns:
        """The use cases of its runs."""
        return self.keep.turns

    async def run(self) -> None:
        """Sweeps until it is cancelled. One that fails is followed by the next."""
        hearing = asyncio.create_task(self._hear_of_gates(), name="turnkeep budget gates")
        try:
            await self._sweep_now_and_then()
        finally:
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)

    async def _hear_of_gates(self) -> None:
        """Lets runs go on as soon as a budget gate was answered.

        A hint that never comes costs the time to the next sweep.
        """
        turns = self.turns
        interest = Interest(collection=GATES.name, prefix=EVERYWHERE)
        watch = Watch(store=turns.store, clock=turns.clock, interest=interest)
        await watch.begin(patience_seconds=self.settings.poll_seconds)
        while True:
            await watch.sleep(self.settings.sweep_seconds)
            try:
                await turns.resume_budget_waits(limit=self.settings.sweep_records)
            except TurnkeepError as error:
                _LOG.warning("runs that wait for budgets were not looked at: %s", error)
            # Hints come in bursts, of which each look answers all that came before it.
            await turns.clock.sleep(min(_BREATH_SECONDS, self.settings.sweep_seconds))

    async def _sweep_now_and_then(self) -> None:
        seconds = self.settings.sweep_seconds
        # Hosts that are started together must not sweep together.
        await self.turns.clock.sleep(self.turns.random.below(seconds))
        for sweep in itertools.count():
            await self.sweep()
            if sweep % _SWEEPS_A_TIDYING == 0:
                await Tidying(keep=self.keep, limit=self.settings.sweep_records).tidy()
            await self.turns.clock.sleep(seconds / 2 + self.turns.random.below(seconds))

    async def sweep(self) -> None:
        """Tidies once; what goes wrong is logged."""
        limit = self.settings.sweep_records
        try:
            swept = await self.turns.sweep(limit=limit)
            await self.turns.retire(limit=limit)
        except TurnkeepError as error:
            _LOG.warning("a sweep was cut short: %s", error)
            return
        for unreadable in swept.unreadable:
            _LOG.error("a record cannot be read: %s", unreadable.code)
