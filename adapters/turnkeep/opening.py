"""Opening a keep: from a store's URL to its services, and back to nothing left open."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from attrs import evolve, frozen

from turnkeep.building import build_keep
from turnkeep.container import memory_store
from turnkeep.extras import MissingExtra
from turnkeep.mounting import composite_store
from turnkeep.settings import Settings
from turnkeep_adapters.cipher.settings import KeySettings
from turnkeep_adapters.files.store import FilesRecordStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_application.keep import Keep
from turnkeep_application.transfers.wholeness import require_whole
from turnkeep_domain.errors import InvalidValue
from turnkeep_ports.admission import Admission
from turnkeep_ports.archive import Archive
from turnkeep_ports.cipher import Cipher
from turnkeep_ports.clock import Clock, Deadline
from turnkeep_ports.ids import Ids
from turnkeep_ports.observer import Observer
from turnkeep_ports.randomness import Random
from turnkeep_ports.store import RecordStore
from turnkeep_ports.telemetry import Telemetry

if TYPE_CHECKING:
    from turnkeep_adapters.postgres.connections import Pool

_KEY_EXTRAS: Final = {"cryptography": "secrets", "keyring": "keyring"}
_KINDS: Final = {
    "memory": "memory",
    "file": "files",
    "postgresql": "postgres",
    "postgres": "postgres",
}
_POSTGRES: Final = frozenset({"postgresql", "postgres"})
_DRIVER: Final = frozenset({"psycopg", "psycopg_binary", "psycopg_pool"})


@asynccontextmanager
async def open_keep(
    url: str | Mapping[str, str] | None = None,
    *,
    pool: Pool | None = None,
    settings: Settings | None = None,
    clock: Clock | None = None,
    random: Random | None = None,
    ids: Ids | None = None,
    telemetry: Telemetry | None = None,
    cipher: Cipher | None = None,
    admission: Admission | None = None,
    archive: Archive | None = None,
) -> AsyncIterator[Keep]:
    """Opens a store and gives its services; closes it at the end of the block.

    For a store of your own, see `build_keep`, which has the same parts.

    Args:
        url: Which store: ``"memory:"``, a new and empty one that ends with the block, or
            ``"file:///path"``, a directory on a local disk that any number of processes share;
            it is made where it is missing, its parent must be there; or ``"postgresql://..."``,
            a database whose schema `turnkeep migrate` has made (extra ``postgres``). Or several
            stores, by what each keeps: ``"rest"``, and any of ``"secrets"``, ``"leases"`` and
            ``"budgets"``, as `composite_store` has them; parts with one URL are together.
        pool: The host's own connections to a database, open, and still open when the block ends;
            each with a ``statement_timeout``. A URL beside it is used to listen for changes alone;
            without one they are polled.
        settings: Bounds of the host's choice; None for the defaults.
        clock: Measures deadlines and pauses; None for the system's.
        random: Where the jitter of pauses comes from; None for the system's.
        ids: Where new ids come from; None for the system's.
        telemetry: Where the update loop counts; None for nowhere. An `Observer`, as
            `open_telemetry()` gives one, is told of every use case, too.
        cipher: What seals secrets; None for the keys that the settings name.
        admission: Who may submit what; None to admit everybody.
        archive: What takes ended runs over; None for nothing, and no run is ever retired.

    Raises:
        InvalidValue: The URL names no store that this release knows, there is neither URL nor pool,
            or there are two sources of keys. The URL is not repeated, for it may hold a password.
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
    time = SystemClock() if clock is None else clock
    if cipher is not None and chosen.keys.primary:
        raise InvalidValue("cipher", "must not come with settings of keys")
    sealing = cipher_of(chosen.keys) if cipher is None else cipher
    closed = _closed(url, pool, time, chosen)
    # What cannot work together is refused here, before anything is opened, or made.
    keep = build_keep(
        store=closed.whole,
        settings=chosen,
        clock=time,
        random=random,
        ids=ids,
        telemetry=None if telemetry is None else _told_of(url, telemetry),
        cipher=sealing,
        admission=admission,
        archive=archive,
    )
    async with closed.whole:
        for each in closed.all:
            deadline = Deadline.after(time, chosen.pacing.deadline_seconds)
            await require_whole(each, deadline=deadline)
        if sealing is not None:
            await keep.secrets.begin()
        yield keep


def _told_of(url: str | Mapping[str, str] | None, telemetry: Telemetry) -> Telemetry:
    """The sink, which is told the kind of the store, too, if it wants to know that much."""
    if not isinstance(telemetry, Observer):
        return telemetry
    if url is not None and not isinstance(url, str):
        return telemetry.of_store("composite")
    scheme = "postgresql" if url is None else urlsplit(url).scheme
    return telemetry.of_store(_KINDS.get(scheme, "other"))


@frozen
class _Closed:
    """The store of a keep, and those that it is made of."""

    whole: RecordStore
    all: tuple[RecordStore, ...]


def closed_store(url: str, settings: Settings) -> RecordStore:
    """The store of a URL, closed; ``"memory:"`` is a new one.

    Raises:
        InvalidValue, MissingExtra: As `open_keep`.
    """
    return _store(url, None, SystemClock(), settings)


def _closed(
    url: str | Mapping[str, str] | None, pool: Pool | None, clock: Clock, settings: Settings
) -> _Closed:
    if url is None or isinstance(url, str):
        store = _store(url, pool, clock, settings)
        return _Closed(store, (store,))
    if pool is not None:
        raise InvalidValue("pool", "must come with one store alone")
    made = {each: _store(each, None, clock, settings) for each in url.values()}
    whole = composite_store({part: made[each] for part, each in url.items()})
    return _Closed(whole, tuple(made.values()))


def _store(url: str | None, pool: Pool | None, clock: Clock, settings: Settings) -> RecordStore:
    """The closed store of a URL, or of a pool."""
    scheme = "postgresql" if url is None else urlsplit(url).scheme
    if url is None and pool is None:
        raise InvalidValue("store URL", "must be given, or a pool")
    if pool is not None and scheme not in _POSTGRES:
        raise InvalidValue("pool", "must come with a postgresql URL or with none")
    if scheme in _POSTGRES:
        return _postgres_store(url, pool, clock, settings)
    if url == "memory:":
        return memory_store(clock, SystemClock())
    if url is not None and scheme == "file":
        wall_clock = SystemClock().utc_now
        return FilesRecordStore(
            _path(url), clock=clock, wall_clock=wall_clock, settings=settings.files
        )
    raise InvalidValue("store URL", "must be memory:, file:///path or postgresql://...")


def _postgres_store(
    url: str | None, pool: Pool | None, clock: Clock, settings: Settings
) -> RecordStore:
    try:
        # The base install has no driver, and must be able to say so.
        from turnkeep_adapters.postgres.store import PostgresRecordStore  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _DRIVER:
            raise
        raise MissingExtra("postgres") from error
    bounds = evolve(settings.postgres, update_seconds=settings.pacing.deadline_seconds)
    return PostgresRecordStore(url, pool=pool, clock=clock, settings=bounds)


def cipher_of(settings: KeySettings) -> Cipher | None:
    """The ring that the settings name; None where they name none.

    Raises:
        MissingExtra, MasterKeyMissing, MasterKeyInvalid: As `open_keep`.
    """
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
