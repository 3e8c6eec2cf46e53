"""P1: many writers on one hot cell of the postgres store, in rounds, in races, and by row locks."""

from __future__ import annotations

import asyncio
from typing import Final

from benchmarks.figure import AtLeast, Benchmark, Figure, Goal, Ratio, Side
from benchmarks.places import Backend, Place, postgres_lacks
from benchmarks.tellers import Tellers
from turnkeep_application.round_settings import RoundSettings

NUMBER: Final = "P1"
TITLE: Final = "postgres, one hot cell: updates in rounds against races and SELECT FOR UPDATE"
WRITERS: Final = 64
MANY: Final = 256
TIMES: Final = 60
TIMES_RACING: Final = 2
TIMES_LOCKED: Final = 8


def measure(rounds: int) -> Figure:
    """Measures all sides in turns, each on a cell of its own."""
    lacks = postgres_lacks()
    if lacks is not None:
        return Figure(number=NUMBER, title=TITLE, ratios=(), remarks=(f"left out: {lacks}",))
    from benchmarks.databases import database  # noqa: PLC0415 - may be left out

    with database() as url:
        ratios = asyncio.run(_measure(url, rounds))
    return Figure(number=NUMBER, title=TITLE, ratios=ratios)


async def _measure(url: str, rounds: int) -> tuple[Ratio, ...]:
    from benchmarks.locked_rows import locked_row  # noqa: PLC0415 - may be left out

    together, many, racing, locked = (list[float]() for _ in range(4))
    async with (
        Place(Backend.POSTGRES, url).store() as store,
        locked_row(url, "hot") as row,
    ):
        ours = Tellers.on(store, "together", RoundSettings())
        apart = Tellers.on(store, "racing", RoundSettings(together=False))
        await ours.seconds(WRITERS, TIMES_LOCKED)
        await row.seconds(WRITERS, 1)
        for _ in range(rounds):
            together.append(await ours.seconds(WRITERS, TIMES))
            racing.append(await apart.seconds(WRITERS, TIMES_RACING))
            locked.append(await row.seconds(WRITERS, TIMES_LOCKED))
            many.append(await ours.seconds(MANY, TIMES * WRITERS // MANY))
        for counted in (ours, apart, row):
            await counted.require_all()
    side = Side(name=f"{WRITERS} in rounds", rounds=tuple(together))
    return (
        _ratio("against races", side, "rounds off", racing, AtLeast(20.0)),
        _ratio("against row locks", side, "SELECT FOR UPDATE", locked, AtLeast(20.0)),
        Ratio(
            name=f"{MANY} writers",
            ours=Side(name=f"{MANY} in rounds", rounds=tuple(many)),
            peer=side,
            goal=AtLeast(1.0),
        ),
    )


def _ratio(name: str, ours: Side, peer: str, seconds: list[float], goal: Goal) -> Ratio:
    return Ratio(name=name, ours=ours, peer=Side(name=peer, rounds=tuple(seconds)), goal=goal)


BENCHMARK: Final = Benchmark(measure=measure, rounds=10, rounds_quick=3)
