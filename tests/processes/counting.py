"""Counting: what a process of these tests does, and how it is started, stopped and killed.

Processes come from a fork server that has everything imported, so that many of them cost little.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from attrs import define, field, frozen

from tests.application.loop.ledger import LEDGERS, SCOPE, Ledger, LedgerCodec, opened
from turnkeep_adapters.files.settings import FilesSettings
from turnkeep_adapters.files.store import FilesRecordStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_adapters.system.ids import SystemIds
from turnkeep_adapters.system.randomness import SystemRandom
from turnkeep_adapters.telemetry.silent import SilentTelemetry
from turnkeep_application.errors import Contended
from turnkeep_application.records import Records
from turnkeep_application.update_loop import UpdateLoop
from turnkeep_domain.decisions import Decision, Refused
from turnkeep_domain.keys import key
from turnkeep_domain.request_ids import RequestId, RequestIdReused
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_ports.clock import Deadline
from turnkeep_ports.errors import OutcomeUnknown
from turnkeep_ports.store import START, EventPage, EventQuery, RecordStore, StoredEvent

BUSY: Final = FilesSettings(bucket_segments=8, compaction_bytes=8 << 10, poll_seconds=0.01)
"""Buckets close and checkpoints are made all the time."""
FOREVER: Final = 10**9
_END: Final = "end"
_UNKNOWN: Final = "unknown"
_CLOCK: Final = SystemClock()
_EVERYBODY: Final = ScopePrefix(scope=Scope.of(None, None), depth=0)


@frozen(kw_only=True)
class Brief:
    """What a process is told to do: increment one ledger so many times."""

    path: Path
    name: str
    ledger: str
    increments: int
    settings: FilesSettings = BUSY


def store_at(path: Path, settings: FilesSettings = BUSY) -> FilesRecordStore:
    return FilesRecordStore(path, clock=_CLOCK, wall_clock=_CLOCK.utc_now, settings=settings)


def loop_over(store: RecordStore) -> UpdateLoop:
    return UpdateLoop(
        store=store,
        codec=LedgerCodec(),
        clock=_CLOCK,
        random=SystemRandom(),
        ids=SystemIds(),
        telemetry=SilentTelemetry(),
    )


async def increment(loop: UpdateLoop, id: str, request_id: RequestId) -> int:
    """One increment; the ledger's total after it. Losing every race, it begins anew."""
    at = key(LEDGERS, SCOPE, id)

    def decide(records: Records, now: object) -> Decision[Records, int, RequestIdReused]:
        ledger = records[at]
        before = opened(id) if ledger is None else ledger
        assert isinstance(before, Ledger)
        return records.adopt(at, before.add(1, request_id, at.address, now))  # type: ignore[arg-type]

    while True:
        try:
            outcome = await loop.update([at], decide)
        except Contended:
            continue
        assert not isinstance(outcome, Refused)
        return outcome


def count_up(brief: Brief, reports: Connection) -> None:
    """What a process runs: it tells each total as it is acknowledged, and at last that it ends."""
    asyncio.run(_count_up(brief, reports))


async def _count_up(brief: Brief, reports: Connection) -> None:
    async with store_at(brief.path, brief.settings) as store:
        loop = loop_over(store)
        for number in range(brief.increments):
            request = RequestId(f"{brief.name}-{number}")
            try:
                reports.send(await increment(loop, brief.ledger, request))
            except OutcomeUnknown:
                # It slept while it wrote, and the ledger has forgotten the request since.
                reports.send(_UNKNOWN)
    reports.send(_END)


@define(eq=False)
class Worker:
    """A running process.

    Attributes:
        told: The totals that it was acknowledged, as far as was read.
        unknown: The increments of which it was told that nobody knows, as far as was read.
    """

    brief: Brief
    process: multiprocessing.process.BaseProcess
    reports: Connection
    told: list[int] = field(factory=list)
    unknown: int = 0
    ended: bool = False

    def wait_for(self, totals: int) -> None:
        """Reads until so many totals were told, or it has ended."""
        while len(self.told) < totals and self._read_one():
            pass

    def drain(self) -> None:
        """Reads all that is left."""
        while self._read_one():
            pass

    def finish(self) -> None:
        """Waits for its end, which must be a good one."""
        self.drain()
        self.process.join()
        assert self.ended, f"{self.brief.name} ended early, code {self.process.exitcode}"
        assert not self.unknown, f"{self.brief.name}, which nobody disturbed, was left in doubt"

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        self.process.join()
        self.drain()

    def stop(self) -> None:
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, signal_number: int) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, signal_number)

    def _read_one(self) -> bool:
        try:
            report = self.reports.recv()
        except (EOFError, OSError):
            return False
        if report == _END:
            self.ended = True
            return False
        if report == _UNKNOWN:
            self.unknown += 1
        else:
            self.told.append(report)
        return True


@contextmanager
def workers(*briefs: Brief) -> Iterator[list[Worker]]:
    """Running processes; those that are left at the end are killed."""
    started: list[Worker] = []
    try:
        for brief in briefs:
            started.append(start(brief))  # noqa: PERF401 - what has started must be ended
        yield started
    finally:
        for worker in started:
            end(worker)


def start(brief: Brief) -> Worker:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.processes.counting"])
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=count_up, args=(brief, sending))
    process.start()
    sending.close()
    return Worker(brief, process, receiving)


def end(worker: Worker) -> None:
    if worker.process.exitcode is None:
        worker.process.kill()
        worker.process.join()
    worker.reports.close()
    worker.process.close()


async def events_of(path: Path) -> list[StoredEvent]:
    """The whole event log."""
    query = EventQuery(collections=None, prefix=_EVERYBODY)
    events: list[StoredEvent] = []
    async with store_at(path) as store:
        after = START
        while True:
            deadline = Deadline.after(_CLOCK, 60.0)
            page = await store.events(query, after=after, limit=500, deadline=deadline)
            assert isinstance(page, EventPage)
            events += page.events
            if page.next == after:
                return events
            after = page.next


async def scrubbed(path: Path) -> None:
    """Removes all that is not needed."""
    async with store_at(path) as store:
        await store.scrub(deadline=Deadline.after(_CLOCK, 60.0))


def require_whole(path: Path, told: Sequence[int], *, ledger: str, most: int | None) -> int:
    """Fails unless a ledger has every acknowledged increment, once, and each with its event.

    Args:
        told: All totals that were acknowledged.
        most: How many increments there may be; None for exactly those acknowledged.
    """
    events = [event for event in asyncio.run(events_of(path)) if event.address.id == ledger]
    totals = [int(event.body) for event in events]
    assert totals == list(range(1, len(totals) + 1)), "increments are lost, doubled or torn"
    assert len(set(told)) == len(told), "two increments were told the same total"
    assert set(told) <= set(totals), "an acknowledged increment is lost"
    assert len(totals) <= (len(told) if most is None else most)
    assert asyncio.run(total_of(path, ledger)) == len(totals), "a cell and its events differ"
    return len(totals)


async def total_of(path: Path, id: str) -> int:
    at = key(LEDGERS, SCOPE, id).address
    async with store_at(path) as store:
        loaded = await store.load([at], deadline=Deadline.after(_CLOCK, 60.0))
    body = loaded.cells[at].entry.body
    return LedgerCodec().decode(LEDGERS, at, body).total
