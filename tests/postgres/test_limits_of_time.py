"""Limits of time, of connections and of patience: nothing is written, nothing is left over."""

from __future__ import annotations

import asyncio

import pytest
from attrs import evolve

from tests.postgres.world import (
    QUIET,
    add,
    calling,
    execute,
    locked,
    loop_on,
    session,
    sessions_of,
    store_on,
    total,
    until,
)
from turnkeep.testing import Caller
from turnkeep.testing.specimens import address, draft, entry, fresh_commit_id
from turnkeep_adapters.postgres.settings import PostgresSettings
from turnkeep_domain.errors import InvalidValue
from turnkeep_ports.errors import OutcomeUnknown, Unavailable
from turnkeep_ports.key_bytes import key_bytes
from turnkeep_ports.store import ABSENT, Committed, Late, Put, RecordStore, Stale

PLACE = address("placed")
OPEN = "state LIKE 'idle in transaction%'"


def brief(settings: PostgresSettings) -> PostgresSettings:
    return evolve(settings, lock_seconds=0.2, statement_seconds=0.4, checkout_seconds=0.8)


async def commit(
    store: RecordStore, caller: Caller, seconds: float = 30.0
) -> Committed | Stale | Late:
    return await store.commit(
        fresh_commit_id(),
        [Put(PLACE, ABSENT, entry())],
        [draft(PLACE)],
        valid_until=None,
        deadline=caller.deadline().earlier(30.0 - seconds),
    )


async def test_a_lock_that_is_not_had_in_time_is_a_lost_race(
    database: str, quiet: PostgresSettings
) -> None:
    """G8"""
    async with calling(database, brief(quiet)) as (caller, store):
        async with locked(database, key_bytes(PLACE)):
            assert await commit(store, caller) == Stale(frozenset(), busy=True)
        assert await caller.cell(PLACE) is None
        assert await caller.history() == []


async def test_a_statement_that_takes_too_long_writes_nothing(
    database: str, quiet: PostgresSettings
) -> None:
    """G8"""
    execute(
        database,
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " PERFORM pg_sleep(30); RETURN NEW; END $$",
        "CREATE TRIGGER slow BEFORE INSERT ON turnkeep.cell FOR EACH ROW EXECUTE FUNCTION slow()",
    )
    async with calling(database, brief(quiet)) as (caller, store):
        with pytest.raises(Unavailable) as raised:
            await commit(store, caller)
        assert raised.value.retryable
        execute(database, "DROP TRIGGER slow ON turnkeep.cell")
        assert await caller.cell(PLACE) is None
        assert await caller.history() == []


async def test_no_connection_in_time_writes_nothing(database: str, quiet: PostgresSettings) -> None:
    """G8"""
    settings = evolve(brief(quiet), statement_seconds=0.7, pool_min=1, pool_max=1)
    async with calling(database, settings) as (caller, store):
        async with locked(database, key_bytes(PLACE)):
            other = address("other")
            holding = asyncio.ensure_future(commit(store, caller))
            await until(lambda: sessions_of(database, "wait_event_type = 'Lock'"))
            with pytest.raises(Unavailable):
                await store.load([other], deadline=caller.deadline().earlier(29.99))
            assert await holding == Stale(frozenset(), busy=True)
        assert await caller.cell(other) is None


async def test_a_deadline_that_has_come_sends_nothing(
    database: str, quiet: PostgresSettings
) -> None:
    """G8"""
    async with calling(database, quiet) as (caller, store):
        with pytest.raises(Unavailable):
            await commit(store, caller, seconds=0.0)
        assert await caller.cell(PLACE) is None


async def test_a_commit_that_waits_for_its_lock_at_the_deadline_is_in_doubt(
    database: str,
) -> None:
    async with calling(database, evolve(QUIET, grouping=False)) as (caller, store):
        async with locked(database, key_bytes(PLACE)):
            with pytest.raises(OutcomeUnknown):
                await commit(store, caller, seconds=0.2)
        await until(lambda: _landed(caller))


async def _landed(caller: Caller) -> bool:
    return await caller.cell(PLACE) is not None


async def test_a_cancelled_commit_leaves_its_connection_idle(
    database: str, quiet: PostgresSettings
) -> None:
    """G9"""
    async with calling(database, quiet) as (caller, store):
        async with locked(database, key_bytes(PLACE)):
            sent = asyncio.ensure_future(commit(store, caller))
            await until(lambda: sessions_of(database, "wait_event_type = 'Lock'"))
            sent.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sent
        await until(lambda: _none(database, "state <> 'idle'"))
        assert await sessions_of(database, OPEN) == 0
        await caller.load(PLACE)


async def test_cancelled_updates_leave_no_open_transaction(
    database: str, quiet: PostgresSettings
) -> None:
    """G9"""
    settings = evolve(quiet, pool_min=2, pool_max=2)
    async with calling(database, settings) as (_, store):
        loop = loop_on(store)
        for rounds in range(6):
            updates = [
                asyncio.ensure_future(add(loop, f"r{rounds}-{n}", id=f"l{n % 4}"))
                for n in range(20)
            ]
            await asyncio.sleep(0.002 * rounds)
            for update in updates:
                update.cancel()
            await asyncio.gather(*updates, return_exceptions=True)
            assert await sessions_of(database, OPEN) == 0
        assert isinstance(await add(loop, "last", id="last"), int)
        await until(lambda: _none(database, "state <> 'idle'"))
        assert await sessions_of(database, "application_name = 'turnkeep'") == 2


async def test_a_pool_of_one_serves_fifty_updates(database: str, quiet: PostgresSettings) -> None:
    """G10"""
    settings = evolve(quiet, pool_min=1, pool_max=1)
    async with calling(database, settings) as (_, store):
        loop = loop_on(store)
        await asyncio.gather(*(add(loop, f"r{n}", id=f"l{n % 10}") for n in range(50)))
        assert sum([await total(store, f"l{n}") for n in range(10)]) == 50


async def test_a_pool_of_two_serves_two_hundred_updates(
    database: str, quiet: PostgresSettings
) -> None:
    """G10"""
    settings = evolve(quiet, pool_min=2, pool_max=2)
    async with calling(database, settings) as (_, store):
        loop = loop_on(store)
        await asyncio.gather(*(add(loop, f"r{n}", id=f"l{n}") for n in range(200)))
        assert await sessions_of(database, "application_name = 'turnkeep'") == 2
        assert await sessions_of(database, "state <> 'idle'") == 0
        assert [await total(store, f"l{n}") for n in range(200)] == [1] * 200


async def test_closing_waits_for_what_was_sent(database: str, quiet: PostgresSettings) -> None:
    async with calling(database) as (beside, _):
        store = await store_on(database, quiet).__aenter__()
        async with locked(database, key_bytes(PLACE)) as holder:
            sent = asyncio.ensure_future(commit(store, Caller(store)))
            await until(lambda: sessions_of(database, "wait_event_type = 'Lock'"))
            closing = asyncio.ensure_future(store.__aexit__(None, None, None))
            await holder.commit()
        await closing
        assert isinstance(await sent, Committed)
        assert await beside.cell(PLACE) is not None


@pytest.mark.parametrize(
    "times",
    [
        {"lock_seconds": 4.0},
        {"statement_seconds": 5.0},
        {"checkout_seconds": 15.0},
        {"update_seconds": 1.0},
        {"lock_seconds": 0.0},
        {"checkout_seconds": float("inf")},
    ],
    ids=str,
)
def test_times_out_of_order_are_refused(times: dict[str, float]) -> None:
    with pytest.raises(InvalidValue):
        PostgresSettings(**times)  # type: ignore[arg-type]  # times are floats


def test_a_pool_that_is_smaller_than_its_least_is_refused() -> None:
    with pytest.raises(InvalidValue):
        PostgresSettings(pool_min=3, pool_max=2)


async def test_the_server_knows_the_limit_of_a_statement(database: str) -> None:
    async with calling(database), session(database):
        pass
    async with store_on(database, brief(QUIET)) as store:
        execute(
            database,
            "CREATE OR REPLACE FUNCTION turnkeep.trim_batch_v1(p_limit integer) RETURNS integer"
            " LANGUAGE sql AS $$ SELECT 1 FROM pg_sleep(30) $$",
        )
        async with asyncio.timeout(5):
            await store.scrub(deadline=Caller(store).deadline())


async def _none(url: str, where: str) -> bool:
    return await sessions_of(url, where) == 0
