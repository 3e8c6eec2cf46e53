"""P4: one writer's commit stalls; what the others feel, at other cells and at the same one."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, TypeAlias

from attrs import frozen

from benchmarks.figure import AtMost, Benchmark, Figure, Ratio, Side
from benchmarks.places import postgres_lacks
from benchmarks.tellers import Tellers
from turnkeep import Container
from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.faulty.store import FaultyRecordStore
from turnkeep_application.round_settings import RoundSettings
from turnkeep_ports.store import RecordStore

ELSEWHERE: Final = 16
HERE: Final = 4
STALL_SECONDS: Final = 5.0
HUNDREDTHS: Final = 100
CAUGHT_SECONDS: Final = 0.05

Stall: TypeAlias = Callable[[], None]
"""Makes the next commit stall."""
Stalling: TypeAlias = AbstractAsyncContextManager[tuple[RecordStore, Stall]]


@frozen
class Felt:
    """What the writers of one window have felt, in seconds: the 99th hundredth, and the longest."""

    elsewhere: float
    here: float


def measure(rounds: int) -> Figure:
    """Measures on memory, and on postgres through a proxy that holds back an answer for good."""
    ratios = list(asyncio.run(_measure("memory", _memory, rounds)))
    remarks = [f"the stall takes {STALL_SECONDS:.0f} s, which others write through"]
    lacks = postgres_lacks()
    if lacks is None:
        from benchmarks.databases import database  # noqa: PLC0415 - may be left out

        with database() as url:
            ratios += asyncio.run(_measure("postgres", lambda: _postgres(url), rounds))
    else:
        remarks.append(f"postgres left out: {lacks}")
    return Figure(
        number="P4",
        title="a stalled commit: what other writers feel",
        ratios=tuple(ratios),
        remarks=tuple(remarks),
    )


async def _measure(name: str, stalling: Callable[[], Stalling], rounds: int) -> tuple[Ratio, Ratio]:
    calm, stalled = list[Felt](), list[Felt]()
    async with stalling() as (store, stall):
        hot = Tellers.on(store, "hot", RoundSettings(), with_ids=True)
        tellers = [hot, *(hot.beside(f"till {number}") for number in range(ELSEWHERE))]
        for teller in tellers:
            await teller.seconds(1, 10)
        for _ in range(rounds):
            calm.append(await _window(tellers))
            stall()
            caught = asyncio.create_task(hot.book())
            await asyncio.sleep(CAUGHT_SECONDS)
            stalled.append(await _window(tellers))
            await caught
        for teller in tellers:
            await teller.require_all()
    return (
        Ratio(
            name=f"{name}, other cells",
            ours=Side(name="p99 stalled", rounds=tuple(felt.elsewhere for felt in stalled)),
            peer=Side(name="p99 calm", rounds=tuple(felt.elsewhere for felt in calm)),
            goal=AtMost(1.5),
        ),
        Ratio(
            name=f"{name}, the same cell",
            ours=Side(name="longest wait", rounds=tuple(felt.here for felt in stalled)),
            peer=Side(name="bound", rounds=(1.0,) * rounds),
            goal=AtMost(1.0),
        ),
    )


async def _window(tellers: list[Tellers]) -> Felt:
    """Lets everybody write for as long as a stall takes."""
    until = time.perf_counter() + STALL_SECONDS
    hot, others = tellers[0], tellers[1:]
    here, elsewhere = list[float](), list[float]()
    await asyncio.gather(
        *(_book_until(until, hot, here) for _ in range(HERE)),
        *(_book_until(until, teller, elsewhere) for teller in others),
    )
    return Felt(statistics.quantiles(elsewhere, n=HUNDREDTHS)[-1], max(here))


async def _book_until(until: float, teller: Tellers, felt: list[float]) -> None:
    while (began := time.perf_counter()) < until:
        await teller.book()
        felt.append(time.perf_counter() - began)


@asynccontextmanager
async def _memory() -> AsyncIterator[tuple[RecordStore, Stall]]:
    container = Container()
    faulty = FaultyRecordStore(container.store(), script=Script.parse(""), clock=container.clock())
    script = Script.parse(f"commit#1: delay {STALL_SECONDS * 1_000:.0f}")
    async with faulty:
        yield faulty, lambda: faulty.follow(script)


@asynccontextmanager
async def _postgres(url: str) -> AsyncIterator[tuple[RecordStore, Stall]]:
    from benchmarks.databases import store_on  # noqa: PLC0415 - may be left out
    from tests.postgres.proxy import Cut, Proxy  # noqa: PLC0415 - may be left out

    async with Proxy(url) as proxy, store_on(proxy.url) as store:
        yield store, lambda: proxy.arm(Cut.NEVER_ANSWERED)


BENCHMARK: Final = Benchmark(measure=measure, rounds=5, rounds_quick=1)
