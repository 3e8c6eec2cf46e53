"""P10: appending to a long thread and reading its end, against the same on a short one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from attrs import define, field
from dependency_injector import providers

from benchmarks.figure import AtMost, Benchmark, Figure, Ratio, Side
from benchmarks.long_threads import OWNER, WORDS, put_thread
from benchmarks.loss import require_count
from benchmarks.places import Backend, Place, directory, postgres_lacks
from turnkeep import (
    Container,
    Content,
    HistoryPage,
    InboundEvent,
    MessageReceipt,
    Threads,
    Window,
)
from turnkeep_ports.store import RecordStore

NUMBER: Final = "P10"
TITLE: Final = "a long thread: appends and pages against those of a short one"
LONG: int = 100_000
SHORT: int = 100
TIMES: int = 50
GOAL: Final = 1.3


@define
class Reader:
    """One host, and how many messages it was acknowledged, thread by thread."""

    threads: Threads
    acknowledged: dict[str, int] = field(factory=dict, init=False)

    async def append(self, thread: str) -> None:
        """One message more, in a commit of its own, from an event with a claim."""
        number = self.acknowledged.get(thread, 0)
        answer = await self.threads.accept_inbound(
            OWNER,
            thread,
            InboundEvent(source_binding="web", event_id=f"{thread} {number}"),
            Content.of(WORDS),
            actor="ann",
        )
        assert isinstance(answer, MessageReceipt)
        self.acknowledged[thread] = number + 1

    async def page(self, thread: str) -> None:
        """The newest fifty messages."""
        page = await self.threads.history(OWNER, thread, newest_first=True, limit=50)
        assert isinstance(page, HistoryPage)
        assert len(page.messages) == 50

    async def window(self, thread: str) -> None:
        """What a model is shown of the thread: fifty entries."""
        window = await self.threads.window(OWNER, thread, limit=50)
        assert isinstance(window, Window)
        assert len(window.entries) == 50

    async def require_all(self, thread: str, before: int) -> None:
        """Compares what was acknowledged with what is there.

        Raises:
            Lost: They differ.
        """
        view = await self.threads.get(OWNER, thread)
        found = 0 if view is None else view.committed
        told = before + self.acknowledged.get(thread, 0)
        require_count(f"messages of {thread}", acknowledged=told, found=found)


def measure(rounds: int) -> Figure:
    """Measures both threads in turns, on every store that is there."""
    ratios: list[Ratio] = []
    remarks: list[str] = [f"{LONG:,} messages against {SHORT:,}"]
    ratios += asyncio.run(_measured("memory", None, rounds))
    with directory() as path:
        place = Place(Backend.FILES, str(path / "store"))
        ratios += asyncio.run(_measured("files", place, rounds))
    lacks = postgres_lacks()
    if lacks is None:
        from benchmarks.databases import database  # noqa: PLC0415 - may be left out

        with database() as url:
            ratios += asyncio.run(_measured("postgres", Place(Backend.POSTGRES, url), rounds))
    else:
        remarks.append(f"postgres left out: {lacks}")
    return Figure(number=NUMBER, title=TITLE, ratios=tuple(ratios), remarks=tuple(remarks))


async def _measured(name: str, place: Place | None, rounds: int) -> list[Ratio]:
    container = Container()
    async with _opened(container, place) as store:
        codec, clock = container.codec(), container.clock()
        await put_thread(store, codec, clock, "long", LONG)
        # A short one for each round, so that none grows long.
        shorts = [f"short {number}" for number in range(rounds + 1)]
        for short in shorts:
            await put_thread(store, codec, clock, short, SHORT)
        reader = Reader(container.threads())
        ratios = [
            await _ratio(f"{name}, {what}", call, shorts, rounds)
            for what, call in (
                ("append", reader.append),
                ("page", reader.page),
                ("window", reader.window),
            )
        ]
        await reader.require_all("long", LONG)
        for short in shorts:
            await reader.require_all(short, SHORT)
        return ratios


async def _ratio(
    name: str, call: Callable[[str], Awaitable[None]], shorts: list[str], rounds: int
) -> Ratio:
    await _seconds(call, "long")
    await _seconds(call, shorts[rounds])
    long, short = list[float](), list[float]()
    for number in range(rounds):
        sides = [(long, "long"), (short, shorts[number])]
        # By turns: a compaction that follows the filling must not always meet the same side.
        for seconds, thread in sides if number % 2 else reversed(sides):
            seconds.append(await _seconds(call, thread))
    return Ratio(
        name=name,
        ours=Side(name="long", rounds=tuple(long)),
        peer=Side(name="short", rounds=tuple(short)),
        goal=AtMost(GOAL),
    )


async def _seconds(call: Callable[[str], Awaitable[None]], thread: str) -> float:
    started = time.perf_counter()
    for _ in range(TIMES):
        await call(thread)
    return (time.perf_counter() - started) / TIMES


@asynccontextmanager
async def _opened(container: Container, place: Place | None) -> AsyncIterator[RecordStore]:
    if place is not None:
        container.store.override(providers.Object(place.store()))
    async with container.store() as store:
        yield store


BENCHMARK: Final = Benchmark(measure=measure, rounds=20, rounds_quick=5)
