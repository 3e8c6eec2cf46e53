"""A composite store over a database, judged as any store is, and over a database and files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.composite.composite_harness import CompositeHarness
from tests.contract.memory_harness import MemoryHarness
from tests.files.files_harness import FilesHarness
from tests.postgres.databases import Databases
from tests.postgres.harness import PostgresHarness
from tests.postgres.server import Server
from turnkeep.testing import Harness, StoreContract
from turnkeep.testing.laws.crashes import CrashLaws
from turnkeep.testing.laws.events import EventLaws
from turnkeep.testing.laws.handles import HandleLaws
from turnkeep.testing.laws.processes import ProcessLaws
from turnkeep.testing.laws.tailing import TailingLaws
from turnkeep.testing.laws.trimming import TrimmingLaws
from turnkeep_adapters.files.settings import FilesSettings
from turnkeep_adapters.postgres.settings import PostgresSettings

SMALL = PostgresSettings(pool_max=4)


class TestOnADatabase(StoreContract):
    @pytest.fixture
    def harness(self, databases: Databases, server: Server | None) -> Harness:
        database = PostgresHarness(databases, server, SMALL)
        return CompositeHarness(database, MemoryHarness(), mounted=False)


class TestOnFilesBesideADatabase(
    HandleLaws, EventLaws, TailingLaws, TrimmingLaws, CrashLaws, ProcessLaws
):
    @pytest.fixture
    def harness(self, databases: Databases, server: Server | None, tmp_path: Path) -> Harness:
        files = FilesHarness(tmp_path, FilesSettings(poll_seconds=0.01))
        return CompositeHarness(files, PostgresHarness(databases, server, SMALL), mounted=True)
