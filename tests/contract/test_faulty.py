"""X1: a faulty store with an empty script obeys all laws."""

from __future__ import annotations

import pytest

from tests.contract.faulty_harness import FaultyHarness
from turnkeep.testing import Harness, StoreContract


class TestFaulty(StoreContract):
    @pytest.fixture
    def harness(self) -> Harness:
        return FaultyHarness()
