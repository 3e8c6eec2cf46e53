"""DBOS: durable workflows, here of one empty function, that are enqueued and polled for.

Used with a queue that runs as many workflows at once as are in flight and is polled every 10 ms
(every second, unless set, which would be slower by far), and a pool of twenty connections.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

from attrs import frozen
from dbos import DBOS

from benchmarks.peer import counted, require_jobs
from benchmarks.window import Window

POOL: Final = 20
POLL_SECONDS: Final = 0.01
LOOK_SECONDS: Final = 0.005
FOUND_SECONDS: Final = 1.5
"""It looks for queues once a second."""


@frozen
class Queue:
    """A DBOS on a database; its tables are made when it is launched."""

    url: str

    @classmethod
    def on(cls, url: str) -> Queue:
        """Makes nothing yet."""
        return cls(url)

    def seconds(self, window: Window) -> float:
        """As `Peer.seconds`."""
        return asyncio.run(self._seconds(window))

    def require_all(self, jobs: int) -> None:
        """As `Peer.require_all`."""
        require_jobs(
            self.url,
            jobs=jobs,
            done="SELECT count(*) FROM dbos.workflow_status WHERE status = 'SUCCESS'",
            left="SELECT count(*) FROM dbos.workflow_status WHERE status <> 'SUCCESS'",
        )

    async def _seconds(self, window: Window) -> float:
        DBOS(
            config={
                "name": "bench",
                "system_database_url": self.url,
                "sys_db_pool_size": POOL,
                "max_executor_threads": POOL,
                "log_level": "ERROR",
            }
        )
        loop = asyncio.get_running_loop()

        async def work(number: int) -> None:
            # Its workflows run in an event loop of its own.
            loop.call_soon_threadsafe(window.note, number)

        workflow = DBOS.workflow(name="job")(work)
        await asyncio.to_thread(DBOS.launch)
        try:
            await DBOS.register_queue_async(
                "queue",
                worker_concurrency=window.in_flight,
                polling_interval_sec=POLL_SECONDS,
            )
            await asyncio.sleep(FOUND_SECONDS)
            started = time.perf_counter()
            await window.pass_through(
                lambda number: DBOS.enqueue_workflow_async("queue", workflow, number)
            )
            await asyncio.to_thread(self._until_stored)
            return time.perf_counter() - started
        finally:
            await asyncio.to_thread(lambda: DBOS.destroy(destroy_registry=True))

    def _until_stored(self) -> None:
        """Its workflows have returned before their results are stored."""
        while counted(
            self.url,
            "SELECT count(*) FROM dbos.workflow_status WHERE status IN ('ENQUEUED', 'PENDING')",
        ):
            time.sleep(LOOK_SECONDS)
