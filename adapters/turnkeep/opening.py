"""Opening a keep: from a store's URL to its services, and back to nothing left open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dependency_injector import providers

from turnkeep.container import Container
from turnkeep.settings import Settings
from turnkeep_application.keep import Keep
from turnkeep_domain.errors import InvalidValue
from turnkeep_ports.telemetry import Telemetry


@asynccontextmanager
async def open_keep(
    url: str, *, settings: Settings | None = None, telemetry: Telemetry | None = None
) -> AsyncIterator[Keep]:
    """Opens a store and gives its services; closes it at the end of the block.

    Args:
        url: Which store: ``"memory:"``, a new and empty one that ends with the block.
        settings: Bounds of the host's choice; None for the defaults.
        telemetry: Where the update loop counts; None for nowhere.

    Raises:
        InvalidValue: The URL names no store that this release knows. It is not repeated, for it
            may hold a password.
    """
    container = _container(url)
    if settings is not None:
        container.settings.override(providers.Object(settings))
    if telemetry is not None:
        container.telemetry.override(providers.Object(telemetry))
    async with container.store():
        yield container.keep()


def _container(url: str) -> Container:
    if url == "memory:":
        return Container()
    raise InvalidValue("store URL", "must be memory:")
