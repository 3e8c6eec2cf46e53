"""A postgres store: the record store that keeps its cells and events on a PostgreSQL server."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from types import TracebackType
from typing import Final, Self

from turnkeep_adapters.postgres.calls import require_time
from turnkeep_adapters.postgres.changes import Wait
from turnkeep_adapters.postgres.connections import Pool, Row
from turnkeep_adapters.postgres.event_places import begins_of, page_of, place_of
from turnkeep_adapters.postgres.reading import byte_array, cells_of, now_of
from turnkeep_adapters.postgres.requests import Contents, Request
from turnkeep_adapters.postgres.scanning import asked
from turnkeep_adapters.postgres.sessions import Session
from turnkeep_adapters.postgres.settings import PostgresSettings
from turnkeep_adapters.postgres.signs import sign_of
from turnkeep_adapters.postgres.snapshot import taken
from turnkeep_adapters.postgres.statements import EVENTS, TRIM, TRIM_BATCH
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.instants import require_instant
from turnkeep_domain.keys import Address
from turnkeep_ports.clock import Clock, Deadline
from turnkeep_ports.errors import Unavailable
from turnkeep_ports.key_bytes import key_bytes
from turnkeep_ports.limits import WRITES_MAX, check_commit, check_load, check_page
from turnkeep_ports.scans import Page, Position, Query, place, position
from turnkeep_ports.snapshots import Snapshot
from turnkeep_ports.store import (
    START,
    Atomicity,
    Capabilities,
    CommitId,
    Committed,
    Cursor,
    CursorLost,
    Durability,
    EventDraft,
    EventPage,
    EventQuery,
    Interest,
    Late,
    Loaded,
    Mark,
    Notification,
    Stale,
    Write,
)

EXAMINED_MAX: Final = 10_000
"""Events that one page examines: it may come back empty while `next` has moved on."""
TRIM_BATCH_EVENTS: Final = 1_000


class PostgresRecordStore:
    """One process's handle on a database.

    It implements `turnkeep_ports.store.RecordStore`, which documents every operation. It is used
    in the event loop that opened it; closed, it may be opened again. It waits for what it has sent
    when it closes. `POWER` is what a server gives that syncs (`fsync`); the store does not change
    how a server is set up, but for `synchronous_commit`, which each commit lifts from `off`.
    """

    def __init__(
        self,
        conninfo: str | None = None,
        *,
        pool: Pool | None = None,
        clock: Clock,
        settings: PostgresSettings | None = None,
    ) -> None:
        """A closed handle; nothing is connected.

        Args:
            conninfo: Where the server is, as a URL or in libpq's form. With a pool it is only used
                to listen.
            pool: The host's own pool, opened and closed by the host; None to make one. Its
                sessions need a `statement_timeout`.
            clock: Measures the timeouts of `changed`.
            settings: Bounds; None for the defaults.

        Raises:
            InvalidValue: Neither a server nor a pool is given.
        """
        if conninfo is None and pool is None:
            raise InvalidValue("conninfo", "must be given, or a pool")
        self._settings = PostgresSettings() if settings is None else settings
        self._conninfo = conninfo
        self._pool = pool
        self._clock = clock
        self._session: Session | None = None
        self._now: datetime | None = None
        listens = self._settings.listens and conninfo is not None
        self._capabilities = Capabilities(
            atomicity=Atomicity.MULTI,
            durability=Durability.POWER,
            notification=Notification.PUSH if listens else Notification.POLL,
            writes_max=WRITES_MAX,
        )

    @property
    def capabilities(self) -> Capabilities:
        """Everything at once, for good; told at once where the store may listen."""
        return self._capabilities

    @property
    def notification(self) -> Notification:
        """How commits of other processes are learnt of at the moment: `POLL` without a session."""
        return Notification.POLL if self._session is None else self._session.health

    async def load(self, keys: Sequence[Address], *, deadline: Deadline) -> Loaded:
        """Reads cells, all at one moment, in one round trip."""
        session = self._require_open()
        check_load(keys)
        places = {key_bytes(address): address for address in keys}
        rows = await session.loads.load(tuple(places), deadline)
        cells = {cell.address: cell for cell in cells_of(rows, places)}
        return Loaded(now=self._told(rows), cells=cells)

    async def commit(
        self,
        commit_id: CommitId,
        writes: Sequence[Write],
        events: Sequence[EventDraft],
        *,
        valid_until: datetime | None,
        deadline: Deadline,
    ) -> Committed | Stale | Late:
        """Writes all or nothing, in one round trip; what is both late and stale is late."""
        session = self._require_open()
        writes, events = tuple(writes), tuple(events)
        check_commit(commit_id, writes, events)
        if valid_until is not None:
            require_instant("valid_until", valid_until)
        contents = Contents(
            commit_id=commit_id, writes=writes, events=events, valid_until=valid_until
        )
        require_time(deadline)
        outcome = asyncio.get_running_loop().create_future()
        answer = await session.groups.commit(Request(contents, deadline, outcome))
        if isinstance(answer, Committed):
            session.committed(contents.changed())
        return answer

    async def scan(
        self, query: Query, *, after: Position | None, limit: int, deadline: Deadline
    ) -> Page:
        """Finds cells by their index, one page at a time."""
        session = self._require_open()
        check_page(limit)
        statement, parameters = asked(query, after, limit + 1)
        rows = await session.calls.read(statement, parameters, deadline)
        found = cells_of(rows)
        page = found[:limit]
        more = None
        if len(found) > limit:
            last = page[-1]
            at = place(query, last.entry.index, key_bytes(last.address))
            more = position(query, at)
        return Page(now=self._told(rows), cells=tuple(page), next=more)

    async def events(
        self, query: EventQuery, *, after: Cursor, limit: int, deadline: Deadline
    ) -> EventPage | CursorLost:
        """Reads the event log; a page examines a bounded number of events and may be empty.

        Events are held back while any transaction that writes, anywhere on the server, is older
        and unfinished.
        """
        session = self._require_open()
        check_page(limit)
        at = place_of(after, session.store_id)
        if at is None:
            return await self._lost(session, deadline)
        begins, owned = begins_of(query)
        parts = None if begins is None else byte_array(begins)
        rows = await session.calls.read(EVENTS, (*at, parts, owned, limit, EXAMINED_MAX), deadline)
        return page_of(rows, session.store_id)

    async def trim(self, before: Cursor, *, deadline: Deadline) -> Cursor | CursorLost:
        """Raises the floor, then deletes in batches.

        What time does not allow to delete is deleted by a later trim or scrub; no reader sees it.
        """
        session = self._require_open()
        at = place_of(before, session.store_id)
        if at is None:
            return await self._lost(session, deadline)
        ((what, *floor),) = await session.calls.read(TRIM, at, deadline)
        cursor = session.cursor_at(*floor)
        if what == "lost":
            return CursorLost(cursor)
        await self._delete_trimmed(session, deadline)
        return cursor

    async def scrub(self, *, deadline: Deadline) -> None:
        """Deletes what was trimmed and not yet deleted; what the server keeps stays.

        Old versions of rows stay in its files until they are vacuumed and overwritten, and longer
        in its log and in backups.
        """
        session = self._require_open()
        require_time(deadline)
        await self._delete_trimmed(session, deadline)

    async def changed(
        self, since: Mark | None, *, interest: Interest | None, timeout_seconds: float
    ) -> Mark:
        """Waits for a commit that concerns the interest; closing the store ends it too."""
        session = self._require_open()
        await session.poll.watch()
        if since is not None:
            await self._wait(session, Wait(sign_of(interest)), since, timeout_seconds)
            self._require_open()
        return session.changes.mark()

    @asynccontextmanager
    async def snapshot(self, *, deadline: Deadline) -> AsyncIterator[Snapshot]:
        """Everything at one moment; one connection is taken for as long as it is read."""
        async with taken(self._require_open(), deadline) as snapshot:
            yield snapshot

    async def __aenter__(self) -> Self:
        """Connects, and looks whether this release may use what is there.

        Raises:
            RuntimeError: It is open.
            SchemaTooNew: A newer release has migrated the database.
            Unavailable: The server cannot be reached.
            Unsupported: The schema is missing or older, the database has another encoding than
                UTF-8, or it is a restored dump that nobody has adopted.
        """
        if self._session is not None:
            raise RuntimeError("the store is open already")
        session = Session(
            conninfo=self._conninfo, pool=self._pool, clock=self._clock, settings=self._settings
        )
        await session.open(Deadline.after(self._clock, self._settings.update_seconds))
        self._session = session
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Closes the handle; those who wait by it get `Unavailable`."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _lost(self, session: Session, deadline: Deadline) -> CursorLost:
        ((_, *floor),) = await session.calls.read(TRIM, place_of(START, b"") or (), deadline)
        return CursorLost(session.cursor_at(*floor))

    async def _delete_trimmed(self, session: Session, deadline: Deadline) -> None:
        deleted = TRIM_BATCH_EVENTS
        while deleted == TRIM_BATCH_EVENTS and deadline.remaining_seconds() > 0:
            try:
                ((deleted,),) = await session.calls.read(TRIM_BATCH, (deleted,), deadline)
            except Unavailable:
                # The floor is durable, which is what was asked for.
                return

    async def _wait(
        self, session: Session, wait: Wait, since: Mark, timeout_seconds: float
    ) -> None:
        changes = session.changes
        if changes.missed(since, wait.sign) or timeout_seconds <= 0:
            return
        changes.add(wait)
        timer = None
        if not math.isinf(timeout_seconds):
            timer = self._clock.call_at(self._clock.monotonic() + timeout_seconds, wait.wake)
        try:
            await wait.ended()
        finally:
            changes.remove(wait)
            if timer is not None:
                timer.cancel()

    def _told(self, rows: Sequence[Row]) -> datetime:
        """The server's time, or the last that was told if that is later."""
        now = now_of(rows)
        if self._now is None or self._now < now:
            self._now = now
        return self._now

    def _require_open(self) -> Session:
        if self._session is None:
            raise Unavailable("the store is not open", retryable=False)
        return self._session
