"""PgQueuer: a queue whose jobs are dequeued in batches, and whose results are stored in batches.

Used as its page on tuning says: over asyncpg, with a pool, in batches of half of what may run at
once (it takes no larger ones), and in the event loop of uvloop, as its own command line does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Final, TypeVar

import asyncpg
import uvloop
from attrs import frozen
from pgqueuer.db import AsyncpgPoolDriver
from pgqueuer.models import Job
from pgqueuer.qm import QueueManager
from pgqueuer.queries import Queries

from benchmarks.peer import require_jobs
from benchmarks.window import Window

T = TypeVar("T")

POOL: Final = 20
_JOB: Final = "job"


@frozen
class Queue:
    """A PgQueuer on a database."""

    url: str

    @classmethod
    def on(cls, url: str) -> Queue:
        """Makes its tables."""
        _run(_installed(url))
        return cls(url)

    def seconds(self, window: Window) -> float:
        """As `Peer.seconds`."""
        return _run(self._seconds(window))

    def require_all(self, jobs: int) -> None:
        """As `Peer.require_all`; it deletes what is done, and keeps a log."""
        require_jobs(
            self.url,
            jobs=jobs,
            done="SELECT count(*) FROM pgqueuer_log WHERE status = 'successful'",
            left="SELECT count(*) FROM pgqueuer",
        )

    async def _seconds(self, window: Window) -> float:
        async with asyncpg.create_pool(self.url, min_size=POOL, max_size=POOL) as pool:
            queries = Queries(AsyncpgPoolDriver(pool))
            manager = QueueManager(Queries(AsyncpgPoolDriver(pool)))

            async def work(job: Job) -> None:
                window.note(int(job.payload or b""))

            manager.entrypoint(_JOB, accepts_context=False)(work)
            batch = max(1, window.in_flight // 2)
            # Statistics are no part of a job; it folds them once in 30 s.
            working = asyncio.create_task(
                manager.run(batch_size=batch, max_concurrent_tasks=2 * batch)
            )
            await asyncio.sleep(0.3)
            started = time.perf_counter()
            await window.pass_through(lambda number: queries.enqueue(_JOB, str(number).encode()))
            manager.shutdown.set()
            await working
            return time.perf_counter() - started


async def _installed(url: str) -> None:
    async with asyncpg.create_pool(url, min_size=1, max_size=2) as pool:
        await Queries(AsyncpgPoolDriver(pool)).install()


def _run(work: Coroutine[object, object, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
