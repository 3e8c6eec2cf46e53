"""Writers: coroutines that update approvals through the loop, and count what is acknowledged."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence

from attrs import field, frozen
from dependency_injector import providers

from benchmarks.approval_pair import ApprovalPair
from turnkeep import Container, Settings
from turnkeep_application.errors import Contended
from turnkeep_application.updates import Updates
from turnkeep_domain.keys import Address
from turnkeep_ports.store import RecordStore


@frozen
class Writers:
    """The writers of one process on one store.

    Attributes:
        acknowledged: How many updates of each cell were, so far.
    """

    updates: Updates
    acknowledged: Counter[Address] = field(factory=Counter, init=False)

    @classmethod
    def on(cls, store: RecordStore, settings: Settings | None = None) -> Writers:
        """Writers that use a store as a host does, with an update loop of their own.

        Args:
            store: Open.
            settings: None for those that a host gets unasked.
        """
        container = Container()
        container.store.override(providers.Object(store))
        if settings is not None:
            container.settings.override(providers.Object(settings))
        return cls(container.updates())

    async def update(self, pair: ApprovalPair) -> None:
        """One update. A writer that loses every race of an update begins it anew."""
        while True:
            try:
                await self.updates.update([pair.where], pair.swap)
            except Contended:
                continue
            self.acknowledged[pair.where.address] += 1
            return

    async def seconds(self, pairs: Sequence[ApprovalPair], times: int) -> float:
        """What one update takes on average, with a writer for each approval, all at once."""
        started = time.perf_counter()
        await asyncio.gather(*(self._repeat(pair, times) for pair in pairs))
        return (time.perf_counter() - started) / (times * len(pairs))

    async def _repeat(self, pair: ApprovalPair, times: int) -> None:
        for _ in range(times):
            await self.update(pair)
