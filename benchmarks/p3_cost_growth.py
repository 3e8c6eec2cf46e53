"""P3: what one lifecycle costs where many runs have finished, against where few have."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections.abc import Sequence
from typing import Final

from attrs import define, field
from dependency_injector import providers

from benchmarks.figure import AtMost, Benchmark, Figure, Ratio, Side
from benchmarks.places import Backend, Place, directory, file_system, postgres_lacks
from turnkeep import Container, Principal, RequestId, RunView, Scope, Token, Turns
from turnkeep_ports.store import RecordStore

NUMBER: Final = "P3"
TITLE: Final = "p50 of submit, claim and complete beside many finished runs against few"
FEW: Final = 1_000
MANY: Final = 100_000
MANY_QUICK: Final = 10_000
TIMES: Final = 40
ROUNDS: Final = 10
ROUNDS_QUICK: Final = 4
GROWTH: Final = 1.2
OPERATIONS: Final = ("submit", "claim", "complete")
_ADA: Final = Principal.person("ada")
_NUMBERS: Final = itertools.count()


@define(eq=False)
class _Host:
    """A host on a store that holds finished runs, and what each operation took."""

    turns: Turns
    finished: int
    lived: int = 0
    p50: dict[str, list[float]] = field(factory=lambda: {name: [] for name in OPERATIONS})
    _took: dict[str, list[float]] = field(factory=lambda: {name: [] for name in OPERATIONS})

    async def live(self) -> None:
        """One lifecycle, alone."""
        number = next(_NUMBERS)
        self.lived += 1
        scope = Scope.of("acme", f"now-{number % 8}", agent="clerk", thread=f"now-{number:08}")
        at = [time.perf_counter()]
        asked = await self.turns.submit(scope, actor=_ADA, request_id=RequestId("ask"))
        at.append(time.perf_counter())
        token = Token(number.to_bytes(16, "big"))
        found = await self.turns.claim(holder="worker", token=token)
        at.append(time.perf_counter())
        (granted,) = found.granted
        assert isinstance(asked, RunView)
        assert granted.run.id == asked.id
        await self.turns.complete(granted.claim)
        at.append(time.perf_counter())
        for name, (begin, end) in zip(OPERATIONS, itertools.pairwise(at), strict=True):
            self._took[name].append(end - begin)

    def conclude(self) -> None:
        """Ends a round."""
        for name in OPERATIONS:
            self.p50[name].append(statistics.median(self._took[name]))
            self._took[name].clear()

    def side(self, operation: str) -> Side:
        """What an operation took."""
        return Side(name=f"{self.finished:,} finished", rounds=tuple(self.p50[operation]))


def measure(rounds: int) -> Figure:
    """Measures each store; the two hosts take turns after each lifecycle."""
    many = MANY if rounds >= ROUNDS else MANY_QUICK
    remarks = [f"{many:,} finished runs against {FEW:,}; each operation alone"]
    if many < MANY:
        remarks.append(f"a quick look: the whole benchmark has {MANY:,}")
    in_memory = [Container().store(), Container().store()]
    ratios = asyncio.run(_measured("memory", in_memory, many, rounds))
    with directory() as path:
        remarks.append(f"files on {file_system(path)}")
        stores = [Place(Backend.FILES, str(path / name)).store() for name in ("many", "few")]
        ratios += asyncio.run(_measured("files", stores, many, rounds))
    lacks = postgres_lacks()
    if lacks is None:
        ratios += _on_postgres(many, rounds)
    else:
        remarks.append(f"postgres left out: {lacks}")
    return Figure(number=NUMBER, title=TITLE, ratios=tuple(ratios), remarks=tuple(remarks))


def _on_postgres(many: int, rounds: int) -> list[Ratio]:
    from benchmarks.databases import another, database  # noqa: PLC0415 - may be left out

    with database() as url:
        urls = (url, another(url, "few"))
        stores = [Place(Backend.POSTGRES, at).store() for at in urls]
        return asyncio.run(_measured("postgres", stores, many, rounds, urls))


async def _measured(
    backend: str,
    stores: Sequence[RecordStore],
    many: int,
    rounds: int,
    urls: Sequence[str] = (),
) -> list[Ratio]:
    from benchmarks.finished import Finished  # noqa: PLC0415 - needs what may be left out

    finished = await Finished.real()
    async with stores[0], stores[1]:
        hosts = [_host(store, runs) for store, runs in zip(stores, (many, FEW), strict=True)]
        for store, host in zip(stores, hosts, strict=True):
            await finished.fill(store, host.finished)
        for url in urls:
            await asyncio.to_thread(_known, url)
        await _round(hosts)
        for host in hosts:
            host.p50 = {name: [] for name in OPERATIONS}
        for _ in range(rounds):
            await _round(hosts)
        for store, host in zip(stores, hosts, strict=True):
            await finished.require_all(store, host.finished, host.lived)
    dear, cheap = hosts
    return [
        Ratio(
            name=f"{backend}, {name}",
            ours=dear.side(name),
            peer=cheap.side(name),
            goal=AtMost(GROWTH),
        )
        for name in OPERATIONS
    ]


async def _round(hosts: Sequence[_Host]) -> None:
    for turn in range(TIMES):
        # Neither always follows the other, whose work may still be going on beside.
        for host in hosts if turn % 2 else reversed(hosts):
            await host.live()
    for host in hosts:
        host.conclude()


def _host(store: RecordStore, finished: int) -> _Host:
    container = Container()
    container.store.override(providers.Object(store))
    return _Host(container.keep().turns, finished)


def _known(url: str) -> None:
    from benchmarks.databases import analysed  # noqa: PLC0415 - may be left out

    analysed(url)


BENCHMARK: Final = Benchmark(measure=measure, rounds=ROUNDS, rounds_quick=ROUNDS_QUICK)
