"""P2: one writer on the postgres store, against the same by hand over psycopg."""

from __future__ import annotations

import asyncio
from typing import Final

from benchmarks.approval_pair import ApprovalPair
from benchmarks.figure import AtLeast, Benchmark, Figure, Ratio, Side
from benchmarks.loss import require_approvals
from benchmarks.places import Backend, Place, postgres_lacks
from benchmarks.writers import Writers
from turnkeep import Container

NUMBER: Final = "P2"
TITLE: Final = "postgres, one writer: updates of an approval against hand-written psycopg"
TIMES: Final = 100
WARM_UP: Final = 50


def measure(rounds: int) -> Figure:
    """Measures the three loops in turns; all await one connection in one event loop."""
    lacks = postgres_lacks()
    if lacks is not None:
        return Figure(number=NUMBER, title=TITLE, ratios=(), remarks=(f"left out: {lacks}",))
    from benchmarks.databases import database  # noqa: PLC0415 - may be left out

    with database() as url:
        ratios = asyncio.run(_measure(url, rounds))
    return Figure(number=NUMBER, title=TITLE, ratios=ratios)


async def _measure(url: str, rounds: int) -> tuple[Ratio, ...]:
    from benchmarks.raw_rows import raw_row  # noqa: PLC0415 - may be left out

    pair = ApprovalPair.made()
    bodies = pair.bodies(Container().codec())
    updates = rounds * TIMES + WARM_UP
    ours, seen, alone = list[float](), list[float](), list[float]()
    async with (
        Place(Backend.POSTGRES, url).store() as store,
        raw_row(url, "seen", bodies) as read_first,
        raw_row(url, "alone", bodies) as blind,
    ):
        writers = Writers.on(store)
        await writers.seconds([pair], WARM_UP)
        await read_first.seen(WARM_UP)
        await blind.alone(WARM_UP)
        for _ in range(rounds):
            ours.append(await writers.seconds([pair], TIMES))
            seen.append(await read_first.seen(TIMES))
            alone.append(await blind.alone(TIMES))
        await read_first.require_all(updates)
        await blind.require_all(updates)
        await require_approvals(store, [pair], writers.acknowledged)
    side = Side(name="update", rounds=tuple(ours))
    return (
        Ratio(
            name="read, then write",
            ours=side,
            peer=Side(name="SELECT, UPDATE WHERE revision", rounds=tuple(seen)),
            goal=AtLeast(1.3),
        ),
        Ratio(
            name="write alone",
            ours=side,
            peer=Side(name="UPDATE alone", rounds=tuple(alone)),
            goal=AtLeast(0.6),
        ),
    )


BENCHMARK: Final = Benchmark(measure=measure, rounds=40, rounds_quick=8)
