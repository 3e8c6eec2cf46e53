"""Broken stores whose data does not survive, or not alike for every process."""

# typing.override is not in Python 3.11's library.
# mypy: disable-error-code="explicit-override"

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType

from attrs import evolve

from tests.contract.breaking import breaks
from tests.contract.filed_store import FiledStore
from tests.contract.shelf import Shelf
from turnkeep_domain.keys import Address
from turnkeep_ports.clock import Deadline
from turnkeep_ports.store import CommitId, Cursor, CursorLost, Revision


@breaks("Port", "what_was_acknowledged_survives_a_crash")
class SyncsWhenClosed(FiledStore):
    """Acknowledges what the disk does not have yet."""

    async def save(self) -> None:
        self.replace(self.data, self.shelf)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        async with self.turn():
            self.replace(self.durable, self.shelf)


@breaks("P17", "a_crash_leaves_all_or_nothing")
class SyncsInTwoSteps(FiledStore):
    """Makes the cells durable first, and the events a moment later."""

    async def save(self) -> None:
        events_later = evolve(self.shelf, log=[], head=0)
        self.replace(self.durable, events_later)
        for _ in range(50):
            await self.suspend()
        await super().save()


@breaks("P5", "a_crash_repeats_no_revision_and_no_cursor")
class CountsInMemory(FiledStore):
    """Counts revisions from the moment at which its handle was opened."""

    counted = 0

    def revision(self, commit_id: CommitId, address: Address) -> Revision:
        self.counted += 1
        return Revision(self.counted.to_bytes(16, "big"))


@breaks("E8", "a_crash_raises_and_lowers_no_floor")
class TrimsInMemory(FiledStore):
    """Trims what readers see, and not what is kept."""

    async def trim(self, before: Cursor, *, deadline: Deadline) -> Cursor | CursorLost:
        kept = self.durable.read_bytes()
        floor = await super().trim(before, deadline=deadline)
        self.durable.write_bytes(kept)
        return floor


@breaks("P7", "what_a_reader_was_shown_survives_a_power_cut")
class ShowsBeforeItSyncs(FiledStore):
    """Shows a commit to others while the disk is still at it."""

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        self.read()
        yield

    async def save(self) -> None:
        self.replace(self.data, self.shelf)
        for _ in range(200):
            await self.suspend()
        self.replace(self.durable, self.shelf)


@breaks("P7", "a_load_sees_what_another_process_has_committed")
class ReadsOnce(FiledStore):
    """Reads the file when it is opened, and never again."""

    def read(self) -> None:
        if self.read_as is None:
            super().read()

    def replace(self, path: Path, shelf: Shelf) -> None:
        super().replace(path, shelf)
        state = self.data.stat()
        self.read_as = (state.st_ino, state.st_mtime_ns)


@breaks("E2", "no_increment_and_no_event_of_several_processes_is_lost")
class TakesNoTurns(FiledStore):
    """Lets everybody at the file at once, for as long as a slow disk takes."""

    disk_seconds = 0.02

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        self.read_as = None
        self.read()
        yield

    async def save(self) -> None:
        await asyncio.sleep(self.disk_seconds)
        await super().save()


@breaks("P6", "of_racers_in_several_processes_one_wins")
class TakesNoTurnsOnASlowerDisk(TakesNoTurns):
    """Is slow enough for processes to meet that start with some milliseconds between them."""

    disk_seconds = 0.5


@breaks("P17", "a_killed_process_loses_nothing_acknowledged")
class SavesNowAndThen(FiledStore):
    """Acknowledges at once, and saves every hundredth time."""

    unsaved = 0

    def read(self) -> None:
        if not self.unsaved:
            super().read()

    async def save(self) -> None:
        self.unsaved = (self.unsaved + 1) % 100
        if not self.unsaved:
            await super().save()


@breaks("Port", "a_commit_of_another_process_is_pushed")
class LooksSlowly(FiledStore):
    """Declares PUSH, and looks every five seconds."""

    looks_seconds = 5.0
