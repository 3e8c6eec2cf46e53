"""A crew: processes that update one approval, as long and as many of them as they are told."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Final

from attrs import frozen

from benchmarks.approval_pair import ApprovalPair
from benchmarks.places import Place
from benchmarks.writers import Writers
from turnkeep import settle_collector

HEAD_START_SECONDS: Final = 0.02
END_SECONDS: Final = 30.0


@frozen
class Stint:
    """A span of the system's monotonic clock in which a process works."""

    begin: float
    end: float


@frozen
class Stop:
    """The order to close the store and to end."""


@frozen
class Done:
    """What a process tells after each order.

    Attributes:
        updates: How many were acknowledged since the order before.
        at: When the last of them was, on the system's monotonic clock.
    """

    updates: int
    at: float


@frozen(eq=False)
class Member:
    """A running process, seen from outside."""

    process: BaseProcess
    line: Connection

    def told(self) -> Done:
        """Waits for what it tells.

        Raises:
            EOFError: It has ended early; why, it has printed.
        """
        done = self.line.recv()
        assert isinstance(done, Done)
        return done


@frozen
class Crew:
    """Processes that have a store open, on one place."""

    members: Sequence[Member]

    def seconds(self, members: int, stint_seconds: float) -> tuple[float, int]:
        """Lets the first so many work at once.

        Returns:
            The seconds for each update of all, and how many updates there were, with those that
            each makes unmeasured before, so that it knows what was written without it.
        """
        working = self.members[:members]
        begin = time.monotonic()
        updates = sum(done.updates for done in _ordered(working, Stint(begin, begin)))
        begin = time.monotonic() + HEAD_START_SECONDS
        done = _ordered(working, Stint(begin, begin + stint_seconds))
        measured = sum(each.updates for each in done)
        return (max(each.at for each in done) - begin) / measured, updates + measured

    def stop(self) -> None:
        """Lets all close their stores and end well."""
        _ordered(self.members, Stop())
        for member in self.members:
            member.process.join(END_SECONDS)
            if member.process.exitcode != 0:
                raise RuntimeError(f"a process has ended with {member.process.exitcode}")


@contextmanager
def crew(place: Place, members: int) -> Iterator[Crew]:
    """Processes that were started anew, and have opened the store; those left over are killed."""
    started: list[Member] = []
    try:
        for _ in range(members):
            started.append(_started(place))  # noqa: PERF401 - what has started must be ended
        for member in started:
            member.told()
        yield Crew(started)
    finally:
        for member in started:
            member.process.kill()
            member.process.join()
            member.line.close()


def _started(place: Place) -> Member:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(place, theirs), daemon=True)
    process.start()
    theirs.close()
    return Member(process, ours)


def _ordered(members: Sequence[Member], order: Stint | Stop) -> list[Done]:
    for member in members:
        member.line.send(order)
    return [member.told() for member in members]


# ---- in the process ---------------------------------------------------------------------------


def _work(place: Place, line: Connection) -> None:
    asyncio.run(_obey(place, line))


async def _obey(place: Place, line: Connection) -> None:
    pair = ApprovalPair.made()
    async with place.store() as store:
        writers = Writers.on(store)
        settle_collector()
        line.send(Done(0, time.monotonic()))
        while isinstance(order := await asyncio.to_thread(line.recv), Stint):
            line.send(await _worked(writers, pair, order))
    line.send(Done(0, time.monotonic()))


async def _worked(writers: Writers, pair: ApprovalPair, stint: Stint) -> Done:
    """Updates until the stint is over, once at least."""
    before = writers.acknowledged.total()
    await asyncio.sleep(stint.begin - time.monotonic())
    await writers.update(pair)
    while time.monotonic() < stint.end:
        await writers.update(pair)
    return Done(writers.acknowledged.total() - before, time.monotonic())
