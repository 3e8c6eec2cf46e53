"""A hold: renewed while it lasts, lost before it is over, given back at its end."""

from __future__ import annotations

import asyncio

import pytest

from tests.application.worlds import SCOPE, STORES, World, rid
from turnkeep import InvalidValue, LeaseHeld, Tenancy, Unavailable
from turnkeep_adapters.faulty.actions import Operation
from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.faulty.store import FaultyRecordStore


def made(faulty: FaultyRecordStore) -> int:
    """How many commits were made."""
    return sum(call.operation is Operation.COMMIT for call in faulty.calls)


def test_a_hold_lasts_as_long_as_its_block_and_no_longer(world: World) -> None:
    async def scenario() -> None:
        async with world.keep.leases.hold(SCOPE, "db", holder="one") as holding:
            assert holding.fence == 1
            await world.clock.sleep(1_000)
            assert not holding.is_lost
            view = await world.rival.leases.get(SCOPE, "db")
            assert view.holder == "one"
        assert (await world.rival.leases.get(SCOPE, "db")).vacant
        assert await world.kinds() == ["lease.acquired", "lease.released"]

    world.run(scenario)


def test_it_is_renewed_every_third_of_its_time(world: World) -> None:
    async def scenario() -> None:
        async with (
            world.suffering("") as (keep, faulty),
            keep.leases.hold(SCOPE, "db", holder="one", ttl_seconds=60),
        ):
            await world.clock.sleep(59)
            assert made(faulty) == 3  # acquired, renewed at 20 and 40

    world.run(scenario)


def test_waiters_come_one_after_another(world: World) -> None:
    async def scenario() -> None:
        inside: list[int] = []
        most = 0

        async def work(number: int) -> None:
            nonlocal most
            keep = (world.keep, world.rival)[number % 2]
            async with keep.leases.hold(
                SCOPE, "db", holder=f"h{number}", patience_seconds=600
            ) as holding:
                inside.append(holding.fence)
                most = max(most, len(inside))
                await world.clock.sleep(5)
                inside.remove(holding.fence)

        await asyncio.gather(*(work(number) for number in range(6)))
        assert most == 1

    world.run(scenario)


def test_a_waiter_whose_patience_ends_is_told_and_runs_nothing(world: World) -> None:
    async def scenario() -> None:
        async with world.keep.leases.hold(SCOPE, "db", holder="one"):
            began = world.clock.monotonic()
            with pytest.raises(LeaseHeld) as told:
                async with world.rival.leases.hold(SCOPE, "db", holder="two", patience_seconds=7):
                    pytest.fail("the block must not run")
            assert world.clock.monotonic() - began == pytest.approx(7, abs=0.1)
            assert (told.value.code, told.value.retryable) == ("held", True)
        assert await world.kinds() == ["lease.acquired", "lease.released"]

    world.run(scenario)


def test_a_dead_holder_is_followed_at_its_deadline(world: World) -> None:
    async def scenario() -> None:
        dead = await world.keep.leases.acquire(SCOPE, "db", holder="one", request_id=rid("r"))
        assert isinstance(dead, Tenancy)
        async with world.rival.leases.hold(
            SCOPE, "db", holder="two", patience_seconds=90
        ) as holding:
            assert holding.fence == 2
            assert world.now() >= dead.until

    world.run(scenario)


def test_a_holder_whose_store_is_gone_is_lost_before_its_tenure_ends(world: World) -> None:
    async def scenario() -> None:
        async with (
            world.suffering("") as (keep, faulty),
            keep.leases.hold(SCOPE, "db", holder="one", ttl_seconds=60) as holding,
        ):
            view = await world.rival.leases.get(SCOPE, "db")
            assert view.until is not None
            faulty.follow(Script.parse("load#*: fail-before"))
            await holding.lost.wait()
            left = (view.until - world.now()).total_seconds()
            assert left == pytest.approx(6, abs=0.1)
        # It could not be given back; it ends by itself.
        await world.clock.sleep(6)
        assert (await world.rival.leases.get(SCOPE, "db")).vacant

    world.run(scenario)


def test_a_store_that_fails_now_and_then_loses_nothing(world: World) -> None:
    async def scenario() -> None:
        faults = "\n".join(
            [
                *("commit#1: lose-after", "commit#2: lose-before", "commit#3: stale"),
                *("load#3: fail-before", "load#5: fail-before", "commit#5: lose-after"),
            ]
        )
        async with (
            world.suffering(faults) as (keep, _),
            keep.leases.hold(SCOPE, "db", holder="one") as holding,
        ):
            await world.clock.sleep(600)
            assert not holding.is_lost
        assert await world.kinds() == ["lease.acquired", "lease.released"]

    world.run(scenario)


def test_a_holder_whose_tenure_was_taken_learns_it_at_its_next_renewal(world: World) -> None:
    async def scenario() -> None:
        async with world.keep.leases.hold(SCOPE, "db", holder="one") as holding:
            await world.rival.leases.release(SCOPE, "db", holder="one", fence=1)
            began = world.clock.monotonic()
            await holding.lost.wait()
            assert world.clock.monotonic() - began <= 20

    world.run(scenario)


def test_a_hold_ends_with_its_block_whatever_ends_the_block(world: World) -> None:
    async def scenario() -> None:
        with pytest.raises(ZeroDivisionError):
            async with world.keep.leases.hold(SCOPE, "db", holder="one"):
                raise ZeroDivisionError
        assert (await world.keep.leases.get(SCOPE, "db")).vacant

        entered = asyncio.Event()

        async def body() -> None:
            async with world.keep.leases.hold(SCOPE, "db", holder="one"):
                entered.set()
                await world.clock.sleep(1_000)

        task = asyncio.create_task(body())
        await entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await world.keep.leases.get(SCOPE, "db")).vacant
        # No renewal, and no timer of it, is left behind.
        assert len(asyncio.all_tasks()) == 1

    world.run(scenario)


def test_a_store_that_does_not_serve_at_all_is_told(world: World) -> None:
    async def scenario() -> None:
        async with world.suffering("load#*: fail-before") as (keep, _):
            with pytest.raises(Unavailable):
                async with keep.leases.hold(SCOPE, "db", holder="one", patience_seconds=3):
                    pytest.fail("the block must not run")

    world.run(scenario)


async def test_a_wrong_value_is_refused_before_anything_is_read() -> None:
    leases = World(STORES["memory"]).keep.leases
    for wrong in (
        {"patience_seconds": -1},
        {"patience_seconds": 3_601},
        {"patience_seconds": "1"},
        {"ttl_seconds": 15},
        {"holder": ""},
        {"name": ""},
        {"scope": "acme"},
    ):
        arguments = {"scope": SCOPE, "name": "db", "holder": "one", **wrong}
        scope, name = arguments.pop("scope"), arguments.pop("name")
        with pytest.raises(InvalidValue):
            async with leases.hold(scope, name, **arguments):  # type: ignore[arg-type]  # on purpose
                pytest.fail("the block must not run")
