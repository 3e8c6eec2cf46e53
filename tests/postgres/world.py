"""The world of these tests: stores, an update loop, and sessions beside them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection

from tests.application.loop.bench import adding
from tests.application.loop.ledger import LEDGERS, SCOPE, LedgerCodec
from turnkeep.testing import Caller
from turnkeep_adapters.postgres.connections import Pool
from turnkeep_adapters.postgres.settings import PostgresSettings
from turnkeep_adapters.postgres.store import PostgresRecordStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_adapters.system.ids import SystemIds
from turnkeep_adapters.system.randomness import SystemRandom
from turnkeep_adapters.telemetry.silent import SilentTelemetry
from turnkeep_application.pacing import Pacing
from turnkeep_application.update_loop import UpdateLoop
from turnkeep_domain.keys import key
from turnkeep_ports.clock import Deadline
from turnkeep_ports.store import RecordStore

CLOCK: Final = SystemClock()
LOCKED: Final = "SELECT pg_advisory_xact_lock(hashtextextended(encode(%s, 'hex'), %s))"
LOCK_SEED: Final = 7310868735420919408
QUIET: Final = PostgresSettings(pool_max=4, notification=False)


def soon(seconds: float = 30.0) -> Deadline:
    return Deadline.after(CLOCK, seconds)


def store_on(
    url: str | None, settings: PostgresSettings = QUIET, *, pool: Pool | None = None
) -> PostgresRecordStore:
    return PostgresRecordStore(url, pool=pool, clock=CLOCK, settings=settings)


@asynccontextmanager
async def calling(
    url: str, settings: PostgresSettings = QUIET
) -> AsyncIterator[tuple[Caller, PostgresRecordStore]]:
    """An open store, and shorthand for its operations."""
    async with store_on(url, settings) as store:
        yield Caller(store), store


@asynccontextmanager
async def session(url: str, *, autocommit: bool = True) -> AsyncIterator[AsyncConnection[Any]]:
    """A session of the test's own, beside the store."""
    connection = await AsyncConnection.connect(url, autocommit=autocommit)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def locked(url: str, key: bytes) -> AsyncIterator[AsyncConnection[Any]]:
    """Somebody else's commit that has the lock of a key and does not end."""
    async with session(url, autocommit=False) as connection:
        await connection.execute(LOCKED, (key, LOCK_SEED))
        yield connection


async def one(connection: AsyncConnection[Any], statement: str, *parameters: object) -> Any:
    """The only value of a statement's answer."""
    cursor = await connection.execute(statement.encode(), parameters or None)
    row = await cursor.fetchone()
    assert row is not None
    return row[0]


async def until(condition: Callable[[], Any], seconds: float = 20.0) -> None:
    """Waits for something that another process or task is about to do."""
    async with asyncio.timeout(seconds):
        while True:
            found = condition()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return
            await asyncio.sleep(0.005)


async def sessions_of(url: str, where: str = "true") -> int:
    """How many sessions of others there are in a database."""
    async with session(url) as connection:
        count = await one(
            connection,
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            f" AND pid <> pg_backend_pid() AND {where}",
        )
        return int(count)


def execute(url: str, *statements: str) -> None:
    """Says something to a database, as its owner would."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def loop_on(store: RecordStore, pacing: Pacing | None = None) -> UpdateLoop:
    return UpdateLoop(
        store=store,
        codec=LedgerCodec(),
        clock=CLOCK,
        random=SystemRandom(),
        ids=SystemIds(),
        telemetry=SilentTelemetry(),
        pacing=Pacing() if pacing is None else pacing,
    )


async def add(loop: UpdateLoop, request: str, amount: int = 1, *, id: str = "l1") -> object:
    """Opens a ledger where it is absent, and adds to it."""
    where = key(LEDGERS, SCOPE, id)
    return await loop.update([where], adding(where, request, amount))


async def total(store: RecordStore, id: str = "l1") -> int:
    where = key(LEDGERS, SCOPE, id)
    cells = (await store.load([where.address], deadline=soon())).cells
    if where.address not in cells:
        return 0
    return LedgerCodec().decode(LEDGERS, where.address, cells[where.address].entry.body).total
