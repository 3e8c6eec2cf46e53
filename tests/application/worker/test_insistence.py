"""A request is repeated while it may be, and what is known is not thrown away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from turnkeep_adapters.virtual.clock import VirtualClock
from turnkeep_application.worker.exits import RunLeft
from turnkeep_application.worker.insistence import Insistence, to_its_end
from turnkeep_application.worker.racing import first_of
from turnkeep_ports.errors import Corrupt, OutcomeUnknown, Unavailable


class NoChance:
    def below(self, bound: float) -> float:
        return 0.0


def answering(*answers: int | Exception) -> Callable[[], Awaitable[int]]:
    left = list(answers)

    async def request() -> int:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return request


def allowed() -> None:
    pass


def test_it_repeats_what_was_not_answered() -> None:
    clock = VirtualClock()
    insistence = Insistence(clock=clock, random=NoChance())

    async def scenario() -> None:
        request = answering(Unavailable("away"), OutcomeUnknown("lost"), 7)
        assert await insistence.until_answered(request, allowed=allowed) == 7
        assert clock.monotonic() == pytest.approx(0.1 + 0.2)

    clock.run(scenario())


def test_it_does_not_repeat_what_cannot_get_better() -> None:
    clock = VirtualClock()
    insistence = Insistence(clock=clock, random=NoChance())

    async def scenario() -> None:
        with pytest.raises(Corrupt):
            await insistence.until_answered(answering(Corrupt("torn"), 7), allowed=allowed)

    clock.run(scenario())


def test_it_ends_when_it_is_no_longer_allowed() -> None:
    clock = VirtualClock()
    insistence = Insistence(clock=clock, random=NoChance())

    def until_ten_seconds() -> None:
        if clock.monotonic() >= 10:
            raise RunLeft

    async def away() -> int:
        raise Unavailable("away")

    async def scenario() -> None:
        with pytest.raises(RunLeft):
            await insistence.until_answered(away, allowed=until_ten_seconds)
        assert 10 <= clock.monotonic() < 15

    clock.run(scenario())


def test_a_cancellation_waits_for_a_call_that_must_not_be_cut_off() -> None:
    clock = VirtualClock()
    ended: list[str] = []

    async def call() -> None:
        await clock.sleep(3)
        ended.append("call")

    async def scenario() -> None:
        task = asyncio.create_task(to_its_end(call()))
        await clock.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (ended, clock.monotonic()) == (["call"], 3.0)

    clock.run(scenario())


def test_a_second_cancellation_cuts_it_off() -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        task = asyncio.create_task(to_its_end(clock.sleep(3)))
        for _ in range(2):
            await clock.sleep(1)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert clock.monotonic() == 2.0

    clock.run(scenario())


def test_a_race_ends_with_the_first_and_leaves_nothing_behind() -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        await first_of(clock.sleep(5), clock.sleep(2))
        assert clock.monotonic() == 2.0
        assert len(asyncio.all_tasks()) == 1

    clock.run(scenario())
    assert clock.monotonic() == 2.0


def test_what_a_racer_raises_is_raised() -> None:
    clock = VirtualClock()

    async def fails() -> None:
        raise ZeroDivisionError

    async def scenario() -> None:
        with pytest.raises(ZeroDivisionError):
            await first_of(clock.sleep(5), fails())

    clock.run(scenario())
