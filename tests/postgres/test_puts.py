"""Puts: a commit of one cell that is there goes by a shorter way, and nobody can tell."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta

import pytest
from attrs import evolve
from psycopg_pool import AsyncConnectionPool

from tests.postgres.proxy import Proxy
from tests.postgres.world import (
    LOCK_SEED,
    LOCKED,
    QUIET,
    calling,
    execute,
    locked,
    one,
    session,
    sessions_of,
    store_on,
    until,
)
from turnkeep.testing import Caller
from turnkeep.testing.specimens import NOON, address, draft, entry, fresh_commit_id
from turnkeep_adapters.postgres.requests import Contents, Request, call_of
from turnkeep_adapters.postgres.settings import PostgresSettings
from turnkeep_adapters.postgres.statements import COMMIT, COMMIT_PUT
from turnkeep_ports.errors import Unsupported
from turnkeep_ports.key_bytes import key_bytes
from turnkeep_ports.store import (
    ABSENT,
    Check,
    Committed,
    Delete,
    EventDraft,
    Late,
    Put,
    Revision,
    Stale,
    Write,
)

PLACE, OTHER = address("placed"), address("other")
THERE = Revision(b"r" * 16)
PUT = Put(PLACE, THERE, entry())
NEXT_XID = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
LAST = "SELECT last_value FROM turnkeep.revision"


async def request(writes: Iterable[Write], events: Iterable[EventDraft] = ()) -> Request:
    contents = Contents(
        commit_id=fresh_commit_id(), writes=tuple(writes), events=tuple(events), valid_until=None
    )
    deadline = Caller.deadline(None)  # type: ignore[arg-type]  # it reads nothing of a caller
    return Request(contents, deadline, asyncio.get_running_loop().create_future())


async def test_one_put_of_a_cell_that_is_there_goes_the_short_way() -> None:
    for events in ((), (draft(PLACE),)):
        statement, parameters = call_of([await request([PUT], events)])
        assert statement == COMMIT_PUT
        # The types of parameters are the same for all, so that the server plans it once.
        assert [type(parameters[n]) for n in (0, 2, 3, 7, 10)] == [bytes] * 5


async def test_all_else_goes_the_long_way() -> None:
    for requests in (
        [await request([PUT]), await request([Put(OTHER, THERE, entry())])],
        [await request([Put(PLACE, ABSENT, entry())])],
        [await request([Delete(PLACE, THERE)])],
        [await request([Check(PLACE, THERE)])],
        [await request([PUT, Check(OTHER, ABSENT)])],
        [await request([PUT], [draft(OTHER)])],
        [await request([PUT], [draft(PLACE), draft(PLACE)])],
    ):
        assert call_of(requests)[0] == COMMIT


async def test_it_leaves_what_the_long_way_leaves(database: str, quiet: PostgresSettings) -> None:
    """The same entry, author and event, and a revision of the same kind."""
    held = entry(b"2", state="shut", due_at=NOON, sort="b")
    told = draft(PLACE)
    async with calling(database, quiet) as (caller, _):
        revision = await caller.put(PLACE, b"1")
        found = []
        for beside in ((), (Check(OTHER, ABSENT),)):
            for next_entry in (held, entry(b"3", state="open", due_at=None, sort="a")):
                commit_id = fresh_commit_id()
                answer = await caller.commit(
                    Put(PLACE, revision, next_entry), *beside, commit_id=commit_id, events=[told]
                )
                assert isinstance(answer, Committed)
                assert set(answer.revisions) == {PLACE}
                cell = await caller.present(PLACE)
                assert cell.entry == next_entry
                assert cell.written_by == commit_id
                assert cell.revision == answer.revisions[PLACE]
                assert cell.revision[8:] == commit_id[:8]
                assert cell.revision > revision
                revision = cell.revision
                (*_, event) = await caller.history()
                found.append((event.address, event.kind, event.at, event.body))
                assert event.commit_id == commit_id
        assert len(await caller.history()) == 4
        assert len(set(found)) == 1


async def test_what_tells_nothing_leaves_no_event(database: str, quiet: PostgresSettings) -> None:
    async with calling(database, quiet) as (caller, _):
        revision = await caller.put(PLACE)
        await caller.put(PLACE, b"2", revision)
        assert await caller.history() == []


async def test_one_that_loses_consumes_no_transaction_id_and_no_revision(
    database: str, quiet: PostgresSettings
) -> None:
    """G2; what is both late and stale is late."""
    async with calling(database, quiet) as (caller, _), session(database) as beside:
        first = await caller.put(PLACE)
        second = await caller.put(PLACE, b"2", first)
        now = await caller.now()
        before = await one(beside, NEXT_XID), await one(beside, LAST)
        stale = await caller.commit(Put(PLACE, first, entry()), events=[draft(PLACE)])
        gone = await caller.commit(Put(OTHER, first, entry()))
        late = await caller.commit(Put(PLACE, second, entry()), valid_until=now)
        both = await caller.commit(Put(PLACE, first, entry()), valid_until=now)
        in_time = Put(PLACE, first, entry())
        still = await caller.commit(in_time, valid_until=now + timedelta(hours=1))
        assert stale == still == Stale(frozenset({PLACE}), busy=False)
        assert gone == Stale(frozenset({OTHER}), busy=False)
        assert late == both == Late()
        assert (await one(beside, NEXT_XID), await one(beside, LAST)) == before
        assert (await caller.present(PLACE)).revision == second
        assert await caller.history() == []


async def test_whose_lock_is_taken_waits_for_it_by_itself(
    database: str, quiet: PostgresSettings
) -> None:
    async with calling(database, quiet) as (caller, _):
        revision = await caller.put(PLACE)
        async with locked(database, key_bytes(PLACE)) as holder:
            waiting = asyncio.ensure_future(caller.commit(Put(PLACE, revision, entry(b"2"))))
            await until(lambda: sessions_of(database, "wait_event_type = 'Lock'"))
            await caller.put(OTHER)
            assert not waiting.done()
            await holder.commit()
        assert isinstance(await waiting, Committed)


async def test_it_waits_for_those_who_check_its_cell(
    database: str, quiet: PostgresSettings
) -> None:
    """Else each of two could be written on what the other one is about to change."""
    async with calling(database, quiet) as (caller, _), session(database, autocommit=False) as held:
        revision = await caller.put(PLACE)
        await held.execute(
            LOCKED.replace("xact_lock", "xact_lock_shared"), (key_bytes(PLACE), LOCK_SEED)
        )
        waiting = asyncio.ensure_future(caller.commit(Put(PLACE, revision, entry(b"2"))))
        await until(lambda: sessions_of(database, "wait_event_type = 'Lock'"))
        assert not waiting.done()
        await held.commit()
        assert isinstance(await waiting, Committed)


async def test_its_transaction_is_known_before_it_takes_a_number(database: str) -> None:
    """Whoever polls sees who is to use a number that was taken."""
    async with calling(database) as (caller, _):
        revision = await caller.put(PLACE)
        async with session(database, autocommit=False) as held:
            await held.execute("ALTER SEQUENCE turnkeep.revision NO CYCLE")
            taking = asyncio.ensure_future(caller.put(PLACE, b"2", revision))
            await until(lambda: sessions_of(database, "wait_event_type = 'Lock'"))
            assert (
                await sessions_of(database, "wait_event_type = 'Lock' AND backend_xid IS NULL") == 0
            )
            await held.commit()
        await taking


async def test_it_leaves_its_session_as_it_was(database: str) -> None:
    """A host's pool may lend it to others."""
    execute(
        database,
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off',"
        " current_database()); END $$",
    )
    async with AsyncConnectionPool(
        database, min_size=1, max_size=1, kwargs={"autocommit": True}, open=False
    ) as pool:
        async with store_on(None, evolve(QUIET, grouping=False), pool=pool) as store:
            caller = Caller(store)
            await caller.put(PLACE, b"2", await caller.put(PLACE))
        async with pool.connection() as connection:
            assert await one(connection, "SHOW lock_timeout") == "0"
            assert await one(connection, "SHOW synchronous_commit") == "off"


async def test_a_lock_that_is_not_had_in_time_is_a_lost_race(
    database: str, quiet: PostgresSettings
) -> None:
    """G8"""
    brief = evolve(quiet, lock_seconds=0.2, statement_seconds=0.4, checkout_seconds=0.8)
    async with calling(database, brief) as (caller, store):
        revision = await caller.put(PLACE)
        async with locked(database, key_bytes(PLACE)):
            answer = await store.commit(
                fresh_commit_id(),
                [Put(PLACE, revision, entry(b"2"))],
                [],
                valid_until=None,
                deadline=caller.deadline(),
            )
        assert answer == Stale(frozenset(), busy=True)
        assert (await caller.present(PLACE)).revision == revision


async def test_validity_is_judged_when_the_lock_is_had(database: str) -> None:
    """P19: time that a commit waits for its lock counts."""
    async with calling(database, evolve(QUIET, grouping=False)) as (caller, _):
        revision = await caller.put(PLACE)
        soon = await caller.now() + timedelta(seconds=0.3)

        async def is_past() -> bool:
            return await caller.now() >= soon

        async with locked(database, key_bytes(PLACE)) as holder:
            sent = asyncio.ensure_future(
                caller.commit(Put(PLACE, revision, entry(b"2")), valid_until=soon)
            )
            await until(is_past)
            assert not sent.done()
            await holder.commit()
        assert await sent == Late()
        assert (await caller.present(PLACE)).revision == revision


async def test_it_takes_one_round_trip(database: str) -> None:
    """G1: and is prepared once, whether something is due, or told, or not."""
    single = PostgresSettings(pool_min=1, pool_max=1, notification=False)
    async with Proxy(database) as proxy, calling(proxy.url, single) as (caller, _):
        revision = await caller.put(PLACE)
        revision = await caller.put(PLACE, b"warm", revision)
        for due_at, events in ((NOON, [draft(PLACE)]), (None, []), (NOON, [])):
            with proxy.counted() as trips:
                answer = await caller.commit(
                    Put(PLACE, revision, entry(due_at=due_at)), events=events
                )
            assert trips == [1]
            assert isinstance(answer, Committed)
            revision = answer.revisions[PLACE]


async def test_repeatable_read_is_refused(database: str, quiet: PostgresSettings) -> None:
    """G4"""
    async with calling(database, quiet) as (caller, _):
        revision = await caller.put(PLACE)
    execute(
        database,
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation ="
        " ''repeatable read''', current_database()); END $$",
    )
    async with calling(database, quiet) as (caller, _):
        with pytest.raises(Unsupported, match="read committed"):
            await caller.put(PLACE, b"2", revision)
        assert (await caller.present(PLACE)).revision == revision


async def test_an_asynchronous_commit_is_lifted(database: str) -> None:
    execute(
        database,
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off',"
        " current_database()); END $$",
        "CREATE TABLE public.seen (setting text)",
        "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO"
        " public.seen VALUES (current_setting('synchronous_commit')); RETURN NEW; END $$",
        "CREATE TRIGGER see BEFORE UPDATE ON turnkeep.cell FOR EACH ROW EXECUTE FUNCTION see()",
    )
    async with calling(database) as (caller, _), session(database) as beside:
        await caller.put(PLACE, b"2", await caller.put(PLACE))
        assert await one(beside, "SHOW synchronous_commit") == "off"
        assert await one(beside, "SELECT setting FROM public.seen") == "on"
