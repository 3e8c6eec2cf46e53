"""The memory store, judged as any store is."""

from __future__ import annotations

import pytest

from tests.contract.memory_harness import MemoryHarness, OneHandleHarness
from turnkeep.testing import Harness, StoreContract


class TestMemory(StoreContract):
    @pytest.fixture
    def harness(self) -> Harness:
        return MemoryHarness()


class TestMemoryOfOneHandle(StoreContract):
    @pytest.fixture
    def harness(self) -> Harness:
        return OneHandleHarness()
