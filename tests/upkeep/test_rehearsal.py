"""A rehearsal store is a store to whoever works on it, and writes nothing."""

# typing.override is not in Python 3.11's library.
# mypy: disable-error-code="explicit-override"

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.contract.memory_harness import MemoryHarness
from turnkeep.testing import Harness
from turnkeep.testing.caller import Caller
from turnkeep.testing.laws.cells import CellLaws
from turnkeep.testing.laws.paging import PagingLaws
from turnkeep.testing.laws.scans import ScanLaws
from turnkeep.testing.specimens import ALL_EVENTS, EVERYBODY, address, draft
from turnkeep_adapters.faulty.actions import Operation
from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.faulty.store import FaultyRecordStore
from turnkeep_adapters.memory.store import MemoryRecordStore
from turnkeep_adapters.rehearsal.store import RehearsalStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_ports.scans import InScope
from turnkeep_ports.store import Delete, RecordStore, Stale


class RehearsalHarness(MemoryHarness):
    """All openings share one rehearsal, on a memory store to which nothing is ever written."""

    def __init__(self) -> None:
        super().__init__()
        self._rehearsal = RehearsalStore(MemoryRecordStore(core=self._core, clock=SystemClock()))
        self._openings = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[RecordStore]:
        self._openings += 1
        try:
            if self._openings == 1:
                await self._rehearsal.__aenter__()
            yield self._rehearsal
        finally:
            self._openings -= 1
            if not self._openings:
                await self._rehearsal.__aexit__(None, None, None)


class TestRehearsal(CellLaws, ScanLaws, PagingLaws):
    # It asks the log, to which a rehearsal tells nothing.
    test_what_was_handed_in_can_alter_nothing = None  # type: ignore[assignment] # left out

    @pytest.fixture
    def harness(self) -> Harness:
        return RehearsalHarness()


def test_on_top_of_what_is_there_nothing_is_written_and_everything_seems_to_be() -> None:
    async def scenario() -> None:
        harness = MemoryHarness()
        query = InScope(collection="specimen", prefix=EVERYBODY)
        async with harness.open() as inner:
            earnest = Caller(inner)
            kept = await earnest.put(address("b"), b"kept", events=[draft(address("b"))])
            gone = await earnest.put(address("d"), b"gone")
            watched = FaultyRecordStore(inner, script=Script.parse(""), clock=SystemClock())
            store = RehearsalStore(watched)
            caller = Caller(store)
            await caller.put(address("b"), b"changed", kept)
            await caller.committed(Delete(address("d"), gone))
            await caller.put(address("a"), b"made")
            await caller.put(address("c"), b"made")
            for limit in (1, 2, 500):
                found = [
                    (cell.address.id, cell.entry.body)
                    for cell in await caller.found(query, limit=limit)
                ]
                assert found == [("a", b"made"), ("b", b"changed"), ("c", b"made")]
            assert isinstance(await caller.commit(Delete(address("d"), gone)), Stale)
            (event,) = (await caller.events(ALL_EVENTS)).events
            await store.trim(event.cursor, deadline=caller.deadline())
            assert (await caller.events(ALL_EVENTS)).events == ()
            await store.scrub(deadline=caller.deadline())
            assert store.commits == 4
            assert {call.operation for call in watched.calls} == {
                Operation.LOAD,
                Operation.SCAN,
                Operation.EVENTS,
            }
            assert [cell.entry.body for cell in await earnest.found(query)] == [b"kept", b"gone"]
            assert len(await earnest.log()) == 1

    asyncio.run(scenario())


def test_what_is_made_behind_a_page_waits_for_its_own() -> None:
    async def scenario() -> None:
        harness = MemoryHarness()
        query = InScope(collection="specimen", prefix=EVERYBODY)
        async with harness.open() as inner:
            earnest = Caller(inner)
            revisions = {id: await earnest.put(address(id)) for id in "bdfh"}
            caller = Caller(RehearsalStore(inner))
            for id in "bd":
                await caller.committed(Delete(address(id), revisions[id]))
            await caller.put(address("z"))
            for limit in (1, 2, 3, 500):
                cells = await caller.found(query, limit=limit)
                assert [cell.address.id for cell in cells] == ["f", "h", "z"]

    asyncio.run(scenario())
