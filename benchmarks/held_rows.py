"""Held rows: what a host would write by hand to hold and charge an estimate on one budget row.

Each half of a pair is a transaction: the budget's row is locked, judged in the program, and changed
together with the reservation's row and an event, in one statement.
"""

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

CONNECTIONS: Final = 8
"""More of them only wait for the lock, and hold back the one that has it."""
ESTIMATE: Final = 10
ACTUAL: Final = 7
TABLES: Final = (
    "CREATE TABLE held_budget (id text PRIMARY KEY, ceiling bigint NOT NULL,"
    " spent bigint NOT NULL, held bigint NOT NULL) WITH (fillfactor = 50)",
    "CREATE TABLE held_reservation (id text PRIMARY KEY, estimate bigint NOT NULL,"
    " actual bigint, state text NOT NULL, deadline timestamptz NOT NULL) WITH (fillfactor = 80)",
    "CREATE TABLE held_event (seq bigserial PRIMARY KEY, id text NOT NULL, kind text NOT NULL,"
    " body jsonb NOT NULL)",
    "INSERT INTO held_budget VALUES ('hot', 1000000000000000, 0, 0)",
)
LOCK: Final = "SELECT ceiling, spent, held FROM held_budget WHERE id = 'hot' FOR UPDATE"
RESERVE: Final = (
    "WITH r AS (INSERT INTO held_reservation VALUES"
    " (%(id)s, %(amount)s, NULL, 'active', clock_timestamp() + interval '15 minutes')),"
    " e AS (INSERT INTO held_event (id, kind, body) VALUES"
    " (%(id)s, 'reserved', jsonb_build_object('estimate', %(amount)s::bigint)))"
    " UPDATE held_budget SET held = held + %(amount)s WHERE id = 'hot'"
)
STATE: Final = (
    "SELECT r.state, r.estimate FROM held_reservation r, held_budget b"
    " WHERE r.id = %s AND b.id = 'hot' FOR UPDATE OF b, r"
)
RECONCILE: Final = (
    "WITH r AS (UPDATE held_reservation SET state = 'reconciled', actual = %(actual)s"
    " WHERE id = %(id)s),"
    " e AS (INSERT INTO held_event (id, kind, body) VALUES"
    " (%(id)s, 'reconciled', jsonb_build_object('actual', %(actual)s::bigint)))"
    " UPDATE held_budget SET held = held - %(estimate)s, spent = spent + %(actual)s"
    " WHERE id = 'hot'"
)
FOUND: Final = (
    "SELECT spent, held, (SELECT count(*) FROM held_event) FROM held_budget WHERE id = 'hot'"
)

Connection = AsyncConnection[tuple[object, ...]]


@define
class HeldRows:
    """One budget that writers lock, each in transactions on a connection of the pool."""

    pool: AsyncConnectionPool[Connection]
    acknowledged: int = 0

    async def seconds(self, writers: int, times: int) -> float:
        """What a pair of reserve and reconcile takes on average, with so many writers at once."""
        started = time.perf_counter()
        await asyncio.gather(*(self._repeat(writer, times) for writer in range(writers)))
        return (time.perf_counter() - started) / (times * writers)

    async def _repeat(self, writer: int, times: int) -> None:
        for _ in range(times):
            self.acknowledged += 1
            id = f"{writer}-{self.acknowledged}"
            await self._reserve(id)
            await self._reconcile(id)

    async def _reserve(self, id: str) -> None:
        async with self.pool.connection() as connection, connection.transaction():
            found = await (await connection.execute(LOCK)).fetchone()
            assert found is not None
            ceiling, spent, held = found
            assert isinstance(ceiling, int)
            assert isinstance(spent, int)
            assert isinstance(held, int)
            assert spent + held + ESTIMATE <= ceiling
            await connection.execute(RESERVE, {"id": id, "amount": ESTIMATE})

    async def _reconcile(self, id: str) -> None:
        async with self.pool.connection() as connection, connection.transaction():
            found = await (await connection.execute(STATE, (id,))).fetchone()
            assert found == ("active", ESTIMATE)
            parameters = {"id": id, "actual": ACTUAL, "estimate": ESTIMATE}
            await connection.execute(RECONCILE, parameters)

    async def require_all(self) -> None:
        """Nothing was lost: every pair is charged, nothing is held, and all of it was told.

        Raises:
            Lost: It is not so.
        """
        async with self.pool.connection() as connection:
            found = await (await connection.execute(FOUND)).fetchone()
        assert found is not None
        spent, held, events = found
        assert isinstance(spent, int)
        assert isinstance(held, int)
        assert isinstance(events, int)
        require_count("hand-written charges", acknowledged=self.acknowledged * ACTUAL, found=spent)
        require_count("hand-written holds", acknowledged=0, found=held)
        require_count("hand-written events", acknowledged=self.acknowledged * 2, found=events)


@asynccontextmanager
async def held_rows(url: str) -> AsyncIterator[HeldRows]:
    """New tables, with one budget."""
    pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
        url, min_size=CONNECTIONS, max_size=CONNECTIONS, open=False, timeout=600
    )
    async with pool:
        async with pool.connection() as connection:
            for table in TABLES:
                await connection.execute(table.encode())
        yield HeldRows(pool)
