"""Patience: each thing has the same time from its own beginning, whatever else is under way."""

from __future__ import annotations

import asyncio

import pytest

from turnkeep_adapters.postgres.patience import Patience
from turnkeep_adapters.virtual.clock import VirtualClock


def test_each_is_lost_once_when_its_own_time_is_over() -> None:
    clock = VirtualClock()
    lost: list[tuple[str, float]] = []

    async def scenario() -> None:
        patience = Patience[str](0.25, lambda thing: lost.append((thing, clock.monotonic())))
        patience.begin("one")
        await clock.sleep(0.125)
        patience.begin("two")
        patience.begin("three")
        await clock.sleep(1.0)
        patience.begin("four")
        await clock.sleep(1.0)

    clock.run(scenario())
    assert lost == [("one", 0.25), ("two", 0.375), ("three", 0.375), ("four", 1.375)]


@pytest.mark.parametrize("began", [0.05, 0.1, 0.45])
def test_it_is_lost_at_its_time_whenever_it_began(began: float) -> None:
    """Be it no binary fraction: else a timer that fires at the moment would be set again there."""
    clock = VirtualClock()
    lost: list[float] = []

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        honest = loop.call_at
        left = iter(range(20))

        def bounded(when: float, *rest: object, **named: object) -> object:
            next(left)
            return honest(when, *rest, **named)  # type: ignore[arg-type]  # as they came

        patience = Patience[str](0.25, lambda _: lost.append(clock.monotonic()))
        await clock.sleep(began)
        loop.call_at = bounded  # type: ignore[method-assign, assignment]  # that it may end
        patience.begin("one")
        await clock.sleep(1.0)

    clock.run(scenario())
    assert lost == [began + 0.25]


def test_what_has_ended_is_not_lost_and_shortens_no_other_time() -> None:
    clock = VirtualClock()
    lost: list[tuple[str, float]] = []

    async def scenario() -> None:
        patience = Patience[str](0.25, lambda thing: lost.append((thing, clock.monotonic())))
        patience.begin("one")
        await clock.sleep(0.125)
        patience.end("one")
        patience.end("one")
        patience.begin("two")
        await clock.sleep(0.125)
        assert lost == []
        await clock.sleep(0.125)

    clock.run(scenario())
    assert lost == [("two", 0.375)]


def test_what_is_lost_may_begin_again() -> None:
    clock = VirtualClock()
    lost: list[float] = []

    async def scenario() -> None:
        def again(thing: str) -> None:
            lost.append(clock.monotonic())
            if len(lost) < 3:
                patience.begin(thing)

        patience = Patience[str](0.25, again)
        patience.begin("one")
        await clock.sleep(2.0)

    clock.run(scenario())
    assert lost == [0.25, 0.5, 0.75]


def test_nothing_is_lost_after_the_end() -> None:
    clock = VirtualClock()
    lost: list[str] = []

    async def scenario() -> None:
        patience = Patience[str](0.25, lost.append)
        patience.begin("one")
        patience.close()
        await clock.sleep(1.0)
        patience.begin("two")
        await clock.sleep(0.125)
        patience.close()
        await clock.sleep(1.0)

    clock.run(scenario())
    assert lost == []


def test_one_timer_does_for_all() -> None:
    clock = VirtualClock()
    timers: list[float] = []

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        honest = loop.call_at

        def counted(when: float, *rest: object, **named: object) -> object:
            timers.append(when)
            return honest(when, *rest, **named)  # type: ignore[arg-type]  # as they came

        loop.call_at = counted  # type: ignore[method-assign, assignment]  # to count them
        patience = Patience[int](0.25, lambda _: None)
        for number in range(100):
            patience.begin(number)
            patience.end(number)

    clock.run(scenario())
    assert timers == [0.25]
