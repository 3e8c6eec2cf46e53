"""The faulty store's harness: nothing goes wrong, since the script is empty."""

# typing.override is not in Python 3.11's library.
# mypy: disable-error-code="explicit-override"

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from tests.contract.memory_harness import MemoryHarness
from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.faulty.store import FaultyRecordStore
from turnkeep_adapters.memory.store import MemoryRecordStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_ports.store import RecordStore


class FaultyHarness(MemoryHarness):
    """Handles of one memory core, each in a wrapper."""

    def open(self) -> AbstractAsyncContextManager[RecordStore]:
        clock = SystemClock()
        inner = MemoryRecordStore(core=self._core, clock=clock)
        return FaultyRecordStore(inner, script=Script.parse(""), clock=clock)
