"""Opening a keep: from a store's URL to its services, and back to nothing left open."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import unquote, urlsplit

from attrs import evolve
from dependency_injector import providers

from turnkeep.container import Container, memory_store
from turnkeep.extras import MissingExtra
from turnkeep.mounting import composite_store
from turnkeep.settings import Settings
from turnkeep_adapters.cipher.settings import KeySettings
from turnkeep_adapters.files.store import FilesRecordStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_application.keep import Keep
from turnkeep_application.transfers.wholeness import require_whole
from turnkeep_domain.errors import InvalidValue
from turnkeep_ports.cipher import Cipher
from turnkeep_ports.clock import Clock, Deadline
from turnkeep_ports.randomness import Random
from turnkeep_ports.store import RecordStore
from turnkeep_ports.telemetry import Telemetry

_KEY_EXTRAS: Final = {"cryptography": "secrets", "keyring": "keyring"}
_DRIVER: Final = frozenset({"psycopg", "psycopg_binary", "psycopg_pool"})


@asynccontextmanager
async def open_keep(
    url: str | Mapping[str, str],
    *,
    settings: Settings | None = None,
    telemetry: Telemetry | None = None,
    random: Random | None = None,
) -> AsyncIterator[Keep]:
    """Opens a store and gives its services; closes it at the end of the block.

    Args:
        url: Which store: ``"memory:"``, a new and empty one that ends with the block, or
            ``"file:///path"``, a directory on a local disk that any number of processes share;
            it is made where it is missing, its parent must be there; or ``"postgresql://..."``,
            a database whose schema `turnkeep migrate` has made (extra ``postgres``). Or several
            stores, by what each keeps: ``"rest"``, and any of ``"secrets"``, ``"leases"`` and
            ``"budgets"``, as `composite_store` has them; parts with one URL are together.
        settings: Bounds of the host's choice; None for the defaults.
        telemetry: Where the update loop counts; None for nowhere.
        random: Where the jitter of its pauses comes from; None for the system's.

    Raises:
        InvalidValue: The URL names no store that this release knows. It is not repeated, for it
            may hold a password.
        MissingExtra: The store, or a key, needs an extra that is not installed.
        MasterKeyMissing, MasterKeyInvalid: The settings name sources of a master key, and none
            is set, or one holds what is no key.
        ImportUnfinished: The store is being filled from an export, or that was cut off.
        KeyMismatch, Tampered: The key is not one of those that the store was written under.
        Unsupported: The stores keep apart what a feature needs together, which
            `Settings.forgone` does not name.
        Unsupported, Corrupt, SchemaTooNew, Unavailable: The store cannot be opened, and why.
    """
    chosen = Settings() if settings is None else settings
    container = Container()
    container.settings.override(providers.Object(chosen))
    stores = {} if isinstance(url, str) else _mounted(url, chosen)
    store = _store(url, chosen) if isinstance(url, str) else composite_store(stores)
    if store is not None:
        container.store.override(providers.Object(store))
    if telemetry is not None:
        container.telemetry.override(providers.Object(telemetry))
    if random is not None:
        container.random.override(providers.Object(random))
    cipher = _cipher(chosen.keys)
    if cipher is not None:
        container.cipher.override(providers.Object(cipher))
    # What cannot work together is refused before anything is opened, or made.
    container.updates()
    async with container.store() as opened:
        for each in stores.values() or (opened,):
            deadline = Deadline.after(container.clock(), chosen.pacing.deadline_seconds)
            await require_whole(each, deadline=deadline)
        keep = container.keep()
        if cipher is not None:
            await keep.secrets.begin()
        yield keep


def _store(url: str, settings: Settings) -> RecordStore | None:
    """The closed store of a URL; None for the container's own, in memory."""
    clock = SystemClock()
    match urlsplit(url).scheme:
        case "memory" if url == "memory:":
            return None
        case "file":
            return FilesRecordStore(
                _path(url), clock=clock, wall_clock=clock.utc_now, settings=settings.files
            )
        case "postgresql" | "postgres":
            return _postgres_store(url, clock, settings)
        case _:
            raise InvalidValue("store URL", "must be memory:, file:///path or postgresql://...")


def closed_store(url: str, settings: Settings) -> RecordStore:
    """The store of a URL, closed; ``"memory:"`` is a new one.

    Raises:
        InvalidValue, MissingExtra: As `open_keep`.
    """
    return _store(url, settings) or memory_store(SystemClock())


def _mounted(urls: Mapping[str, str], settings: Settings) -> Mapping[str, RecordStore]:
    """The closed stores of several URLs, by what they keep; those of one URL are one."""
    made = {url: closed_store(url, settings) for url in urls.values()}
    return {part: made[url] for part, url in urls.items()}


def _postgres_store(url: str, clock: Clock, settings: Settings) -> RecordStore:
    try:
        # The base install has no driver, and must be able to say so.
        from turnkeep_adapters.postgres.store import PostgresRecordStore  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _DRIVER:
            raise
        raise MissingExtra("postgres") from error
    bounds = evolve(settings.postgres, update_seconds=settings.pacing.deadline_seconds)
    return PostgresRecordStore(url, clock=clock, settings=bounds)


def _cipher(settings: KeySettings) -> Cipher | None:
    """The ring that the settings name; None where they name none."""
    if not settings.primary:
        return None
    try:
        # The base install cannot encrypt, and must be able to say so.
        from turnkeep_adapters.cipher.aes_gcm import AesGcmCipher  # noqa: PLC0415
        from turnkeep_adapters.cipher.key_sources import keys_of  # noqa: PLC0415

        return AesGcmCipher.of(keys_of(settings))
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _KEY_EXTRAS:
            raise
        raise MissingExtra(_KEY_EXTRAS[missing]) from error


def _path(url: str) -> str:
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.netloc or parts.query or parts.fragment or not path.startswith("/") or "\0" in path:
        raise InvalidValue("store URL", "must be file:///path, absolute and on this machine")
    return path
