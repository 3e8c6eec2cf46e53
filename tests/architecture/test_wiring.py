"""The wiring: every provider gives what it declares, and what cannot serve is refused."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

import pytest
from attrs import evolve
from dependency_injector import providers

import turnkeep
import turnkeep.container as container_module
from turnkeep import Container, InvalidValue, MissingExtra, Pacing, Settings, Unsupported, open_keep
from turnkeep_adapters.cipher.keyless import KeylessCipher
from turnkeep_adapters.codec.json_codec import JsonCodec
from turnkeep_adapters.memory.store import MemoryRecordStore
from turnkeep_adapters.system.admission import OpenAdmission
from turnkeep_adapters.system.clock import SystemClock
from turnkeep_adapters.system.ids import SystemIds
from turnkeep_adapters.system.no_archive import NoArchive
from turnkeep_adapters.system.randomness import SystemRandom
from turnkeep_adapters.telemetry.silent import SilentTelemetry
from turnkeep_adapters.telemetry.tallies import Tallies
from turnkeep_application.reading import Reading
from turnkeep_application.update_loop import UpdateLoop
from turnkeep_application.vault import Vault
from turnkeep_domain.keys import Collection, key
from turnkeep_ports.store import Atomicity
from turnkeep_ports.telemetry import Counter

GIVEN: Final[dict[str, type[object]]] = {
    "settings": Settings,
    "system_clock": SystemClock,
    "clock": SystemClock,
    "random": SystemRandom,
    "ids": SystemIds,
    "telemetry": SilentTelemetry,
    "codec": JsonCodec,
    "admission": OpenAdmission,
    "archive": NoArchive,
    "store": MemoryRecordStore,
    "updates": UpdateLoop,
    "reading": Reading,
    "approvals": turnkeep.Approvals,
    "budgets": turnkeep.Budgets,
    "events": turnkeep.EventLog,
    "leases": turnkeep.Leases,
    "policies": turnkeep.Policies,
    "guards": turnkeep.Guards,
    "cipher": KeylessCipher,
    "vault": Vault,
    "secrets": turnkeep.Secrets,
    "credentials": turnkeep.Credentials,
    "turns": turnkeep.Turns,
    "thread_runs": turnkeep.ScheduledRuns,
    "threads": turnkeep.Threads,
    "services": turnkeep.Keep,
    "keep": turnkeep.Keep,
}


def declared_type(name: str) -> type[object]:
    """What `name: Provider[X]` in the container says; the class itself is not generic when run."""
    declared = re.fullmatch(r"Provider\[(\w+)\]", Container.__annotations__[name])
    assert declared is not None, f"{name} declares no type"
    found = getattr(container_module, declared[1])
    assert isinstance(found, type)
    return found


def test_every_provider_is_listed_here() -> None:
    assert set(Container.providers) == set(GIVEN)


@pytest.mark.parametrize("name", GIVEN)
def test_every_provider_resolves_with_its_declared_type(name: str) -> None:
    """W1. A port's members are compared, for mypy has checked their types at the declaration."""
    container = Container()
    container.check_dependencies()
    given = container.providers[name]()
    assert type(given) is GIVEN[name]
    declared = declared_type(name)
    assert getattr(declared, "_is_protocol", False) or isinstance(given, declared)
    promised = {member for member in vars(declared) if not member.startswith("_")}
    assert promised <= set(dir(given))


def test_a_container_shares_what_it_builds_and_another_shares_nothing() -> None:
    one, other = Container(), Container()
    assert one.keep() is one.keep()
    assert one.keep().approvals.store is one.store()
    assert one.store() is not other.store()


def test_settings_reach_what_they_bound() -> None:
    container = Container()
    pacing = Pacing(attempts_max=3)
    container.settings.override(providers.Object(Settings(pacing=pacing)))
    updates = container.updates()
    assert isinstance(updates, UpdateLoop)
    assert updates.pacing is pacing
    assert container.reading().deadline_seconds == Settings().approvals.read_seconds


@pytest.mark.parametrize("atomicity", [Atomicity.NONE, Atomicity.SINGLE])
def test_a_store_below_multi_is_refused_when_it_is_wired(atomicity: Atomicity) -> None:
    """W2."""
    container = Container()
    store = container.store()

    class Weaker:
        capabilities = evolve(store.capabilities, atomicity=atomicity)

    container.store.override(providers.Object(Weaker()))
    with pytest.raises(Unsupported):
        container.keep()


@pytest.mark.parametrize("declared", [None, "multi", {"atomicity": Atomicity.MULTI}])
def test_a_store_that_declares_nothing_known_is_refused(declared: object) -> None:
    """W2: there is no unknown; it fails closed."""
    container = Container()

    class Vague:
        capabilities = declared

    container.store.override(providers.Object(Vague()))
    with pytest.raises(Unsupported):
        container.keep()


async def test_a_store_that_weakens_later_is_refused_at_the_operation() -> None:
    """W2, again at the operation."""
    container = Container()
    strong = container.store()

    class Weakening:
        capabilities = strong.capabilities
        loaded = False

        async def load(self, *_: object, **__: object) -> None:
            self.loaded = True

    store = Weakening()
    container.store.override(providers.Object(store))
    updates = container.updates()
    store.capabilities = evolve(strong.capabilities, atomicity=Atomicity.SINGLE)
    gate: Collection[object] = Collection(
        name="thing",
        members=(object,),
        permanent=False,
        index=lambda _: pytest.fail("nothing is written"),
        identity=lambda _: pytest.fail("nothing is read"),
        marks=lambda _: None,
    )
    where = key(gate, turnkeep.Scope.of("acme", "ann"), "x")
    with pytest.raises(Unsupported):
        await updates.update([where], lambda records, now: pytest.fail("nothing is decided"))
    assert not store.loaded


async def test_open_keep_gives_a_keep_and_closes_it() -> None:
    tallies = Tallies()
    scope = turnkeep.Scope.of("acme", "ann")
    async with open_keep("memory:", telemetry=tallies) as keep:
        assert await keep.approvals.get(scope, "none") is None
        answer = await keep.approvals.expire(scope, "none")
        assert isinstance(answer, turnkeep.Refused)
    assert tallies.total(Counter.UPDATES) == 1
    with pytest.raises(turnkeep.Unavailable):
        await keep.approvals.get(scope, "none")


async def test_a_keep_in_files_is_there_again_when_it_is_opened_again(tmp_path: Path) -> None:
    url = (tmp_path / "a b").as_uri()
    scope = turnkeep.Scope.of("acme", "ann")
    async with open_keep(url) as keep:
        asked = await _ask(keep, scope)
    async with open_keep(url) as keep, open_keep(url) as another:
        assert await keep.approvals.get(scope, asked.id) == asked
        ann, once = turnkeep.Principal.person("ann"), turnkeep.RequestId("click")
        await another.approvals.approve(scope, asked.id, by=ann, decision_id=once)
        view = await keep.approvals.wait(scope, asked.id, seen=asked.changes)
        assert isinstance(view, turnkeep.ApprovalView)
        assert view.state is turnkeep.ApprovalState.APPROVED


async def test_a_missing_extra_is_one_sentence_that_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """W3."""
    for module in [name for name in sys.modules if name.startswith("turnkeep_adapters.postgres")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra) as caught:
        async with open_keep("postgresql://user:secret@localhost/db"):
            pass
    assert str(caught.value) == (
        "this needs the extra 'postgres': pip install 'turnkeep[postgres]'"
    )


async def test_a_server_that_is_not_there_is_unavailable_and_not_named() -> None:
    pacing = Pacing(deadline_seconds=15)
    with pytest.raises(turnkeep.Unavailable) as caught:
        async with open_keep(
            "postgresql://user:secret@127.0.0.1:1/db", settings=Settings(pacing=pacing)
        ) as keep:
            await keep.approvals.get(turnkeep.Scope.of("acme", "ann"), "none")
    assert "secret" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)


async def _ask(keep: turnkeep.Keep, scope: turnkeep.Scope) -> turnkeep.ApprovalView:
    asked = await keep.approvals.raise_request(
        scope,
        invocation=turnkeep.InvocationId("call"),
        action=turnkeep.Dispatch(
            capability=turnkeep.CapabilityId("tool"), estimate=turnkeep.Estimate.nothing()
        ),
        effects=frozenset(),
        requester=turnkeep.Principal.agent("bot"),
        correlation_id=turnkeep.CorrelationId("work"),
        input=None,
        reason="",
        display="",
    )
    assert isinstance(asked, turnkeep.ApprovalView)
    return asked


@pytest.mark.parametrize(
    "url",
    [
        *("", "memory", "mongodb://user:secret@host/db", "memory:x"),
        *("file:relative", "file://secret/path", "file:///path?secret=1", "file:///a%00b"),
    ],
)
async def test_an_unknown_store_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        async with open_keep(url):
            pass
    assert "secret" not in str(caught.value)
    assert caught.value.what == "store URL"
