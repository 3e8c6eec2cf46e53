"""The postgres store's harness: each opening is a store of its own, with its own connections."""

# typing.override is not in Python 3.11's library.
# mypy: disable-error-code="explicit-override"

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Final

import psycopg

from tests.postgres.databases import Databases
from tests.postgres.server import Server
from turnkeep.testing import Harness
from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.faulty.store import FaultyRecordStore
from turnkeep_adapters.postgres.settings import PostgresSettings
from turnkeep_adapters.postgres.store import PostgresRecordStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_ports.limits import WRITES_MAX
from turnkeep_ports.store import (
    Atomicity,
    Capabilities,
    Durability,
    Notification,
    RecordStore,
)

TERMINATE: Final = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


class PostgresHarness(Harness):
    """One database. It survives pickling, and then can open and nothing else."""

    def __init__(
        self, databases: Databases, server: Server | None, settings: PostgresSettings
    ) -> None:
        self.url = databases.clone()
        self.private = (self.url,)
        self._settings = settings
        self._databases: Databases | None = databases
        self._server = server

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_databases": None, "_server": None}

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            atomicity=Atomicity.MULTI,
            durability=Durability.POWER,
            notification=Notification.PUSH if self._settings.listens else Notification.POLL,
            writes_max=WRITES_MAX,
        )

    def open(self) -> AbstractAsyncContextManager[RecordStore]:
        return PostgresRecordStore(self.url, clock=SystemClock(), settings=self._settings)

    def elsewhere(self) -> PostgresHarness:
        assert self._databases is not None
        return type(self)(self._databases, self._server, self._settings)

    async def crash(self) -> None:
        """Kills the whole server; one that is not the test's own only loses its sessions."""
        if self._server is not None:
            self._server.crash()
            self._server.start()
            return
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(TERMINATE)


class FaultyPostgresHarness(PostgresHarness):
    """The same, each store in a wrapper in which nothing goes wrong."""

    def open(self) -> AbstractAsyncContextManager[RecordStore]:
        clock = SystemClock()
        inner = PostgresRecordStore(self.url, clock=clock, settings=self._settings)
        return FaultyRecordStore(inner, script=Script.parse(""), clock=clock)
