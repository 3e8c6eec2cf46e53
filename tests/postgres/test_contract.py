"""The postgres store, judged as any store is: with grouping, without it, polled, and wrapped."""

from __future__ import annotations

import pytest

from tests.postgres.databases import Databases
from tests.postgres.harness import FaultyPostgresHarness, PostgresHarness
from tests.postgres.server import Server
from turnkeep.testing import Harness, StoreContract
from turnkeep_adapters.postgres.settings import PostgresSettings

SMALL = PostgresSettings(pool_max=4)
POLLED = PostgresSettings(pool_max=4, grouping=False, notification=False, poll_seconds=0.05)


class TestGrouping(StoreContract):
    @pytest.fixture
    def harness(self, databases: Databases, server: Server | None) -> Harness:
        return PostgresHarness(databases, server, SMALL)


class TestOneByOne(StoreContract):
    @pytest.fixture
    def harness(self, databases: Databases, server: Server | None) -> Harness:
        return PostgresHarness(databases, server, POLLED)


class TestWrapped(StoreContract):
    @pytest.fixture
    def harness(self, databases: Databases, server: Server | None) -> Harness:
        return FaultyPostgresHarness(databases, server, SMALL)
