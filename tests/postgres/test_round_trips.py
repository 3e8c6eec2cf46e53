"""G1: how often a driver waits for the server."""

from __future__ import annotations

import asyncio

from tests.postgres.proxy import Proxy
from tests.postgres.world import calling, store_on
from turnkeep.testing import Caller
from turnkeep.testing.specimens import address, addresses, draft, entry
from turnkeep_adapters.postgres.settings import PostgresSettings
from turnkeep_ports.store import ABSENT, Check, Committed, Put

ONE = PostgresSettings(pool_min=1, pool_max=1, notification=False)


async def test_a_load_takes_one_round_trip(database: str) -> None:
    """G1"""
    async with Proxy(database) as proxy, calling(proxy.url, ONE) as (caller, _):
        await caller.load(address("warm"))
        with proxy.counted() as trips:
            await caller.load(*addresses(100))
        assert trips == [1]


async def test_a_commit_takes_one_round_trip(database: str) -> None:
    """G1"""
    async with Proxy(database) as proxy, calling(proxy.url, ONE) as (caller, _):
        await caller.put(address("warm"))
        one, two, *checked = addresses(10)
        with proxy.counted() as trips:
            await caller.committed(
                Put(one, ABSENT, entry(b"1")),
                Put(two, ABSENT, entry(b"2")),
                *(Check(place, ABSENT) for place in checked),
                events=[draft(one), draft(two)],
            )
        assert trips == [1]


async def test_commits_that_wait_together_take_one_round_trip(database: str) -> None:
    """G1"""
    async with Proxy(database) as proxy, calling(proxy.url, ONE) as (caller, _):
        await caller.put(address("warm"))
        with proxy.counted() as trips:
            answers = await asyncio.gather(
                *(caller.commit(Put(place, ABSENT, entry())) for place in addresses(64))
            )
        assert all(isinstance(answer, Committed) for answer in answers)
        assert trips == [1]


async def test_without_prepared_statements_even_the_first_takes_one(database: str) -> None:
    """G1"""
    settings = PostgresSettings(pool_min=1, pool_max=1, pooler=True)
    async with Proxy(database) as proxy, store_on(proxy.url, settings) as store:
        with proxy.counted() as trips:
            await Caller(store).put(address("first"))
        assert trips == [1]
