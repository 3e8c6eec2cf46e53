"""P5b: sixteen processes that claim runs from one store against four; files and postgres."""

from __future__ import annotations

from typing import Final

from benchmarks.claimants import claimants, filled, require_all
from benchmarks.figure import AtLeast, Benchmark, Figure, Ratio, Side
from benchmarks.places import Backend, Place, directory, file_system, postgres_lacks

NUMBER: Final = "P5b"
TITLE: Final = "runs claimed by sixteen processes against four"
MANY: Final = 16
FEW: Final = 4
STINT_SECONDS: Final = 1.0
USERS: Final = 100
RUNS: Final = 20
"""Queued for each user, one a thread, in each round: more than are claimed."""


def measure(rounds: int) -> Figure:
    """Measures both backends, with the few and with the many in turns."""
    with directory() as path:
        remarks = [
            f"files on {file_system(path)}; each process claims up to 8 a pass, and completes none"
        ]
        ratios = [_ratio(Place(Backend.FILES, str(path / "store")), rounds)]
    lacks = postgres_lacks()
    if lacks is None:
        from benchmarks.databases import database  # noqa: PLC0415 - may be left out

        with database() as url:
            ratios.append(_ratio(Place(Backend.POSTGRES, url), rounds))
    else:
        remarks.append(f"postgres left out: {lacks}")
    return Figure(number=NUMBER, title=TITLE, ratios=tuple(ratios), remarks=tuple(remarks))


def _ratio(place: Place, rounds: int) -> Ratio:
    few, many = list[float](), list[float]()
    claimed: list[str] = []
    queued = 0
    with claimants(place, MANY) as processes:
        for _ in range(rounds):
            for members, seconds in ((FEW, few), (MANY, many)):
                queued += filled(place, queued, users=USERS, runs=RUNS)
                each, granted = processes.seconds(members, STINT_SECONDS)
                seconds.append(each)
                claimed += granted
        processes.stop()
    require_all(place, queued=queued, claimed=claimed)
    return Ratio(
        name=f"{place.backend.value}, claims",
        ours=Side(name=f"{MANY} processes", rounds=tuple(many)),
        peer=Side(name=f"{FEW} processes", rounds=tuple(few)),
        goal=AtLeast(1.0),
    )


BENCHMARK: Final = Benchmark(measure=measure, rounds=6, rounds_quick=2)
