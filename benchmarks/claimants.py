"""Claimants: processes that claim queued runs of one store, as long as they are told to."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Final, TypeAlias, assert_never

from attrs import frozen
from dependency_injector import providers

from benchmarks.crew import HEAD_START_SECONDS, Stint, Stop
from benchmarks.loss import require_count
from benchmarks.places import Place
from tests.application.turns.invariants import Whole, require_invariants
from tests.processes.claiming import seed_users
from turnkeep import Container, Token, settle_collector
from turnkeep_application.errors import Contended
from turnkeep_domain.turns.events import RunClaimed
from turnkeep_domain.turns.lane_ids import LaneId
from turnkeep_domain.turns.limits import CLAIM_RUNS_MAX
from turnkeep_ports.clock import Deadline
from turnkeep_ports.errors import Unavailable
from turnkeep_ports.store import RecordStore

END_SECONDS: Final = 30.0
READ_SECONDS: Final = 120.0
PASSES_BEFORE: Final = 3
"""How many passes of a worker are not measured, before each stint."""


@frozen
class Granted:
    """What a process tells after each order.

    Attributes:
        runs: Which it was granted.
        at: When it ended, on the system's monotonic clock.
    """

    runs: tuple[str, ...]
    at: float


@frozen
class Prepare:
    """The order to make a few passes."""


@frozen
class Look:
    """The order to read what others have written."""


Order: TypeAlias = Stint | Prepare | Look | Stop


@frozen(eq=False)
class _Member:
    process: BaseProcess
    line: Connection

    def told(self) -> Granted:
        granted = self.line.recv()
        assert isinstance(granted, Granted)
        return granted


@frozen
class Claimants:
    """Processes that have a store open."""

    members: Sequence[_Member]

    def seconds(self, members: int, stint_seconds: float) -> tuple[float, list[str]]:
        """Lets the first so many claim at once.

        Before, each makes a few passes that are not measured, and reads what has been written: a
        process that claims for the first time composes the shapes of its records, and the queue
        that was filled before it came is not what it is measured by.

        Returns:
            The seconds for each run that was granted, and which were, the unmeasured ones too.
        """
        runs = [run for one in self._ordered(members, Prepare()) for run in one.runs]
        self._ordered(members, Look())
        begin = time.monotonic() + HEAD_START_SECONDS
        told = self._ordered(members, Stint(begin, begin + stint_seconds))
        granted = [run for one in told for run in one.runs]
        seconds = (max(one.at for one in told) - begin) / max(1, len(granted))
        return seconds, [*runs, *granted]

    def stop(self) -> None:
        """Lets all close their stores and end well."""
        self._ordered(len(self.members), Stop())
        for member in self.members:
            member.process.join(END_SECONDS)
            if member.process.exitcode != 0:
                raise RuntimeError(f"a process has ended with {member.process.exitcode}")

    def _ordered(self, members: int, order: Order) -> list[Granted]:
        for member in self.members[:members]:
            member.line.send(order)
        return [member.told() for member in self.members[:members]]


@contextmanager
def claimants(place: Place, members: int, *, workers: int = 1) -> Iterator[Claimants]:
    """Processes that were started anew, and have opened the store; those left over are killed.

    Args:
        place: Where the store is.
        members: How many processes.
        workers: How many workers each of them is, over its one handle on the store.
    """
    asyncio.run(_opened(place))
    started: list[_Member] = []
    try:
        for number in range(members):
            started.append(_started(place, number, workers))  # noqa: PERF401 - what has started must be ended
        for member in started:
            member.told()
        yield Claimants(started)
    finally:
        for member in started:
            member.process.kill()
            member.process.join()
            member.line.close()


def filled(place: Place, queued: int, *, users: int, runs: int) -> int:
    """Queues so many runs for each of so many users, one a thread; how many that were.

    Args:
        queued: How many were before, so that the users are new ones.
    """
    asyncio.run(_filled(place, [f"user-{queued + user:06}" for user in range(users)], runs))
    return users * runs


def require_all(place: Place, *, queued: int, claimed: Sequence[str]) -> None:
    """Each run that was granted is claimed, none was granted twice, and the rest is queued.

    Raises:
        Lost: One is not.
        AssertionError: The records contradict each other.
    """
    whole = asyncio.run(_whole(place))
    require_invariants(whole)
    require_count("grants", acknowledged=len(claimed), found=len(set(claimed)))
    leased = {run.id for run in whole.active if run.lease is not None}
    require_count("claimed runs", acknowledged=len(claimed), found=len(leased & set(claimed)))
    require_count("claims", acknowledged=len(claimed), found=len(leased))
    told = sum(isinstance(event, RunClaimed) for event in whole.events)
    require_count("events of claims", acknowledged=len(claimed), found=told)
    require_count("runs", acknowledged=queued, found=len(whole.active))


async def _opened(place: Place) -> None:
    async with place.store():
        pass


async def _filled(place: Place, users: Sequence[str], runs: int) -> None:
    async with place.store() as store:
        await seed_users(store, users, runs)


async def _whole(place: Place) -> Whole:
    container = Container()
    async with place.store() as store:
        deadline = Deadline.after(container.clock(), READ_SECONDS)
        return await Whole.read(store, container.codec(), deadline)


def _container(store: RecordStore) -> Container:
    container = Container()
    container.store.override(providers.Object(store))
    return container


def _started(place: Place, number: int, workers: int) -> _Member:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(place, number, workers, theirs), daemon=True)
    process.start()
    theirs.close()
    return _Member(process, ours)


# ---- in the process ---------------------------------------------------------------------------


def _work(place: Place, number: int, workers: int, line: Connection) -> None:
    asyncio.run(_obey(place, number, workers, line))


async def _obey(place: Place, number: int, workers: int, line: Connection) -> None:
    async with place.store() as store:
        container = _container(store)
        claimant = _Claimant(container, f"claimant-{number}", workers)
        settle_collector()
        line.send(Granted((), time.monotonic()))
        while not isinstance(order := await asyncio.to_thread(line.recv), Stop):
            line.send(await claimant.obey(order))
    line.send(Granted((), time.monotonic()))


@frozen
class _Claimant:
    """What a process does: as many workers as it was told to be claim side by side."""

    container: Container
    holder: str
    workers: int

    async def obey(self, order: Stint | Prepare | Look) -> Granted:
        match order:
            case Look():
                store = self.container.store()
                await store.changed(None, interest=None, timeout_seconds=0)
                return Granted((), time.monotonic())
            case Prepare():
                calls = [self._passes(number, PASSES_BEFORE) for number in range(self.workers)]
            case Stint(begin, end):
                await asyncio.sleep(begin - time.monotonic())
                calls = [self._until(number, end) for number in range(self.workers)]
            case _:
                assert_never(order)
        told = await asyncio.gather(*calls)
        return Granted(tuple(run for runs in told for run in runs), time.monotonic())

    async def _passes(self, number: int, passes: int) -> list[str]:
        return [run for _ in range(passes) for run in await self._pass(number)]

    async def _until(self, number: int, end: float) -> list[str]:
        runs = list[str]()
        while time.monotonic() < end:
            runs += await self._pass(number)
        return runs

    async def _pass(self, number: int) -> list[str]:
        """One pass; a lane whose answer was lost is asked again."""
        turns, runs = self.container.keep().turns, list[str]()
        holder, token = f"{self.holder}-{number}", Token(self.container.ids().commit_id())
        lanes: Sequence[LaneId] | None = None
        while True:
            try:
                found = await turns.claim(
                    holder=holder, token=token, count=CLAIM_RUNS_MAX, lanes=lanes
                )
            except (Contended, Unavailable):
                if lanes:
                    continue
                return runs
            runs += [granted.run.id for granted in found.granted]
            if not found.doubtful:
                return runs
            lanes = found.doubtful
