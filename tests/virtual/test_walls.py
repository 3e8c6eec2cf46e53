"""Wall clocks over virtual time."""

from datetime import UTC, datetime, timedelta

import pytest

from turnkeep_adapters.virtual.clock import VirtualClock
from turnkeep_domain.errors import InvalidValue

NOON = datetime(2031, 5, 1, 12, tzinfo=UTC)


def test_the_wall_clock_goes_as_time_passes() -> None:
    clock = VirtualClock(start=NOON)
    clock.run(clock.advance(90.5))
    assert clock.utc_now() == NOON + timedelta(seconds=90.5)


def test_two_walls_stay_apart_over_one_time() -> None:
    clock = VirtualClock(start=NOON)
    fast, slow = clock.wall(2.0), clock.wall(-3.0)
    clock.run(clock.advance(10.0))
    assert fast() == NOON + timedelta(seconds=12)
    assert slow() == NOON + timedelta(seconds=7)
    assert fast() - slow() == timedelta(seconds=5)


def test_a_wall_may_be_set_back_while_time_goes_on() -> None:
    clock = VirtualClock(start=NOON)
    wall, other = clock.wall(0.0), clock.wall(0.0)
    clock.run(clock.advance(10.0))
    wall.step(-60.0)
    assert wall() == NOON - timedelta(seconds=50)
    wall.step(5.0)
    assert wall() == NOON - timedelta(seconds=45)
    assert other() == clock.utc_now() == NOON + timedelta(seconds=10)
    assert clock.monotonic() == 10.0


def test_many_small_steps_are_exact_to_the_microsecond() -> None:
    clock = VirtualClock(start=NOON)

    async def scenario() -> None:
        for _ in range(1_000):
            await clock.sleep(0.1)

    clock.run(scenario())
    assert clock.utc_now() == NOON + timedelta(seconds=100)


def test_time_starts_at_an_instant() -> None:
    with pytest.raises(InvalidValue, match="UTC"):
        VirtualClock(start=datetime(2031, 5, 1))  # noqa: DTZ001 - a naive time is what is refused
