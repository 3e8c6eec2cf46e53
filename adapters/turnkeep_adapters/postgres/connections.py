"""Connections: a pool, the store's own or the host's, lent one call at a time.

A connection that is given back is idle, or it is destroyed by the pool. No caller's cancellation
reaches into the pool: calls run in tasks of their own.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, Final, TypeAlias

from psycopg import AsyncConnection, AsyncCursor, Error
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from turnkeep_adapters.postgres.failures import no_connection
from turnkeep_adapters.postgres.settings import PostgresSettings
from turnkeep_ports.errors import Unavailable

# A host's pool may make connections of any row type; calls ask for tuples.
Connection: TypeAlias = AsyncConnection[Any]
Pool: TypeAlias = AsyncConnectionPool[Connection]
Row: TypeAlias = tuple[Any, ...]

_CHECK_SECONDS: Final = 5.0


class Connections:
    """The pool of one store, between its opening and its closing."""

    def __init__(
        self, *, conninfo: str | None, pool: Pool | None, settings: PostgresSettings
    ) -> None:
        """Makes nothing yet.

        Args:
            conninfo: Where the server is; None where a pool is given.
            pool: The host's, which opens and closes it; None for one of the store's own.
            settings: How many connections, and how long to wait for one.
        """
        self._conninfo = conninfo
        self._hosts = pool
        self._own: Pool | None = None
        self._settings = settings
        self._checking: asyncio.Task[None] | None = None

    @property
    def most(self) -> int:
        """How many connections there can be."""
        return self._settings.pool_max if self._hosts is None else self._hosts.max_size

    async def open(self) -> None:
        """Makes the store's own pool, which connects in the background."""
        if self._hosts is None and self._conninfo is not None:
            self._own = AsyncConnectionPool(
                self._conninfo,
                kwargs=session(self._conninfo, self._settings),
                min_size=self._settings.pool_min,
                max_size=self._settings.pool_max,
                timeout=self._settings.checkout_seconds,
                reconnect_timeout=self._settings.checkout_seconds,
                name="turnkeep",
                open=False,
            )
            await self._own.open()

    async def close(self) -> None:
        """Closes the store's own pool; leaves the host's as it is."""
        if self._checking is not None:
            self._checking.cancel()
            await asyncio.gather(self._checking, return_exceptions=True)
        if self._own is not None:
            await self._own.close()
            self._own = None

    async def take(self, seconds: float) -> Connection:
        """Takes a connection out of the pool.

        Raises:
            Unavailable: None became free within the time, or the pool is closed.
        """
        pool = self._hosts if self._own is None else self._own
        if pool is None:
            raise Unavailable("the store is not open", retryable=False)
        try:
            return await pool.getconn(timeout=min(seconds, self._settings.checkout_seconds))
        except Exception as error:
            if isinstance(error, PoolTimeout):
                self.check()
            raise no_connection(error) from error

    async def give_back(self, connection: Connection) -> None:
        """Puts a connection back; one that is not idle is closed, never handed on."""
        pool = self._hosts if self._own is None else self._own
        idle = status_of(connection) is TransactionStatus.IDLE
        if not idle or pool is None:
            await connection.close()
        if pool is not None:
            await pool.putconn(connection)
            if not idle:
                self.check()

    def check(self) -> None:
        """Looks through the idle connections once: where one was cut, others may have been."""
        pool = self._hosts if self._own is None else self._own
        if pool is not None and (self._checking is None or self._checking.done()):
            self._checking = asyncio.ensure_future(_check(pool))


async def ask(connection: Connection, statement: str, parameters: tuple[object, ...]) -> list[Row]:
    """Sends one statement by itself and fetches its rows, in binary.

    It returns only when the server is ready for the next statement: what it wrote is then
    committed. Rows alone prove nothing, for they come before the commit.
    """
    # A host may want transactions around its own statements.
    borrowed = not connection.autocommit
    if borrowed:
        await connection.set_autocommit(True)
    try:
        cursor = AsyncCursor(connection, row_factory=tuple_row)
        await cursor.execute(statement.encode(), parameters, binary=True)
        rows = await cursor.fetchall()
    finally:
        if borrowed and status_of(connection) is TransactionStatus.IDLE:
            await connection.set_autocommit(False)
    if status_of(connection) is not TransactionStatus.IDLE:
        raise Error("the server did not become ready")
    return rows


def status_of(connection: Connection) -> TransactionStatus:
    """The connection's state, as the driver has it; no round trip."""
    return TransactionStatus(connection.pgconn.transaction_status)


def session(conninfo: str, settings: PostgresSettings) -> dict[str, Any]:
    """What a connection of the store's own is made with; nothing of it behind a pooler."""
    wanted: dict[str, Any] = {"autocommit": True, "prepare_threshold": None}
    if settings.pooler:
        return wanted
    given = conninfo_to_dict(conninfo)
    timeout = f"-c statement_timeout={int(settings.statement_seconds * 1000)}"
    wanted["prepare_threshold"] = 0
    wanted["options"] = f"{given.get('options') or ''} {timeout}".strip()
    wanted["application_name"] = given.get("application_name") or "turnkeep"
    wanted["client_encoding"] = "UTF8"
    return wanted


async def _check(pool: Pool) -> None:
    # What is broken is replaced; whatever else fails here fails again where it is used.
    with suppress(Exception):
        async with asyncio.timeout(_CHECK_SECONDS):
            await pool.check()
