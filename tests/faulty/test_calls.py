"""The record of calls: what was asked, what it suffered, how it ended."""

import asyncio
from types import NoneType

import pytest

from tests.faulty.world import EVERYBODY, commit_id, opened, put
from turnkeep_adapters.faulty.actions import AnswerBusy, FailBefore, Hold, LoseAfter, Operation
from turnkeep_adapters.faulty.calls import Call
from turnkeep_adapters.virtual.clock import VirtualClock
from turnkeep_ports.errors import OutcomeUnknown, Unavailable
from turnkeep_ports.scans import Page
from turnkeep_ports.store import START, Committed, EventPage, Interest, Loaded, Stale


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


def test_calls_are_recorded_in_the_order_in_which_they_began(clock: VirtualClock) -> None:
    async def scenario() -> tuple[Call, ...]:
        async with opened(clock) as world:
            await world.load()
            await world.commit(7, put("a", b"1"), events=(world.event("b", "list"),))
            await world.scan()
            await world.events()
            await world.events("note", "list")
            await world.faulty.trim(START, deadline=world.deadline())
            await world.faulty.scrub(deadline=world.deadline())
            await world.faulty.changed(None, interest=None, timeout_seconds=0.0)
            mine = Interest(collection="note", prefix=EVERYBODY)
            await world.faulty.changed(None, interest=mine, timeout_seconds=0.0)
            return world.faulty.calls

    calls = clock.run(scenario())
    note, both = frozenset({"note"}), frozenset({"note", "list"})
    assert [(call.operation, call.collections, call.answer) for call in calls] == [
        (Operation.LOAD, note, Loaded),
        (Operation.COMMIT, both, Committed),
        (Operation.SCAN, note, Page),
        (Operation.EVENTS, None, EventPage),
        (Operation.EVENTS, both, EventPage),
        (Operation.TRIM, None, bytes),
        (Operation.SCRUB, None, NoneType),
        (Operation.CHANGED, None, bytes),
        (Operation.CHANGED, note, bytes),
    ]
    assert [call.commit_id for call in calls if call.commit_id] == [commit_id(7)]
    assert {call.action for call in calls} == {None}


def test_a_call_tells_what_it_suffered_and_raised(clock: VirtualClock) -> None:
    async def scenario() -> tuple[Call, ...]:
        async with opened(clock, "load: fail-before\ncommit: lose-after\ncommit: busy") as world:
            with pytest.raises(Unavailable):
                await world.load()
            with pytest.raises(OutcomeUnknown):
                await world.commit(1, put("a", b"1"))
            await world.commit(2, put("a", b"2"))
            return world.faulty.calls

    calls = clock.run(scenario())
    assert [(call.action, call.answer) for call in calls] == [
        (FailBefore(), Unavailable),
        (LoseAfter(), OutcomeUnknown),
        (AnswerBusy(), Stale),
    ]


def test_a_call_on_its_way_has_no_answer_and_a_cancelled_one_says_so(clock: VirtualClock) -> None:
    async def scenario() -> None:
        async with opened(clock, "load: hold x") as world:
            held = asyncio.create_task(world.load())
            await world.faulty.reached("x")
            (on_its_way,) = world.faulty.calls
            assert (on_its_way.action, on_its_way.answer) == (Hold("x"), None)
            held.cancel()
            await asyncio.wait([held])
            assert [call.answer for call in world.faulty.calls] == [asyncio.CancelledError]

    clock.run(scenario())


def test_late_landings_are_no_calls(clock: VirtualClock) -> None:
    async def scenario() -> tuple[Call, ...]:
        async with opened(clock, "commit: land-late 1") as world:
            with pytest.raises(OutcomeUnknown):
                await world.commit(1, put("a", b"1"))
            await world.load()
            return world.faulty.calls

    calls = clock.run(scenario())
    assert [call.operation for call in calls] == [Operation.COMMIT, Operation.LOAD]
