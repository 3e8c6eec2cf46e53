"""Faultless stores: each law can be kept, by the simplest store and by one that takes liberties."""

from __future__ import annotations

import pytest

from tests.contract.free_store import FreeStore
from tests.contract.reference_harness import ReferenceHarness
from turnkeep.testing import Harness, StoreContract


class TestReference(StoreContract):
    @pytest.fixture
    def harness(self) -> Harness:
        return ReferenceHarness()


class TestFree(StoreContract):
    @pytest.fixture
    def harness(self) -> Harness:
        return ReferenceHarness(FreeStore)
