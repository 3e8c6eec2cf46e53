"""Plays for tests, performed on a store that a test may have tampered with."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from tempfile import TemporaryFile
from unittest.mock import patch

from attrs import define, field
from dependency_injector import providers

from tests.cli.recordings import file_of
from turnkeep import Container, Keep, Settings, Telemetry
from turnkeep_adapters.cli.demo import play as play_module
from turnkeep_adapters.cli.demo.checks import Check
from turnkeep_adapters.cli.demo.company import Harm
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

    turns: int = 0
    left_out: list[str] = field(factory=list)
    when_examined: Callable[[], None] = lambda: None

    def one_more(self) -> None:
        self.turns += 1

    def unusable(self, unusable: Unusable) -> None:
        self.left_out.append(unusable.sentence)

    def examining(self) -> None:
        self.when_examined()


@contextmanager
def keeps_on(store: RecordStore) -> Iterator[None]:
    """Every keep that a play opens is on this store."""

    @asynccontextmanager
    async def opened(
        _: str, *, settings: Settings | None = None, telemetry: Telemetry | None = None
    ) -> AsyncIterator[Keep]:
        container = Container()
        container.store.override(providers.Object(store))
        if settings is not None:
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
    on: RecordStore | None = None,
    watcher: Watcher | None = None,
) -> Report:
    """The report of a play of these lines, in one process."""
    with keeps_on(on or memory_store()):
        return await played(*lines, seed=seed, store=MEMORY, watcher=watcher)


async def played(
    *lines: bytes,
    seed: int = 1,
    store: str | None,
    workers: int = 1,
    harm: Harm | None = None,
    watcher: Watcher | None = None,
) -> Report:
    """The report of a play of these lines, on the store of a URL."""
    with TemporaryFile() as file:
        file.write(file_of(*lines))
        file.seek(0)
        play = Play(
            source=Source.of(file.fileno()),
            name="made-up lines",
            store=store,
            workers=workers,
            harm=Harm(kills=0, pauses=0) if harm is None else harm,
            seed=seed,
        )
        return await play.performed(watcher or Watcher())


def failed(report: Report) -> set[Check]:
    return {verdict.check for verdict in report.verdicts if not verdict.ok}


def numbers(report: Report, check: Check) -> dict[str, int]:
    (verdict,) = (verdict for verdict in report.verdicts if verdict.check is check)
    return verdict.numbers
