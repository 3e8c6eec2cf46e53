"""All sweeps at once: a dry run tells exactly what one in earnest does, and writes nothing."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Final

import pytest

from tests.transfers.places import KINDS, Everything, Places, run
from turnkeep import (
    ANY,
    ChoreDone,
    Keep,
    KeySettings,
    Material,
    Principal,
    RequestId,
    Scope,
    Settings,
    Unavailable,
    Upkeep,
    build_keep,
    export_store,
    import_store,
)
from turnkeep.opening import cipher_of
from turnkeep_adapters.memory.database import MemoryCore
from turnkeep_adapters.memory.store import MemoryRecordStore
from turnkeep_adapters.rehearsal.store import RehearsalStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_application.leases import Leases
from turnkeep_ports.store import RecordStore

LONG_AGO: Final = datetime(2020, 1, 1, tzinfo=UTC)
KEY: Final = "TURNKEEP_UPKEEP_KEY"
SETTINGS: Final = Settings(keys=KeySettings(primary=(f"env:{KEY}",)))
SCOPE: Final = Scope.of("acme", "ann", agent="scout")
OWNER: Final = Scope.of("acme", "ann")


@pytest.fixture(autouse=True)
def master_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, bytes(range(32)).hex())


def keep_on(store: RecordStore) -> Keep:
    return build_keep(store=store, settings=SETTINGS, cipher=cipher_of(SETTINGS.keys))


async def past() -> bytes:
    """The export of a store that was used long ago, and is full of what time has ended."""
    core = MemoryCore(store_id=b"p" * 16, wall_clock=lambda: LONG_AGO)
    async with MemoryRecordStore(core=core, clock=SystemClock()) as store:
        keep = keep_on(store)
        for number in range(3):
            await keep.leases.acquire(
                SCOPE, f"door {number}", holder="one", request_id=RequestId("a"), ttl_seconds=60
            )
        with Material.of(b"sesame") as material:
            await keep.secrets.put(
                OWNER, "bank", material=material, expected=ANY, request_id=RequestId("p")
            )
        for number in range(2):
            await keep.secrets.issue(
                SCOPE, owner=OWNER, handle="bank", request_id=RequestId(f"i{number}")
            )
        await keep.turns.submit(SCOPE, actor=Principal.person("ann"), request_id=RequestId("t"))
        to = io.BytesIO()
        await export_store(store, to)
        return to.getvalue()


def of(name: str, told: tuple[ChoreDone, ...]) -> ChoreDone:
    (one,) = (each for each in told if each.name == name)
    return one


@pytest.mark.parametrize("kind", KINDS)
def test_a_dry_run_tells_what_is_done_in_earnest_and_writes_nothing(
    places: Places, kind: str
) -> None:
    async def scenario() -> None:
        async with places.of(kind, "target").open() as store:
            await import_store(store, io.BytesIO(await past()))
            before = await Everything.of(store)
            rehearsed = await Upkeep(keep=keep_on(RehearsalStore(store))).run()
            assert await Everything.of(store) == before
            told: list[ChoreDone] = []
            earnest = await Upkeep(keep=keep_on(store)).run(told.append)
            assert earnest == rehearsed == tuple(told)
            assert of("leases", earnest).done == {"ended": 3}
            assert of("secrets", earnest).done == {"expired": 2}
            assert of("old events", earnest).done["events"] > 5
            assert all(each.trouble is None and not each.more for each in earnest)
            assert await Everything.of(store) != before
            again = await Upkeep(keep=keep_on(store)).run()
            assert {name for each in again for name in each.done} <= {"events"}

    run(scenario())


def test_a_chore_that_fails_is_told_and_stops_no_other(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: object, **__: object) -> int:
        raise Unavailable("it is away")

    async def scenario() -> None:
        async with places.of("memory", "target").open() as store:
            await import_store(store, io.BytesIO(await past()))
            monkeypatch.setattr(Leases, "sweep", fail)
            told = await Upkeep(keep=keep_on(store)).run()
            assert "it is away" in (of("leases", told).trouble or "")
            assert of("secrets", told).done["expired"] == 2
            assert len(told) == len({each.name for each in told})

    run(scenario())


def test_a_keep_without_keys_leaves_secrets_alone(places: Places) -> None:
    async def scenario() -> None:
        async with places.of("memory", "target").open() as store:
            await import_store(store, io.BytesIO(await past()))
            told = await Upkeep(keep=build_keep(store=store)).run()
            assert of("secrets", told) == ChoreDone(name="secrets")
            assert of("leases", told).done == {"ended": 3}

    run(scenario())


def test_a_chore_is_looked_at_until_nothing_is_left(places: Places) -> None:
    async def scenario() -> None:
        core = MemoryCore(store_id=b"p" * 16, wall_clock=lambda: LONG_AGO)
        async with MemoryRecordStore(core=core, clock=SystemClock()) as store:
            keep = keep_on(store)
            for number in range(230):
                await keep.leases.acquire(
                    SCOPE, f"{number}", holder="one", request_id=RequestId("a"), ttl_seconds=60
                )
            to = io.BytesIO()
            await export_store(store, to)
        async with places.of("memory", "target").open() as store:
            await import_store(store, io.BytesIO(to.getvalue()))
            told = await Upkeep(keep=keep_on(store)).run()
            assert of("leases", told).done == {"ended": 230}

    run(scenario())
