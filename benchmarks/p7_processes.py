"""P7: four processes on one hot cell against one of them alone, on files and on postgres."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Final

from benchmarks.approval_pair import ApprovalPair
from benchmarks.crew import crew
from benchmarks.figure import AtLeast, Benchmark, Figure, Ratio, Side
from benchmarks.loss import require_approvals
from benchmarks.places import Backend, Place, directory, file_system, postgres_lacks
from benchmarks.writers import Writers

PROCESSES: Final = 4
STINT_SECONDS: Final = 0.5


def measure(rounds: int) -> Figure:
    """Measures both backends, each with one process and with all of them in turns."""
    with directory() as path:
        on = f"files on {file_system(path)}"
        ratios = [_ratio(Place(Backend.FILES, str(path / "store")), rounds)]
    remarks = [f"{on}; one writer in each process"]
    lacks = postgres_lacks()
    if lacks is None:
        from benchmarks.databases import database  # noqa: PLC0415 - may be left out

        with database() as url:
            ratios.append(_ratio(Place(Backend.POSTGRES, url), rounds))
    else:
        remarks.append(f"postgres left out: {lacks}")
    return Figure(
        number="P7",
        title="updates of one hot approval by four processes against one alone",
        ratios=tuple(ratios),
        remarks=tuple(remarks),
    )


def _ratio(place: Place, rounds: int) -> Ratio:
    alone, together = list[float](), list[float]()
    acknowledged = 0
    # Nobody is slower for having to make the store.
    asyncio.run(_made(place))
    with crew(place, PROCESSES) as processes:
        for _ in range(rounds):
            for members, seconds in ((1, alone), (PROCESSES, together)):
                each, updates = processes.seconds(members, STINT_SECONDS)
                seconds.append(each)
                acknowledged += updates
        processes.stop()
    asyncio.run(_require_all(place, acknowledged + 1))
    return Ratio(
        name=f"{place.backend.value}, {PROCESSES} processes",
        ours=Side(name=f"{PROCESSES} together", rounds=tuple(together)),
        peer=Side(name="1 alone", rounds=tuple(alone)),
        goal=AtLeast(1.0),
    )


async def _made(place: Place) -> None:
    async with place.store() as store:
        await Writers.on(store).update(ApprovalPair.made())


async def _require_all(place: Place, updates: int) -> None:
    pair = ApprovalPair.made()
    async with place.store() as store:
        await require_approvals(store, [pair], Counter({pair.where.address: updates}))


BENCHMARK: Final = Benchmark(measure=measure, rounds=20, rounds_quick=5)
