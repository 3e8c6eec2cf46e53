"""The files store, judged as any store is."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from tests.files.files_harness import BUSY, FaultyHarness, FilesHarness, PowerHarness
from turnkeep.testing import Harness, StoreContract
from turnkeep.testing.laws.atomicity import AtomicityLaws
from turnkeep.testing.laws.cancellation import CancellationLaws
from turnkeep.testing.laws.crashes import CrashLaws
from turnkeep.testing.laws.events import EventLaws
from turnkeep.testing.laws.handles import HandleLaws
from turnkeep.testing.laws.races import RaceLaws
from turnkeep.testing.laws.revisions import RevisionLaws
from turnkeep.testing.laws.tailing import TailingLaws
from turnkeep.testing.laws.trimming import TrimmingLaws
from turnkeep_adapters.files.settings import FilesSettings


class TestGrouping(StoreContract):
    """As it comes."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> Harness:
        return FilesHarness(tmp_path, FilesSettings(poll_seconds=0.01))


class TestAlone(StoreContract):
    """Each commit in a segment of its own; buckets and checkpoints come and go all the time."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> Harness:
        return FilesHarness(tmp_path, evolve(BUSY, grouping=False))


class TestBehindFaultless(StoreContract):
    """Behind a store that could fail, and does not."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> Harness:
        return FaultyHarness(tmp_path, BUSY)


class TestPowerCuts(
    HandleLaws,
    AtomicityLaws,
    RaceLaws,
    RevisionLaws,
    EventLaws,
    TailingLaws,
    TrimmingLaws,
    CancellationLaws,
    CrashLaws,
):
    """On a simulated machine whose power is really cut, with nothing left that was not synced."""

    @pytest.fixture
    def harness(self) -> Harness:
        return PowerHarness(BUSY)
