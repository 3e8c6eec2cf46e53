"""Procrastinate: a queue whose jobs are fetched one by one, and kept when they are done.

Used with one worker that runs as many jobs at once as are in flight, woken by notifications, with a
pool of twenty connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Final

import procrastinate
from attrs import frozen

from benchmarks.peer import require_jobs
from benchmarks.window import Window

POOL: Final = 20


@frozen
class Queue:
    """A Procrastinate on a database."""

    url: str

    @classmethod
    def on(cls, url: str) -> Queue:
        """Makes its tables."""
        peer = cls(url)
        asyncio.run(peer._installed())
        return peer

    def seconds(self, window: Window) -> float:
        """As `Peer.seconds`."""
        return asyncio.run(self._seconds(window))

    def require_all(self, jobs: int) -> None:
        """As `Peer.require_all`."""
        require_jobs(
            self.url,
            jobs=jobs,
            done="SELECT count(*) FROM procrastinate_jobs WHERE status = 'succeeded'",
            left="SELECT count(*) FROM procrastinate_jobs WHERE status <> 'succeeded'",
        )

    async def _installed(self) -> None:
        app = self._app()
        async with app.open_async():
            await app.schema_manager.apply_schema_async()

    async def _seconds(self, window: Window) -> float:
        app = self._app()

        async def work(number: int) -> None:
            window.note(number)

        task = app.task(work, name="job")
        async with app.open_async():
            working = asyncio.create_task(
                app.run_worker_async(concurrency=window.in_flight, install_signal_handlers=False)
            )
            await asyncio.sleep(0.3)
            started = time.perf_counter()
            await window.pass_through(lambda number: task.defer_async(number=number))
            # Cancelled once, a worker ends when its jobs are stored as done.
            working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await working
            return time.perf_counter() - started

    def _app(self) -> procrastinate.App:
        connector = procrastinate.PsycopgConnector(conninfo=self.url, min_size=POOL, max_size=POOL)
        return procrastinate.App(connector=connector)
