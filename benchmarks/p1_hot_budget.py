"""P1: many spenders on one hot budget account, against row locks and against races."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from attrs import evolve

from benchmarks.figure import AtLeast, Benchmark, Figure, Ratio, Side
from benchmarks.places import Backend, Place, postgres_lacks
from benchmarks.spenders import Spenders
from turnkeep import Settings

NUMBER: Final = "P1"
TITLE: Final = "postgres, one hot budget account: reserve and reconcile against SELECT FOR UPDATE"
WRITERS: Final = 64
MANY: Final = 256
TIMES: Final = 8
TIMES_LOCKED: Final = 4
TIMES_RACING: Final = 1


def measure(rounds: int) -> Figure:
    """Measures all sides in turns, each on an account of its own."""
    lacks = postgres_lacks()
    if lacks is not None:
        return Figure(number=NUMBER, title=TITLE, ratios=(), remarks=(f"left out: {lacks}",))
    from benchmarks.databases import database  # noqa: PLC0415 - may be left out

    with database() as url:
        ratios = asyncio.run(_measure(url, rounds))
    remarks = () if _racing() else ("the loop has no rounds that could be off",)
    return Figure(number=NUMBER, title=TITLE, ratios=ratios, remarks=remarks)


def _racing() -> Settings | None:
    """The settings without rounds; None where the loop has none."""
    settings: Any = Settings()
    if not hasattr(settings, "rounds"):
        return None
    changed: Settings = evolve(settings, rounds=evolve(settings.rounds, together=False))
    return changed


async def _measure(url: str, rounds: int) -> tuple[Ratio, ...]:
    from benchmarks.held_rows import held_rows  # noqa: PLC0415 - may be left out

    few, many, locked, racing = (list[float]() for _ in range(4))
    apart = _racing()
    async with Place(Backend.POSTGRES, url).store() as store, held_rows(url) as rows:
        ours = await Spenders.on(store, "acme", Settings())
        rivals = None if apart is None else await Spenders.on(store, "racing", apart)
        await ours.seconds(WRITERS, 1)
        await rows.seconds(WRITERS, 1)
        for _ in range(rounds):
            few.append(await ours.seconds(WRITERS, TIMES))
            locked.append(await rows.seconds(WRITERS, TIMES_LOCKED))
            many.append(await ours.seconds(MANY, max(1, TIMES * WRITERS // MANY)))
            if rivals is not None:
                racing.append(await rivals.seconds(WRITERS, TIMES_RACING))
        for counted in (ours, rivals, rows):
            if counted is not None:
                await counted.require_all()
    side = Side(name=f"{WRITERS} spenders", rounds=tuple(few))
    ratios = [
        Ratio(
            name="budget, row locks",
            ours=side,
            peer=Side(name="SELECT FOR UPDATE", rounds=tuple(locked)),
            goal=AtLeast(20.0),
        ),
        Ratio(
            name=f"budget, {MANY} spenders",
            ours=Side(name=f"{MANY} spenders", rounds=tuple(many)),
            peer=side,
            goal=AtLeast(1.0),
        ),
    ]
    if racing:
        peer = Side(name="rounds off", rounds=tuple(racing))
        ratios.insert(0, Ratio(name="budget, races", ours=side, peer=peer, goal=AtLeast(20.0)))
    return tuple(ratios)


BENCHMARK: Final = Benchmark(measure=measure, rounds=10, rounds_quick=3)
