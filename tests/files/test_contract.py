"""The files store, judged as any store is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.files.files_harness import FilesHarness
from turnkeep.testing import Harness, StoreContract
from turnkeep_adapters.files.settings import FilesSettings

BUSY = FilesSettings(poll_seconds=0.01, bucket_segments=16, compaction_bytes=16 << 10)


class TestGrouping(StoreContract):
    """Commits that wait together share a segment; buckets and checkpoints come and go."""

    @pytest.fixture
    def harness(self, tmp_path: Path) -> Harness:
        return FilesHarness(tmp_path, BUSY)
