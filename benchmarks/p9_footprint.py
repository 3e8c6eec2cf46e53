"""P9: what it costs to have Turnkeep: the time of its import, and the memory of live runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.figure import AtMost, Benchmark, Figure, Ratio, Side, Unit
from benchmarks.live_runs import Footprint, can_be_measured
from benchmarks.places import directory

TOP: Final = Path(__file__).resolve().parent.parent
LIVE: int = 10_000
LIVE_QUICK: int = 2_000
ROUNDS: Final = 20
OURS: Final = "turnkeep"
USED: Final = "turnkeep.opening"
THEIRS: Final = "asyncio, attrs, cattrs, orjson, dependency_injector"
PROGRAM: Final = """
import time
started = time.perf_counter()
import {names}
print(time.perf_counter() - started)
"""


def measure(rounds: int) -> Figure:
    """Measures each import in fresh interpreters, and each store's memory in one program."""
    live = LIVE if rounds >= ROUNDS else LIVE_QUICK
    remarks = [f"imports are of compiled modules; {live:,} live runs, each in a thread of its own"]
    with directory() as path:
        ratios = [_imports(path / "compiled", rounds)]
        first = _first_use_seconds(path / "compiled", rounds)
        remarks.append(f"the first use of open_keep imports the rest: {first:.2f} s in all")
        if can_be_measured():
            ratios.append(live_memory("memory", live, None))
            ratios.append(live_memory("files", live, path / "store"))
        else:
            remarks.append("memory left out: the system does not tell how much a process has")
    return Figure(
        number="P9",
        title="the import against that of what it stands on; memory against what is stored",
        ratios=tuple(ratios),
        remarks=tuple(remarks),
    )


def _first_use_seconds(compiled: Path, rounds: int) -> float:
    environment = _compiling(compiled)
    _import_seconds(USED, environment)
    return median(_import_seconds(USED, environment) for _ in range(rounds))


def _compiling(compiled: Path) -> Mapping[str, str]:
    """A package that is installed has been compiled once; who imports it does not do so again."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(compiled)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def _imports(compiled: Path, rounds: int) -> Ratio:
    environment = _compiling(compiled)
    for names in (OURS, THEIRS):
        _import_seconds(names, environment)
    ours, theirs = list[float](), list[float]()
    for _ in range(rounds):
        ours.append(_import_seconds(OURS, environment))
        theirs.append(_import_seconds(THEIRS, environment))
    return Ratio(
        name="import turnkeep",
        ours=Side(name=OURS, rounds=tuple(ours)),
        peer=Side(name=THEIRS, rounds=tuple(theirs)),
        goal=AtMost(1.5),
    )


def _import_seconds(names: str, environment: Mapping[str, str]) -> float:
    return float(_output(["-c", PROGRAM.format(names=names)], environment))


def live_memory(name: str, live: int, store: Path | None) -> Ratio:
    """What so many live runs take against what is stored of them, in a program of its own.

    Args:
        name: Of the store.
        live: How many.
        store: The directory of a files store; None for one in memory.
    """
    at = [] if store is None else [str(store)]
    told = _output(["-m", "benchmarks.live_runs", str(live), *at], os.environ)
    found = Footprint(**json.loads(told))
    return Ratio(
        name=f"{name}, live runs",
        ours=Side(name="resident", rounds=(float(found.resident),), unit=Unit.BYTES),
        peer=Side(name="stored", rounds=(float(found.stored),), unit=Unit.BYTES),
        goal=AtMost(4.0),
    )


def _output(arguments: list[str], environment: Mapping[str, str]) -> str:
    command = [sys.executable, *arguments]
    ended = subprocess.run(  # noqa: S603 - this interpreter, with arguments of ours
        command, cwd=TOP, env=dict(environment), capture_output=True, text=True, check=False
    )
    if ended.returncode != 0:
        raise RuntimeError(ended.stderr)
    return ended.stdout


BENCHMARK: Final = Benchmark(measure=measure, rounds=ROUNDS, rounds_quick=5)
