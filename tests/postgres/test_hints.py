"""Hints: word of commits travels, may be lost, and is then made up for by polling."""

from __future__ import annotations

import asyncio
import secrets

import pytest
from attrs import evolve

from tests.postgres.proxy import Proxy
from tests.postgres.world import QUIET, calling, execute, one, session, store_on, until
from turnkeep.testing import Caller
from turnkeep.testing.specimens import COLLECTION, SCOPE, address, entry
from turnkeep_adapters.postgres.changes import REMEMBERED, Changes, Wait
from turnkeep_adapters.postgres.hints import GATHER_SECONDS, Hint
from turnkeep_adapters.postgres.settings import PostgresSettings
from turnkeep_adapters.postgres.signs import sign_of, signs_of
from turnkeep_adapters.postgres.store import PostgresRecordStore
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_ports.errors import Unavailable
from turnkeep_ports.key_bytes import key_bytes
from turnkeep_ports.store import ABSENT, Interest, Mark, Notification, Put

PUSHED = PostgresSettings(pool_max=4, poll_seconds=60, poll_listening_seconds=60)
QUICK = evolve(
    PUSHED, ping_seconds=0.2, silence_seconds=0.3, poll_seconds=0.2, poll_listening_seconds=0.5
)
PLACE = address("placed")
MINE = Interest(collection=COLLECTION, prefix=ScopePrefix.owner(SCOPE))


async def healthy(store: PostgresRecordStore) -> None:
    await until(lambda: store.notification is Notification.PUSH)


async def mark(store: PostgresRecordStore) -> Mark:
    return await store.changed(None, interest=None, timeout_seconds=0)


async def woken(store: PostgresRecordStore, since: Mark, seconds: float = 10.0) -> None:
    """Fails unless a wait ends before its own timeout."""
    async with asyncio.timeout(seconds):
        await store.changed(since, interest=MINE, timeout_seconds=3_600)


async def test_what_another_store_commits_is_heard_long_before_the_poll(database: str) -> None:
    async with store_on(database, PUSHED) as writer, store_on(database, PUSHED) as waiter:
        await healthy(waiter)
        since = await mark(waiter)
        waiting = asyncio.ensure_future(woken(waiter, since))
        await Caller(writer).put(PLACE)
        await waiting


async def test_only_those_whom_it_may_concern_are_woken(database: str) -> None:
    other = Interest(collection=COLLECTION, prefix=ScopePrefix.owner(Scope.of("acme", "bob")))
    async with store_on(database, PUSHED) as writer, store_on(database, PUSHED) as waiter:
        await healthy(waiter)
        since = await mark(waiter)
        bob = asyncio.ensure_future(waiter.changed(since, interest=other, timeout_seconds=3_600))
        await asyncio.sleep(0)
        waiting = asyncio.ensure_future(woken(waiter, since))
        await Caller(writer).put(PLACE)
        await waiting
        assert not bob.done()
        bob.cancel()


async def test_many_commits_are_told_in_few_messages(database: str) -> None:
    async with store_on(database, PUSHED) as writer, session(database) as heard:
        await heard.execute("LISTEN turnkeep")
        await healthy(writer)
        caller = Caller(writer)
        loop = asyncio.get_running_loop()
        began = loop.time()
        for n in range(60):
            await caller.put(address(f"{n}"))
        most = (loop.time() - began) / GATHER_SECONDS + 2
        messages = [Hint.read(message.payload) async for message in heard.notifies(timeout=0.5)]
        told = [message for message in messages if not message.ping]
        assert 1 <= len(told) <= most
        assert all(hint.signs for hint in told)


async def test_with_a_dead_listener_waits_still_end(database: str) -> None:
    """G15"""
    async with (
        Proxy(database) as proxy,
        store_on(proxy.url, QUICK) as waiter,
        calling(database) as (writer, _),
    ):
        await healthy(waiter)
        since = await mark(waiter)
        proxy.deaf = True
        await proxy.cut_all()
        waiting = asyncio.ensure_future(woken(waiter, since))
        await until(lambda: waiter.notification is Notification.POLL)
        await writer.put(PLACE)
        await waiting
        assert waiter.notification is Notification.POLL
        assert waiter.capabilities.notification is Notification.PUSH


async def test_a_listener_that_hears_nothing_is_replaced(database: str) -> None:
    """G15: a session that is half open counts as dead after its silence."""
    async with Proxy(database) as proxy, store_on(proxy.url, QUICK) as waiter:
        await healthy(waiter)
        proxy.silent = True
        await until(lambda: waiter.notification is Notification.POLL)
        proxy.silent = False
        await proxy.cut_all()
        await healthy(waiter)
        async with calling(database, PUSHED) as (writer, _):
            since = await mark(waiter)
            waiting = asyncio.ensure_future(woken(waiter, since))
            await writer.put(PLACE)
            await waiting


async def test_a_commit_that_nobody_told_of_is_found_by_the_poll(database: str) -> None:
    """G15: also one whose number was taken before the poll, and that ended after it."""
    settings = evolve(QUIET, poll_seconds=0.1)
    async with calling(database, settings) as (_, waiter), calling(database) as (writer, _):
        since = await mark(waiter)
        await writer.put(PLACE)
        await woken(waiter, since)
        execute(
            database,
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " PERFORM pg_advisory_lock(4711); PERFORM pg_advisory_unlock(4711);"
            " RETURN NULL; END $$",
            "CREATE TRIGGER slow AFTER INSERT ON turnkeep.cell FOR EACH STATEMENT"
            " EXECUTE FUNCTION slow()",
        )
        async with session(database) as holder:
            await holder.execute("SELECT pg_advisory_lock(4711)")
            writing = asyncio.ensure_future(writer.put(address("slow")))
            await until(lambda: _has_taken_a_number(database))
            since = await mark(waiter)
            for _ in range(5):
                since = await waiter.changed(since, interest=None, timeout_seconds=0.15)
            waiting = asyncio.ensure_future(woken(waiter, since))
            await asyncio.sleep(0.3)
            assert not waiting.done(), "nothing was committed"
            await holder.execute("SELECT pg_advisory_unlock(4711)")
            await writing
            await waiting


async def test_the_poll_sees_the_writers_of_every_role(database: str) -> None:
    role = f"turnkeep_low_{secrets.token_hex(4)}"
    execute(
        database,
        f"CREATE ROLE {role}",
        f"GRANT USAGE ON SCHEMA turnkeep TO {role}",
        f"GRANT SELECT ON ALL SEQUENCES IN SCHEMA turnkeep TO {role}",
    )
    try:
        async with session(database) as low, session(database, autocommit=False) as writer:
            await writer.execute("SELECT pg_current_xact_id()")
            await low.execute(f"SET ROLE {role}".encode())
            assert await one(low, "SELECT cardinality(running) FROM turnkeep.pulse_v1()") == 1
    finally:
        execute(database, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


async def test_a_mark_of_another_store_object_wakes_at_once(database: str) -> None:
    async with store_on(database) as mine, store_on(database) as other:
        await woken(other, await mark(mine))
        with pytest.raises(InvalidValue):
            await other.changed(Mark(b"x"), interest=None, timeout_seconds=0)


async def test_closing_ends_the_waits(database: str) -> None:
    store = await store_on(database).__aenter__()
    waiting = asyncio.ensure_future(woken(store, await mark(store)))
    await asyncio.sleep(0.01)
    await store.__aexit__(None, None, None)
    with pytest.raises(Unavailable):
        await waiting


async def test_a_server_that_is_away_ends_no_wait_and_fails_none(database: str) -> None:
    async with Proxy(database) as proxy, store_on(proxy.url, QUICK) as waiter:
        since = await mark(waiter)
        proxy.deaf = True
        await proxy.cut_all()
        await waiter.changed(since, interest=MINE, timeout_seconds=0.3)


def test_a_message_that_is_not_understood_may_mean_anything() -> None:
    for message in ("", "x", "x:", "x:*"):
        assert Hint.read(message).signs is None
    assert Hint.read("me:!").ping
    signs = signs_of([key_bytes(PLACE)])
    assert Hint.read("me:" + ",".join(sorted(signs))).signs == signs
    assert sign_of(MINE) in signs


async def test_what_is_no_longer_remembered_wakes() -> None:
    changes = Changes()
    since = changes.mark()
    (mine, other) = (sign_of(MINE), sign_of(Interest(collection="other", prefix=MINE.prefix)))
    changes.happened(frozenset({other}))
    assert not changes.missed(since, mine)
    for _ in range(REMEMBERED + 1):
        changes.happened(frozenset({other}))
    assert changes.missed(since, mine)
    assert not changes.missed(changes.mark(), mine)
    wait = Wait(mine)
    changes.add(wait)
    changes.remove(wait)
    changes.remove(wait)
    assert changes.waiting() == 0


async def _has_taken_a_number(url: str) -> bool:
    async with session(url) as beside:
        cursor = await beside.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        )
        row = await cursor.fetchone()
        return row is not None and row[0] > 0


def test_a_put_tells_its_collection_its_tenant_and_its_owner() -> None:
    put = Put(PLACE, ABSENT, entry())
    assert len(signs_of([key_bytes(put.address)])) == 3
