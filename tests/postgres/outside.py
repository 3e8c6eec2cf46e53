"""A postgres store for virtual time: sockets in a thread, and a database whose time is virtual too.

A virtual loop waits for no socket, but it really waits for threads while its time stands. So the
store runs in an event loop of its own thread, and every call goes there. What time it is, only the
database says; in this one a function shadows `clock_timestamp` for the store's functions, and
answers the virtual time that it was told before the call. The store itself is as it always is.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cache
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import psycopg

from tests.postgres.databases import shared
from tests.postgres.world import QUIET
from turnkeep_adapters.postgres.store import PostgresRecordStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_adapters.virtual.clock import VirtualClock
from turnkeep_domain.keys import Address
from turnkeep_ports.clock import Deadline
from turnkeep_ports.scans import Page, Position, Query
from turnkeep_ports.store import (
    Capabilities,
    CommitId,
    Committed,
    Cursor,
    CursorLost,
    EventDraft,
    EventPage,
    EventQuery,
    Interest,
    Late,
    Loaded,
    Mark,
    Stale,
    Write,
)

T = TypeVar("T")

SHADOW: Final = (
    "CREATE SCHEMA shadow",
    "CREATE TABLE shadow.time (now timestamptz NOT NULL)",
    "INSERT INTO shadow.time VALUES (clock_timestamp())",
    "CREATE FUNCTION shadow.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE"
    " AS 'SELECT now FROM shadow.time'",
    "DO $$ DECLARE f regprocedure; BEGIN FOR f IN SELECT oid FROM pg_proc"
    " WHERE pronamespace = 'turnkeep'::regnamespace AND proname ~ '^(load|commit|scan)' LOOP"
    " EXECUTE format('ALTER FUNCTION %s SET search_path = shadow, pg_catalog, turnkeep, pg_temp',"
    " f); END LOOP; END $$",
)
EMPTY: Final = (
    "TRUNCATE turnkeep.cell, turnkeep.event",
    "UPDATE turnkeep.meta SET floor_epoch = 0, floor_xid = '0', floor_seq = 0,"
    " floor_tag = '\\x0000000000000000'",
)


class Outside:
    """The thread with the real event loop, and the one database that histories are played on."""

    def __init__(self) -> None:
        self.url = shared()[1].clone(for_good=True)
        self.loop = asyncio.new_event_loop()
        self.callers = ThreadPoolExecutor(thread_name_prefix="outside")
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self._beside = psycopg.connect(self.url, autocommit=True)
        for statement in SHADOW:
            self._beside.execute(statement.encode())
        self._told: datetime | None = None
        self._open: PostgresRecordStore | None = None

    def fresh(self) -> PostgresRecordStore:
        """A store on the database, empty again; the one before is closed."""
        if self._open is not None:
            self.do(self._open.__aexit__(None, None, None))
        for statement in EMPTY:
            self._beside.execute(statement.encode())
        self._told = None
        self._open = PostgresRecordStore(self.url, clock=SystemClock(), settings=QUIET)
        self.do(self._open.__aenter__())
        return self._open

    def tell(self, now: datetime) -> None:
        """Sets the database's time."""
        if now != self._told:
            self._beside.execute("UPDATE shadow.time SET now = %s", (now,))
            self._told = now

    def do(self, call: Coroutine[Any, Any, T]) -> T:
        """Runs something in the real event loop, and waits for it."""
        return asyncio.run_coroutine_threadsafe(call, self.loop).result()


@cache
def outside() -> Outside:
    """The only one of the run."""
    return Outside()


class OutsideStore:
    """A record store whose calls are carried out in the real event loop."""

    def __init__(self, clock: VirtualClock, now: Callable[[], datetime] | None = None) -> None:
        self._clock = clock
        self._now = clock.utc_now if now is None else now
        self._outside = outside()
        self._inner = self._outside.fresh()

    @property
    def capabilities(self) -> Capabilities:
        return self._inner.capabilities

    async def _carried_out(self, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        now = self._now()

        def carry_out() -> T:
            self._outside.tell(now)
            return self._outside.do(call())

        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._outside.callers, carry_out)

    async def load(self, keys: Sequence[Address], *, deadline: Deadline) -> Loaded:
        return await self._carried_out(lambda: self._inner.load(keys, deadline=deadline))

    async def commit(
        self,
        commit_id: CommitId,
        writes: Sequence[Write],
        events: Sequence[EventDraft],
        *,
        valid_until: datetime | None,
        deadline: Deadline,
    ) -> Committed | Stale | Late:
        return await self._carried_out(
            lambda: self._inner.commit(
                commit_id, writes, events, valid_until=valid_until, deadline=deadline
            )
        )

    async def scan(
        self, query: Query, *, after: Position | None, limit: int, deadline: Deadline
    ) -> Page:
        return await self._carried_out(
            lambda: self._inner.scan(query, after=after, limit=limit, deadline=deadline)
        )

    async def events(
        self, query: EventQuery, *, after: Cursor, limit: int, deadline: Deadline
    ) -> EventPage | CursorLost:
        return await self._carried_out(
            lambda: self._inner.events(query, after=after, limit=limit, deadline=deadline)
        )

    async def trim(self, before: Cursor, *, deadline: Deadline) -> Cursor | CursorLost:
        return await self._carried_out(lambda: self._inner.trim(before, deadline=deadline))

    async def scrub(self, *, deadline: Deadline) -> None:
        await self._carried_out(lambda: self._inner.scrub(deadline=deadline))

    async def changed(
        self, since: Mark | None, *, interest: Interest | None, timeout_seconds: float
    ) -> Mark:
        """Answers at once: what a wait takes is virtual time, which stands while threads work."""
        mark = await self._carried_out(
            lambda: self._inner.changed(None, interest=interest, timeout_seconds=0)
        )
        if since is not None:
            await self._clock.sleep(timeout_seconds)
        return mark

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        return
