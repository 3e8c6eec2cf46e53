"""Leaks: a whole scenario, failures included, and nowhere the material or a session's bearer."""

from __future__ import annotations

import asyncio
import base64
import logging
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import psycopg
import pytest
from attrs import define, field
from dependency_injector import providers

from tests.application.credentials.accounts import API, DETAILS, Accounts, session_id
from tests.application.secrets.spellings import spellings
from tests.application.secrets.vaults import NEW, OLD, OWNER, Vaults, keyed
from tests.application.worlds import SCOPE, STORES, rid
from tests.postgres.databases import shared
from turnkeep import (
    ANY,
    Container,
    InvalidValue,
    Keep,
    LeaseRef,
    Material,
    Opened,
    Scope,
    Settings,
    Tampered,
    TurnkeepError,
    Used,
)
from turnkeep_adapters.cipher.aes_gcm import AesGcmCipher
from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.files.store import FilesRecordStore
from turnkeep_adapters.postgres.store import PostgresRecordStore
from turnkeep_adapters.system.clock import SystemClock

PLAIN: Final = b"zq7-plaintext-material-19"
ROTATED: Final = b"zq7-rotated-material-8472"

FORBIDDEN: Final = {
    spelt
    for secret in (
        PLAIN,
        ROTATED,
        b"material-of-refresh",
        DETAILS.label.encode(),
        DETAILS.metadata["note"].encode(),
        session_id().reveal().encode(),
        session_id().reveal()[4:].encode(),
        bytes([1]) * 32,
        OLD.octets(),
        NEW.octets(),
    )
    for spelt in spellings(secret)
}


def found_in(held: bytes) -> set[bytes]:
    return {secret for secret in FORBIDDEN if secret in held}


def frames(trace: TracebackType | None) -> Iterator[str]:
    """What a tool that shows the locals of a traceback would print of our own frames."""
    while trace is not None:
        if "turnkeep_" in trace.tb_frame.f_code.co_filename:
            for name, value in trace.tb_frame.f_locals.items():
                yield f"{name}={value!r}"
                if isinstance(value, bytes | bytearray | memoryview):
                    yield bytes(value).hex()
        trace = trace.tb_next


@define
class Listener:
    """Everything that a host is told and could print."""

    said: list[str] = field(factory=list, repr=False)

    def count(self, *attributes: object) -> None:
        """A telemetry sink: what it is told is what a span would carry."""
        self.said.append(repr(attributes))

    def hears(self, thing: object) -> Any:
        self.said += [repr(thing), str(thing), f"{thing}"]
        return thing

    def suffers(self, error: BaseException) -> None:
        link: BaseException | None = error
        for _ in range(20):
            if link is None:
                break
            self.said += [repr(link), str(link), *traceback.format_exception(link)]
            self.said += frames(link.__traceback__)
            link = link.__cause__ or link.__context__

    async def sees_refused(self, call: Callable[[], Any]) -> None:
        """A host's mistake: it hands over plain bytes, which the error must not repeat."""
        with pytest.raises(InvalidValue) as told:
            await call()
        self.said += [repr(told.value), str(told.value)]

    async def tries(self, call: Callable[[], Any]) -> Any:
        try:
            return self.hears(await call())
        except (TurnkeepError, ValueError, TypeError) as error:
            self.suffers(error)
            return error


async def everything(world: Accounts, listener: Listener) -> None:
    """Every use case, and every kind of failure."""
    await kept(world, listener)
    ref = await listener.tries(lambda: world.issue(uses_max=9))
    assert isinstance(ref, LeaseRef)
    await received(world, listener, ref)
    await mistaken(world, listener)
    await misfortunes(world, listener, ref)
    await looked_after(world, listener)
    listener.hears(world.keep)
    listener.hears(world.keep.secrets.vault.cipher)


async def kept(world: Accounts, listener: Listener) -> None:
    tries, keep = listener.tries, world.keep
    await tries(lambda: world.put(PLAIN, handle="api", id="s1"))
    await tries(lambda: world.put(b"material-of-refresh", handle="refresh", id="s2"))
    await tries(lambda: world.put(ROTATED, handle="api", id="s1"))
    await tries(lambda: world.put(PLAIN, handle="api", id="s3", expected=9))
    await tries(lambda: world.put(PLAIN, handle="BAD", id="s3"))
    await tries(world.put_account)
    await tries(lambda: keep.credentials.get(OWNER, "acct"))
    await tries(lambda: keep.credentials.list(OWNER))
    await tries(world.open)
    await tries(lambda: world.open(uses_max=7))


async def received(world: Accounts, listener: Listener, ref: LeaseRef) -> None:
    keep = world.keep
    for id in ("u1", "u1"):
        answer = await listener.tries(partial(keep.secrets.consume, ref, request_id=rid(id)))
        if isinstance(answer, Opened):
            with answer.material as material:
                listener.hears({"material": material, "all": answer})
                assert material.reveal() == PLAIN
    used = await listener.tries(
        lambda: keep.credentials.use(
            SCOPE,
            session_id(),
            operation_id=rid("o1"),
            method="GET",
            url="https://api.example.com/v1?page=2",
            handles=("api", "refresh"),
        )
    )
    assert isinstance(used, Used)
    listener.hears(used.materials)
    for material in used.materials.values():
        material.wipe()
    await listener.tries(lambda: world.use("o2", url="https://user:pw@api.example.com/v1"))
    await listener.tries(lambda: keep.credentials.peek(SCOPE, session_id()))


async def mistaken(world: Accounts, listener: Listener) -> None:
    secrets, credentials = world.keep.secrets, world.keep.credentials
    wrong: Any = PLAIN
    bearer: Any = session_id().reveal()
    good: dict[str, Any] = {
        "material": Material.of("x"),
        "expected": ANY,
        "request_id": rid("x"),
    }
    for name in good:
        await listener.sees_refused(partial(secrets.put, OWNER, "x", **{**good, name: wrong}))
    await listener.sees_refused(lambda: secrets.put(OWNER, PLAIN.decode().upper(), **good))
    await listener.sees_refused(
        lambda: credentials.open(SCOPE, bearer, owner=OWNER, account="acct")
    )
    await listener.sees_refused(lambda: credentials.peek(SCOPE, bearer))


async def looked_after(world: Accounts, listener: Listener) -> None:
    tries, keep = listener.tries, world.keep
    await tries(lambda: keep.secrets.list(OWNER))
    await tries(lambda: keep.secrets.leases(SCOPE))
    await tries(keep.secrets.sweep)
    await tries(world.ring(NEW).secrets.begin)
    changed = world.ring(NEW, OLD)
    await tries(changed.secrets.rekey)
    await tries(lambda: keep.credentials.close(SCOPE, session_id()))
    await tries(lambda: changed.credentials.revoke(OWNER, "acct", request_id=rid("r")))


async def misfortunes(world: Accounts, listener: Listener, ref: LeaseRef) -> None:
    """Stores that fail in the middle, ciphers that break, records that were changed."""
    scripts = (
        "commit#1: fail-before",
        "commit#1: lose-after",
        "commit#*: lose-before",
        "load#*: fail-before",
        "load in secret: corrupt",
    )
    for number, script in enumerate(scripts):
        async with world.suffering("") as (keep, faulty):
            await keep.secrets.begin()
            faulty.follow(Script.parse(script))
            await struck(world, listener, keep, ref, f"m{number}")
    for failing in ("encrypt", "seal", "codes", "decrypt"):
        broken = world.host(world.store, override=breaking(failing))
        await struck(world, listener, broken, ref, failing)
    cell = await world.cell("secret", "api")
    at = cell.entry.body.index(b'"envelope":"') + 100
    letter = b"A" if cell.entry.body[at : at + 1] != b"A" else b"B"
    await world.write(cell.address, cell.entry.body[:at] + letter + cell.entry.body[at + 1 :], cell)
    error = await listener.tries(lambda: world.keep.secrets.consume(ref, request_id=rid("t")))
    assert isinstance(error, Tampered)
    await world.write(cell.address, cell.entry.body, await world.cell("secret", "api"))


async def struck(world: Accounts, listener: Listener, keep: Keep, ref: LeaseRef, id: str) -> None:
    await listener.tries(partial(keep.secrets.consume, ref, request_id=rid(id)))
    await listener.tries(partial(world.put, ROTATED, on=keep, handle="other", id=id))


def breaking(name: str) -> Callable[[Container], None]:
    """A ring whose cipher fails with material in its hands."""

    class Breaking(AesGcmCipher):
        pass

    def fail(self: object, *arguments: object) -> object:
        raise ValueError("the cipher broke")

    setattr(Breaking, name, fail)
    cipher = Breaking.of([OLD])

    def override(container: Container) -> None:
        container.cipher.override(providers.Object(cipher))

    return override


@pytest.mark.parametrize("name", STORES)
def test_nothing_that_is_told_stored_or_raised_has_a_secret_in_it(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """52, 53."""
    caplog.set_level(logging.DEBUG)
    listener = Listener()

    def override(container: Container) -> None:
        keyed(OLD)(container)
        container.telemetry.override(providers.Object(listener))

    world = Accounts(STORES[name], override=override)

    async def scenario() -> None:
        await everything(world, listener)
        snapshot = await world.snapshot()
        for cell in snapshot.cells:
            assert found_in(cell.entry.body) == set()
            assert found_in(repr(cell).encode()) == set()
        for stored in snapshot.events:
            assert found_in(stored.body + repr(stored).encode()) == set()
        for event in await world.events():
            assert found_in(repr(event).encode()) == set()
            assert b"page=2" not in repr(event).encode()

    world.run(scenario)
    assert found_in("\n".join(listener.said).encode()) == set()
    assert len(listener.said) > 200
    assert found_in(caplog.text.encode()) == set()


def test_such_a_leak_is_seen() -> None:
    for leak in (PLAIN, PLAIN.hex().encode(), base64.b64encode(b"ab" + PLAIN + b"c")):
        assert found_in(b"... " + leak + b" ...")

    listener = Listener()

    def careless() -> None:
        raise ValueError(PLAIN.decode())

    try:
        careless()
    except ValueError as error:
        listener.suffers(error)
    assert found_in("\n".join(listener.said).encode())


def test_no_file_of_a_store_has_a_secret_in_it(tmp_path: Path) -> None:
    """52: segments, checkpoints and temporary files."""
    listener = Listener()
    clock = SystemClock()

    async def scenario() -> None:
        async with FilesRecordStore(
            tmp_path / "store", clock=clock, wall_clock=clock.utc_now
        ) as store:
            await used_for_real(store, listener)

    asyncio.run(scenario())
    files = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert found_in(path.read_bytes()) == set()
        assert found_in(str(path).encode()) == set()


def test_no_row_of_a_database_has_a_secret_in_it() -> None:
    """52: cells, indexes and events, as a dump has them."""
    url = shared()[1].clone(for_good=True)
    listener = Listener()

    async def scenario() -> None:
        async with PostgresRecordStore(url, clock=SystemClock()) as store:
            await used_for_real(store, listener)

    asyncio.run(scenario())
    with psycopg.connect(url) as connection:
        for table in ("cell", "event"):
            rows = connection.execute(f"SELECT * FROM turnkeep.{table}".encode()).fetchall()
            assert rows
            for row in rows:
                for value in row:
                    held = value if isinstance(value, bytes) else str(value).encode()
                    assert found_in(held) == set()


async def used_for_real(store: Any, listener: Listener) -> None:
    """Puts, lends, uses and deletes on a store of real time."""
    container = Container()
    container.settings.override(providers.Object(Settings()))
    container.store.override(providers.Object(store))
    keyed(OLD)(container)
    keep = container.keep()
    wide = Scope.of("acme", "ada")
    with Material.of(PLAIN) as material:
        await keep.secrets.put(wide, "api", material=material, expected=ANY, request_id=rid("1"))
    ref = await keep.secrets.issue(SCOPE, owner=wide, handle="api", request_id=rid("i"))
    assert isinstance(ref, LeaseRef)
    opened = await keep.secrets.consume(ref, request_id=rid("u"))
    assert isinstance(opened, Opened)
    with opened.material as held:
        assert held.reveal() == PLAIN
    await keep.credentials.put(
        wide,
        "acct",
        provider="p",
        handles=("api",),
        targets=(API,),
        details=DETAILS,
        expected=ANY,
        request_id=rid("a"),
    )
    await keep.credentials.open(SCOPE, session_id(), owner=wide, account="acct")
    await keep.credentials.use(
        SCOPE,
        session_id(),
        operation_id=rid("o"),
        method="GET",
        url="https://api.example.com/v1",
        handles=("api",),
    )
    await keep.secrets.delete(wide, "api", expected=ANY, request_id=rid("d"))
    listener.hears(keep)


@pytest.mark.parametrize(
    "script",
    ["", "commit#1: fail-before", "commit#*: lose-before", "commit#1: stale", "commit#1: stall"],
)
def test_what_was_opened_is_wiped_unless_its_use_was_confirmed(
    script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """54: on success, on error, and on cancellation."""
    made: list[Material] = []
    create: Callable[[Material, bytearray], None] = Material.__init__

    def noted(self: Material, buffer: bytearray) -> None:
        create(self, buffer)
        made.append(self)

    world = Vaults(STORES["memory"])

    async def scenario() -> None:
        await world.kept()
        ref = await world.lent(uses_max=9)
        async with world.suffering("") as (keep, faulty):
            await keep.secrets.begin()
            monkeypatch.setattr(Material, "__init__", noted)
            faulty.follow(Script.parse(script))
            consuming = asyncio.create_task(keep.secrets.consume(ref, request_id=rid("u")))
            if script.endswith("stall"):
                await world.clock.advance(1)
                consuming.cancel()
            (answer,) = await asyncio.gather(consuming, return_exceptions=True)
        kept = [answer.material] if isinstance(answer, Opened) else []
        assert made
        assert [one for one in made if not one.wiped] == kept
        for one in kept:
            one.wipe()

    world.run(scenario)
