"""Raw rows: what a host would write by hand over psycopg to change one row of its own table."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from attrs import define
from psycopg import AsyncConnection

from benchmarks.loss import require_count

# Room in each page, as the store's own table has it: no index is touched by an update.
TABLE: Final = (
    "CREATE TABLE raw (key bytea PRIMARY KEY, revision bigint NOT NULL, body bytea NOT NULL)"
    " WITH (fillfactor = 80)"
)
INSERT: Final = "INSERT INTO raw VALUES (%b, 0, %b)"
SELECT: Final = "SELECT revision, body FROM raw WHERE key = %b"
UPDATE_SEEN: Final = (
    "UPDATE raw SET revision = revision + 1, body = %b WHERE key = %b AND revision = %b"
)
UPDATE_ALONE: Final = "UPDATE raw SET revision = revision + 1, body = %b WHERE key = %b"


@define
class RawRow:
    """One row, on a connection of its own that commits each statement.

    Attributes:
        bodies: Put in turn. What an update leaves as it is, the server does not log.
    """

    connection: AsyncConnection[tuple[object, ...]]
    key: bytes
    bodies: tuple[bytes, bytes]
    acknowledged: int = 0

    async def seen(self, times: int) -> float:
        """The seconds of one `SELECT` and then one `UPDATE ... WHERE revision`."""
        started = time.perf_counter()
        for number in range(times):
            found = await (await self.connection.execute(SELECT, (self.key,))).fetchone()
            assert found is not None
            parameters = (self.bodies[number % 2], self.key, found[0])
            updated = await self.connection.execute(UPDATE_SEEN, parameters)
            self.acknowledged += updated.rowcount
        return (time.perf_counter() - started) / times

    async def alone(self, times: int) -> float:
        """The seconds of one `UPDATE` that asks nothing."""
        started = time.perf_counter()
        for number in range(times):
            parameters = (self.bodies[number % 2], self.key)
            updated = await self.connection.execute(UPDATE_ALONE, parameters)
            self.acknowledged += updated.rowcount
        return (time.perf_counter() - started) / times

    async def require_all(self, updates: int) -> None:
        """Nothing was lost: the row counts its updates.

        Raises:
            Lost: It counts others.
        """
        require_count("updates of a raw row", acknowledged=updates, found=self.acknowledged)
        found = await (await self.connection.execute(SELECT, (self.key,))).fetchone()
        revision = 0 if found is None else found[0]
        assert isinstance(revision, int)
        require_count("revisions of a raw row", acknowledged=updates, found=revision)


@asynccontextmanager
async def raw_row(url: str, name: str, bodies: tuple[bytes, bytes]) -> AsyncIterator[RawRow]:
    """A new row in the table `raw`, which is made where it is missing."""
    connection = await AsyncConnection.connect(url, autocommit=True)
    try:
        found = await (await connection.execute("SELECT to_regclass('raw')")).fetchone()
        if found == (None,):
            await connection.execute(TABLE)
        await connection.execute(INSERT, (name.encode(), bodies[1]))
        yield RawRow(connection, name.encode(), bodies)
    finally:
        await connection.close()
