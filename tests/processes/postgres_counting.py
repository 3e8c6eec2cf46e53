"""Counting on a server: processes that increment ledgers, and what must then be true of them."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Final

from attrs import define, field, frozen

from tests.postgres.world import QUIET, store_on, total
from tests.processes.counting import increment, loop_over
from turnkeep.testing import Caller
from turnkeep_domain.request_ids import RequestId
from turnkeep_ports.store import StoredEvent

FOREVER: Final = 10**9
_END: Final = "end"


@frozen(kw_only=True)
class PostgresBrief:
    """What a process is told to do: increment one ledger so many times, several at once."""

    url: str
    name: str
    ledger: str
    increments: int
    at_once: int = 1


def count_up(brief: PostgresBrief, reports: Connection) -> None:
    """What a process runs: it tells each total as it is acknowledged, and at last that it ends."""
    asyncio.run(_count_up(brief, reports))


async def _count_up(brief: PostgresBrief, reports: Connection) -> None:
    async with store_on(brief.url, QUIET) as store:
        loop = loop_over(store)

        async def some(lane: int) -> None:
            for number in range(lane, brief.increments, brief.at_once):
                request = RequestId(f"{brief.name}-{number}")
                reports.send(await increment(loop, brief.ledger, request))

        await asyncio.gather(*(some(lane) for lane in range(brief.at_once)))
    reports.send(_END)


@define(eq=False)
class PostgresWorker:
    """A running process. `told` are the totals that it was acknowledged, as far as was read."""

    brief: PostgresBrief
    process: multiprocessing.process.BaseProcess
    reports: Connection
    told: list[int] = field(factory=list)
    ended: bool = False

    def wait_for(self, totals: int) -> None:
        """Reads until so many totals were told, or it has ended."""
        while len(self.told) < totals and self._read_one():
            pass

    def finish(self) -> None:
        """Waits for its end, which must be a good one."""
        self._drain()
        self.process.join()
        assert self.ended, f"{self.brief.name} ended early, code {self.process.exitcode}"

    def kill(self) -> None:
        """Ends it as it stands; what it was acknowledged is read to the last."""
        self.process.kill()
        self.process.join()
        self._drain()

    def _drain(self) -> None:
        while self._read_one():
            pass

    def _read_one(self) -> bool:
        try:
            report = self.reports.recv()
        except (EOFError, OSError):
            return False
        if report == _END:
            self.ended = True
            return False
        self.told.append(report)
        return True


def start(brief: PostgresBrief) -> PostgresWorker:
    """Starts a process; it comes from a fork server that has everything imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.processes.postgres_counting"])
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=count_up, args=(brief, sending))
    process.start()
    sending.close()
    return PostgresWorker(brief, process, receiving)


@contextmanager
def workers(*briefs: PostgresBrief) -> Iterator[list[PostgresWorker]]:
    """Running processes; those that are in the list at the end are ended."""
    running: list[PostgresWorker] = []
    try:
        for brief in briefs:
            running.append(start(brief))  # noqa: PERF401 - what has started must be ended
        yield running
    finally:
        for worker in running:
            if worker.process.exitcode is None:
                worker.process.kill()
            worker.process.join()
            worker.reports.close()


def require_whole(url: str, told: Sequence[int], *, ledger: str, most: int | None) -> int:
    """Fails unless a ledger has every acknowledged increment, once, and each with its event.

    Args:
        told: All totals that were acknowledged.
        most: How many increments there may be; None for exactly those acknowledged.
    """
    found, events = asyncio.run(_read(url, ledger))
    totals = [int(event.body) for event in events if event.address.id == ledger]
    assert totals == list(range(1, len(totals) + 1)), "increments are lost, doubled or torn"
    assert len(set(told)) == len(told), "two increments were told the same total"
    assert set(told) <= set(totals), "an acknowledged increment is lost"
    assert len(totals) <= (len(told) if most is None else most)
    assert found == len(totals), "a cell and its events differ"
    return len(totals)


async def _read(url: str, ledger: str) -> tuple[int, list[StoredEvent]]:
    async with store_on(url, QUIET) as store:
        caller = Caller(store)
        return await total(store, ledger), await caller.history()
