"""Loads: those that wait together travel in one call, and hold each other up in nothing."""

from __future__ import annotations

import asyncio
import time
from typing import Final

import pytest
from attrs import evolve

from tests.postgres.proxy import Cut, Proxy
from tests.postgres.world import QUIET, calling, execute, soon, until
from turnkeep.testing.specimens import address, addresses
from turnkeep_adapters.postgres.calls import Calls
from turnkeep_adapters.postgres.connections import Connection, Row
from turnkeep_adapters.postgres.loads import SHARED_KEYS_MAX
from turnkeep_adapters.postgres.statements import LOAD
from turnkeep_domain.errors import InvalidValue
from turnkeep_ports.errors import Unavailable, Unsupported
from turnkeep_ports.store import Loaded

PLACE: Final = address("placed")
ONE: Final = evolve(QUIET, pool_min=1, pool_max=1)
WATCHED: Final = b"load_v1"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many keys each call named; a proxy counts what the pool looks after, too."""
    sizes = list[int]()
    sends = Calls.sent

    async def spied(
        calls: Calls, connection: Connection, statement: str, parameters: tuple[object, ...]
    ) -> list[Row]:
        if statement == LOAD:
            sizes.append(str(parameters[0]).count("x"))
        return await sends(calls, connection, statement, parameters)

    monkeypatch.setattr(Calls, "sent", spied)
    return sizes


async def test_loads_that_wait_together_take_one_round_trip_and_have_each_their_own(
    database: str,
) -> None:
    """G1"""
    async with Proxy(database) as proxy, calling(proxy.url, ONE) as (caller, _):
        here, there, nowhere = addresses(3)
        revisions = {place: await caller.put(place) for place in (here, there)}
        before = await caller.now()
        with proxy.counted() as trips:
            told = await asyncio.gather(
                caller.load(here),
                caller.load(nowhere, there, here),
                caller.load(nowhere),
                caller.load(there),
            )
        assert trips == [1]
        assert [list(loaded.cells) for loaded in told] == [[here], [there, here], [], [there]]
        for loaded in told:
            assert loaded.now >= before
            for place, cell in loaded.cells.items():
                assert (cell.address, cell.revision) == (place, revisions[place])


async def test_with_grouping_off_each_goes_by_itself(database: str) -> None:
    alone = evolve(ONE, grouping=False)
    async with Proxy(database) as proxy, calling(proxy.url, alone) as (caller, _):
        await caller.load(address("warm"))
        with proxy.counted() as trips:
            await asyncio.gather(*(caller.load(place) for place in addresses(4)))
        assert trips == [4]


async def test_while_three_calls_are_on_their_way_the_next_gathers(
    database: str, sent: list[int]
) -> None:
    settings = evolve(QUIET, patience_seconds=20.0, pool_min=6, pool_max=6)
    async with (
        Proxy(database, watched=WATCHED) as proxy,
        calling(proxy.url, settings) as (caller, _),
    ):
        stalled = []
        for place in addresses(3):
            proxy.arm(Cut.NEVER_ANSWERED)
            stalled.append(asyncio.ensure_future(caller.load(place)))
            await until(lambda: not proxy.wanted)
        gathering = [asyncio.ensure_future(caller.load(place)) for place in addresses(20)]
        await asyncio.sleep(0.1)
        assert not any(load.done() for load in (*stalled, *gathering))
        await proxy.cut_all()
        answers = await asyncio.gather(*stalled, return_exceptions=True)
        assert {type(answer) for answer in answers} == {Unavailable}
        assert len({id(answer) for answer in answers}) == 3
        await asyncio.gather(*gathering)
        assert sent == [1, 1, 1, 20]


async def test_a_shared_call_names_256_keys_at_most(database: str) -> None:
    async with Proxy(database) as proxy, calling(proxy.url, ONE) as (caller, _):
        places = addresses(SHARED_KEYS_MAX + 1)
        await caller.load(PLACE)
        with proxy.counted() as trips:
            await asyncio.gather(*(caller.load(place) for place in places))
        assert trips == [2]
        with proxy.counted() as trips:
            await asyncio.gather(caller.load(PLACE), caller.load(*places), caller.load(PLACE))
        assert trips == [3]


async def test_a_silent_connection_holds_up_nobody_for_longer_than_patience(database: str) -> None:
    async with (
        Proxy(database, watched=WATCHED) as proxy,
        calling(proxy.url, evolve(QUIET, pool_min=4)) as (caller, _),
    ):
        revision = await caller.put(PLACE)
        proxy.arm(Cut.NEVER_ANSWERED)
        began = time.monotonic()
        told = await asyncio.gather(*(caller.load(PLACE) for _ in range(8)))
        assert QUIET.patience_seconds <= time.monotonic() - began < 1.0
        assert {loaded.cells[PLACE].revision for loaded in told} == {revision}
        await proxy.cut_all()


async def test_it_is_asked_for_twice_and_no_more(database: str, sent: list[int]) -> None:
    async with (
        Proxy(database, watched=WATCHED) as proxy,
        calling(proxy.url, evolve(QUIET, patience_seconds=0.05)) as (_, store),
    ):
        proxy.arm(Cut.NEVER_ANSWERED)
        load = asyncio.ensure_future(store.load([PLACE], deadline=soon(2.0)))
        await until(lambda: not proxy.wanted)
        proxy.arm(Cut.NEVER_ANSWERED)
        with pytest.raises(Unavailable):
            await load
        assert sent == [1, 1]
        await proxy.cut_all()


async def test_one_that_was_asked_for_again_outlives_the_cut_of_its_first_call(
    database: str,
) -> None:
    async with (
        Proxy(database, watched=WATCHED) as proxy,
        calling(proxy.url, evolve(ONE, patience_seconds=0.05)) as (caller, _),
    ):
        revision = await caller.put(PLACE)
        proxy.arm(Cut.NEVER_ANSWERED)
        load = asyncio.ensure_future(caller.load(PLACE))
        await until(lambda: not proxy.wanted)
        # It waits for the only connection, for the second time, when its first call is cut.
        await asyncio.sleep(0.2)
        assert not load.done()
        await proxy.cut_all()
        assert (await load).cells[PLACE].revision == revision


@pytest.mark.parametrize("cut", [Cut.BEFORE, Cut.BETWEEN])
async def test_of_a_call_that_is_cut_each_load_is_unavailable(database: str, cut: Cut) -> None:
    async with (
        Proxy(database, watched=WATCHED) as proxy,
        calling(proxy.url, ONE) as (caller, _),
    ):
        proxy.arm(cut)
        answers = await asyncio.gather(
            *(caller.load(place) for place in addresses(8)), return_exceptions=True
        )
        assert {type(answer) for answer in answers} == {Unavailable}
        assert len({id(answer) for answer in answers}) == 8
        assert all(isinstance(answer, Unavailable) and answer.retryable for answer in answers)
        await caller.load(PLACE)


async def test_one_that_is_cancelled_takes_nobody_with_it(database: str) -> None:
    async with calling(database, ONE) as (caller, _):
        revision = await caller.put(PLACE)
        loads = [asyncio.ensure_future(caller.load(PLACE)) for _ in range(3)]
        await asyncio.sleep(0)
        loads[0].cancel()
        answers = await asyncio.gather(*loads, return_exceptions=True)
        assert isinstance(answers[0], asyncio.CancelledError)
        for answer in answers[1:]:
            assert isinstance(answer, Loaded)
            assert answer.cells[PLACE].revision == revision


async def test_without_a_connection_in_time_each_is_unavailable(database: str) -> None:
    settings = evolve(ONE, lock_seconds=0.05, statement_seconds=0.1, checkout_seconds=0.2)
    async with calling(database, settings) as (caller, store):
        await caller.load(PLACE)
        async with store.snapshot(deadline=soon()):
            answers = await asyncio.gather(
                *(caller.load(place) for place in addresses(4)), return_exceptions=True
            )
        assert {type(answer) for answer in answers} == {Unavailable}
        assert len({id(answer) for answer in answers}) == 4
        await caller.load(PLACE)


async def test_closing_refuses_what_was_not_sent(database: str) -> None:
    async with calling(database, ONE) as (caller, store):
        await caller.load(PLACE)
        async with store.snapshot(deadline=soon()):
            load = asyncio.ensure_future(caller.load(PLACE))
            await asyncio.sleep(0.05)
            closing = asyncio.ensure_future(store.__aexit__(None, None, None))
            with pytest.raises(Unavailable, match="closed"):
                await load
        await closing


async def test_what_the_server_refuses_is_told_to_each(database: str) -> None:
    async with calling(database, ONE) as (caller, _):
        execute(database, "DROP FUNCTION turnkeep.load_v1")
        answers = await asyncio.gather(
            *(caller.load(place) for place in addresses(3)), return_exceptions=True
        )
        assert {type(answer) for answer in answers} == {Unsupported}


async def test_a_wrong_load_is_refused_before_it_joins_others(database: str) -> None:
    async with calling(database, ONE) as (caller, _):
        right = asyncio.ensure_future(caller.load(PLACE))
        with pytest.raises(InvalidValue):
            await caller.load()
        assert (await right).cells == {}
