"""Behind a transaction pooler: no prepared statement, no listening, nothing kept in a session."""

from __future__ import annotations

import asyncio

import pytest
from attrs import evolve

from tests.postgres.pooler import Pooler
from tests.postgres.world import QUIET, add, calling, loop_on, store_on, total
from turnkeep.testing import Caller
from turnkeep.testing.specimens import COLLECTION, SCOPE, address, draft
from turnkeep_adapters.postgres.settings import PostgresSettings
from turnkeep_domain.scope import ScopePrefix
from turnkeep_ports.scans import InScope
from turnkeep_ports.store import Notification

POOLED = PostgresSettings(pooler=True, pool_min=4, pool_max=4, poll_seconds=0.1)


@pytest.mark.parametrize("grouping", [True, False], ids=["grouped", "alone"])
async def test_sessions_may_change_with_every_call(database: str, *, grouping: bool) -> None:
    async with (
        Pooler(database, sessions=2) as pooler,
        store_on(pooler.url, evolve(POOLED, grouping=grouping)) as store,
    ):
        loop = loop_on(store)
        await asyncio.gather(*(add(loop, f"r{n}", id=f"l{n % 4}") for n in range(40)))
        assert [await total(store, f"l{n}") for n in range(4)] == [10] * 4
        caller = Caller(store)
        place = address("placed")
        await caller.put(place, events=[draft(place)])
        query = InScope(collection=COLLECTION, prefix=ScopePrefix.exactly(SCOPE))
        assert [cell.address for cell in await caller.found(query)] == [place]
        history = await caller.history()
        assert len(history) == 41
        await caller.trim(history[3].cursor)
        assert len(await caller.log()) == 38
        assert pooler.refused == []
        mixed = [len(set(sessions)) == 2 for sessions in pooler.served if len(sessions) > 1]
        assert mixed, "nothing was mixed"
        assert all(mixed)


async def test_changes_are_polled(database: str) -> None:
    async with (
        Pooler(database, sessions=2) as pooler,
        store_on(pooler.url, POOLED) as store,
        calling(database, QUIET) as (writer, _),
    ):
        assert store.capabilities.notification is Notification.POLL
        since = await store.changed(None, interest=None, timeout_seconds=0)
        waiting = asyncio.ensure_future(store.changed(since, interest=None, timeout_seconds=3_600))
        await writer.put(address("placed"))
        async with asyncio.timeout(10):
            await waiting
        assert pooler.refused == []


async def test_the_stand_in_refuses_what_a_pooler_refuses(database: str) -> None:
    plain = PostgresSettings(pool_min=1, pool_max=1, notification=False)
    async with Pooler(database, sessions=1) as pooler:
        async with store_on(pooler.url, plain) as store:
            await Caller(store).load(address("x"))
        assert {"options", "a named statement"} <= set(pooler.refused)
