"""Severed connections: what was not heard is not known, and the update loop finds it out."""

from __future__ import annotations

import asyncio
import time

import pytest
from attrs import evolve

from tests.application.loop.ledger import LEDGERS, SCOPE
from tests.postgres.proxy import Cut, Proxy
from tests.postgres.world import (
    QUIET,
    add,
    calling,
    locked,
    loop_on,
    one,
    session,
    sessions_of,
    total,
    until,
)
from turnkeep.testing.specimens import address, entry
from turnkeep_adapters.postgres.settings import PostgresSettings
from turnkeep_domain.keys import key
from turnkeep_ports.errors import OutcomeUnknown, Unavailable
from turnkeep_ports.key_bytes import key_bytes
from turnkeep_ports.store import ABSENT, Put

PLACE = address("placed")
TERMINATE = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    r" AND pid <> pg_backend_pid() AND state = 'active' AND query LIKE '%turnkeep.commit_%'"
)


@pytest.mark.parametrize("cut", [Cut.BEFORE, Cut.BETWEEN])
async def test_a_cut_before_the_server_is_heard_ready_proves_nothing(
    database: str, quiet: PostgresSettings, cut: Cut
) -> None:
    """G5"""

    async with (
        Proxy(database) as proxy,
        calling(proxy.url, quiet) as (caller, _),
        calling(database) as (beside, _),
    ):
        proxy.arm(cut)
        with pytest.raises(OutcomeUnknown):
            await caller.put(PLACE)
        assert (await beside.cell(PLACE) is not None) == (cut is Cut.BETWEEN)
        await caller.put(address("next"))


async def test_a_cut_after_the_server_is_ready_is_no_doubt(
    database: str, quiet: PostgresSettings
) -> None:
    """G5"""

    async with Proxy(database) as proxy, calling(proxy.url, quiet) as (caller, _):
        proxy.arm(Cut.AFTER)
        revision = await caller.put(PLACE)
        assert proxy.cuts == 1
        assert (await caller.present(PLACE)).revision == revision


async def test_of_a_group_that_is_cut_every_commit_is_in_doubt(database: str) -> None:
    """G5"""
    async with (
        Proxy(database) as proxy,
        calling(proxy.url) as (caller, _),
        calling(database) as (beside, _),
    ):
        proxy.arm(Cut.BETWEEN)
        places = [address(f"{n}") for n in range(8)]
        answers = await asyncio.gather(
            *(caller.put(place) for place in places), return_exceptions=True
        )
        assert {type(answer) for answer in answers} == {OutcomeUnknown}
        assert len({id(answer) for answer in answers}) == len(places)
        assert set((await beside.load(*places)).cells) == set(places)


async def test_an_answer_that_never_comes_is_a_doubt_at_the_deadline(
    database: str, quiet: PostgresSettings
) -> None:
    """G5"""

    async with (
        Proxy(database) as proxy,
        calling(proxy.url, quiet) as (caller, store),
        calling(database) as (beside, _),
    ):
        proxy.arm(Cut.NEVER_ANSWERED)
        with pytest.raises(OutcomeUnknown):
            await store.commit(
                b"c" * 16,  # type: ignore[arg-type]  # a commit id, without its name
                [Put(PLACE, ABSENT, entry())],
                [],
                valid_until=None,
                deadline=caller.deadline().earlier(29.5),
            )
        assert await beside.cell(PLACE) is not None
        await caller.put(address("next"))
        await proxy.cut_all()


async def test_an_answer_that_never_comes_parks_no_update_of_the_same_cell_for_a_second(
    database: str, quiet: PostgresSettings
) -> None:
    """P4: nor one that comes after those who have waited."""
    async with Proxy(database) as proxy, calling(proxy.url, quiet) as (_, store):
        loop, waits, writers = loop_on(store), list[float](), 4

        async def write(writer: int) -> None:
            for number in range(30):
                began = time.monotonic()
                await add(loop, f"r{writer}-{number}")
                waits.append(time.monotonic() - began)
                await asyncio.sleep(0.01)

        assert await add(loop, "before") == 1
        proxy.arm(Cut.NEVER_ANSWERED)
        stalled = asyncio.ensure_future(add(loop, "stalled"))
        await until(lambda: not proxy.wanted)
        await asyncio.gather(*map(write, range(writers)))
        assert max(waits) < 1.0
        assert not stalled.done()
        assert await total(store) == 2 + len(waits)
        stalled.cancel()
        await asyncio.gather(stalled, return_exceptions=True)
        await proxy.cut_all()


async def test_a_load_that_is_cut_is_only_unavailable(database: str) -> None:
    async with (
        Proxy(database, watched=b"load_v1") as proxy,
        calling(proxy.url) as (caller, _),
    ):
        for cut in (Cut.BEFORE, Cut.BETWEEN):
            proxy.arm(cut)
            with pytest.raises(Unavailable) as raised:
                await caller.load(PLACE)
            assert raised.value.retryable
        await caller.load(PLACE)


@pytest.mark.parametrize("cut", [Cut.BEFORE, Cut.BETWEEN])
async def test_an_update_whose_connection_is_cut_applies_once(
    database: str, quiet: PostgresSettings, cut: Cut
) -> None:
    """G5, L7"""

    async with Proxy(database) as proxy, calling(proxy.url, quiet) as (_, store):
        loop = loop_on(store)
        for number in range(3):
            proxy.arm(cut)
            assert await add(loop, f"r{number}") == number + 1
            assert not proxy.wanted
        assert await total(store) == 3


async def test_an_update_whose_backend_is_terminated_applies_once(
    database: str, quiet: PostgresSettings
) -> None:
    """G6"""

    ledger = key_bytes(key(LEDGERS, SCOPE, "l1").address)
    async with calling(database, quiet) as (_, store), session(database) as beside:
        loop = loop_on(store)
        assert await add(loop, "first") == 1
        async with locked(database, ledger):
            adding = asyncio.ensure_future(add(loop, "second"))

            async def is_terminated() -> bool:
                cursor = await beside.execute(TERMINATE)
                return bool(await cursor.fetchall())

            await until(is_terminated)
        assert await adding == 2
        assert await total(store) == 2
        assert await one(beside, "SELECT count(*) FROM turnkeep.event") == 2


async def test_one_broken_connection_has_the_others_looked_through(database: str) -> None:
    settings = evolve(QUIET, pool_min=4, pool_max=4, grouping=False)
    async with calling(database, settings) as (caller, _), session(database) as beside:
        await until(lambda: _has(database, 4))
        cursor = await beside.execute(
            # The sessions that counted them may not have left yet.
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'turnkeep'"
        )
        assert len(await cursor.fetchall()) == 4
        with pytest.raises(Unavailable):
            await caller.load(PLACE)
        await until(lambda: _has(database, 4))
        await asyncio.gather(*(caller.load(PLACE) for _ in range(8)))


async def _has(url: str, number: int) -> bool:
    return await sessions_of(url, "state = 'idle' AND application_name = 'turnkeep'") >= number
