"""Claimants: processes that claim queued runs of one store, as long as they are told to."""

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
from dependency_injector import providers

from benchmarks.crew import HEAD_START_SECONDS, Stint, Stop
from benchmarks.loss import require_count
from benchmarks.places import Place
from tests.application.turns.invariants import Whole, require_invariants
from tests.application.turns.seeding import seed_queued
from turnkeep import Container, Scope, Token
from turnkeep_application.errors import Contended
from turnkeep_domain.turns.events import RunClaimed
from turnkeep_domain.turns.limits import CLAIM_RUNS_MAX
from turnkeep_ports.clock import Deadline
from turnkeep_ports.errors import Unavailable
from turnkeep_ports.store import RecordStore

END_SECONDS: Final = 30.0
READ_SECONDS: Final = 120.0


@frozen
class Granted:
    """What a process tells after each order.

    Attributes:
        runs: Which it was granted.
        at: When it ended, on the system's monotonic clock.
    """

    runs: tuple[str, ...]
    at: float


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

        Returns:
            The seconds for each run that was granted, and which were.
        """
        begin = time.monotonic() + HEAD_START_SECONDS
        told = self._ordered(members, Stint(begin, begin + stint_seconds))
        runs = [run for one in told for run in one.runs]
        return (max(one.at for one in told) - begin) / max(1, len(runs)), runs

    def stop(self) -> None:
        """Lets all close their stores and end well."""
        self._ordered(len(self.members), Stop())
        for member in self.members:
            member.process.join(END_SECONDS)
            if member.process.exitcode != 0:
                raise RuntimeError(f"a process has ended with {member.process.exitcode}")

    def _ordered(self, members: int, order: Stint | Stop) -> list[Granted]:
        for member in self.members[:members]:
            member.line.send(order)
        return [member.told() for member in self.members[:members]]


@contextmanager
def claimants(place: Place, members: int) -> Iterator[Claimants]:
    """Processes that were started anew, and have opened the store; those left over are killed."""
    asyncio.run(_opened(place))
    started: list[_Member] = []
    try:
        for number in range(members):
            started.append(_started(place, number))  # noqa: PERF401 - what has started must be ended
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
    scopes = [
        Scope.of("acme", f"user-{queued + user:06}", thread=f"thread-{run:04}")
        for user in range(users)
        for run in range(runs)
    ]
    asyncio.run(_filled(place, scopes))
    return len(scopes)


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


async def _filled(place: Place, scopes: Sequence[Scope]) -> None:
    async with place.store() as store:
        await seed_queued(_container(store).updates(), scopes)


async def _whole(place: Place) -> Whole:
    container = Container()
    async with place.store() as store:
        deadline = Deadline.after(container.clock(), READ_SECONDS)
        return await Whole.read(store, container.codec(), deadline)


def _container(store: RecordStore) -> Container:
    container = Container()
    container.store.override(providers.Object(store))
    return container


def _started(place: Place, number: int) -> _Member:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(place, number, theirs), daemon=True)
    process.start()
    theirs.close()
    return _Member(process, ours)


# ---- in the process ---------------------------------------------------------------------------


def _work(place: Place, number: int, line: Connection) -> None:
    asyncio.run(_obey(place, number, line))


async def _obey(place: Place, number: int, line: Connection) -> None:
    async with place.store() as store:
        container = _container(store)
        line.send(Granted((), time.monotonic()))
        while isinstance(order := await asyncio.to_thread(line.recv), Stint):
            line.send(await _claimed(container, f"claimant-{number}", order))
    line.send(Granted((), time.monotonic()))


async def _claimed(container: Container, holder: str, stint: Stint) -> Granted:
    """Claims until the stint is over; a lane whose answer was lost is asked again."""
    turns, runs = container.keep().turns, list[str]()
    await asyncio.sleep(stint.begin - time.monotonic())
    lanes, token = None, Token(turns.ids.commit_id())
    while lanes or time.monotonic() < stint.end:
        try:
            found = await turns.claim(holder=holder, token=token, count=CLAIM_RUNS_MAX, lanes=lanes)
        except (Contended, Unavailable):
            continue
        runs += [granted.run.id for granted in found.granted]
        lanes = found.doubtful or None
        if lanes is None:
            token = Token(turns.ids.commit_id())
    return Granted(tuple(runs), time.monotonic())
