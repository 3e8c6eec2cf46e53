"""G7: the server goes away in the middle of everything, and comes back."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from attrs import evolve

from tests.postgres.server import Server
from tests.postgres.world import QUIET, add, calling, execute, loop_on, total, until
from turnkeep.testing import Caller
from turnkeep.testing.specimens import address, draft
from turnkeep_adapters.postgres.migrating import migrate
from turnkeep_adapters.postgres.settings import PostgresSettings
from turnkeep_application.pacing import Pacing
from turnkeep_ports.errors import Unavailable

LEDGERS = 6
PATIENT = Pacing(attempts_max=1_000)


@pytest.mark.parametrize("crash", [True, False], ids=["crashed", "stopped"])
async def test_updates_survive_a_restart_within_their_deadline(
    own_server: Server, quiet: PostgresSettings, *, crash: bool
) -> None:
    """G7: a restart in mid-commit is a doubt, which the update loop ends; all apply once."""
    execute(own_server.url(), "CREATE DATABASE kept")
    url = own_server.url("kept")
    await migrate(url)
    async with calling(url, evolve(quiet, checkout_seconds=4.5)) as (caller, store):
        loop = loop_on(store, PATIENT)
        ended = asyncio.Event()
        done = [0] * LEDGERS

        def has_done(wanted: int) -> bool:
            return sum(done) >= wanted

        async def work(number: int) -> None:
            while not ended.is_set():
                request = f"{number}-{done[number]}"
                assert await add(loop, request, id=f"l{number}") == done[number] + 1
                done[number] += 1

        workers = [asyncio.ensure_future(work(number)) for number in range(LEDGERS)]
        for _ in range(2):
            await until(partial(has_done, sum(done) + 60))
            (own_server.crash if crash else own_server.stop)()
            own_server.start()
        await until(partial(has_done, sum(done) + 60))
        ended.set()
        await asyncio.gather(*workers)
        assert [await total(store, f"l{n}") for n in range(LEDGERS)] == done
        assert len(await caller.history()) == sum(done)


async def test_a_server_that_stays_away_is_unavailable_and_nothing_else(
    own_server: Server,
) -> None:
    execute(own_server.url(), "CREATE DATABASE kept")
    url = own_server.url("kept")
    await migrate(url)
    brief = evolve(QUIET, lock_seconds=0.1, statement_seconds=0.2, checkout_seconds=0.5)
    place = address("placed")
    async with calling(url, brief) as (caller, _):
        await caller.put(place)
        own_server.stop()
        for _ in range(3):
            with pytest.raises(Unavailable):
                await caller.load(place)
        with pytest.raises(Unavailable):
            await caller.put(address("other"), events=[draft(place)])
        own_server.start()
        await until(lambda: _answers(caller))
        assert set((await caller.load(place, address("other"))).cells) == {place}


async def _answers(caller: Caller) -> bool:
    try:
        await caller.now()
    except Unavailable:
        return False
    return True
