"""A locked row: what a host would write by hand to let many writers book on one row."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from attrs import define
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from benchmarks.loss import require_count
from benchmarks.tills import body_of, total_of
from turnkeep_domain.request_ids import Marks

CONNECTIONS: Final = 8
TABLES: Final = (
    "CREATE TABLE locked (key bytea PRIMARY KEY, revision bigint NOT NULL, body bytea NOT NULL)"
    " WITH (fillfactor = 80)",
    "CREATE TABLE locked_event (seq bigserial PRIMARY KEY, key bytea, body bytea)",
)
INSERT: Final = "INSERT INTO locked VALUES (%b, 0, %b)"
SELECT: Final = "SELECT body FROM locked WHERE key = %b FOR UPDATE"
# One statement, so that the event costs no round trip.
UPDATE: Final = (
    "WITH told AS (INSERT INTO locked_event (key, body) VALUES (%b, %b))"
    " UPDATE locked SET revision = revision + 1, body = %b WHERE key = %b"
)
COUNT: Final = (
    "SELECT revision, body, (SELECT count(*) FROM locked_event WHERE locked_event.key = locked.key)"
    " FROM locked WHERE key = %b"
)

Connection = AsyncConnection[tuple[object, ...]]


@define
class LockedRow:
    """One row that writers lock, each in a transaction on a connection of the pool."""

    pool: AsyncConnectionPool[Connection]
    key: bytes
    acknowledged: int = 0

    async def seconds(self, writers: int, times: int) -> float:
        """What one booking takes on average, with so many writers at once."""
        started = time.perf_counter()
        await asyncio.gather(*(self._repeat(times) for _ in range(writers)))
        return (time.perf_counter() - started) / (times * writers)

    async def _repeat(self, times: int) -> None:
        for _ in range(times):
            await self._book()

    async def _book(self) -> None:
        async with self.pool.connection() as connection, connection.transaction():
            found = await (await connection.execute(SELECT, (self.key,))).fetchone()
            assert found is not None
            assert isinstance(found[0], bytes)
            total = total_of(found[0]) + 1
            body = body_of(self.key.decode(), total, Marks.none())
            parameters = (self.key, str(total).encode(), body, self.key)
            await connection.execute(UPDATE, parameters)
        self.acknowledged += 1

    async def require_all(self) -> None:
        """Nothing was lost: the row, its body and its events count the same.

        Raises:
            Lost: They do not.
        """
        async with self.pool.connection() as connection:
            found = await (await connection.execute(COUNT, (self.key,))).fetchone()
        assert found is not None
        revision, body, events = found
        assert isinstance(revision, int)
        assert isinstance(body, bytes)
        assert isinstance(events, int)
        for counted in (revision, events, total_of(body)):
            require_count("locked bookings", acknowledged=self.acknowledged, found=counted)


@asynccontextmanager
async def locked_row(url: str, name: str) -> AsyncIterator[LockedRow]:
    """A new row in the table `locked`, which is made where it is missing."""
    pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
        url, min_size=CONNECTIONS, max_size=CONNECTIONS, open=False, timeout=600
    )
    async with pool:
        async with pool.connection() as connection:
            found = await (await connection.execute("SELECT to_regclass('locked')")).fetchone()
            if found == (None,):
                for table in TABLES:
                    await connection.execute(table)
            await connection.execute(INSERT, (name.encode(), body_of(name, 0, Marks.none())))
        yield LockedRow(pool, name.encode())
