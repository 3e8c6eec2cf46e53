"""Holds: what a test does to put one thing between two steps of another."""

import asyncio

import pytest

from tests.faulty.world import World, commit_id, opened, put
from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.virtual.clock import VirtualClock
from turnkeep_domain.errors import InvalidValue
from turnkeep_ports.errors import Unavailable
from turnkeep_ports.store import ABSENT, START, Committed, Late, Stale


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


async def append(world: World, number: int, letter: bytes) -> Committed | Stale | Late:
    """Loads a note and commits it one letter longer."""
    cell = await world.load()
    body = letter if cell is None else cell.entry.body + letter
    return await world.commit(number, put("a", body, ABSENT if cell is None else cell.revision))


def test_write_b_goes_between_the_load_and_the_commit_of_a(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "commit#1: hold a-commits") as world:
            a = asyncio.create_task(append(world, 1, b"a"), name="a")
            await world.faulty.reached("a-commits")
            assert isinstance(await append(world, 2, b"b"), Committed)
            world.faulty.release("a-commits")
            assert isinstance(await a, Stale)
            cell = await world.stored()
            assert cell is not None
            assert cell.entry.body == b"b"

    clock.run(scenario())


def test_a_held_call_has_not_been_handed_over(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "commit: hold x") as world:
            held = asyncio.create_task(world.commit(1, put("a", b"1")))
            await world.faulty.reached("x")
            await clock.advance(3_600.0)
            assert await world.stored() is None
            held.cancel()
            await asyncio.wait([held])
            assert await world.stored() is None

    clock.run(scenario())


def test_a_call_that_is_held_after_has_landed_and_not_been_answered(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "commit: hold-after x") as world:
            held = asyncio.create_task(world.commit(1, put("a", b"1")))
            await world.faulty.reached("x")
            cell = await world.stored()
            assert cell is not None
            assert cell.written_by == commit_id(1)
            await clock.settle()
            assert not held.done()
            world.faulty.release("x")
            assert isinstance(await held, Committed)

    clock.run(scenario())


def test_cancelling_a_call_that_is_held_after_leaves_it_landed(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "commit: hold-after x") as world:
            held = asyncio.create_task(world.commit(1, put("a", b"1")))
            await world.faulty.reached("x")
            held.cancel()
            await asyncio.wait([held])
            assert held.cancelled()
            assert await world.stored() is not None
            with pytest.raises(InvalidValue, match="must hold a call"):
                world.faulty.release("x")

    clock.run(scenario())


def test_one_waits_for_as_many_calls_as_one_wants(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "commit#*: hold start") as world:
            reached = asyncio.create_task(world.faulty.reached("start", calls=3))
            rivals = []
            for number in range(3):
                await clock.settle()
                assert not reached.done()
                rivals.append(asyncio.create_task(append(world, number, b"x")))
            await reached
            world.faulty.release("start")
            answers = [type(await rival) for rival in rivals]
            assert answers == [Committed, Stale, Stale]

    clock.run(scenario())


def test_reaching_what_is_reached_answers_at_once(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "load: hold x") as world:
            held = asyncio.create_task(world.load())
            await world.faulty.reached("x")
            await world.faulty.reached("x")
            world.faulty.release("x")
            await held

    clock.run(scenario())


def test_a_release_lets_go_those_who_are_held_and_no_later_ones(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "load#*: hold x") as world:
            first = asyncio.create_task(world.load())
            await world.faulty.reached("x")
            world.faulty.release("x")
            second = asyncio.create_task(world.load())
            await world.faulty.reached("x")
            assert first.done()
            assert not second.done()
            world.faulty.release("x")
            await second

    clock.run(scenario())


def test_a_cancelled_call_is_counted_at_no_hold(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "load#*: hold x") as world:
            cancelled = asyncio.create_task(world.load())
            await world.faulty.reached("x")
            cancelled.cancel()
            reached = asyncio.create_task(world.faulty.reached("x"))
            await clock.settle()
            assert not reached.done()
            held = asyncio.create_task(world.load())
            await reached
            world.faulty.release("x")
            await held

    clock.run(scenario())


def test_a_call_is_held_no_more_from_the_moment_of_its_cancellation(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "load: hold x") as world:
            held = asyncio.create_task(world.load())
            await world.faulty.reached("x")
            held.cancel()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1.0):
                    await world.faulty.reached("x")

    clock.run(scenario())


def test_a_second_release_finds_nobody(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "load: hold x") as world:
            held = asyncio.create_task(world.load())
            await world.faulty.reached("x")
            world.faulty.release("x")
            with pytest.raises(InvalidValue, match="must hold a call"):
                world.faulty.release("x")
            await held

    clock.run(scenario())


def test_whoever_stops_watching_a_hold_leaves_it_as_it_was(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "load: hold x") as world:
            watching = asyncio.create_task(world.faulty.reached("x"))
            await clock.settle()
            watching.cancel()
            held = asyncio.create_task(world.load())
            await world.faulty.reached("x")
            assert watching.cancelled()
            world.faulty.release("x")
            await held

    clock.run(scenario())


def test_an_error_of_the_inner_store_is_not_held_after(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "trim: hold-after x") as world:
            deadline = world.deadline()
            await clock.advance(60.0)
            with pytest.raises(Unavailable, match="deadline"):
                await world.faulty.trim(START, deadline=deadline)

    clock.run(scenario())


def test_releasing_where_nobody_waits_is_a_mistake(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "load: hold x") as world:
            with pytest.raises(InvalidValue, match="hold x must hold a call to be released"):
                world.faulty.release("x")

    clock.run(scenario())


def test_a_hold_that_no_script_names_is_a_mistake(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "load: hold x") as world:
            with pytest.raises(InvalidValue, match="must be one that the script names, not y"):
                await world.faulty.reached("y")
            with pytest.raises(InvalidValue, match="must be one that the script names, not y"):
                world.faulty.release("y")

    clock.run(scenario())


def test_a_call_stays_held_when_another_script_is_followed(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "load: hold x") as world:
            held = asyncio.create_task(world.load())
            await world.faulty.reached("x")
            world.faulty.follow(Script.parse("load: hold y"))
            other = asyncio.create_task(world.load())
            await world.faulty.reached("y")
            world.faulty.release("x")
            world.faulty.release("y")
            await asyncio.gather(held, other)

    clock.run(scenario())
