"""The memory store's harness: handles of one core, on a wall clock that is set by hand."""

# typing.override is not in Python 3.11's library.
# mypy: disable-error-code="explicit-override"

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta

from turnkeep.testing import Harness
from turnkeep.testing.specimens import NOON
from turnkeep_adapters.memory.database import MemoryCore
from turnkeep_adapters.memory.event_log import STORE_ID_BYTES
from turnkeep_adapters.memory.store import MemoryRecordStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_ports.limits import WRITES_MAX
from turnkeep_ports.store import Atomicity, Capabilities, Durability, Notification, RecordStore


class MemoryHarness(Harness):
    """Data that lives as long as the harness; each opening is a handle of its own."""

    def __init__(self) -> None:
        self._now = NOON
        store_id = secrets.token_bytes(STORE_ID_BYTES)
        self._core = MemoryCore(store_id=store_id, wall_clock=lambda: self._now)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            atomicity=Atomicity.MULTI,
            durability=Durability.VOLATILE,
            notification=Notification.PUSH,
            writes_max=WRITES_MAX,
        )

    def open(self) -> AbstractAsyncContextManager[RecordStore]:
        return MemoryRecordStore(core=self._core, clock=SystemClock())

    def elsewhere(self) -> MemoryHarness:
        return type(self)()

    async def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


class OneHandleHarness(MemoryHarness):
    """The same, and all openings share one handle, as the tasks of one process do."""

    def __init__(self) -> None:
        super().__init__()
        self._handle = MemoryRecordStore(core=self._core, clock=SystemClock())
        self._openings = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[RecordStore]:
        self._openings += 1
        try:
            if self._openings == 1:
                await self._handle.__aenter__()
            yield self._handle
        finally:
            self._openings -= 1
            if not self._openings:
                await self._handle.__aexit__(None, None, None)
