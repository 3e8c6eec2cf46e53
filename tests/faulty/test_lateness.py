"""X2: late commits land when the script says, whole, and only if their expectations hold then."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest

from tests.faulty.world import World, commit_id, opened, put
from turnkeep_adapters.faulty.lateness import Landing
from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.faulty.store import FaultyRecordStore
from turnkeep_adapters.virtual.clock import VirtualClock
from turnkeep_ports.errors import OutcomeUnknown, Unavailable
from turnkeep_ports.store import Committed, EventPage, Late, Stale


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


async def lose(world: World, number: int, body: bytes = b"late") -> None:
    with pytest.raises(OutcomeUnknown):
        await world.commit(number, put("a", body), events=(world.event("a"),))


@pytest.mark.parametrize("operations", [1, 2, 5])
def test_a_late_commit_lands_when_the_nth_later_operation_ends(
    clock: VirtualClock, operations: int
) -> None:
    async def scenario() -> None:
        async with opened(clock, f"commit: land-late {operations}") as world:
            await lose(world, 1)
            for _ in range(operations):
                assert await world.stored() is None
                assert await world.load() is None
            cell = await world.stored()
            assert cell is not None
            assert cell.written_by == commit_id(1)
            assert world.faulty.landings == (Landing(commit_id(1), Committed),)

    clock.run(scenario())


def test_a_late_commit_lands_with_its_events(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "commit: land-late 1") as world:
            await lose(world, 1)
            await world.load()
            page = await world.events(by=world.plain)
            assert isinstance(page, EventPage)
            assert [event.commit_id for event in page.events] == [commit_id(1)]

    clock.run(scenario())


def test_a_late_commit_whose_expectation_fails_writes_nothing(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "commit: land-late 1") as world:
            await lose(world, 1)
            assert isinstance(await world.commit(2, put("a", b"rival")), Committed)
            cell = await world.stored()
            assert cell is not None
            assert cell.written_by == commit_id(2)
            page = await world.events(by=world.plain)
            assert isinstance(page, EventPage)
            assert page.events == ()
            assert world.faulty.landings == (Landing(commit_id(1), Stale),)

    clock.run(scenario())


def test_a_late_commit_is_judged_by_its_validity_when_it_lands(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "commit: land-late 1") as world:
            until = clock.utc_now() + timedelta(seconds=1)
            with pytest.raises(OutcomeUnknown):
                await world.commit(1, put("a", b"late"), valid_until=until)
            await clock.advance(1.0)
            await world.load()
            assert await world.stored() is None
            assert world.faulty.landings == (Landing(commit_id(1), Late),)

    clock.run(scenario())


def test_a_late_commit_outlives_the_deadline_of_its_caller(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "commit: land-late 1") as world:
            await lose(world, 1)
            await clock.advance(60.0)
            await world.load()
            assert await world.stored() is not None

    clock.run(scenario())


def test_a_late_commit_writes_what_was_asked_though_the_caller_changes_its_list(
    clock: VirtualClock,
) -> None:
    async def scenario() -> None:
        async with opened(clock, "commit: land-late 1") as world:
            writes = [put("a", b"asked")]
            with pytest.raises(OutcomeUnknown):
                await world.faulty.commit(
                    commit_id(1), writes, [], valid_until=None, deadline=world.deadline()
                )
            writes[0] = put("a", b"changed")
            await world.load()
            cell = await world.stored()
            assert cell is not None
            assert cell.entry.body == b"asked"

    clock.run(scenario())


def test_an_operation_that_began_before_the_loss_does_not_count(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "load: hold early\ncommit: land-late 1") as world:
            early = asyncio.create_task(world.load())
            await world.faulty.reached("early")
            await lose(world, 1)
            world.faulty.release("early")
            await early
            assert await world.stored() is None
            await world.load()
            assert await world.stored() is not None

    clock.run(scenario())


def test_an_operation_that_fails_counts(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "commit: land-late 1\nload: fail-before") as world:
            await lose(world, 1)
            with pytest.raises(Unavailable):
                await world.load()
            assert await world.stored() is not None

    clock.run(scenario())


def test_an_operation_that_is_cancelled_counts_and_is_not_kept_waiting(
    clock: VirtualClock,
) -> None:
    async def scenario() -> None:
        async with opened(clock, "commit: land-late 1\nload: stall") as world:
            await lose(world, 1)
            stalled = asyncio.create_task(world.load())
            await clock.settle()
            assert await world.stored() is None
            stalled.cancel()
            await clock.settle()
            assert stalled.cancelled()
            assert await world.stored() is not None

    clock.run(scenario())


@pytest.mark.parametrize("fate", ["fail-before", "delay 0"])
def test_an_operation_that_ends_waits_for_the_landing_that_it_brings(
    clock: VirtualClock, fate: str
) -> None:
    async def scenario() -> None:
        async with slow_landing(clock, fate) as (world, faulty):
            with suppress(Unavailable):
                await world.load(by=faulty)
            assert clock.monotonic() == 10.0
            assert await world.stored() is not None

    clock.run(scenario())


def test_a_cancelled_operation_waits_for_no_landing(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with slow_landing(clock, "stall") as (world, faulty):
            stalled = asyncio.create_task(world.load(by=faulty))
            await clock.settle()
            stalled.cancel()
            await asyncio.wait([stalled])
            assert clock.monotonic() == 0.0
            assert await world.stored() is None
            await clock.advance(10.0)
            assert await world.stored() is not None

    clock.run(scenario())


@asynccontextmanager
async def slow_landing(
    clock: VirtualClock, fate: str
) -> AsyncIterator[tuple[World, FaultyRecordStore]]:
    """A commit that needs 10 s to land after the next load of a store, which suffers its fate."""
    script = Script.parse(f"commit: land-late 1\nload: {fate}")
    async with opened(clock, "commit: delay 10000") as world:
        faulty = FaultyRecordStore(world.faulty, script=script, clock=clock)
        with pytest.raises(OutcomeUnknown):
            await world.commit(1, put("a", b"late"), by=faulty)
        yield world, faulty


def test_several_late_commits_count_apart(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "commit: land-late 3\ncommit: land-late 1") as world:
            await lose(world, 1, b"first")
            await lose(world, 2, b"second")
            await world.load()
            assert [landing.commit_id for landing in world.faulty.landings] == [commit_id(2)]
            await world.load()
            assert world.faulty.landings[1] == Landing(commit_id(1), Stale)

    clock.run(scenario())


def test_what_is_still_on_its_way_is_sent_when_the_store_closes(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "commit: land-late 9") as world:
            await lose(world, 1)
            await world.faulty.__aexit__(None, None, None)
            assert await world.stored() is not None
            assert world.faulty.landings == (Landing(commit_id(1), Committed),)
            await world.faulty.__aenter__()

    clock.run(scenario())


def test_what_has_landed_is_not_sent_again_when_the_store_closes(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "commit: land-late 1") as world:
            await lose(world, 1)
            await world.load()
        assert world.faulty.landings == (Landing(commit_id(1), Committed),)

    clock.run(scenario())


def test_a_late_commit_that_the_store_cannot_take_is_told_in_the_landings(
    clock: VirtualClock,
) -> None:
    async def scenario() -> None:
        async with opened(clock, "commit: land-late 1") as world:
            await lose(world, 1)
            # A wrapper whose inner store has gone away meanwhile.
            inner = world.faulty.inner
            await inner.__aexit__(None, None, None)
            with pytest.raises(Unavailable):
                await world.load()
            assert world.faulty.landings == (Landing(commit_id(1), Unavailable),)
            await inner.__aenter__()

    clock.run(scenario())


def test_a_fence_ends_a_late_commit(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "commit#2: land-late 2") as world:
            first = await world.commit(1, put("a", b"1"))
            assert isinstance(first, Committed)
            (revision,) = first.revisions.values()
            with pytest.raises(OutcomeUnknown):
                await world.commit(2, put("a", b"late", revision))
            # The same bytes at the doubtful revision, under a fresh id.
            assert isinstance(await world.commit(3, put("a", b"1", revision)), Committed)
            await world.load()
            cell = await world.stored()
            assert cell is not None
            assert (cell.entry.body, cell.written_by) == (b"1", commit_id(3))
            assert world.faulty.landings == (Landing(commit_id(2), Stale),)

    clock.run(scenario())
