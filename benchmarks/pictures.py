"""The pictures of the documents: throughput over writers, and what a turn costs as runs pile up.

Usage: python -m benchmarks.pictures [--quick], in the environment of `make bench`. Writes SVG files
beside the page that shows them. Each point is the median of its rounds; nothing may be lost here,
either.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import statistics
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from attrs import define, field, frozen
from dependency_injector import providers

from benchmarks.databases import another, database
from benchmarks.finished import Finished
from benchmarks.locked_rows import locked_row
from benchmarks.places import Backend, Place, directory
from benchmarks.tellers import Tellers
from turnkeep import Container, Principal, RequestId, RunView, Scope, Token, Turns
from turnkeep_application.round_settings import RoundSettings
from turnkeep_ports.store import RecordStore

FOLDER: Final = Path(__file__).resolve().parent.parent / "docs" / "pictures"
WRITERS: Final = (1, 8, 16, 64, 256)
IN_ROUNDS: Final = 2_048
LOCKED: Final = 512
RACING: Final = 128
"""Bookings for a point: those that race are slow where many do."""
RACING_MAX_QUICK: Final = 64
"""More writers than this do not race in a quick look."""
FINISHED: Final = (100, 1_000, 10_000, 100_000)
LIFECYCLES: Final = 60
_ADA: Final = Principal.person("ada")
_NUMBERS: Final = itertools.count()


@frozen(kw_only=True)
class Line:
    """A line of a picture: what it shows, and its points."""

    name: str
    points: Sequence[tuple[float, float]]
    is_dashed: bool = False


@frozen(kw_only=True)
class Picture:
    """Lines over one axis; both axes are logarithmic."""

    name: str
    across: str
    up: str
    lines: Sequence[Line]
    ticks: Sequence[int]

    def draw(self, folder: Path) -> None:
        """Writes it as an SVG file, the same for the same points."""
        import matplotlib as mpl  # noqa: PLC0415 - only the bench group has it
        from matplotlib.figure import Figure  # noqa: PLC0415

        mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": self.name, "font.size": 10})
        sheet = Figure(figsize=(6.4, 3.8), layout="constrained")
        axes = sheet.add_subplot()
        colours: dict[str, str] = {}
        for line in self.lines:
            of = line.name.partition(",")[0]
            colour = colours.setdefault(of, f"C{len(colours)}")
            style = "--" if line.is_dashed else "-"
            axes.plot(*zip(*line.points, strict=True), style, marker="o", ms=4, c=colour,
                      label=line.name)  # fmt: skip
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xticks(self.ticks, [f"{tick:,}" for tick in self.ticks])
        axes.minorticks_off()
        axes.set_xlabel(self.across)
        axes.set_ylabel(self.up)
        axes.grid(visible=True, alpha=0.3)
        axes.legend(fontsize=8)
        folder.mkdir(exist_ok=True)
        sheet.savefig(folder / f"{self.name}.svg", metadata={"Date": None, "Creator": None})


@define(eq=False)
class Host:
    """A host, and what its lifecycles took."""

    turns: Turns
    lived: int = 0
    took: list[float] = field(factory=list)

    async def live(self) -> None:
        """A run that is submitted, claimed and completed, alone."""
        number = next(_NUMBERS)
        self.lived += 1
        scope = Scope.of("acme", f"now-{number % 8}", agent="clerk", thread=f"now-{number:08}")
        started = time.perf_counter()
        asked = await self.turns.submit(scope, actor=_ADA, request_id=RequestId("ask"))
        token = Token(number.to_bytes(16, "big"))
        (granted,) = (await self.turns.claim(holder="worker", token=token)).granted
        await self.turns.complete(granted.claim)
        self.took.append(time.perf_counter() - started)
        assert isinstance(asked, RunView)
        assert granted.run.id == asked.id

    def percentile(self, percent: int) -> float:
        """So many of a hundred took no longer, in milliseconds."""
        return statistics.quantiles(self.took, n=100, method="inclusive")[percent - 1] * 1e3


async def throughput(url: str, rounds: int, racing_max: int) -> Picture:
    """Bookings on one hot cell by plain compare-and-swap, under row locks, and in rounds."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(Place(Backend.POSTGRES, url).store())
        row = await stack.enter_async_context(locked_row(url, "hot"))
        together = Tellers.on(store, "together", RoundSettings())
        apart = Tellers.on(store, "racing", RoundSettings(together=False))
        sides = {
            "in rounds": (together.seconds, IN_ROUNDS),
            "row locks (SELECT FOR UPDATE)": (row.seconds, LOCKED),
            "plain compare-and-swap": (apart.seconds, RACING),
        }
        rates: Mapping[str, dict[int, list[float]]] = {
            name: {writers: [] for writers in WRITERS} for name in sides
        }
        for _, writers in itertools.product(range(rounds), WRITERS):
            for name, (seconds, bookings) in sides.items():
                if bookings == RACING and writers > racing_max:
                    continue
                each = await seconds(writers, max(1, bookings // writers))
                rates[name][writers].append(1 / each)
        for counted in (together, apart, row):
            await counted.require_all()
    return Picture(
        name="throughput",
        across="writers in one process",
        up="bookings of one hot cell per second",
        ticks=WRITERS,
        lines=[
            Line(name=name, points=[(n, statistics.median(of[n])) for n in WRITERS if of[n]])
            for name, of in rates.items()
        ],
    )


async def growth(stores: Mapping[str, Sequence[RecordStore]], sizes: Sequence[int]) -> Picture:
    """The time of a lifecycle over how many runs have finished before, on each store."""
    finished = await Finished.real()
    lines: list[Line] = []
    for name, of in stores.items():
        hosts = [Host(_turns(store)) for store in of]
        async with AsyncExitStack() as stack:
            for store, runs in zip(of, sizes, strict=True):
                await stack.enter_async_context(store)
                await finished.fill(store, runs)
            # In turns, so that a busy machine is busy for all.
            for host in hosts:
                await host.live()
                host.took.clear()
            for _ in range(LIFECYCLES):
                for host in hosts:
                    await host.live()
            for store, runs, host in zip(of, sizes, hosts, strict=True):
                await finished.require_all(store, runs, host.lived)
        for percent in (50, 99):
            points = [(n, h.percentile(percent)) for n, h in zip(sizes, hosts, strict=True)]
            lines.append(Line(name=f"{name}, p{percent}", points=points, is_dashed=percent != 50))
    return Picture(
        name="growth",
        across="runs that have finished before",
        up="milliseconds of a lifecycle",
        ticks=sizes,
        lines=lines,
    )


def _turns(store: RecordStore) -> Turns:
    container = Container()
    container.store.override(providers.Object(store))
    return container.keep().turns


def main() -> None:
    """Measures and draws both."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds, and fewer runs")
    parser.add_argument("--into", type=Path, default=FOLDER, help="the folder of the pictures")
    options = parser.parse_args()
    sizes = FINISHED[:-1] if options.quick else FINISHED
    with database() as url, directory() as path:
        bounds = (1, RACING_MAX_QUICK) if options.quick else (5, WRITERS[-1])
        asyncio.run(throughput(url, *bounds)).draw(options.into)
        urls = [another(url, f"growth{runs}") for runs in sizes]
        stores = {
            "memory": [Container().store() for _ in sizes],
            "files": [Place(Backend.FILES, str(path / str(n))).store() for n in sizes],
            "postgres": [Place(Backend.POSTGRES, at).store() for at in urls],
        }
        asyncio.run(growth(stores, sizes)).draw(options.into)


if __name__ == "__main__":
    main()
