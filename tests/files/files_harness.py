"""The files store's harness: a real directory, in real time with a step."""

# typing.override is not in Python 3.11's library.
# mypy: disable-error-code="explicit-override"

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from tests.files.killable_disk import KillableDisk
from turnkeep.testing import Harness
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

CAPABILITIES = Capabilities(
    atomicity=Atomicity.MULTI,
    durability=Durability.POWER,
    notification=Notification.POLL,
    writes_max=WRITES_MAX,
)


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
        return CAPABILITIES

    def open(self) -> AbstractAsyncContextManager[RecordStore]:
        return FilesRecordStore(
            self._directory / "store",
            clock=SystemClock(),
            wall_clock=self._now,
            settings=self._settings,
            disk=cast("Disk", self._disk),
        )

    def elsewhere(self) -> FilesHarness:
        elsewhere = self._directory / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        return FilesHarness(elsewhere, self._settings)

    async def crash(self) -> None:
        self._disk.kill()
        self._disk = KillableDisk()

    async def advance(self, seconds: float) -> None:
        self._step += timedelta(seconds=seconds)

    def _now(self) -> datetime:
        return datetime.now(UTC) + self._step

    def __getstate__(self) -> tuple[Path, FilesSettings]:
        return self._directory, self._settings

    def __setstate__(self, state: tuple[Path, FilesSettings]) -> None:
        self.__init__(*state)  # type: ignore[misc]  # a harness is what it was made from
