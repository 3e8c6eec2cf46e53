"""P6: durable updates of the files store, by one writer and by many, against SQLite."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from benchmarks.approval_pair import ApprovalPair
from benchmarks.figure import AtLeast, Benchmark, Figure, Ratio, Side
from benchmarks.loss import require_approvals
from benchmarks.places import Backend, Place, directory, file_system
from benchmarks.sqlite_row import sqlite_row
from benchmarks.writers import Writers
from turnkeep import Container
from turnkeep_ports.key_bytes import key_bytes

WRITERS: Final = 64
TIMES: Final = 50
TIMES_OF_MANY: Final = 8


def measure(rounds: int) -> Figure:
    """Measures one writer, SQLite and many writers in turns, in directories beside each other."""
    with directory() as path:
        where = (
            f"both on {file_system(path)}, synced for a power cut; many writers have a cell each"
        )
        ratios = asyncio.run(_measure(path, rounds))
    return Figure(
        number="P6",
        title="files: durable updates of approvals against SQLite WAL synchronous=FULL",
        ratios=ratios,
        remarks=(where,),
    )


async def _measure(path: Path, rounds: int) -> tuple[Ratio, ...]:
    pairs = [ApprovalPair.made(number) for number in range(WRITERS)]
    bodies = pairs[0].bodies(Container().codec())
    place = Place(Backend.FILES, str(path / "store"))
    one, many, peer = list[float](), list[float](), list[float]()
    with sqlite_row(path / "peer.sqlite", key_bytes(pairs[0].where.address), bodies) as row:
        async with place.store() as store:
            writers = Writers.on(store)
            await writers.seconds(pairs, 1)
            row.seconds(TIMES)
            for _ in range(rounds):
                one.append(await writers.seconds(pairs[:1], TIMES))
                peer.append(row.seconds(TIMES))
                many.append(await writers.seconds(pairs, TIMES_OF_MANY))
        row.require_all((rounds + 1) * TIMES)
    # From the directory, not from what the handle remembers.
    async with place.store() as store:
        await require_approvals(store, pairs, writers.acknowledged)
    sqlite = Side(name="SQLite", rounds=tuple(peer))
    return (
        Ratio(
            name="1 writer",
            ours=Side(name="update", rounds=tuple(one)),
            peer=sqlite,
            goal=AtLeast(0.5),
        ),
        Ratio(
            name=f"{WRITERS} writers",
            ours=Side(name="updates", rounds=tuple(many)),
            peer=sqlite,
            goal=AtLeast(5.0),
        ),
    )


BENCHMARK: Final = Benchmark(measure=measure, rounds=40, rounds_quick=10)
