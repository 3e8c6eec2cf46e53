"""A keep on several stores: what works, and what is refused when it is wired."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from dependency_injector import providers

from tests.composite.two_mounts import Pair
from turnkeep import (
    ANY,
    EVERYBODY,
    START,
    Container,
    CursorLost,
    Dimension,
    Feature,
    Handler,
    InvalidValue,
    Keep,
    KeySettings,
    Material,
    Metered,
    Opened,
    Principal,
    RecordStore,
    Refused,
    RequestId,
    RunContext,
    RunStatus,
    RunView,
    Scope,
    Settings,
    Unsupported,
    Worker,
    composite_store,
    open_keep,
)
from turnkeep.container import memory_store
from turnkeep.testing.specimens import NOON
from turnkeep_adapters.composite.mounts import Mount
from turnkeep_adapters.composite.store import CompositeRecordStore
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_application.records import Need, Records
from turnkeep_application.registry import EVERYTHING
from turnkeep_application.store_parts import StorePart, require_parts
from turnkeep_domain.decisions import Decision, Unchanged
from turnkeep_domain.keys import Collection, ReadKey, key
from turnkeep_domain.leases.lease import LEASES
from turnkeep_domain.secrets.secret import SECRETS

SCOPE: Final = Scope.of("acme", "ann", agent="scout")
OWNER: Final = Scope.of("acme", "ann")
KEY: Final = "TURNKEEP_COMPOSITE_KEY"
APART: Final = frozenset({Feature.RUN_SECRETS, Feature.LEASED_SECRETS})
FORGONE: Final = Settings(forgone=APART, keys=KeySettings(primary=(f"env:{KEY}",)))


@pytest.fixture(autouse=True)
def master_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, bytes(range(32)).hex())


def run(scenario: Coroutine[object, object, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 60))


def memory() -> RecordStore:
    return memory_store(SystemClock(), SystemClock())


def stores(tmp_path: Path, *parts: str) -> dict[str, str]:
    return {name: (tmp_path / name).as_uri() for name in ("rest", *parts)}


async def put(keep: Keep, handle: str) -> None:
    with Material.of(b"sesame") as material:
        answer = await keep.secrets.put(
            OWNER, handle, material=material, expected=ANY, request_id=RequestId(f"put {handle}")
        )
    assert not isinstance(answer, Refused)


# ---- wiring ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "forgone", "feature"),
    [
        (["secrets"], set(), "RUN_SECRETS"),
        (["secrets"], {Feature.RUN_SECRETS}, "LEASED_SECRETS"),
        (["leases"], set(), "LEASED_SECRETS"),
        (["budgets"], set(), "RUN_SPENDS"),
        (["secrets", "leases"], {Feature.LEASED_SECRETS}, "RUN_SECRETS"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_wired(
    parts: list[str], forgone: set[Feature], feature: str
) -> None:
    async def scenario() -> None:
        urls = dict.fromkeys(["rest", *parts], "memory:")
        urls |= {part: f"file:///nowhere/{part}" for part in parts}
        with pytest.raises(Unsupported) as refused:
            async with open_keep(urls, settings=Settings(forgone=frozenset(forgone))):
                pass
        assert f"Feature.{feature}" in str(refused.value)

    run(scenario())


def test_the_container_refuses_it_too() -> None:
    container = Container()
    store = composite_store({"rest": memory(), "secrets": memory()})
    container.store.override(providers.Object(store))
    with pytest.raises(Unsupported, match=r"^[^\n]*ctx\.secret commits what is kept in two stores"):
        container.updates()
    container.settings.override(providers.Object(FORGONE))
    container.reset_singletons()
    assert container.keep().secrets is not None


def test_a_service_that_is_cut_in_two_is_refused_whatever_is_forgone() -> None:
    for part in (StorePart.SECRETS, StorePart.BUDGETS):
        half = frozenset(sorted(part.collections)[:1])
        store = CompositeRecordStore(
            memory(), [Mount(name="half", store=memory(), collections=half)]
        )
        with pytest.raises(Unsupported, match="mount them whole"):
            require_parts(store.capabilities, frozenset(Feature))
    runs = Mount(name="half", store=memory(), collections=frozenset({"turn_state"}))
    with pytest.raises(Unsupported, match="runs, threads and approvals"):
        require_parts(CompositeRecordStore(memory(), [runs]).capabilities, frozenset(Feature))


def test_parts_that_name_one_store_are_together_in_it() -> None:
    vault = memory()
    store = composite_store({"rest": memory(), "secrets": vault, "leases": vault})
    both = StorePart.SECRETS.collections | StorePart.LEASES.collections
    assert store.capabilities.apart == (both,)
    require_parts(store.capabilities, {Feature.RUN_SECRETS})
    whole = composite_store({"rest": vault, "secrets": vault, "budgets": vault})
    assert whole.capabilities.apart == ()
    require_parts(whole.capabilities, frozenset())


@pytest.mark.parametrize("names", [["secrets"], ["rest", "threads"], ["rest", "Secrets"], []])
def test_only_known_parts_can_be_mounted(names: list[str]) -> None:
    with pytest.raises(InvalidValue, match="budgets, leases, rest, secrets"):
        composite_store({name: memory() for name in names})


def test_only_features_can_be_forgone() -> None:
    with pytest.raises(TypeError):
        Settings(forgone=frozenset({"run_secrets"}))  # type: ignore[arg-type] # on purpose


def test_every_collection_is_in_the_registry() -> None:
    """Whatever is kept is exported, swept, and told what it is committed with."""
    import pkgutil
    from importlib import import_module

    import turnkeep_domain

    for module in pkgutil.walk_packages(turnkeep_domain.__path__, "turnkeep_domain."):
        if isinstance(found := vars(import_module(module.name)), dict):
            for value in found.values():
                if isinstance(value, Collection):
                    assert value in EVERYTHING, f"{value.name} is not in the registry"
    assert len({collection.name for collection in EVERYTHING}) == len(EVERYTHING)


# ---- use ---------------------------------------------------------------------------------------


def test_each_service_keeps_its_records_in_its_own_store(tmp_path: Path) -> None:
    urls = stores(tmp_path, "secrets", "leases")

    async def scenario() -> None:
        async with open_keep(urls, settings=FORGONE) as keep:
            await put(keep, "bank")
            lease = await keep.leases.acquire(
                SCOPE, "door", holder="one", request_id=RequestId("a"), ttl_seconds=60
            )
            assert not isinstance(lease, Refused)
            turn = await keep.turns.submit(
                SCOPE, actor=Principal.person("ann"), request_id=RequestId("t")
            )
            assert isinstance(turn, RunView)
            page = await keep.events.read(EVERYBODY, after=START)
            assert not isinstance(page, CursorLost)
            kinds = {entry.event.kind for entry in page.entries if hasattr(entry, "event")}
            assert {"secret.put", "lease.acquired", "run.submitted"} <= kinds
        async with open_keep(urls["secrets"], settings=FORGONE) as vault:
            assert (await vault.secrets.metadata(OWNER, "bank")) is not None
            assert await vault.turns.get(turn.address) is None
        async with open_keep(urls["rest"]) as rest:
            assert await rest.turns.get(turn.address) is not None
            assert (await rest.leases.get(SCOPE, "door")).fence == 0

    run(scenario())


def test_secrets_are_lent_where_they_are_kept(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_keep(stores(tmp_path, "secrets"), settings=FORGONE) as keep:
            await put(keep, "bank")
            ref = await keep.secrets.issue(
                SCOPE, owner=OWNER, handle="bank", request_id=RequestId("i")
            )
            assert not isinstance(ref, Refused)
            answer = await keep.secrets.consume(ref, request_id=RequestId("c"))
            assert isinstance(answer, Opened)
            with answer.material as material:
                assert material.reveal() == b"sesame"

    run(scenario())


def test_a_worker_carries_runs_out_and_ctx_secret_is_refused_with_its_name(
    tmp_path: Path,
) -> None:
    said: list[str] = []

    async def handler(ctx: RunContext) -> None:
        try:
            await ctx.secret("bank", owner=OWNER)
        except Unsupported as error:
            said.append(str(error))

    async def scenario() -> None:
        async with open_keep(stores(tmp_path, "secrets"), settings=FORGONE) as keep:
            await put(keep, "bank")
            assert (await carried_out(keep, handler)).status is RunStatus.COMPLETED
            page = await keep.secrets.leases(SCOPE)
            assert page.leases == ()

    run(scenario())
    assert len(said) == 1
    assert "ctx.secret: its records are kept in two stores" in said[0]


def test_ctx_spend_is_refused_with_its_name_and_runs_go_on(tmp_path: Path) -> None:
    said: list[str] = []

    async def free(_: object) -> Metered[str]:
        raise AssertionError("a step was begun that cannot be held")

    async def handler(ctx: RunContext) -> None:
        try:
            await ctx.spend("call", {Dimension.USD_NANO: 1}, free)
        except Unsupported as error:
            said.append(str(error))

    async def scenario() -> None:
        settings = Settings(forgone=frozenset({Feature.RUN_SPENDS}))
        async with open_keep(stores(tmp_path, "budgets"), settings=settings) as keep:
            assert (await carried_out(keep, handler)).status is RunStatus.COMPLETED

    run(scenario())
    assert len(said) == 1


def test_no_answer_rests_on_records_of_two_stores_asked_for_late_or_as_hints() -> None:
    lease, secret = key(LEASES, SCOPE, "door"), key(SECRETS, OWNER, "bank")

    def decide(records: Records, now: datetime) -> Decision[Records, str, None] | Need:
        return Unchanged("seen") if secret in records else Need((secret,))

    async def scenario() -> None:
        container = Container()
        container.settings.override(providers.Object(FORGONE))
        store = composite_store({"rest": memory(), "secrets": memory()})
        container.store.override(providers.Object(store))
        async with container.store():
            updates = container.updates()
            with pytest.raises(Unsupported):
                await updates.update([lease], decide)
            with pytest.raises(Unsupported):
                await updates.update([lease], decide, hints=[secret])
            answer: object = await updates.update([secret], decide)
            assert answer == "seen"

    run(scenario())


def test_what_goes_together_is_decided_by_the_clock_of_its_own_store() -> None:
    pair = Pair()
    pair.mount.pass_seconds(60)
    seen: dict[str, set[datetime]] = {"lease": set(), "secret": set()}

    async def scenario() -> None:
        container = Container()
        container.settings.override(providers.Object(FORGONE))
        store = pair.store(named=StorePart.SECRETS.collections)
        container.store.override(providers.Object(store))
        async with container.store():
            updates = container.updates()

            def ask(collection: Collection[object], scope: Scope, id: str) -> Awaitable[object]:
                def decide(_: Records, now: datetime) -> Decision[Records, None, None]:
                    seen[collection.name].add(now)
                    return Unchanged(None)

                return updates.update(
                    [ReadKey(collection, key(collection, scope, id).address)], decide
                )

            await asyncio.gather(
                *(ask(LEASES, SCOPE, f"{n}") for n in range(20)),
                *(ask(SECRETS, OWNER, f"{n}") for n in range(20)),
            )

    run(scenario())
    assert seen == {"lease": {NOON}, "secret": {NOON + timedelta(seconds=60)}}


async def carried_out(keep: Keep, handler: Handler) -> RunView:
    turn = await keep.turns.submit(
        SCOPE, actor=Principal.person("ann"), request_id=RequestId("turn")
    )
    assert isinstance(turn, RunView)
    async with Worker(keep, handler):
        ended = await keep.turns.wait(turn.address, timeout_seconds=30)
    assert ended is not None
    return ended
