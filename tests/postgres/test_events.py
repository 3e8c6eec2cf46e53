"""The event log on a server that others use too: no gap, and no age of its own."""

from __future__ import annotations

import asyncio

import pytest

from tests.postgres.databases import Databases
from tests.postgres.server import Server
from tests.postgres.world import calling, execute, one, session, soon, store_on
from turnkeep.testing import Caller
from turnkeep.testing.specimens import (
    ALL_EVENTS,
    EVERYBODY,
    address,
    addresses,
    draft,
    entry,
    fresh_commit_id,
)
from turnkeep_adapters.postgres.inspection import adopt, inspect
from turnkeep_adapters.postgres.migrating import migrate
from turnkeep_adapters.postgres.requests import Contents, Request, encoded
from turnkeep_adapters.postgres.statements import COMMIT
from turnkeep_adapters.postgres.store import EXAMINED_MAX, TRIM_BATCH_EVENTS
from turnkeep_ports.errors import Unsupported
from turnkeep_ports.key_bytes import key_bytes
from turnkeep_ports.store import ABSENT, START, CursorLost, EventQuery, Put

PLACE = address("placed")


def told_by(number: int) -> tuple[str, bool, int]:
    """The parameters of a commit with one event, for a session that does not end it."""
    contents = Contents(
        commit_id=fresh_commit_id(),
        writes=(Put(address(f"held{number}"), ABSENT, entry()),),
        events=(draft(address(f"held{number}"), b"held"),),
        valid_until=None,
    )
    request = Request(contents, soon(), None)  # type: ignore[arg-type]  # nobody waits for it
    return encoded([request]), True, 2_000


async def test_readers_see_no_gap_while_a_writer_holds_its_transaction_open(database: str) -> None:
    """E2: later events are held back until the earlier one is there, or never will be."""
    async with calling(database) as (caller, _):
        await caller.put(address("before"), events=[draft(PLACE, b"before")])
        for number, end in enumerate(("COMMIT", "ROLLBACK")):
            after = (await caller.events()).next
            async with session(database, autocommit=False) as holder:
                await holder.execute(COMMIT, told_by(number))
                for n in range(3):
                    place = address(f"{number}-{n}")
                    await caller.put(place, events=[draft(place, b"later")])
                    page = await caller.events(after=after)
                    assert (page.events, page.next) == ((), after)
                await holder.execute(end)
            told = [event.body for event in await caller.history(after=after)]
            assert told == [b"held"] * (end == "COMMIT") + [b"later"] * 3


async def test_a_writer_of_another_database_holds_readers_back_and_makes_no_gap(
    databases: Databases, database: str
) -> None:
    other = databases.empty()
    async with calling(database) as (caller, _), session(other, autocommit=False) as stranger:
        await stranger.execute("SELECT pg_current_xact_id()")
        await caller.put(PLACE, events=[draft(PLACE)])
        assert await caller.log() == []
        found = await inspect(database)
        assert found.oldest_writer is not None
        assert found.oldest_writer.pid == stranger.info.backend_pid
        assert found.oldest_writer.age_seconds > 0
        await stranger.rollback()
        assert len(await caller.history()) == 1


async def test_a_page_examines_a_bounded_number_of_events(database: str) -> None:
    async with calling(database) as (caller, _):
        await caller.put(PLACE, events=[draft(PLACE)])
        (first,) = await caller.history()
        others = key_bytes(address("other", collection="other")).hex()
        execute(
            database,
            "INSERT INTO turnkeep.event SELECT 1, pg_current_xact_id(), n,"
            f" decode(repeat('00', 16), 'hex'), '\\x{others}', 'k', clock_timestamp(), ''"
            f" FROM generate_series(1, {EXAMINED_MAX + 5}) AS n",
        )
        last = address("last")
        await caller.put(last, events=[draft(last)])
        query = EventQuery(collections=frozenset({last.collection}), prefix=EVERYBODY)
        page = await caller.events(query, after=first.cursor)
        assert page.events == ()
        assert page.next > first.cursor
        rest = await caller.history(query, after=page.next)
        assert [event.address for event in rest] == [last]


async def test_the_floor_is_durable_before_anything_is_deleted(database: str) -> None:
    """E8"""
    async with calling(database) as (caller, store), session(database) as beside:
        for place in addresses(3):
            await caller.put(place, events=[draft(place)] * 1_000)
        history = await caller.log()
        cursor = history[2 * TRIM_BATCH_EVENTS + 10].cursor
        execute(
            database,
            "ALTER FUNCTION turnkeep.trim_batch_v1 RENAME TO trim_batch_gone",
        )
        with pytest.raises(Unsupported):
            await store.trim(cursor, deadline=soon())
        assert await one(beside, "SELECT count(*) FROM turnkeep.event") == len(history)
        assert await caller.log() == history[2 * TRIM_BATCH_EVENTS + 11 :]
        execute(database, "ALTER FUNCTION turnkeep.trim_batch_gone RENAME TO trim_batch_v1")
        await store.scrub(deadline=soon())
        kept = len(history) - 2 * TRIM_BATCH_EVENTS - 11
        assert await one(beside, "SELECT count(*) FROM turnkeep.event") == kept


async def test_two_trimmers_at_once_are_one(database: str) -> None:
    async with calling(database) as (caller, _), calling(database) as (other, _):
        for place in addresses(6):
            await caller.put(place, events=[draft(place)] * 400)
        history = await caller.log()
        floors = await asyncio.gather(
            *(by.trim(history[n].cursor) for n in (900, 2_000) for by in (caller, other))
        )
        assert max(floors) == history[2_000].cursor
        assert await caller.log() == history[2_001:]


async def test_a_cursor_of_a_log_that_lost_its_end_is_lost(database: str) -> None:
    """E6: as after a failover to a server that had not heard of the last commits."""
    async with calling(database) as (caller, store):
        await caller.put(PLACE, events=[draft(PLACE)])
        (event,) = await caller.history()
        execute(
            database,
            "UPDATE turnkeep.event SET commit_id = decode(repeat('ab', 16), 'hex')"
            " WHERE encode(commit_id, 'hex') = '" + event.commit_id.hex() + "'",
        )
        answer = await store.events(ALL_EVENTS, after=event.cursor, limit=1, deadline=soon())
        assert isinstance(answer, CursorLost)
        assert (await caller.events(after=answer.floor)).events


async def test_a_restored_dump_waits_until_it_is_adopted(server: Server | None) -> None:
    """G14: with the transaction ids of a server that was far ahead."""
    old, new = Server(), Server()
    try:
        old.start()
        execute(old.url(), "CREATE DATABASE kept")
        await migrate(old.url("kept"))
        async with calling(old.url("kept")) as (caller, _), session(old.url()) as ahead:
            for _ in range(400):
                await ahead.execute("SELECT pg_current_xact_id()")
            for place in addresses(40):
                await caller.put(place, events=[draft(place)])
            history = await caller.history()
        new.start()
        execute(new.url(), "CREATE DATABASE kept TEMPLATE template0")
        old.dump("kept", new, "kept")
        await _adopted(new.url("kept"), history_length=len(history))
        async with store_on(new.url("kept")) as store:
            caller = Caller(store)
            assert (await caller.log())[: len(history)] == history
            place = address("after")
            await caller.put(place, events=[draft(place, b"after")])
            assert (await caller.history())[-1].body == b"after"
            later = await caller.history(after=history[-1].cursor)
            assert [event.body for event in later] == [b"after"]
    finally:
        new.remove()
        old.remove()


async def _adopted(url: str, *, history_length: int) -> None:
    async with session(url) as beside:
        hidden = "SELECT count(*) FROM turnkeep.event WHERE xid >= pg_snapshot_xmin(%s)"
        snapshot = await one(beside, "SELECT pg_current_snapshot()::text")
        assert await one(beside, hidden, snapshot) == history_length + 1, "nothing was at stake"
    with pytest.raises(Unsupported, match="turnkeep adopt"):
        await store_on(url).__aenter__()
    assert (await inspect(url)).needs_adoption
    adoption = await adopt(url)
    assert (adoption.before, adoption.after) == (1, 2)
    again = await adopt(url)
    assert (again.before, again.after) == (2, 2)
    assert not (await inspect(url)).needs_adoption


async def test_start_is_the_floor(database: str) -> None:
    async with calling(database) as (caller, _):
        for place in addresses(3):
            await caller.put(place, events=[draft(place)])
        history = await caller.history()
        floor = await caller.trim(history[1].cursor)
        assert await caller.trim(START) == floor
        assert await caller.history() == history[2:]
