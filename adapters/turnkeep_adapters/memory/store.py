"""A memory store: the record store that keeps everything in this process and nothing after it."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from types import TracebackType
from typing import Final, Self

from turnkeep_adapters.memory.changes import Wait
from turnkeep_adapters.memory.commits import Commit
from turnkeep_adapters.memory.database import MemoryCore
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

_CAPABILITIES: Final = Capabilities(
    atomicity=Atomicity.MULTI,
    durability=Durability.VOLATILE,
    notification=Notification.PUSH,
    writes_max=WRITES_MAX,
)


class MemoryRecordStore:
    """A handle on a core: what one process is to a store that many share.

    It implements `turnkeep_ports.store.RecordStore`, which documents every operation. All but
    `changed` answer without suspending, so a commit that is cancelled has either not begun or
    been answered. A handle may be opened again after it was closed; its core keeps the data.
    """

    def __init__(self, *, core: MemoryCore, clock: Clock) -> None:
        """A closed handle.

        Args:
            core: The store itself; handles that share it see each other's commits.
            clock: Measures the timeouts of `changed`, in the event loop of the caller.
        """
        self._core = core
        self._clock = clock
        self._opened = False
        self._waits: set[Wait] = set()

    @property
    def capabilities(self) -> Capabilities:
        """Everything at once, to nobody else, told at once."""
        return _CAPABILITIES

    async def load(self, keys: Sequence[Address], *, deadline: Deadline) -> Loaded:
        """Reads cells, all at one moment."""
        self._require_open()
        check_load(keys)
        _require_time(deadline)
        return self._core.load(keys)

    async def commit(
        self,
        commit_id: CommitId,
        writes: Sequence[Write],
        events: Sequence[EventDraft],
        *,
        valid_until: datetime | None,
        deadline: Deadline,
    ) -> Committed | Stale | Late:
        """Writes all or nothing, without suspending; what is both late and stale is late."""
        self._require_open()
        commit = Commit(
            commit_id=commit_id,
            writes=tuple(writes),
            events=tuple(events),
            valid_until=valid_until,
        )
        check_commit(commit.commit_id, commit.writes, commit.events)
        if valid_until is not None:
            require_instant("valid_until", valid_until)
        _require_time(deadline)
        return self._core.commit(commit)

    async def scan(
        self, query: Query, *, after: Position | None, limit: int, deadline: Deadline
    ) -> Page:
        """Finds cells by their index, one page at a time."""
        self._require_open()
        check_page(limit)
        _require_time(deadline)
        return self._core.scan(query, after=after, limit=limit)

    async def events(
        self, query: EventQuery, *, after: Cursor, limit: int, deadline: Deadline
    ) -> EventPage | CursorLost:
        """Reads the event log; a page examines a bounded number of events and may be empty."""
        self._require_open()
        check_page(limit)
        _require_time(deadline)
        return self._core.events(query, after=after, limit=limit)

    async def trim(self, before: Cursor, *, deadline: Deadline) -> Cursor | CursorLost:
        """Forgets events; a cursor at or below the floor changes nothing."""
        self._require_open()
        _require_time(deadline)
        return self._core.trim(before)

    async def scrub(self, *, deadline: Deadline) -> None:
        """Has nothing to do: there are no files, and what was deleted is no longer referred to."""
        self._require_open()
        _require_time(deadline)

    async def changed(
        self, since: Mark | None, *, interest: Interest | None, timeout_seconds: float
    ) -> Mark:
        """Waits for a commit that concerns the interest; closing the handle ends it too."""
        self._require_open()
        if since is not None:
            await self._wait(Wait(interest), since, timeout_seconds)
            self._require_open()
        return self._core.mark()

    @asynccontextmanager
    async def snapshot(self, *, deadline: Deadline) -> AsyncIterator[Snapshot]:
        """Everything at one moment; taking it costs O(n)."""
        self._require_open()
        _require_time(deadline)
        yield self._core.snapshot()

    async def __aenter__(self) -> Self:
        """Opens the handle.

        Raises:
            RuntimeError: It is open.
        """
        if self._opened:
            raise RuntimeError("the store is open already")
        self._opened = True
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Closes the handle; those who wait by it get `Unavailable`."""
        self._opened = False
        for wait in tuple(self._waits):
            wait.wake()

    async def _wait(self, wait: Wait, since: Mark, timeout_seconds: float) -> None:
        if not self._core.begin(wait, since):
            return
        self._waits.add(wait)
        try:
            await self._ended(wait, timeout_seconds)
        finally:
            self._waits.discard(wait)
            self._core.end(wait)

    async def _ended(self, wait: Wait, timeout_seconds: float) -> None:
        if timeout_seconds <= 0:
            return
        if math.isinf(timeout_seconds):
            await wait.ended()
            return
        timer = self._clock.call_at(self._clock.monotonic() + timeout_seconds, wait.end)
        try:
            await wait.ended()
        finally:
            timer.cancel()

    def _require_open(self) -> None:
        if not self._opened:
            raise Unavailable("the store is not open", retryable=False)


def _require_time(deadline: Deadline) -> None:
    if deadline.remaining_seconds() <= 0:
        raise Unavailable("its deadline had come before the call was served")
