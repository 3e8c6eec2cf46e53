"""Virtual time: it passes when told, or when nothing else can run, and never otherwise."""

import asyncio
import math
from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from turnkeep_adapters.virtual.clock import VirtualClock
from turnkeep_adapters.virtual.deadlock import Deadlock
from turnkeep_domain.errors import InvalidValue
from turnkeep_ports.clock import Clock, Deadline, Timer

Log = list[tuple[str, float]]


def test_the_virtual_clock_is_a_clock() -> None:
    clock: Clock = VirtualClock()
    assert clock.monotonic() == 0.0


def test_sleeping_takes_exactly_its_virtual_time() -> None:
    clock = VirtualClock()

    async def scenario() -> float:
        await clock.sleep(0.1)
        await clock.sleep(86_400.2)
        return clock.monotonic()

    assert clock.run(scenario()) == 0.1 + 86_400.2


@pytest.mark.parametrize("seconds", [0.0, -3.0])
def test_sleeping_for_nothing_only_lets_others_run(seconds: float) -> None:
    clock = VirtualClock()

    async def scenario() -> list[str]:
        told: list[str] = []
        asyncio.get_running_loop().call_soon(told.append, "the other")
        await clock.sleep(seconds)
        return told

    assert clock.run(scenario()) == ["the other"]
    assert clock.monotonic() == 0.0


@given(st.lists(st.floats(0.0, 1e6), max_size=30))
def test_timers_fire_in_the_order_of_their_moments_and_then_of_their_setting(
    moments: list[float],
) -> None:
    clock = VirtualClock()
    fired: list[tuple[float, int]] = []

    async def scenario() -> None:
        await clock.advance(1.0)
        for number, when in enumerate(moments):
            clock.call_at(when, partial(fired.append, (when, number)))
        assert fired == []
        await clock.advance(2e6)

    clock.run(scenario())
    # A moment that is past is now.
    assert fired == sorted(
        ((when, number) for number, when in enumerate(moments)),
        key=lambda timer: (max(timer[0], 1.0), timer[1]),
    )


# From 0.2, the difference to 0.9 is not exact.
@example([0.2, 0.9])
@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=30))
def test_a_timer_fires_exactly_at_its_moment(moments: list[float]) -> None:
    clock = VirtualClock()
    seen: list[float] = []

    async def scenario() -> None:
        for when in moments:
            clock.call_at(when, lambda: seen.append(clock.monotonic()))
        await clock.sleep(2e6)

    clock.run(scenario())
    assert seen == sorted(moments)


def test_everything_runs_until_it_waits_before_the_next_moment() -> None:
    clock = VirtualClock()
    log: Log = []

    async def chatter(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        for _ in range(100):
            await asyncio.sleep(0)
        log.append((name, clock.monotonic()))

    async def scenario() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(chatter("first", 1.0))
            group.create_task(chatter("second", 1.000001))

    clock.run(scenario())
    assert log == [("first", 1.0), ("second", 1.000001)]


def test_those_who_wake_at_one_moment_run_side_by_side() -> None:
    clock = VirtualClock()
    log: list[str] = []

    async def step_twice(name: str) -> None:
        await asyncio.sleep(1.0)
        log.append(f"{name}1")
        await asyncio.sleep(0)
        log.append(f"{name}2")

    async def scenario() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(step_twice("a"))
            group.create_task(step_twice("b"))

    clock.run(scenario())
    assert log == ["a1", "b1", "a2", "b2"]


def test_advancing_fires_what_is_due_and_nothing_later() -> None:
    clock = VirtualClock()
    log: Log = []

    async def tick() -> None:
        while True:
            await clock.sleep(10.0)
            log.append(("tick", clock.monotonic()))

    async def scenario() -> None:
        ticking = asyncio.create_task(tick())
        await clock.advance(25.0)
        assert log == [("tick", 10.0), ("tick", 20.0)]
        assert clock.monotonic() == 25.0
        await clock.advance(5.0)
        assert log[2:] == [("tick", 30.0)]
        ticking.cancel()

    clock.run_by_hand(scenario())


def test_advancing_returns_only_when_nothing_else_can_run_in_its_moment() -> None:
    clock = VirtualClock()

    async def scenario() -> int:
        steps = 0

        async def long_after() -> None:
            nonlocal steps
            await clock.sleep(1.0)
            for _ in range(50):
                await asyncio.sleep(0)
                steps += 1
            # Something that is due in the very moment in which it is asked for.
            clock.call_at(clock.monotonic(), add_one)

        def add_one() -> None:
            nonlocal steps
            steps += 1

        task = asyncio.create_task(long_after())
        await clock.advance(1.0)
        assert task.done()
        return steps

    assert clock.run_by_hand(scenario()) == 51


def test_several_may_advance_at_once() -> None:
    clock = VirtualClock()
    log: Log = []

    async def advance(name: str, seconds: float) -> None:
        await clock.advance(seconds)
        log.append((name, clock.monotonic()))

    async def scenario() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(advance("far", 9.0))
            group.create_task(advance("near", 2.0))

    clock.run_by_hand(scenario())
    assert log == [("near", 2.0), ("far", 9.0)]


def test_settling_passes_no_time_and_leaves_nothing_to_run() -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        steps: list[int] = []

        async def many() -> None:
            for step in range(1_000):
                await asyncio.sleep(0)
                steps.append(step)
            await clock.sleep(1.0)
            steps.append(-1)

        task = asyncio.create_task(many())
        await clock.settle()
        assert (len(steps), clock.monotonic()) == (1_000, 0.0)
        await task
        assert (len(steps), clock.monotonic()) == (1_001, 1.0)

    clock.run(scenario())


def test_timeouts_are_virtual() -> None:
    clock = VirtualClock()

    async def scenario() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3_600.0):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time()

    assert clock.run(scenario()) == 3_600.0


def test_a_deadline_is_reached_exactly() -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        await clock.sleep(0.3)
        deadline = Deadline.after(clock, 0.1)
        await clock.sleep(deadline.remaining_seconds())
        assert deadline.remaining_seconds() == 0.0

    clock.run(scenario())


def test_a_cancelled_timer_never_fires() -> None:
    clock = VirtualClock()
    fired: list[str] = []

    async def scenario() -> None:
        kept = clock.call_at(2.0, lambda: fired.append("kept"))
        dropped = clock.call_at(1.0, lambda: fired.append("dropped"))
        dropped.cancel()
        dropped.cancel()
        await clock.advance(3.0)
        kept.cancel()

    clock.run(scenario())
    assert fired == ["kept"]


def test_a_timer_may_cancel_another_of_its_own_moment() -> None:
    clock = VirtualClock()
    fired: list[str] = []

    async def scenario() -> None:
        timers: list[Timer] = []

        def cancel_all() -> None:
            for timer in timers:
                timer.cancel()

        asyncio.get_running_loop().set_exception_handler(lambda _, told: fired.append(str(told)))
        clock.call_at(1.0, cancel_all)
        timers.append(clock.call_at(1.0, lambda: fired.append("second")))
        await clock.advance(1.0)

    clock.run(scenario())
    assert fired == []


def test_a_timer_in_the_past_fires_but_not_from_within_the_call() -> None:
    clock = VirtualClock()
    fired: list[float] = []

    async def scenario() -> None:
        await clock.advance(5.0)
        clock.call_at(1.0, lambda: fired.append(clock.monotonic()))
        assert fired == []
        await clock.settle()

    clock.run(scenario())
    assert fired == [5.0]


def test_a_sleeper_that_is_cancelled_leaves_no_timer() -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        sleeper = asyncio.create_task(clock.sleep(1_000.0))
        await clock.settle()
        sleeper.cancel()
        await clock.sleep(1.0)
        assert sleeper.cancelled()

    clock.run(scenario())
    assert clock.monotonic() == 1.0


def test_an_advance_that_is_cancelled_moves_no_time() -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        advancing = asyncio.create_task(clock.advance(10.0))
        await asyncio.sleep(0)
        advancing.cancel()
        await clock.advance(1.0)
        assert advancing.cancelled()
        assert clock.monotonic() == 1.0

    clock.run_by_hand(scenario())


def test_an_advance_that_is_cancelled_leaves_no_timer() -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        advancing = asyncio.create_task(clock.advance(10.0))
        await asyncio.sleep(0)
        advancing.cancel()
        await asyncio.Event().wait()

    with pytest.raises(Deadlock):
        clock.run(scenario())
    assert clock.monotonic() == 0.0


def test_an_advance_may_be_cancelled_in_the_moment_in_which_it_ends() -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        both = [asyncio.create_task(clock.advance(1.0)) for _ in range(2)]
        both[0].add_done_callback(lambda _: both[1].cancel())
        done, _ = await asyncio.wait(both)
        assert len(done) == 2

    clock.run(scenario())


def test_what_a_timer_raises_goes_to_the_loop_and_stops_nothing() -> None:
    clock = VirtualClock()
    told: list[object] = []

    def fail() -> None:
        raise KeyError("timer")

    async def scenario() -> None:
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: told.append(context["exception"])
        )
        clock.call_at(1.0, fail)
        await clock.advance(2.0)

    clock.run(scenario())
    assert [type(error) for error in told] == [KeyError]


def test_time_goes_on_where_the_last_run_ended_and_its_timers_are_gone() -> None:
    clock = VirtualClock()
    fired: list[float] = []

    async def first() -> None:
        clock.call_at(5.0, lambda: fired.append(clock.monotonic()))
        await clock.sleep(2.0)

    clock.run(first())
    clock.run(clock.sleep(10.0))
    assert (clock.monotonic(), fired) == (12.0, [])


@pytest.mark.parametrize("seconds", [-1.0, math.inf, math.nan])
def test_time_advances_by_nothing_but_a_number_that_is_not_negative(seconds: float) -> None:
    clock = VirtualClock()
    with pytest.raises(InvalidValue, match="must be finite and not negative"):
        clock.run(clock.advance(seconds))


def test_a_timer_needs_a_moment() -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        clock.call_at(math.nan, lambda: None)

    with pytest.raises(InvalidValue, match="when must be a number"):
        clock.run(scenario())


def test_a_moment_that_never_comes_is_never_jumped_to() -> None:
    clock = VirtualClock()
    fired: list[str] = []

    async def scenario() -> None:
        clock.call_at(math.inf, lambda: fired.append("never")).cancel()
        clock.call_at(math.inf, lambda: fired.append("never"))
        await clock.sleep(1.0)
        await asyncio.Event().wait()

    with pytest.raises(Deadlock):
        clock.run(scenario())
    assert (clock.monotonic(), fired) == (1.0, [])


async def test_the_clock_waits_only_in_its_own_loop() -> None:
    clock = VirtualClock()
    with pytest.raises(RuntimeError, match="only inside its own run"):
        clock.call_at(1.0, lambda: None)
    with pytest.raises(RuntimeError, match="only inside its own run"):
        await clock.sleep(1.0)
    with pytest.raises(RuntimeError, match="only inside its own run"):
        await clock.advance(1.0)


def test_a_loop_beside_the_clocks_own_cannot_wait_on_it() -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        with pytest.raises(RuntimeError, match="only inside its own run"):
            await asyncio.to_thread(lambda: asyncio.run(clock.sleep(1.0)))

    clock.run(scenario())


async def test_no_run_begins_inside_a_loop() -> None:
    with pytest.raises(RuntimeError, match="outside any loop"):
        VirtualClock().run(asyncio.sleep(0))


def test_a_run_inside_a_run_is_refused_and_disturbs_nothing() -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        with pytest.raises(RuntimeError, match="one coroutine at a time"):
            clock.run(clock.sleep(0.0))
        await clock.sleep(1.0)

    clock.run(scenario())
    assert clock.monotonic() == 1.0


def test_a_run_in_another_thread_is_refused() -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        with pytest.raises(RuntimeError, match="one coroutine at a time"):
            await asyncio.to_thread(lambda: clock.run(clock.sleep(0.0)))

    clock.run(scenario())


def test_what_the_coroutine_raises_passes() -> None:
    clock = VirtualClock()

    async def scenario() -> None:
        await clock.sleep(1.0)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        clock.run(scenario())
