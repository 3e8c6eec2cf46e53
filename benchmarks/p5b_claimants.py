"""P5b: sixteen workers that claim runs from one store against four; files and postgres."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from benchmarks.claimants import claimants, filled, require_all
from benchmarks.figure import AtLeast, Benchmark, Figure, Ratio, Side
from benchmarks.places import Backend, Place, directory, file_system, postgres_lacks

NUMBER: Final = "P5b"
TITLE: Final = "runs claimed by sixteen workers against four"
MANY: Final = 16
FEW: Final = 4
HOSTS: Final = (1, 2)
"""How many processes share the workers out where a process is several."""
STINT_SECONDS: Final = 4.0
USERS: Final = 1_000
RUNS: Final = 10
"""Queued for each user, one a thread, before each side's turn: more than are claimed."""


def measure(rounds: int) -> Figure:
    """Measures both backends, with the few and with the many in turns."""
    with directory() as path:
        remarks = [
            f"files on {file_system(path)}; each worker claims up to 8 a pass, and completes none",
            "a worker is one of several in a process, over one handle on the store; or a process",
        ]
        ratios = _ratios(lambda name: Place(Backend.FILES, str(path / name)), rounds)
    lacks = postgres_lacks()
    if lacks is None:
        from benchmarks.databases import another, database  # noqa: PLC0415 - may be left out

        with database() as url:
            ratios += _ratios(lambda name: Place(Backend.POSTGRES, another(url, name)), rounds)
    else:
        remarks.append(f"postgres left out: {lacks}")
    return Figure(number=NUMBER, title=TITLE, ratios=tuple(ratios), remarks=tuple(remarks))


def _ratios(place: Callable[[str], Place], rounds: int) -> list[Ratio]:
    """A worker as a part of a process, then as a process."""
    ratios = list[Ratio]()
    for hosts in HOSTS:
        few, many, granted, queued = _together(at := place(f"in_{hosts}"), rounds, hosts)
        require_all(at, queued=queued, claimed=granted)
        processes = "1 process" if hosts == 1 else f"{hosts} processes"
        ratios.append(_ratio(f"{at.backend.value}, in {processes}", few, many))
    few, many, granted, queued = _apart(at := place("apart"), rounds)
    require_all(at, queued=queued, claimed=granted)
    return [*ratios, _ratio(f"{at.backend.value}, each a process", few, many)]


def _apart(place: Place, rounds: int) -> tuple[list[float], list[float], list[str], int]:
    few, many, granted, queued = list[float](), list[float](), list[str](), 0
    with claimants(place, MANY) as processes:
        for _ in range(rounds):
            for members, seconds in ((FEW, few), (MANY, many)):
                queued += filled(place, queued, users=USERS, runs=RUNS)
                each, runs = processes.seconds(members, STINT_SECONDS)
                seconds.append(each)
                granted += runs
        processes.stop()
    return few, many, granted, queued


def _together(
    place: Place, rounds: int, hosts: int
) -> tuple[list[float], list[float], list[str], int]:
    few, many, granted, queued = list[float](), list[float](), list[str](), 0
    with (
        claimants(place, hosts, workers=FEW // hosts) as of_few,
        claimants(place, hosts, workers=MANY // hosts) as of_many,
    ):
        for _ in range(rounds):
            for processes, seconds in ((of_few, few), (of_many, many)):
                queued += filled(place, queued, users=USERS, runs=RUNS)
                each, runs = processes.seconds(hosts, STINT_SECONDS)
                seconds.append(each)
                granted += runs
        of_few.stop()
        of_many.stop()
    return few, many, granted, queued


def _ratio(name: str, few: Sequence[float], many: Sequence[float]) -> Ratio:
    return Ratio(
        name=name,
        ours=Side(name=f"{MANY} workers", rounds=tuple(many)),
        peer=Side(name=f"{FEW} workers", rounds=tuple(few)),
        goal=AtLeast(1.0),
    )


BENCHMARK: Final = Benchmark(measure=measure, rounds=6, rounds_quick=2)
