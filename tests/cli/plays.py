"""Plays for tests, performed on a store that a test may have tampered with."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from tempfile import TemporaryFile
from unittest.mock import patch

from attrs import define, field
from dependency_injector import providers

from tests.cli.recordings import file_of
from turnkeep import ApprovalSettings, Container, Keep, Settings, Telemetry
from turnkeep_adapters.cli.demo import play as play_module
from turnkeep_adapters.cli.demo.cast import Cast
from turnkeep_adapters.cli.demo.lines import Source
from turnkeep_adapters.cli.demo.play import MEMORY, Play
from turnkeep_adapters.cli.demo.recording import Unusable
from turnkeep_adapters.cli.demo.report import Report
from turnkeep_adapters.memory.database import MemoryCore
from turnkeep_adapters.memory.store import MemoryRecordStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_ports.store import RecordStore


def core() -> MemoryCore:
    return MemoryCore(store_id=bytes(16), wall_clock=SystemClock().utc_now)


def memory_store() -> MemoryRecordStore:
    return MemoryRecordStore(core=core(), clock=SystemClock())


@define
class Watcher:
    """An audience that remembers what it saw."""

    calls: int = 0
    left_out: list[str] = field(factory=list)
    when_examined: Callable[[], None] = lambda: None

    def one_more(self) -> None:
        self.calls += 1

    def unusable(self, unusable: Unusable) -> None:
        self.left_out.append(unusable.sentence)

    def examining(self) -> None:
        self.when_examined()


@contextmanager
def keeps_on(store: RecordStore, *, pending_max: int = 64) -> Iterator[None]:
    """Every keep that a play opens is on this store."""
    settings = Settings(approvals=ApprovalSettings(pending_max=pending_max))

    @asynccontextmanager
    async def opened(_: str, *, telemetry: Telemetry | None = None) -> AsyncIterator[Keep]:
        container = Container()
        container.store.override(providers.Object(store))
        container.settings.override(providers.Object(settings))
        if telemetry is not None:
            container.telemetry.override(providers.Object(telemetry))
        async with store:
            yield container.keep()

    with patch.object(play_module, "open_keep", opened):
        yield


async def performed(
    *lines: bytes,
    seed: int = 1,
    askers: int = 4,
    deciders: int = 4,
    on: RecordStore | None = None,
    pending_max: int = 64,
    watcher: Watcher | None = None,
) -> Report:
    """The report of a play of these lines."""
    with TemporaryFile() as file, keeps_on(on or memory_store(), pending_max=pending_max):
        file.write(file_of(*lines))
        file.seek(0)
        play = Play(
            source=Source.of(file.fileno()),
            name="made-up lines",
            store=MEMORY,
            workers=1,
            cast=Cast(askers=askers, deciders=deciders, seed=seed),
        )
        return await play.performed(watcher or Watcher())
