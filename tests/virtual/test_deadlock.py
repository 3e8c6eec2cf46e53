"""A deadlock is told, with what waits, instead of hanging."""

import asyncio
import pickle
from collections.abc import AsyncIterator

import pytest

from turnkeep_adapters.virtual.clock import VirtualClock
from turnkeep_adapters.virtual.deadlock import Deadlock
from turnkeep_domain.errors import TurnkeepError


def test_a_deadlock_names_the_tasks_and_where_they_wait() -> None:
    clock = VirtualClock()

    async def wait_for(event: asyncio.Event) -> None:
        await event.wait()

    async def scenario() -> None:
        await asyncio.create_task(wait_for(asyncio.Event()), name="the reader")

    with pytest.raises(Deadlock) as caught:
        clock.run(scenario())
    (main,) = [place for place in caught.value.waiting if not place.startswith("the reader")]
    (reader,) = [place for place in caught.value.waiting if place.startswith("the reader")]
    assert "test_deadlock" in main
    assert "scenario" in main
    assert "wait_for" in reader
    assert "> asyncio.locks.Event.wait" in reader
    assert str(caught.value) == f"nothing can run any more: {main}; {reader}" or (
        str(caught.value) == f"nothing can run any more: {reader}; {main}"
    )
    assert caught.value.due_seconds is None


def test_a_deadlock_sees_through_a_generator() -> None:
    clock = VirtualClock()

    async def items() -> AsyncIterator[int]:
        await asyncio.get_running_loop().create_future()
        yield 1

    async def scenario() -> None:
        async for _ in items():
            pass

    with pytest.raises(Deadlock, match="scenario"):
        clock.run(scenario())


def test_a_deadlock_by_hand_tells_how_far_off_the_next_timer_is() -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        await clock.advance(1.0)
        await clock.sleep(2.5)

    with pytest.raises(Deadlock, match=r"until time is advanced by 2\.5 s"):
        clock.run_by_hand(scenario())
    assert clock.monotonic() == 1.0


def test_time_that_is_moved_by_hand_never_moves_by_itself() -> None:
    clock = VirtualClock()

    async def scenario() -> list[str]:
        woken: list[str] = []

        async def sleeper() -> None:
            await clock.sleep(1.0)
            woken.append("sleeper")

        task = asyncio.create_task(sleeper())
        await asyncio.to_thread(int)
        await clock.advance(0.5)
        task.cancel()
        return woken

    assert clock.run_by_hand(scenario()) == []


def test_a_deadlock_cancels_what_waits() -> None:
    clock = VirtualClock()
    ended: list[str] = []

    async def scenario() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            # Cleaning up may take time, also where nobody advances it any more.
            await clock.sleep(1.0)
            ended.append("cleaned up")

    with pytest.raises(Deadlock):
        clock.run_by_hand(scenario())
    assert ended == ["cleaned up"]


def test_the_clock_runs_again_after_a_deadlock() -> None:
    clock = VirtualClock()
    with pytest.raises(Deadlock):
        clock.run(asyncio.Event().wait())
    clock.run(clock.sleep(1.0))
    assert clock.monotonic() == 1.0


def test_a_deadlock_survives_a_pickle_round_trip() -> None:
    error = Deadlock(("reader in m.f:1",), 2.0)
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, Deadlock)
    assert isinstance(again, TurnkeepError)
    assert (again.code, str(again)) == ("deadlock", str(error))
    assert (again.waiting, again.due_seconds) == (error.waiting, error.due_seconds)
