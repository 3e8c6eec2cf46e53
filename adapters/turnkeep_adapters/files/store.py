"""A files store: the record store in a local directory that any number of processes share."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Final, Self, TypeVar

from turnkeep_adapters.files.desk import Committing, Moving, Reading, Request, Trimming
from turnkeep_adapters.files.disk import Disk
from turnkeep_adapters.files.local_disk import LocalDisk
from turnkeep_adapters.files.opening import absolute
from turnkeep_adapters.files.rows import KIND_BYTES_MAX
from turnkeep_adapters.files.session import Session
from turnkeep_adapters.files.settings import FilesSettings
from turnkeep_adapters.files.view import View
from turnkeep_adapters.memory.changes import Wait
from turnkeep_adapters.memory.commits import Commit
from turnkeep_adapters.memory.snapshot import EngineSnapshot
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.instants import require_instant
from turnkeep_domain.keys import Address
from turnkeep_ports.clock import Clock, Deadline
from turnkeep_ports.errors import Unavailable
from turnkeep_ports.limits import WRITES_MAX, check_commit, check_load, check_page
from turnkeep_ports.scans import Page, Position, Query
from turnkeep_ports.snapshots import Snapshot
from turnkeep_ports.store import (
    Atomicity,
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
    Notification,
    Put,
    Stale,
    Write,
)

A = TypeVar("A")

_WRITE_BYTES: Final = 1_024
"""About what a write or an event adds to a segment beside its body."""


class FilesRecordStore:
    """A handle on a directory, of one process.

    It implements `turnkeep_ports.store.RecordStore`, which documents every operation. All state is
    kept in memory and all changes in the directory's log, so that any number of processes of one
    machine may have it open. Nothing is locked, and whoever is stopped anywhere holds nobody up.

    Errors beside those of the port: `Corrupt`, naming a number of the log, for as long as the file
    is as it is; `Unavailable` with code ``"store.full"`` at the memory limit; after a failed
    directory sync `Unavailable`, not retryable, until the handle is opened anew.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        clock: Clock,
        wall_clock: Callable[[], datetime],
        settings: FilesSettings | None = None,
        disk: Disk | None = None,
    ) -> None:
        """A closed handle.

        Args:
            path: The directory. Opening makes it, and a store in it, where it is missing or empty;
                its parent must be there.
            clock: Measures deadlines, timeouts and polling, in the event loop of the caller.
            wall_clock: The time, in UTC. Where it goes back, the store's time stands still.
            settings: Bounds; None for the defaults.
            disk: The file system; None for the operating system's.
        """
        self._path = absolute(path)
        self._clock = clock
        self._wall_clock = wall_clock
        self._settings = FilesSettings() if settings is None else settings
        self._disk: Disk = LocalDisk() if disk is None else disk
        self._session: Session | None = None
        self._capabilities = Capabilities(
            atomicity=Atomicity.MULTI,
            durability=self._settings.durability,
            notification=Notification.POLL,
            writes_max=WRITES_MAX,
        )

    @property
    def capabilities(self) -> Capabilities:
        """Everything at once, for ever or (by a setting) for the machine's uptime, by polling."""
        return self._capabilities

    @property
    def trouble(self) -> str | None:
        """Why the last compaction of this handle failed, in a clause; None if it did not."""
        return None if self._session is None else self._session.tidying.trouble

    async def load(self, keys: Sequence[Address], *, deadline: Deadline) -> Loaded:
        """Reads cells, all at one moment."""
        self._opened()
        addresses = tuple(keys)
        check_load(addresses)
        return await self._read(lambda view, now: view.engine.load(addresses, now), deadline)

    async def commit(
        self,
        commit_id: CommitId,
        writes: Sequence[Write],
        events: Sequence[EventDraft],
        *,
        valid_until: datetime | None,
        deadline: Deadline,
    ) -> Committed | Stale | Late:
        """Writes all or nothing; what is both late and stale is late."""
        self._opened()
        commit = Commit(
            commit_id=CommitId(bytes(commit_id)),
            writes=tuple(writes),
            events=tuple(events),
            valid_until=valid_until,
        )
        check_commit(commit.commit_id, commit.writes, commit.events)
        if valid_until is not None:
            require_instant("valid_until", valid_until)
        request = Committing(deadline=deadline, commit=commit, size_bytes=_size_bytes(commit))
        return await self._ask(request)

    async def scan(
        self, query: Query, *, after: Position | None, limit: int, deadline: Deadline
    ) -> Page:
        """Finds cells by their index, one page at a time."""
        self._opened()
        check_page(limit)

        def page(view: View, now: datetime) -> Page:
            return view.engine.scan(query, after=after, limit=limit, now=now)

        return await self._read(page, deadline)

    async def events(
        self, query: EventQuery, *, after: Cursor, limit: int, deadline: Deadline
    ) -> EventPage | CursorLost:
        """Reads the event log; a page examines a bounded number of events and may be empty."""
        self._opened()
        check_page(limit)

        return await self._read(
            lambda view, _: view.engine.events(query, after=after, limit=limit), deadline
        )

    async def trim(self, before: Cursor, *, deadline: Deadline) -> Cursor | CursorLost:
        """Forgets events; a cursor at or below the floor changes nothing.

        Raises:
            OutcomeUnknown: Whether the floor was raised is not known; repeat it.
        """
        self._opened()
        return await self._ask(Trimming(deadline=deadline, before=before))

    async def scrub(self, *, deadline: Deadline) -> None:
        """Rewrites the directory: two checkpoints, and nothing that is older.

        What a stopped process has in its memory it may still write aside when it wakes; nobody ever
        reads that, and the next compaction but one removes it.

        Raises:
            OutcomeUnknown: It may not have ended; repeat it.
        """
        session = self._opened()
        first = await self._ask(Moving(deadline=deadline, closes=True))
        second = await self._ask(Moving(deadline=deadline, closes=False))
        await session.scrub(first, second, deadline)

    async def changed(
        self, since: Mark | None, *, interest: Interest | None, timeout_seconds: float
    ) -> Mark:
        """Looks, then waits for a commit that concerns the interest; closing the handle ends it."""
        session = self._opened()
        await self._ask(Reading(deadline=None, ask=lambda view, now: now))
        if since is not None:
            await session.wait(Wait(interest), since, timeout_seconds)
            self._opened()
        return session.waiting.mark()

    @asynccontextmanager
    async def snapshot(self, *, deadline: Deadline) -> AsyncIterator[Snapshot]:
        """Everything at one moment: as of the last segment that is there."""
        self._opened()
        state, now = await self._read(lambda view, now: (view.engine.state(), now), deadline)
        yield EngineSnapshot(state, now)

    async def __aenter__(self) -> Self:
        """Opens the store; reads all of it.

        Raises:
            RuntimeError: It is open.
            Unsupported: A store may not be in this directory; the sentence says why.
            Corrupt: Something is missing or damaged.
            SchemaTooNew: A newer release wrote it.
            Unavailable: A system call failed.
        """
        if self._session is not None:
            raise RuntimeError("the store is open already")
        thread = ThreadPoolExecutor(1, thread_name_prefix="turnkeep-files")
        begin = partial(
            Session.open,
            self._path,
            disk=self._disk,
            clock=self._clock,
            wall_clock=self._wall_clock,
            settings=self._settings,
            thread=thread,
        )
        opening = asyncio.get_running_loop().run_in_executor(thread, begin)
        try:
            self._session = await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_abandon)
            raise
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Closes the handle, after what was handed over; those who wait by it get `Unavailable`."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _opened(self) -> Session:
        if self._session is None:
            raise Unavailable("the store is not open", retryable=False)
        # A forked child has no thread that would ever serve it.
        self._session.home.require_usable()
        return self._session

    async def _read(self, ask: Callable[[View, datetime], A], deadline: Deadline) -> A:
        return await self._ask(Reading(deadline=deadline, ask=ask))

    async def _ask(self, request: Request[A]) -> A:
        session = self._opened()
        if request.is_overdue():
            raise Unavailable("its deadline had come before the call was served")
        return await session.ask(request)


def _size_bytes(commit: Commit) -> int:
    """About how much a commit adds to a segment.

    Raises:
        InvalidValue: An event's kind cannot be stored.
    """
    for event in commit.events:
        try:
            length = len(event.kind.encode())
        except UnicodeEncodeError:
            length = KIND_BYTES_MAX + 1
        if length > KIND_BYTES_MAX:
            raise InvalidValue("kind", f"must be UTF-8 of at most {KIND_BYTES_MAX} bytes")
    bodies = sum(len(write.entry.body) for write in commit.writes if isinstance(write, Put))
    notes = sum(len(event.body) for event in commit.events)
    return bodies + notes + _WRITE_BYTES * (len(commit.writes) + len(commit.events))


def _abandon(opening: asyncio.Future[Session]) -> None:
    """Closes a session that nobody waits for any more."""
    if not opening.cancelled() and opening.exception() is None:
        session = opening.result()
        session.thread.submit(session.end)
