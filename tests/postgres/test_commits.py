"""What the server does with a commit, seen from beside it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from attrs import evolve

from tests.postgres.world import (
    QUIET,
    calling,
    execute,
    locked,
    one,
    session,
    store_on,
    until,
)
from turnkeep.testing import Caller
from turnkeep.testing.specimens import address, addresses, draft, entry
from turnkeep_adapters.postgres.settings import PostgresSettings
from turnkeep_ports.errors import Unsupported
from turnkeep_ports.key_bytes import key_bytes
from turnkeep_ports.store import ABSENT, Check, Committed, Delete, Late, Put, Stale

PLACE = address("placed")
NEXT_XID = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"


async def test_a_losing_commit_consumes_no_transaction_id(
    database: str, quiet: PostgresSettings
) -> None:
    """G2"""
    async with calling(database, quiet) as (caller, _), session(database) as beside:
        await caller.put(PLACE)
        now = await caller.now()
        before = await one(beside, NEXT_XID)
        stale = await caller.commit(Put(PLACE, ABSENT, entry()), events=[draft(PLACE)])
        late = await caller.commit(Put(PLACE, ABSENT, entry()), valid_until=now)
        assert isinstance(stale, Stale)
        assert isinstance(late, Late)
        assert await one(beside, NEXT_XID) == before


async def test_crossed_commits_never_deadlock(database: str, quiet: PostgresSettings) -> None:
    """G3"""
    places = addresses(12)
    async with (
        calling(database, quiet) as (caller, _),
        calling(database, quiet) as (rival, _),
        session(database) as beside,
    ):

        async def turn(by: Caller, number: int) -> object:
            mine = places[number % 5 :] if number % 2 else places[: 12 - number % 5][::-1]
            return await by.commit(*(Put(at, ABSENT, entry()) for at in mine))

        answers = await asyncio.gather(*(turn((caller, rival)[n % 2], n) for n in range(32)))
        assert any(isinstance(answer, Committed) for answer in answers)
        deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        assert await one(beside, deadlocks) == 0


async def test_repeatable_read_is_refused(database: str, quiet: PostgresSettings) -> None:
    """G4"""
    execute(
        database,
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation ="
        " ''repeatable read''', current_database()); END $$",
    )
    async with calling(database, quiet) as (caller, _):
        with pytest.raises(Unsupported, match="read committed"):
            await caller.put(PLACE)
        assert await caller.cell(PLACE) is None


async def test_an_asynchronous_commit_is_lifted(database: str) -> None:
    execute(
        database,
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off',"
        " current_database()); END $$",
        "CREATE TABLE public.seen (setting text)",
        "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO"
        " public.seen VALUES (current_setting('synchronous_commit')); RETURN NEW; END $$",
        "CREATE TRIGGER see BEFORE INSERT ON turnkeep.cell FOR EACH ROW EXECUTE FUNCTION see()",
    )
    async with calling(database) as (caller, _), session(database) as beside:
        await caller.put(PLACE)
        assert await one(beside, "SHOW synchronous_commit") == "off"
        assert await one(beside, "SELECT setting FROM public.seen") == "on"


async def test_a_callers_search_path_changes_nothing(database: str) -> None:
    execute(
        database,
        "CREATE SCHEMA evil",
        "CREATE TABLE evil.cell (LIKE turnkeep.cell)",
        "CREATE TABLE evil.event (LIKE turnkeep.event)",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = evil, pg_catalog',"
        " current_database()); END $$",
    )
    async with calling(database) as (caller, _), session(database) as beside:
        await caller.put(PLACE, events=[draft(PLACE)])
        assert (await caller.present(PLACE)).entry == entry()
        assert await one(beside, "SELECT count(*) FROM evil.cell") == 0
        assert await one(beside, "SELECT count(*) FROM turnkeep.event") == 1


async def test_rows_that_do_not_match_undo_the_commit(
    database: str, quiet: PostgresSettings
) -> None:
    async with calling(database, quiet) as (caller, store):
        revision = await caller.put(PLACE)
        execute(
            database,
            "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " RETURN NULL; END $$",
            "CREATE TRIGGER lose BEFORE UPDATE OR DELETE ON turnkeep.cell FOR EACH ROW"
            " EXECUTE FUNCTION lose()",
        )
        other = address("other")
        for write in (Put(PLACE, revision, entry(b"2")), Delete(PLACE, revision)):
            answer = await store.commit(
                b"c" * 16,  # type: ignore[arg-type]  # a commit id, without its name
                [Put(other, ABSENT, entry()), write],
                [draft(other)],
                valid_until=None,
                deadline=caller.deadline(),
            )
            assert answer == Stale(frozenset(), busy=True)
        assert set((await caller.load(PLACE, other)).cells) == {PLACE}
        assert await caller.log() == []


async def test_checks_share_a_lock_that_writers_wait_for(database: str) -> None:
    alone = evolve(QUIET, grouping=False)
    places = addresses(9)
    async with (
        calling(database, alone) as (caller, _),
        calling(database, alone) as (other, _),
        session(database, autocommit=False) as checking,
    ):
        revision = await caller.put(PLACE)
        await checking.execute(
            "SELECT pg_advisory_xact_lock_shared(hashtextextended(encode(%s, 'hex'), %s))",
            (key_bytes(PLACE), 7310868735420919408),
        )
        async with asyncio.timeout(10):
            for place in places:
                await caller.committed(Put(place, ABSENT, entry()), Check(PLACE, revision))
        writing = asyncio.ensure_future(other.put(PLACE, b"2", revision))
        async with session(database) as beside:
            waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"

            async def is_waiting() -> bool:
                return bool(await one(beside, waits))

            await until(is_waiting)
        assert not writing.done()
        await checking.commit()
        await writing


async def test_validity_is_judged_when_the_locks_are_had(database: str) -> None:
    """P19: time that a commit waits for its locks counts."""
    async with calling(database, evolve(QUIET, grouping=False)) as (caller, store):
        soon = await caller.now() + timedelta(seconds=0.3)
        async with locked(database, key_bytes(PLACE)) as holder:
            sent = asyncio.ensure_future(
                store.commit(
                    b"c" * 16,  # type: ignore[arg-type]  # a commit id, without its name
                    [Put(PLACE, ABSENT, entry())],
                    [],
                    valid_until=soon,
                    deadline=caller.deadline(),
                )
            )

            async def is_past() -> bool:
                return await caller.now() >= soon

            await until(is_past)
            assert not sent.done()
            await holder.commit()
        assert await sent == Late()


async def test_two_stores_of_one_database_name_the_same_floor(database: str) -> None:
    async with store_on(database) as first, store_on(database) as second:
        pages = [await Caller(store).events() for store in (first, second)]
        assert pages[0] == pages[1]
