"""Each port can be a part of the host's, however the host wires: a container, a call, a URL."""

from __future__ import annotations

from typing import Final

import pytest
from dependency_injector import containers, providers

import turnkeep
from tests.cipher.rings import KNOWN, ONE
from tests.opening.parts import CLASSES, found, memory, parts
from turnkeep import (
    Container,
    InvalidValue,
    KeySettings,
    MasterKeyMissing,
    Pacing,
    Refused,
    Scope,
    Settings,
    Unsupported,
    build_keep,
    open_keep,
)
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_ports.store import Atomicity

OWNER: Final = Scope.of("acme", "ada")
NAMES: Final = sorted(CLASSES)


@pytest.mark.parametrize("name", NAMES)
def test_a_port_that_is_overridden_in_the_container_is_the_only_one_there_is(name: str) -> None:
    chosen = parts()
    store = memory(chosen["clock"])
    container = Container()
    for port, part in {**chosen, "store": store}.items():
        container.providers[port].override(providers.Object(part))
    assert found(name, container.keep()) == {id({**chosen, "store": store}[name])}


def test_the_containers_own_store_waits_by_the_containers_clock() -> None:
    container = Container()
    clock = SystemClock()
    container.clock.override(providers.Object(clock))
    assert id(clock) in found("clock", container.store())


@pytest.mark.parametrize("name", NAMES)
def test_a_part_that_is_built_in_is_the_only_one_there_is(name: str) -> None:
    chosen = parts()
    store = memory(chosen["clock"])
    keep = build_keep(store=store, **chosen)
    assert found(name, keep) == {id({**chosen, "store": store}[name])}


@pytest.mark.parametrize("name", [name for name in NAMES if name != "store"])
async def test_a_part_that_a_keep_is_opened_with_is_the_only_one_there_is(name: str) -> None:
    chosen = parts()
    async with open_keep("memory:", **chosen) as keep:
        there = found(name, keep)
        # A store that was made for the block has a wall clock of its own.
        made = found("clock", keep.approvals.store) - {id(chosen["clock"])}
        assert there - made == {id({**chosen}[name])}


def test_a_part_that_is_not_given_is_the_containers_own() -> None:
    keep = build_keep(store=memory(SystemClock()))
    assert all(found(name, keep) for name in NAMES)


def test_keeps_share_what_they_were_given_and_nothing_else() -> None:
    store = memory(SystemClock())
    one, other = build_keep(store=store), build_keep(store=store)
    assert one.turns.store is other.turns.store is store
    assert one.turns.updates is not other.turns.updates
    assert found("ids", one) != found("ids", other)


def test_the_settings_that_a_keep_is_built_with_bound_it() -> None:
    pacing = Pacing(attempts_max=3)
    keep = build_keep(store=memory(SystemClock()), settings=Settings(pacing=pacing))
    assert getattr(keep.turns.updates, "pacing") is pacing  # noqa: B009 - the port promises none


def test_a_keep_over_a_store_that_is_too_weak_is_not_built() -> None:
    store = memory(SystemClock())

    class Weaker:
        capabilities = turnkeep.Settings  # no declaration that anybody knows

    weaker: object = Weaker()
    with pytest.raises(Unsupported):
        build_keep(store=weaker)  # type: ignore[arg-type]  # a host may hand over what no type allows
    assert store.capabilities.atomicity is Atomicity.MULTI


async def test_building_opens_nothing_and_the_host_opens_and_closes() -> None:
    store = memory(SystemClock())
    keep = build_keep(store=store)
    with pytest.raises(turnkeep.Unavailable):
        await keep.leases.get(OWNER, "x")
    async with store:
        assert (await keep.leases.get(OWNER, "x")).vacant


async def test_a_built_keep_has_secrets_once_it_has_begun() -> None:
    store = memory(SystemClock())
    keep = build_keep(store=store, cipher=KNOWN)
    async with store:
        await keep.secrets.begin()
        assert await keep.secrets.metadata(OWNER, "h") is None
    keyless = build_keep(store=store)
    async with store:
        with pytest.raises(MasterKeyMissing):
            await keyless.secrets.begin()


async def test_an_admission_of_the_hosts_own_is_asked() -> None:
    class Nobody:
        async def admits(self, submission: turnkeep.Submission) -> bool:
            return False

    async with open_keep("memory:", admission=Nobody()) as keep:
        answer = await keep.turns.submit(
            Scope.of("acme", "ada", thread="t"),
            actor=turnkeep.Principal.person("ada"),
            request_id=turnkeep.RequestId("1"),
        )
        assert isinstance(answer, Refused)
        assert answer.reason.code == "not_permitted"


async def test_keys_come_from_the_settings_or_as_a_cipher_and_never_both() -> None:
    settings = Settings(keys=KeySettings(primary=("env:TURNKEEP_NO_SUCH_KEY",)))
    with pytest.raises(InvalidValue, match="cipher must not come with settings of keys"):
        async with open_keep("memory:", settings=settings, cipher=KNOWN):
            pytest.fail("it must not open")
    async with open_keep("memory:", cipher=KNOWN) as keep:
        assert ONE.id in {use.key_id for use in (await keep.secrets.audit()).keys}


@pytest.mark.parametrize("url", ["memory:", "file:///x", None])
async def test_a_pool_goes_with_a_database_alone(url: str | None) -> None:
    pool: object = None if url is None else object()
    with pytest.raises(InvalidValue):
        async with open_keep(url, pool=pool):  # type: ignore[arg-type]  # it is refused before it is looked at
            pytest.fail("it must not open")


def test_a_container_of_the_hosts_may_hold_a_keep_as_one_of_its_parts() -> None:
    class Host(containers.DeclarativeContainer):
        kept = providers.Container(Container)
        clerk: providers.Provider[dict[str, object]] = providers.Factory(
            dict, approvals=kept.approvals
        )

    host = Host()
    assert host.clerk()["approvals"] is host.kept.keep().approvals


def test_a_store_is_overridden_for_a_while() -> None:
    container = Container()
    standing, spare = container.store(), memory(SystemClock())
    assert container.keep().turns.store is standing
    with container.store.override(providers.Object(spare)), container.reset_singletons():
        assert container.keep().turns.store is spare
    assert container.keep().turns.store is container.store() is not spare
