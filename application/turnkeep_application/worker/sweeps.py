"""Sweeps: the loop of a worker that tidies what time or a crash has left."""

from __future__ import annotations

import logging
from typing import Final

from attrs import frozen

from turnkeep_application.turns.turns import Turns
from turnkeep_application.worker.worker_settings import WorkerSettings
from turnkeep_domain.errors import TurnkeepError

_LOG: Final = logging.getLogger("turnkeep.worker")


@frozen(kw_only=True)
class Sweeps:
    """A sweep now and then, at times that workers do not share."""

    turns: Turns
    settings: WorkerSettings

    async def run(self) -> None:
        """Sweeps until it is cancelled. One that fails is followed by the next."""
        seconds = self.settings.sweep_seconds
        # Hosts that are started together must not sweep together.
        await self.turns.clock.sleep(self.turns.random.below(seconds))
        while True:
            await self.sweep()
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
