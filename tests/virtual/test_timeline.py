"""A timeline keeps no more than what may still fire."""

import asyncio

from turnkeep_adapters.virtual.clock import VirtualClock
from turnkeep_adapters.virtual.timeline import Timeline, VirtualTimer


def timer(loop: asyncio.AbstractEventLoop, when: float) -> VirtualTimer:
    return VirtualTimer(when, int, (), loop)


async def test_cancelled_timers_are_not_kept_though_their_moment_never_comes() -> None:
    timeline = Timeline()
    loop = asyncio.get_running_loop()
    kept = timer(loop, 5.0)
    timeline.add(kept)
    for _ in range(10_000):
        cancelled = timer(loop, 9.0)
        timeline.add(cancelled)
        cancelled.cancel()
        assert len(timeline) < 200
        assert timeline.cancelled < len(timeline)
    assert timeline.jump() == [kept]


async def test_a_timer_that_is_cancelled_after_it_fired_is_counted_nowhere() -> None:
    timeline = Timeline()
    loop = asyncio.get_running_loop()
    fired, waiting = timer(loop, 1.0), timer(loop, 2.0)
    timeline.add(fired)
    timeline.add(waiting)
    assert timeline.jump() == [fired]
    fired.cancel()
    # Were it counted, forgetting would begin one timer early, and never be right again.
    assert timeline.cancelled == 0


async def test_looking_at_what_comes_next_moves_no_time() -> None:
    timeline = Timeline()
    timeline.add(timer(asyncio.get_running_loop(), 2.0))
    assert (timeline.upcoming(), timeline.now) == (2.0, 0.0)


async def test_a_jump_passes_over_cancelled_timers_and_forgets_them() -> None:
    timeline = Timeline()
    loop = asyncio.get_running_loop()
    cancelled, waiting = timer(loop, 1.0), timer(loop, 2.0)
    timeline.add(cancelled)
    timeline.add(waiting)
    cancelled.cancel()
    assert timeline.jump() == [waiting]
    assert (timeline.now, len(timeline), timeline.cancelled) == (2.0, 0, 0)


async def test_the_last_timers_of_a_moment_come_when_no_others_are_due() -> None:
    timeline = Timeline()
    loop = asyncio.get_running_loop()
    last, first = timer(loop, 1.0), timer(loop, 1.0)
    timeline.add(last, last=True)
    timeline.add(first)
    assert timeline.jump() == [first]
    assert timeline.jump() == [last]
    assert timeline.jump() == []


def test_a_busy_run_leaves_no_timers_behind() -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        for _ in range(1_000):
            async with asyncio.timeout(60.0):
                await clock.sleep(0.001)

    clock.run(scenario())
    assert clock.monotonic() < 2.0
