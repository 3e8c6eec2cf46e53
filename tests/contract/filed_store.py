"""A filed store: a reference store whose shelf is one file, for processes that take turns at it.

It is the simplest store that survives: each call locks the file, reads it, and replaces it as a
whole where something was written. A second file stands for what the disk would have after a power
cut.
"""

# typing.override is not in Python 3.11's library.
# mypy: disable-error-code="explicit-override"

from __future__ import annotations

import asyncio
import fcntl
import os
import pickle
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from attrs import evolve

from tests.contract.reference_store import CAPABILITIES, ReferenceStore
from tests.contract.shelf import Shelf
from turnkeep.testing import Harness
from turnkeep_domain.keys import Address
from turnkeep_ports.clock import Deadline
from turnkeep_ports.scans import Page, Position, Query
from turnkeep_ports.store import (
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
    RecordStore,
    Stale,
    Write,
)


class FiledStore(ReferenceStore):
    """A handle on a directory."""

    declared = evolve(CAPABILITIES, durability=Durability.POWER)
    looks_seconds = 0.002

    def __init__(self, directory: Path) -> None:
        super().__init__(Shelf(), lambda: datetime.now(UTC))
        self.directory = directory
        self.read_as: tuple[int, int] | None = None

    async def load(self, keys: Sequence[Address], *, deadline: Deadline) -> Loaded:
        async with self.turn():
            return await super().load(keys, deadline=deadline)

    async def commit(
        self,
        commit_id: CommitId,
        writes: Sequence[Write],
        events: Sequence[EventDraft],
        *,
        valid_until: datetime | None,
        deadline: Deadline,
    ) -> Committed | Stale | Late:
        async with self.turn():
            answer = await super().commit(
                commit_id, writes, events, valid_until=valid_until, deadline=deadline
            )
            if isinstance(answer, Committed):
                await self.save()
            return answer

    async def scan(
        self, query: Query, *, after: Position | None, limit: int, deadline: Deadline
    ) -> Page:
        async with self.turn():
            return await super().scan(query, after=after, limit=limit, deadline=deadline)

    async def events(
        self, query: EventQuery, *, after: Cursor, limit: int, deadline: Deadline
    ) -> EventPage | CursorLost:
        async with self.turn():
            return await super().events(query, after=after, limit=limit, deadline=deadline)

    async def trim(self, before: Cursor, *, deadline: Deadline) -> Cursor | CursorLost:
        async with self.turn():
            floor = await super().trim(before, deadline=deadline)
            await self.save()
            return floor

    async def changed(
        self, since: Mark | None, *, interest: Interest | None, timeout_seconds: float
    ) -> Mark:
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout_seconds
        while True:
            self.require_open(None)
            async with self.turn():
                mark = self.mark()
            if since != mark or loop.time() >= end:
                return mark
            await asyncio.sleep(min(self.looks_seconds, end - loop.time()))

    # ---- files -------------------------------------------------------------------------------

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def durable(self) -> Path:
        return self.directory / "durable"

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """The file, read, and nobody else at it."""
        lock = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT)
        try:
            while not _locked(lock):  # noqa: ASYNC110 - other processes tell nobody
                await asyncio.sleep(0)
            self.read()
            yield
        except BaseException:
            # What was not saved has not happened.
            self.read_as = None
            raise
        finally:
            os.close(lock)

    def read(self) -> None:
        if not self.data.exists():
            self.replace(self.data, Shelf())
        state = self.data.stat()
        if self.read_as != (state.st_ino, state.st_mtime_ns):
            self.shelf = pickle.loads(self.data.read_bytes())
            self.read_as = (state.st_ino, state.st_mtime_ns)

    async def save(self) -> None:
        self.replace(self.durable, self.shelf)
        self.replace(self.data, self.shelf)

    def replace(self, path: Path, shelf: Shelf) -> None:
        fresh = path.with_name(secrets.token_hex(8))
        fresh.write_bytes(pickle.dumps(shelf))
        fresh.replace(path)
        self.read_as = None


class FiledHarness(Harness):
    """A directory, in real time."""

    def __init__(self, directory: Path, store: type[FiledStore] = FiledStore) -> None:
        self._directory = directory
        self._store = store
        self.hang_seconds = store.hang_seconds
        self.private = (str(directory),)

    @property
    def capabilities(self) -> Capabilities:
        return self._store.declared

    def open(self) -> AbstractAsyncContextManager[RecordStore]:
        return self._store(self._directory)

    def elsewhere(self) -> FiledHarness:
        elsewhere = self._directory / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        return FiledHarness(elsewhere, self._store)

    async def crash(self) -> None:
        """Leaves what the disk has."""
        store = self._store(self._directory)
        left = store.durable.read_bytes() if store.durable.exists() else pickle.dumps(Shelf())
        store.data.write_bytes(left)


def _locked(lock: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
