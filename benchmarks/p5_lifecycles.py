"""P5: whole lifecycles of turns on postgres against an empty job of pgqueuer, procrastinate, DBOS.

A lifecycle is three commits of one turn: it is accepted in its thread, which takes no other one
meanwhile; it is claimed, with a fence; it is completed; each is told by an event, and the run is
kept. The peers do less for a job, and are asked for no more. As many clients as there may be in
flight ask for one after the other, one call for each, all in the process that works them. Every
side is measured with each number in flight, and has the one that suits it best.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Final

from attrs import define, field

from benchmarks.figure import AtLeast, Benchmark, Figure, Ratio, Side
from benchmarks.places import Backend, Place, postgres_lacks
from benchmarks.window import Window
from turnkeep import Settings
from turnkeep_application.last_seen_settings import LastSeenSettings
from turnkeep_application.round_settings import RoundSettings

if TYPE_CHECKING:
    from benchmarks.lifecycles import Lifecycles
    from benchmarks.peer import Peer

NUMBER: Final = "P5"
TITLE: Final = "postgres: lifecycles of turns in one process against an empty job of other queues"
IN_FLIGHT: Final = (16, 64, 128)
JOBS: Final = 512
WARM_UP: Final = 64
TIMES: Final = 2.0

WORKER: Final = "Worker"
SERVICE: Final = "service"
ALONE: Final = "Worker, rounds and last seen off"
PEERS: Final[Mapping[str, Sequence[str]]] = {
    "pgqueuer": ("pgqueuer", "asyncpg", "uvloop"),
    "procrastinate": ("procrastinate",),
    "dbos": ("dbos",),
}
"""For each what it needs; it is in the module that has its name."""

REMARKS: Final = (
    "a lifecycle is the Worker's, which a host runs; the service's is the same without handlers",
    "pgqueuer: asyncpg, uvloop, 20 connections, batches of half of what is in flight;"
    " procrastinate: 20 connections; DBOS: 20 connections, polled every 10 ms",
)


@define(eq=False)
class _Contestant:
    """A side, and what it took at each number in flight."""

    name: str
    seconds: Callable[[Window], float]
    rounds: dict[int, list[float]] = field(factory=dict)
    jobs: int = 0

    def measure(self, in_flight: int, jobs: int) -> float:
        """Passes so many through, and answers what one took."""
        window = Window(in_flight, jobs)
        each = self.seconds(window) / jobs
        window.require_once()
        self.jobs += jobs
        return each

    def round(self, in_flight: int) -> None:
        """Measures one round."""
        self.rounds.setdefault(in_flight, []).append(self.measure(in_flight, JOBS))

    @property
    def best(self) -> int:
        """The number in flight that suits it best."""
        return min(self.rounds, key=lambda number: statistics.median(self.rounds[number]))

    def side(self) -> Side:
        """What it took then."""
        return Side(
            name=f"{self.name}, {self.best} in flight", rounds=tuple(self.rounds[self.best])
        )

    def line(self) -> str:
        """That in one line."""
        return f"{self.side().name}: {1 / self.side().seconds:,.0f}/s"


def measure(rounds: int) -> Figure:
    """Measures all sides in turns; what they have stored stays, so that nobody has it easier."""
    lacks = postgres_lacks()
    if lacks is not None:
        return Figure(number=NUMBER, title=TITLE, ratios=(), remarks=(f"left out: {lacks}",))
    from benchmarks.databases import database  # noqa: PLC0415 - may be left out

    with database() as url:
        return _measured(url, rounds)


def _measured(url: str, rounds: int) -> Figure:
    from benchmarks.lifecycles import Lifecycles  # noqa: PLC0415 - needs what may be left out

    turns = Lifecycles(url)
    plain = Settings(
        rounds=RoundSettings(together=False), last_seen=LastSeenSettings(remembers=False)
    )
    bare = Lifecycles(url, plain, turns.completed)
    worker = _Contestant(WORKER, lambda window: asyncio.run(turns.by_worker(window)))
    service = _Contestant(SERVICE, lambda window: asyncio.run(turns.by_service(window)))
    alone = _Contestant(ALONE, lambda window: asyncio.run(bare.by_worker(window)))
    peers, left_out = _peers(url)
    rivals = [_Contestant(name, peer.seconds) for name, peer in peers.items()]
    _measure_all([worker, service, alone, *rivals], url, peers, rounds)
    for rival in rivals:
        peers[rival.name].require_all(rival.jobs)
    asyncio.run(_require_all(turns, url))
    best = sorted(rivals, key=lambda rival: rival.side().seconds)
    ratios = [_ratio(worker, rival) for rival in best]
    ratios += [_ratio(ours, rival) for ours in (service, alone) for rival in best[:1]]
    # Without a peer there is no ratio, and what was measured is told all the same.
    told = [] if best else [ours.line() for ours in (worker, service, alone)]
    remarks = (*told, *REMARKS, *left_out)
    return Figure(number=NUMBER, title=TITLE, ratios=tuple(ratios), remarks=remarks)


def _peers(url: str) -> tuple[dict[str, Peer], list[str]]:
    from benchmarks.databases import made  # noqa: PLC0415 - may be left out
    from benchmarks.peer import lacking  # noqa: PLC0415 - may be left out

    peers: dict[str, Peer] = {}
    left_out: list[str] = []
    for name, needs in PEERS.items():
        lacks = lacking(needs)
        if lacks is None:
            peer: Peer = import_module(f"benchmarks.peer_{name}").Queue.on(made(url, name))
            peers[name] = peer
        else:
            left_out.append(f"{name} left out: {lacks}")
    return peers, left_out


def _measure_all(
    contestants: Sequence[_Contestant], url: str, peers: Mapping[str, Peer], rounds: int
) -> None:
    from benchmarks.databases import analysed  # noqa: PLC0415 - may be left out

    for contestant in contestants:
        contestant.measure(IN_FLIGHT[0], WARM_UP)
    # By itself the server would plan for empty tables during the first minute.
    for at in (url, *(peer.url for peer in peers.values())):
        analysed(at)
    for _ in range(rounds):
        for in_flight in IN_FLIGHT:
            for contestant in contestants:
                contestant.round(in_flight)


async def _require_all(turns: Lifecycles, url: str) -> None:
    async with Place(Backend.POSTGRES, url).store() as store:
        await turns.require_all(store)


def _ratio(ours: _Contestant, peer: _Contestant) -> Ratio:
    return Ratio(
        name=f"{ours.name}, {peer.name}", ours=ours.side(), peer=peer.side(), goal=AtLeast(TIMES)
    )


BENCHMARK: Final = Benchmark(measure=measure, rounds=5, rounds_quick=1)
