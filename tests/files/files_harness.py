"""The files store's harnesses: a directory, the same behind faults, and a simulated machine."""

# typing.override is not in Python 3.11's library.
# mypy: disable-error-code="explicit-override"

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, cast

from tests.files.killable_disk import KillableDisk
from tests.files.simulated_disk import SimulatedDisk, nothing
from turnkeep.testing import Harness
from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.faulty.store import FaultyRecordStore
from turnkeep_adapters.files.disk import Disk
from turnkeep_adapters.files.settings import FilesSettings
from turnkeep_adapters.files.store import FilesRecordStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_ports.limits import WRITES_MAX
from turnkeep_ports.store import (
    Atomicity,
    Capabilities,
    Durability,
    Notification,
    RecordStore,
)

BUSY: Final = FilesSettings(poll_seconds=0.01, bucket_segments=16, compaction_bytes=16 << 10)
"""Buckets close and checkpoints are made all the time."""
CLOCK: Final = SystemClock()


class FilesHarness(Harness):
    """A directory; a crash stops all that have it open at their next system call."""

    def __init__(self, directory: Path, settings: FilesSettings) -> None:
        self._directory = directory
        self._settings = settings
        self._step = timedelta()
        self._disk = KillableDisk()
        self.private = (str(directory),)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            atomicity=Atomicity.MULTI,
            durability=Durability.POWER,
            notification=Notification.POLL,
            writes_max=WRITES_MAX,
        )

    def open(self) -> AbstractAsyncContextManager[RecordStore]:
        return self._store()

    def elsewhere(self) -> FilesHarness:
        elsewhere = self._directory / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        return FilesHarness(elsewhere, self._settings)

    async def crash(self) -> None:
        self._disk.kill()
        self._disk = KillableDisk()

    async def advance(self, seconds: float) -> None:
        self._step += timedelta(seconds=seconds)

    def _store(self) -> FilesRecordStore:
        return FilesRecordStore(
            self._directory / "store",
            clock=CLOCK,
            wall_clock=self._now,
            settings=self._settings,
            disk=cast("Disk", self._disk),
        )

    def _now(self) -> datetime:
        return datetime.now(UTC) + self._step

    def __reduce__(self) -> tuple[type[FilesHarness], tuple[Path, FilesSettings]]:
        return type(self), (self._directory, self._settings)


class FaultyHarness(FilesHarness):
    """The same, behind a store with an empty script."""

    def open(self) -> AbstractAsyncContextManager[RecordStore]:
        return FaultyRecordStore(self._store(), script=Script.parse(""), clock=CLOCK)

    def elsewhere(self) -> FaultyHarness:
        elsewhere = self._directory / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        return FaultyHarness(elsewhere, self._settings)


class PowerHarness(FilesHarness):
    """A simulated machine; a crash is a power cut that leaves nothing that was not synced."""

    def __init__(self, settings: FilesSettings) -> None:
        super().__init__(Path("/"), settings)
        self.private = ()
        self._machine = SimulatedDisk()
        self._disk = KillableDisk(self._machine)

    def elsewhere(self) -> PowerHarness:
        return PowerHarness(self._settings)

    async def crash(self) -> None:
        self._disk.kill()
        self._machine.power_cut(nothing)
        self._disk = KillableDisk(self._machine)
