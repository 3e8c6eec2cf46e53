"""The composite store, judged as any store is, as long as what is judged is on one mount."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.composite.composite_harness import CompositeHarness
from tests.contract.memory_harness import MemoryHarness
from tests.files.files_harness import FilesHarness
from turnkeep.testing import Harness, StoreContract
from turnkeep_adapters.files.settings import FilesSettings

POLLED = FilesSettings(poll_seconds=0.01)


class TestOnAMount(StoreContract):
    @pytest.fixture
    def harness(self) -> Harness:
        return CompositeHarness(MemoryHarness(), MemoryHarness(), mounted=True)


class TestOnTheRest(StoreContract):
    @pytest.fixture
    def harness(self) -> Harness:
        return CompositeHarness(MemoryHarness(), MemoryHarness(), mounted=False)


class TestOnFiles(StoreContract):
    """Both survive their processes, so that other processes can open both."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> Harness:
        one, other = tmp_path / "one", tmp_path / "other"
        one.mkdir()
        other.mkdir()
        return CompositeHarness(
            FilesHarness(one, POLLED), FilesHarness(other, POLLED), mounted=True
        )
