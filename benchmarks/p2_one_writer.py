"""P2: one writer on the postgres store, against the same by hand over psycopg.

What is there for those who meet must cost those nothing who do not: the same updates are made with
rounds off, and with last seen off, too.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from attrs import frozen

from benchmarks.approval_pair import ApprovalPair
from benchmarks.figure import AtLeast, Benchmark, Figure, Ratio, Side
from benchmarks.loss import require_approvals
from benchmarks.places import Backend, Place, postgres_lacks
from benchmarks.writers import Writers
from turnkeep import Container, Settings
from turnkeep_application.last_seen_settings import LastSeenSettings
from turnkeep_application.round_settings import RoundSettings
from turnkeep_domain.keys import Address

NUMBER: Final = "P2"
TITLE: Final = "postgres, one writer: updates of an approval against hand-written psycopg"
TIMES: Final = 100
WARM_UP: Final = 50
ROUNDS_OFF: Final = Settings(rounds=RoundSettings(together=False))
LAST_SEEN_OFF: Final = Settings(last_seen=LastSeenSettings(remembers=False))


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

    bodies = ApprovalPair.made().bodies(Container().codec())
    updates = rounds * TIMES + WARM_UP
    async with (
        Place(Backend.POSTGRES, url).store() as store,
        raw_row(url, "seen", bodies) as read_first,
        raw_row(url, "alone", bodies) as blind,
    ):
        writers = [
            _Writer(Writers.on(store, settings), ApprovalPair.made(number))
            for number, settings in enumerate((Settings(), ROUNDS_OFF, LAST_SEEN_OFF), 1)
        ]
        loops = [*(writer.update for writer in writers), read_first.seen, blind.alone]
        for loop in loops:
            await loop(WARM_UP)
        taken = [await _in_turns(loops, first=number % len(loops)) for number in range(rounds)]
        await read_first.require_all(updates)
        await blind.require_all(updates)
        acknowledged = sum((each.writers.acknowledged for each in writers), Counter[Address]())
        await require_approvals(store, [each.pair for each in writers], acknowledged)
    return _ratios(*(tuple(seconds) for seconds in zip(*taken, strict=True)))


async def _in_turns(
    loops: Sequence[Callable[[int], Awaitable[float]]], *, first: int
) -> list[float]:
    """The seconds of one update in each loop. Each begins now and then: who follows whom counts."""
    seconds = [0.0] * len(loops)
    for number in (*range(first, len(loops)), *range(first)):
        seconds[number] = await loops[number](TIMES)
    return seconds


@frozen
class _Writer:
    writers: Writers
    pair: ApprovalPair

    async def update(self, times: int) -> float:
        """What one update takes on average."""
        return await self.writers.seconds([self.pair], times)


def _ratios(
    ours: tuple[float, ...],
    rounds_off: tuple[float, ...],
    last_seen_off: tuple[float, ...],
    seen: tuple[float, ...],
    alone: tuple[float, ...],
) -> tuple[Ratio, ...]:
    side = Side(name="update", rounds=ours)
    against = (
        ("read, then write", "SELECT, UPDATE WHERE revision", seen, AtLeast(1.3)),
        ("write alone", "UPDATE alone", alone, AtLeast(0.6)),
        ("rounds on against off", "rounds off", rounds_off, AtLeast(0.95)),
        ("last seen on against off", "last seen off", last_seen_off, AtLeast(0.95)),
    )
    return tuple(
        Ratio(name=name, ours=side, peer=Side(name=peer, rounds=seconds), goal=goal)
        for name, peer, seconds, goal in against
    )


BENCHMARK: Final = Benchmark(measure=measure, rounds=40, rounds_quick=8)
