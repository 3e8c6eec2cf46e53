"""Opening a keep: from a store's URL to its services, and back to nothing left open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import unquote, urlsplit

from dependency_injector import providers

from turnkeep.container import Container
from turnkeep.settings import Settings
from turnkeep_adapters.files.store import FilesRecordStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_application.keep import Keep
from turnkeep_domain.errors import InvalidValue
from turnkeep_ports.randomness import Random
from turnkeep_ports.telemetry import Telemetry


@asynccontextmanager
async def open_keep(
    url: str,
    *,
    settings: Settings | None = None,
    telemetry: Telemetry | None = None,
    random: Random | None = None,
) -> AsyncIterator[Keep]:
    """Opens a store and gives its services; closes it at the end of the block.

    Args:
        url: Which store: ``"memory:"``, a new and empty one that ends with the block, or
            ``"file:///path"``, a directory on a local disk that any number of processes share;
            it is made where it is missing, its parent must be there.
        settings: Bounds of the host's choice; None for the defaults.
        telemetry: Where the update loop counts; None for nowhere.
        random: Where the jitter of its pauses comes from; None for the system's.

    Raises:
        InvalidValue: The URL names no store that this release knows. It is not repeated, for it
            may hold a password.
        Unsupported, Corrupt, SchemaTooNew, Unavailable: The store cannot be opened, and why.
    """
    container = _container(url)
    if settings is not None:
        container.settings.override(providers.Object(settings))
    if telemetry is not None:
        container.telemetry.override(providers.Object(telemetry))
    if random is not None:
        container.random.override(providers.Object(random))
    async with container.store():
        yield container.keep()


def _container(url: str) -> Container:
    container = Container()
    match urlsplit(url).scheme:
        case "memory" if url == "memory:":
            pass
        case "file":
            container.store.override(
                providers.Singleton(files_store, _path(url), container.system_clock)
            )
        case _:
            raise InvalidValue("store URL", "must be memory: or file:///path")
    return container


def files_store(path: str, clock: SystemClock) -> FilesRecordStore:
    """A closed files store in a directory, with the settings that suit most hosts."""
    return FilesRecordStore(path, clock=clock, wall_clock=clock.utc_now)


def _path(url: str) -> str:
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.netloc or parts.query or parts.fragment or not path.startswith("/") or "\0" in path:
        raise InvalidValue("store URL", "must be file:///path, absolute and on this machine")
    return path
