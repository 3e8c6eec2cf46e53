"""Working: processes that carry out errands, and that are killed or stopped where it hurts.

Processes come from a fork server that has everything imported, so that many of them cost little.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from enum import Enum
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from attrs import evolve, field, frozen

from tests.application.worker.errand import errand
from tests.application.worker.mortal import Moment, MortalStore
from tests.application.worker.outside import Written
from tests.application.worker.purchase import CIPHER, Purchasing
from tests.application.worker.sites import QUICK, Host, Pace, thread
from tests.postgres.world import QUIET, store_on
from turnkeep_adapters.files.settings import FilesSettings
from turnkeep_adapters.files.store import FilesRecordStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_adapters.system.ids import SystemIds
from turnkeep_adapters.system.randomness import SystemRandom
from turnkeep_application.turns.views import RunView
from turnkeep_application.worker.context import Handler, RunContext
from turnkeep_application.worker.exits import GiveUp, TryAgain
from turnkeep_application.worker.signals import drained_by_signals
from turnkeep_application.worker.worker import Worker
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_domain.turns.names import Category, Ref
from turnkeep_domain.turns.policy import TurnPolicy
from turnkeep_ports.store import RecordStore

PATIENT: Final = evolve(TurnPolicy.interactive(), lost_max=1_000, returned_max=1_000)
"""For runs whose workers are killed all the time."""
_CLOCK: Final = SystemClock()
_FILES: Final = FilesSettings(bucket_segments=64, compaction_bytes=256 << 10, poll_seconds=0.02)
_SECONDS_MAX: Final = 60.0
"""Within which whatever is waited for must come."""


class Fate(Enum):
    """What befalls a process at a commit."""

    KILLED = "killed"
    STOPPED = "stopped"


class Part(Enum):
    """How a process carries a run out."""

    ERRAND = "errand"
    PURCHASE = "purchase"
    PATIENTLY = "patiently"
    GIVING_UP = "giving up"
    TRYING_AGAIN = "trying again"


@frozen(kw_only=True)
class Order:
    """What a process is to do.

    Attributes:
        place: A directory, or the URL of a database.
        deeds: Where it does what it does to the world.
        user: Whose runs it carries out; None for all.
        at: The number of the commit at which it meets its fate; None for never.
    """

    place: Path | str
    deeds: Path
    user: str | None = None
    at: int | None = None
    moment: Moment = Moment.BEFORE
    fate: Fate = Fate.KILLED
    part: Part = Part.ERRAND
    concurrency: int = 4
    pace: Pace = QUICK


def owner(user: str) -> ScopePrefix:
    return ScopePrefix.owner(Scope.of("acme", user))


def store_at(place: Path | str) -> RecordStore:
    if isinstance(place, str):
        return store_on(place, QUIET)
    return FilesRecordStore(place, clock=_CLOCK, wall_clock=_CLOCK.utc_now, settings=_FILES)


@asynccontextmanager
async def host_at(
    place: Path | str,
    *,
    pace: Pace = QUICK,
    wrap: Callable[[RecordStore], RecordStore] = lambda store: store,
) -> AsyncIterator[Host]:
    async with wrap(store_at(place)) as store:
        yield Host.over(
            store,
            clock=_CLOCK,
            random=SystemRandom(),
            ids=SystemIds(),
            pace=pace,
            cipher=CIPHER,
        )


async def submitted(
    host: Host, user: str, name: str = "t1", *, policy: TurnPolicy = PATIENT
) -> RunView:
    return await host.submit(thread(name, user=user), request=name, policy=policy)


def handler_of(order: Order, host: Host) -> Handler:
    async def patiently(ctx: RunContext) -> Ref:
        await ctx.draining.wait()
        return Ref("by a fenced worker")

    async def giving_up(ctx: RunContext) -> None:
        raise GiveUp(Category("fenced"))

    async def trying_again(ctx: RunContext) -> None:
        raise TryAgain

    match order.part:
        case Part.ERRAND:
            return errand(Written(order.deeds))
        case Part.PURCHASE:
            return Purchasing(host.keep.budgets, Written(order.deeds))
        case Part.PATIENTLY:
            return patiently
        case Part.GIVING_UP:
            return giving_up
        case Part.TRYING_AGAIN:
            return trying_again


def work(order: Order, reports: Connection) -> None:
    """What a process runs, until it meets its fate or its parent has had enough."""
    asyncio.run(_work(order, reports))


async def _work(order: Order, reports: Connection) -> None:
    def befall() -> None:
        # A stopped process goes on from here once it is continued: its store is not dead.
        os.kill(os.getpid(), signal.SIGKILL if order.fate is Fate.KILLED else signal.SIGSTOP)

    def doomed(inner: RecordStore) -> RecordStore:
        if order.at is None:
            return inner
        mortal = order.fate is Fate.KILLED
        return MortalStore(inner, at=order.at, moment=order.moment, on_death=befall, mortal=mortal)

    async with host_at(order.place, pace=order.pace, wrap=doomed) as host:
        worker = Worker(
            host.keep,
            handler_of(order, host),
            concurrency=order.concurrency,
            prefix=None if order.user is None else owner(order.user),
            settings=order.pace.worker,
        )
        with drained_by_signals(worker):
            reports.send("begun")
            await worker.run()


@frozen
class Labourer:
    """A running process."""

    order: Order
    process: multiprocessing.process.BaseProcess
    reports: Connection = field(repr=False)

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    @property
    def ended(self) -> bool:
        return self.process.exitcode is not None

    @property
    def stopped(self) -> bool:
        """Whether it stands still, as the kernel has it."""
        try:
            told = Path("/proc", str(self.pid), "stat").read_text(encoding="ascii")
        except OSError:
            return False
        return told.rpartition(")")[2].split()[0] == "T"

    def met_its_fate(self) -> bool:
        """Whether it was killed, or stands still."""
        return self.ended or self.stopped

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def drained(self) -> int | None:
        """Its exit code, once it was told to end and has drained."""
        os.kill(self.pid, signal.SIGTERM)
        self.process.join(_SECONDS_MAX)
        return self.process.exitcode

    def kill(self) -> None:
        if not self.ended:
            self.process.kill()
        self.process.join()


def start(order: Order) -> Labourer:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.processes.working"])
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(order, sending))
    process.start()
    sending.close()
    return Labourer(order, process, receiving)


@contextmanager
def labourers(*orders: Order) -> Iterator[list[Labourer]]:
    """Running processes; those that are in the list at the end are killed."""
    running: list[Labourer] = []
    try:
        for order in orders:
            running.append(start(order))  # noqa: PERF401 - what has started must be ended
        yield running
    finally:
        for labourer in running:
            labourer.kill()
            labourer.reports.close()
