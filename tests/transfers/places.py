"""Places to copy from and to: a store of each kind, and what is in it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from attrs import frozen

from tests.contract.memory_harness import MemoryHarness
from tests.files.files_harness import FilesHarness
from tests.postgres.databases import Databases, shared
from tests.postgres.harness import PostgresHarness
from turnkeep.testing import Harness
from turnkeep.testing.caller import Caller
from turnkeep.testing.population import SCOPES
from turnkeep.testing.specimens import NOON, address, draft, entry, fresh_commit_id
from turnkeep_adapters.files.settings import FilesSettings
from turnkeep_adapters.postgres.settings import PostgresSettings
from turnkeep_domain.keys import Address
from turnkeep_ports.snapshots import Snapshots
from turnkeep_ports.store import (
    ABSENT,
    Cell,
    CommitId,
    Delete,
    Entry,
    EventDraft,
    Put,
    RecordStore,
    Write,
)

KINDS: Final = ("memory", "files", "postgres")
FEW: Final = 40


def run(scenario: Coroutine[object, object, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 120))


@frozen
class Places:
    """Makes stores of every kind, for one test."""

    directory: Path
    databases: Databases

    def of(self, kind: str, name: str) -> Harness:
        match kind:
            case "memory":
                return MemoryHarness()
            case "files":
                place = self.directory / name
                place.mkdir()
                return FilesHarness(place, FilesSettings(poll_seconds=0.01))
            case _:
                settings = PostgresSettings(pool_max=4, notification=False)
                return PostgresHarness(self.databases, None, settings)


def places(directory: Path) -> Iterator[Places]:
    """The body of a fixture."""
    _, databases = shared()
    yield Places(directory, databases)
    databases.drop()


@frozen
class Everything:
    """All that a store keeps, as an import must bring it."""

    cells: tuple[tuple[Address, Entry, CommitId], ...]
    events: tuple[tuple[CommitId, EventDraft], ...]

    @classmethod
    async def of(cls, store: RecordStore) -> Everything:
        assert isinstance(store, Snapshots)
        caller = Caller(store)
        async with store.snapshot(deadline=caller.deadline()) as snapshot:
            cells = [kept.cell async for kept in snapshot.cells()]
            events = [(each.commit_id, each.event) async for each in snapshot.events()]
            assert (snapshot.cell_count, snapshot.event_count) == (len(cells), len(events))
        revisions = [cell.revision for cell in cells]
        assert revisions == sorted(revisions)
        return cls(
            cells=tuple((cell.address, cell.entry, cell.written_by) for cell in cells),
            events=tuple(events),
        )


@asynccontextmanager
async def filled(harness: Harness, commits: int = FEW) -> AsyncIterator[RecordStore]:
    """A store with a past: cells made, overwritten and deleted, alone and together."""
    async with harness.open() as store:
        await fill(Caller(store), commits)
        yield store


async def fill(caller: Caller, commits: int, *, seed: int = 7) -> None:
    chance = random.Random(seed)
    held: dict[Address, Cell] = {}
    for _ in range(commits):
        writes: dict[Address, Write] = {}
        for _ in range(chance.choice([1, 1, 1, 2, 5])):
            at = address(
                f"{chance.randrange(commits)}",
                collection=chance.choice(["approval", "lease", "threads"]),
                scope=chance.choice(SCOPES),
            )
            cell = held.get(at)
            if cell is not None and chance.random() < 0.2:
                writes[at] = Delete(at, cell.revision)
            else:
                writes[at] = Put(at, ABSENT if cell is None else cell.revision, some(chance))
        events = [
            draft(at, chance.randbytes(9) if n % 2 else b'{"n":%d}' % n, at=when(chance))
            for at in writes
            for n in range(chance.choice([0, 1, 1, 3]))
        ]
        commit_id = fresh_commit_id()
        await caller.committed(*writes.values(), events=events, commit_id=commit_id)
        loaded = await caller.load(*writes)
        for at in writes:
            held.pop(at, None)
        held |= loaded.cells


def some(chance: random.Random) -> Entry:
    body = chance.choice(
        [b"", b"plain", "é 日本 \U0001f600 \u2028".encode(), b"\xff\x00\xfe", b'"\\\n']
    )
    due = None if chance.random() < 0.5 else when(chance)
    return entry(
        body, state=chance.choice(["open", "shut"]), due_at=due, sort=f"é{chance.random()}"
    )


def when(chance: random.Random) -> datetime:
    return NOON + timedelta(microseconds=chance.randrange(10**15))


class Pipe:
    """A stream that is read once, as a pipe is."""

    def __init__(self, content: bytes) -> None:
        import io

        self._of = io.BytesIO(content)

    def seekable(self) -> bool:
        return False

    def readline(self, limit: int = -1) -> bytes:
        return self._of.readline(limit)

    def read(self, size: int = -1) -> bytes:
        return self._of.read(size)
