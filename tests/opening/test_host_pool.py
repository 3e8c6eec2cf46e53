"""A keep over connections of the host's own: real ones, lent and given back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from dependency_injector import providers
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from tests.postgres.databases import shared
from turnkeep import (
    Container,
    Keep,
    Principal,
    RequestId,
    RunView,
    Scope,
    Unavailable,
    open_keep,
)
from turnkeep_adapters.postgres.store import PostgresRecordStore

RENT = Scope.of("acme", "ann", thread="rent")


@pytest.fixture
def database() -> str:
    return shared()[1].clone(for_good=True)


@pytest.fixture
async def pool(database: str) -> AsyncIterator[AsyncConnectionPool[AsyncConnection[DictRow]]]:
    """As a host may have it: rows of its own kind, transactions around its own statements."""
    async with AsyncConnectionPool(
        database,
        connection_class=AsyncConnection[DictRow],
        kwargs={"row_factory": dict_row, "options": "-c statement_timeout=4s"},
        min_size=1,
        max_size=3,
        open=False,
    ) as pool:
        yield pool


async def submit(keep: Keep, id: str) -> RunView:
    run = await keep.turns.submit(RENT, actor=Principal.person("ann"), request_id=RequestId(id))
    assert isinstance(run, RunView)
    return run


async def test_a_keep_works_on_a_pool_and_leaves_it_open(
    pool: AsyncConnectionPool[AsyncConnection[DictRow]],
) -> None:
    async with open_keep(pool=pool) as keep:
        run = await submit(keep, "1")
        assert await keep.turns.get(run.address) == run
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT count(*) AS cells FROM turnkeep.cell")
        row = await cursor.fetchone()
        assert row is not None
        assert row["cells"] > 0
    assert pool.get_stats()["pool_size"] <= 3


async def test_hosts_that_share_a_pool_see_the_same_store(
    pool: AsyncConnectionPool[AsyncConnection[DictRow]], database: str
) -> None:
    async with open_keep(pool=pool) as keep, open_keep(database, pool=pool) as listening:
        waiting = asyncio.create_task(listening.leases.get(RENT, "x"))
        run = await submit(keep, "1")
        await waiting
        assert await listening.turns.get(run.address) == run


async def test_a_pool_that_is_closed_is_unavailable(database: str) -> None:
    closed: AsyncConnectionPool[AsyncConnection] = AsyncConnectionPool(database, open=False)
    with pytest.raises(Unavailable):
        async with open_keep(pool=closed):
            pytest.fail("it must not open")


async def test_a_container_takes_a_store_on_a_pool(
    pool: AsyncConnectionPool[AsyncConnection[DictRow]],
) -> None:
    container = Container()
    store = providers.Singleton(PostgresRecordStore, pool=pool, clock=container.clock)
    container.store.override(store)
    async with container.store():
        run = await submit(container.keep(), "1")
    async with open_keep(pool=pool) as keep:
        assert await keep.turns.get(run.address) == run
