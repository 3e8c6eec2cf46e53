"""The system's clock, against the loop that it runs on."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from turnkeep_adapters.system.clock import SystemClock, SystemTimer
from turnkeep_adapters.virtual.clock import VirtualClock
from turnkeep_ports.clock import Clock


def test_the_system_clock_is_a_clock() -> None:
    clock: Clock = SystemClock()
    assert clock.monotonic() <= time.monotonic() <= clock.monotonic()


async def fired_at(clock: SystemClock, when: float) -> float:
    fired: asyncio.Future[float] = asyncio.get_running_loop().create_future()
    clock.call_at(when, lambda: fired.set_result(clock.monotonic()))
    assert not fired.done()
    return await fired


async def test_a_timer_is_never_early() -> None:
    clock = SystemClock()
    for _ in range(50):
        when = clock.monotonic() + 0.0005
        assert await fired_at(clock, when) >= when


async def test_a_timer_in_the_past_fires_but_not_from_within_the_call() -> None:
    clock = SystemClock()
    assert await fired_at(clock, clock.monotonic() - 5.0) <= clock.monotonic()


async def test_a_cancelled_timer_never_fires() -> None:
    clock = SystemClock()
    fired: list[str] = []
    when = clock.monotonic() + 0.001
    dropped = clock.call_at(when, lambda: fired.append("dropped"))
    dropped.cancel()
    dropped.cancel()
    await fired_at(clock, when + 0.001)
    assert fired == []


class SlowTime:
    """A monotonic time at half the speed of the loop, whose timers so come far too early."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock

    def monotonic(self) -> float:
        return 1_000.0 + self.clock.monotonic() / 2

    def timer(self, when: float, callback: Callable[[], None]) -> SystemTimer:
        timer = SystemTimer(asyncio.get_running_loop(), self.monotonic, when, callback)
        timer.arm()
        return timer


def test_a_timer_that_its_loop_wakes_early_waits_for_its_moment() -> None:
    clock = VirtualClock()
    slow = SlowTime(clock)
    fired: list[float] = []

    async def scenario() -> None:
        slow.timer(1_003.0, lambda: fired.append(slow.monotonic()))
        await clock.advance(5.9)
        assert fired == []
        await clock.advance(0.2)

    clock.run(scenario())
    assert fired == [1_003.0]


def test_a_timer_that_waits_anew_can_still_be_cancelled() -> None:
    clock = VirtualClock()
    slow = SlowTime(clock)
    fired: list[float] = []

    async def scenario() -> None:
        timer = slow.timer(1_003.0, lambda: fired.append(slow.monotonic()))
        await clock.advance(5.0)
        timer.cancel()
        await clock.advance(5.0)

    clock.run(scenario())
    assert fired == []


async def test_sleeping_takes_its_time() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    await clock.sleep(0.002)
    assert clock.monotonic() >= before + 0.002 - time.get_clock_info("monotonic").resolution


async def test_sleeping_for_less_than_nothing_only_lets_others_run() -> None:
    told: list[str] = []
    asyncio.get_running_loop().call_soon(told.append, "the other")
    await SystemClock().sleep(-1.0)
    assert told == ["the other"]


def test_the_wall_clock_is_the_machines_in_utc() -> None:
    now = SystemClock().utc_now()
    assert now.tzinfo is UTC
    assert abs(datetime.now(UTC) - now) < timedelta(seconds=5)
