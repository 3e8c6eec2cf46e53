"""Rings: a wrong key is found at start, keys change under load, a retired one writes nothing."""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import orjson
import pytest
from attrs import evolve

from tests.application.credentials.accounts import DETAILS, Accounts
from tests.application.secrets.vaults import (
    MATERIAL,
    NEW,
    OLD,
    OTHER,
    OWNER,
    STRANGE,
    Vaults,
    keyed,
)
from tests.application.worlds import CODEC, STORES, rid
from turnkeep import (
    ABSENT,
    InvalidValue,
    Keep,
    KeyInUse,
    KeyMismatch,
    KeyRetired,
    LeaseRef,
    MasterKeyAdded,
    MasterKeyRetired,
    Refused,
    Rekeyed,
    RequestIdReused,
    SecretOutcome,
    Tampered,
    Unreadable,
)
from turnkeep_adapters.faulty.script import Script
from turnkeep_application.vault import SEALED_COLLECTIONS
from turnkeep_domain.keys import Address
from turnkeep_domain.secrets.canary import CANARY, Canary
from turnkeep_domain.secrets.secret import SECRETS, Secret
from turnkeep_ports.store import Cell

SEALED = ("secret", "secret_lease", "credential_account", "credential_session")


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Accounts:
    return Accounts(STORES[request.param])


pytestmark = pytest.mark.parametrize("world", STORES, indirect=True)


async def canary(world: Vaults) -> Canary:
    cell = await world.cell("key_canary")
    return CODEC.decode(CANARY.collection, cell.address, cell.entry.body)


def test_a_wrong_key_fails_at_start_and_is_named(world: Accounts) -> None:
    """43."""

    async def scenario() -> None:
        await world.kept()
        before = await world.snapshot()
        for stranger in (world.ring(STRANGE), world.ring(NEW, STRANGE)):
            with pytest.raises(KeyMismatch) as told:
                await stranger.secrets.begin()
            assert told.value.key_id == OLD.id
            # Whoever does not begin is stopped at its first use.
            with pytest.raises(KeyMismatch):
                await world.put(OTHER, on=stranger, id="p2")
            with pytest.raises(KeyMismatch):
                await world.issue(on=stranger)
            with pytest.raises(KeyMismatch):
                await stranger.secrets.metadata(OWNER, "api")
        assert await world.snapshot() == before

    world.run(scenario)


def test_of_first_starts_with_different_keys_one_is_refused(world: Accounts) -> None:
    """44."""

    async def scenario() -> None:
        hosts = [world.ring(OLD), world.ring(STRANGE)]
        answers = await asyncio.gather(
            *(host.secrets.begin() for host in hosts), return_exceptions=True
        )
        assert sorted(map(type, answers), key=str) == sorted([type(None), KeyMismatch], key=str)
        (listed,) = (await canary(world)).keys
        winner = answers.index(None)
        assert listed.key_id == (OLD.id, STRANGE.id)[winner]
        assert await world.kinds() == ["master_key.added"]

    world.run(scenario)


def test_beginning_again_writes_nothing(world: Accounts) -> None:
    async def scenario() -> None:
        for host in (world.keep, world.rival, world.ring(OLD, NEW)):
            await host.secrets.begin()
        assert await world.kinds() == ["master_key.added"]
        await world.ring(NEW, OLD).secrets.begin()
        told = [event.key_id for event in await world.events() if isinstance(event, MasterKeyAdded)]
        assert told == [OLD.id, NEW.id]

    world.run(scenario)


def test_a_canary_that_was_changed_stops_the_start(world: Accounts) -> None:
    """43, 45."""

    async def scenario() -> None:
        await world.keep.secrets.begin()
        cell = await world.cell("key_canary")
        one = (await canary(world)).keys[0]
        harmed = evolve(one, envelope=one.envelope[:-1] + bytes([one.envelope[-1] ^ 1]))
        await world.write(cell.address, CODEC.encode(Canary(keys=(harmed,))), cell)
        with pytest.raises(Tampered):
            await world.ring(OLD).secrets.begin()

    world.run(scenario)


async def furnished(world: Accounts) -> LeaseRef:
    """One record of every sealed kind, tombstones included."""
    await world.furnished()
    await world.put(handle="gone", id="g")
    await world.keep.secrets.delete(OWNER, "gone", expected=1, request_id=rid("d"))
    await world.put_account(id="gone", request="g")
    await world.keep.credentials.delete(OWNER, "gone", expected=1, request_id=rid("d"))
    await world.opened()
    await world.use()
    return await world.lent(uses_max=2)


def flips(body: bytes) -> list[bytes]:
    """Bodies that differ in one field each, and are still records."""
    tree = json.loads(body)
    changed: list[bytes] = []

    def visit(node: Any, put: Any) -> None:
        if isinstance(node, dict):
            for name, value in node.items():
                visit(value, lambda new, name=name, node=node: node.__setitem__(name, new))
        elif isinstance(node, list):
            for place, value in enumerate(node):
                visit(value, lambda new, place=place, node=node: node.__setitem__(place, new))
        else:
            for other in others(node):
                put(other)
                changed.append(orjson.dumps(tree, option=orjson.OPT_SORT_KEYS))
                put(node)

    visit(tree["d"], None)
    return changed


def others(value: Any) -> list[Any]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1]
    if value is None:
        return ["2031-01-01T00:00:00.000000Z", 3]
    if value.startswith("20") and value.endswith("Z"):
        return [value.replace("2030", "2029"), None]
    if len(value) >= 22:
        raw = bytearray(urlsafe_b64decode(value + "=" * (-len(value) % 4)))
        raw[len(raw) // 2] ^= 1
        return [urlsafe_b64encode(raw).rstrip(b"=").decode()]
    return [value + "x", "x" + value[1:]]


def readable(cell: Cell, body: bytes) -> bool:
    """Whether a codec takes it for a record of that place."""
    of = next(one for one in SEALED_COLLECTIONS if one.name == cell.address.collection)
    try:
        CODEC.decode(of, cell.address, body)
    except Exception:  # noqa: BLE001 - whatever the codec refuses is found without a seal
        return False
    return True


async def ask(world: Accounts, host: Keep, ref: LeaseRef, collection: str) -> None:
    """Touches every record of a kind; what is sealed is verified on the way."""
    match collection:
        case "secret":
            for handle in ("api", "refresh", "gone"):
                await host.secrets.metadata(OWNER, handle)
            await world.issue(on=host)
        case "credential_account":
            for id in ("acct", "gone"):
                await host.credentials.get(OWNER, id)
        case "credential_session":
            await world.use("probe", on=host)
        case _:
            await world.consume(ref, "probe", on=host)


def test_any_changed_field_of_a_sealed_record_fails_and_nothing_is_written(
    world: Accounts,
) -> None:
    """45."""

    async def scenario() -> None:
        ref = await furnished(world)
        tried = 0
        for cell in await world.cells():
            if cell.address.collection not in SEALED:
                continue
            bodies = [body for body in flips(cell.entry.body) if readable(cell, body)]
            assert bodies
            for body in bodies:
                await world.write(
                    cell.address, body, await world.cell(cell.address.collection, cell.address.id)
                )
                before = await world.snapshot()
                with pytest.raises((Tampered, KeyMismatch)):
                    await ask(world, world.keep, ref, cell.address.collection)
                assert await world.snapshot() == before
                tried += 1
            harmed = await world.cell(cell.address.collection, cell.address.id)
            await world.write(cell.address, cell.entry.body, harmed)
        assert tried > 100
        for collection in SEALED:
            await ask(world, world.keep, ref, collection)

    if world.make is STORES["memory"]:
        world.run(scenario)
    else:
        world.run(lambda: spot_check(world))


PLACES = {
    "version": 0,
    "algorithm": 1,
    "key id": 2,
    "key id's end": 17,
    "salt": 18,
    "nonce": 50,
    "ciphertext": 62,
    "tag": -16,
    "tag's end": -1,
}


def test_any_class_of_byte_of_a_stored_envelope_fails_as_what_it_is(world: Accounts) -> None:
    """45, 48: `Tampered`, but for the key's id; never plaintext, and nothing is written."""

    async def scenario() -> None:
        await world.kept()
        ref = await world.lent(uses_max=9)
        whole = await world.cell("secret")
        record = CODEC.decode(SECRETS, whole.address, whole.entry.body)
        assert isinstance(record, Secret)
        for name, place in PLACES.items():
            harmed = bytearray(record.envelope)
            harmed[place] ^= 1
            body = CODEC.encode(evolve(record, envelope=bytes(harmed)))
            await world.write(whole.address, body, await world.cell("secret"))
            before = await world.snapshot()
            expected = KeyMismatch if name.startswith("key id") else Tampered
            for host in (world.keep, world.rival):
                with pytest.raises(expected) as told:
                    await world.consume(ref, name, on=host)
                assert type(told.value) is expected
            assert await world.snapshot() == before
        await world.write(whole.address, whole.entry.body, await world.cell("secret"))
        assert await world.consume(ref) == MATERIAL

    world.run(scenario)


async def spot_check(world: Accounts) -> None:
    """On the other stores, one field of each record: bodies are the same everywhere."""
    ref = await furnished(world)
    for cell in await world.cells():
        if cell.address.collection in SEALED:
            body = next(body for body in flips(cell.entry.body) if readable(cell, body))
            await world.write(cell.address, body, cell)
            before = await world.snapshot()
            with pytest.raises((Tampered, KeyMismatch)):
                await ask(world, world.rival, ref, cell.address.collection)
            assert await world.snapshot() == before
            harmed = await world.cell(cell.address.collection, cell.address.id)
            await world.write(cell.address, cell.entry.body, harmed)
    for collection in SEALED:
        await ask(world, world.keep, ref, collection)


def test_cells_swapped_across_scope_and_id_are_tampered(world: Accounts) -> None:
    """47."""

    async def scenario() -> None:
        await world.kept(handle="a")
        await world.kept(OTHER, handle="b", id="p2")
        wide = evolve(OWNER, project=None)
        await world.kept(OTHER, owner=wide, handle="a", id="p3")
        cells = [cell for cell in await world.cells() if cell.address.collection == "secret"]
        secrets = {(cell.address.scope, cell.address.id): cell for cell in cells}
        target = secrets[OWNER, "a"]
        ref = await world.lent(handle="a")
        for source in (secrets[OWNER, "b"], secrets[wide, "a"]):
            # The record says where it belongs; so it is spelt anew for its other place.
            record = CODEC.decode(SEALED_COLLECTIONS[0], source.address, source.entry.body)
            moved = evolve(record, owner=OWNER, handle="a")  # type: ignore[arg-type]  # a handle
            loaded = await world.store.load([target.address], deadline=world.deadline())
            current = loaded.cells[target.address]
            await world.write(target.address, CODEC.encode(moved), current)
            with pytest.raises(Tampered):
                await world.consume(ref)
        loaded = await world.store.load([target.address], deadline=world.deadline())
        await world.write(target.address, target.entry.body, loaded.cells[target.address])
        assert await world.consume(ref) == MATERIAL

    world.run(scenario)


def test_a_missing_key_is_a_mismatch_everywhere_and_hides_no_neighbour(world: Accounts) -> None:
    """14, 48."""

    async def scenario() -> None:
        await world.kept(handle="a")
        both = world.ring(NEW, OLD)
        await world.put(OTHER, on=both, handle="b", id="p2")
        page = await world.keep.secrets.list(OWNER)
        assert [one.handle for one in page.secrets] == ["a"]
        assert page.unreadable == (Unreadable(Address("secret", OWNER, "b"), "key_mismatch"),)
        with pytest.raises(KeyMismatch):
            await world.keep.secrets.metadata(OWNER, "b")
        with pytest.raises(KeyMismatch):
            await world.issue(handle="b")

    world.run(scenario)


async def opens(world: Accounts, host: Keep, number: int) -> None:
    """Every kind of record is of use to a host."""
    ref = await world.issue(on=host, id=f"open{number}")
    assert isinstance(ref, LeaseRef)
    assert await world.consume(ref, on=host) == b"material-of-api"
    assert await world.use(f"open{number}", on=host) == {"api": b"material-of-api"}
    view = await host.credentials.get(OWNER, "acct")
    assert view is not None
    assert view.details == DETAILS


def test_an_interrupted_rekey_resumes_and_everything_opens_throughout(world: Accounts) -> None:
    """26, 49."""

    async def scenario() -> None:
        ref = await furnished(world)
        before = await world.keep.secrets.list(OWNER)
        ready = world.ring(OLD, NEW)
        await ready.secrets.begin()
        changed = world.host(world.store, override=keyed(NEW, OLD))
        await changed.secrets.begin()
        number = 0
        for interruption in range(2, 40, 3):
            async with world.suffering(f"commit#{interruption}: fail-before") as (_, faulty):
                host = world.host(faulty, override=keyed(NEW, OLD))
                # Nothing is tried again here, so that the rekeying ends in the middle.
                rekeying = asyncio.ensure_future(host.secrets.rekey())
                while not rekeying.done():
                    made = sum(call.commit_id is not None for call in faulty.calls)
                    if made >= interruption:
                        rekeying.cancel()
                    await world.clock.sleep(0)
                await asyncio.gather(rekeying, return_exceptions=True)
            for one in (ready, changed):
                await opens(world, one, number)
                number += 1
        done = await changed.secrets.rekey()
        assert done.unreadable == ()
        assert await changed.secrets.rekey() == Rekeyed(records=0, unreadable=())
        alone = [cell for cell in await world.cells() if cell.address.collection in SEALED]
        assert not any(bytes(OLD.id) in _bytes_of(cell) for cell in alone)
        # Generations and times are kept.
        assert await changed.secrets.list(OWNER) == before
        assert await world.consume(ref, "after", on=changed) == b"material-of-api"

    world.run(scenario)


def _bytes_of(cell: Cell) -> bytes:
    """The sealed bytes of a record, one after another."""
    found = b""
    for name in ("seal", "envelope"):
        text = json.loads(cell.entry.body)["d"].get(name)
        if text is not None:
            found += urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return found


def test_a_rekey_under_load_loses_no_lease_and_no_use(world: Accounts) -> None:
    """26, 49."""

    async def scenario() -> None:
        await world.furnished()
        refs = [await world.lent(id=f"i{n}", uses_max=4) for n in range(6)]
        await world.opened(uses_max=40)
        ready, changed = world.ring(OLD, NEW), world.host(world.store, override=keyed(NEW, OLD))
        await ready.secrets.begin()
        await changed.secrets.begin()

        async def consumer(n: int) -> list[object]:
            host = (ready, changed)[n % 2]
            return [await world.consume(refs[n], f"u{use}", on=host) for use in range(4)]

        async def bearer(n: int) -> list[object]:
            host = (ready, changed)[n % 2]
            return [await world.use(f"op{n}-{use}", on=host) for use in range(5)]

        *answers, rekeyed = await asyncio.gather(
            *(consumer(n) for n in range(6)),
            *(bearer(n) for n in range(4)),
            changed.secrets.rekey(),
        )
        assert answers[:6] == [[b"material-of-api"] * 4] * 6
        assert answers[6:] == [[{"api": b"material-of-api"}] * 5] * 4
        assert isinstance(rekeyed, Rekeyed)
        assert rekeyed.unreadable == ()

    world.run(scenario)


def test_an_outdated_ring_cannot_write_under_a_retired_key(world: Accounts) -> None:
    """50."""

    async def scenario() -> None:
        ref = await furnished(world)
        outdated = world.keep
        changed = world.ring(NEW, OLD)
        await changed.secrets.begin()
        ready = world.host(world.store, override=keyed(OLD, NEW))
        await ready.secrets.begin()
        used = await changed.secrets.retire(OLD.id)
        assert isinstance(used, Refused)
        assert isinstance(used.reason, KeyInUse)
        before = await world.snapshot()
        for host in (outdated, ready):
            for call in (
                lambda host=host: world.put(OTHER, on=host, id="late"),
                lambda host=host: world.issue(on=host, id="late"),
                lambda host=host: world.consume(ref, "late", on=host),
                lambda host=host: world.use("late", on=host),
                lambda host=host: world.put_account(on=host, request="late"),
                lambda host=host: world.open(7, on=host),
                lambda host=host: host.secrets.revoke(ref, request_id=rid("late")),
            ):
                with pytest.raises(KeyMismatch):
                    await call()
        assert await world.snapshot() == before
        await changed.secrets.rekey()
        for _ in range(2):
            assert await changed.secrets.retire(OLD.id) == KeyRetired(key_id=OLD.id)
        assert [one.key_id for one in (await canary(world)).keys] == [NEW.id]
        told = [one.key_id for one in await world.events() if isinstance(one, MasterKeyRetired)]
        assert told == [OLD.id]
        # The old key may leave every ring, and cannot come back to write.
        await opens(world, world.ring(NEW), 1)
        with pytest.raises(KeyMismatch):
            await world.ring(OLD).secrets.begin()

    world.run(scenario)


def test_a_commit_on_its_way_loses_against_a_retirement(world: Accounts) -> None:
    """50: the key is retired between the decision and the commit."""

    async def scenario() -> None:
        await world.keep.secrets.begin()
        changed = world.ring(NEW, OLD)
        await changed.secrets.begin()
        async with world.suffering("") as (_, faulty):
            host = world.host(faulty, override=keyed(OLD, NEW))
            await host.secrets.begin()
            faulty.follow(Script.parse("commit#1: hold slow"))
            putting = asyncio.create_task(world.put(on=host, expected=ABSENT))
            await faulty.reached("slow")
            assert await changed.secrets.retire(OLD.id) == KeyRetired(key_id=OLD.id)
            faulty.release("slow")
            with pytest.raises(KeyMismatch):
                await putting
        assert await changed.secrets.metadata(OWNER, "api") is None

    world.run(scenario)


def test_a_replayed_put_is_known_under_the_key_that_told_it(world: Accounts) -> None:
    """12."""

    async def scenario() -> None:
        first = await world.put(id="p1")
        changed = world.ring(NEW, OLD)
        assert await world.put(id="p1", on=changed) == first
        other = await world.put(OTHER, id="p1", on=changed)
        assert isinstance(other, Refused)
        await changed.secrets.rekey()
        await changed.secrets.retire(OLD.id)
        # Without the key nobody can tell a repeat from another request.
        gone = await world.put(id="p1", on=world.ring(NEW))
        assert isinstance(gone, Refused)
        assert gone.reason == RequestIdReused(rid("p1"))

    world.run(scenario)


def test_the_primary_is_not_retired_by_its_own_host(world: Accounts) -> None:
    async def scenario() -> None:
        await world.keep.secrets.begin()
        for wrong in (OLD.id, b"short", "text", None):
            with pytest.raises(InvalidValue):
                await world.keep.secrets.retire(wrong)  # type: ignore[arg-type]  # on purpose
        strange = await world.keep.secrets.retire(STRANGE.id)
        assert strange == KeyRetired(key_id=STRANGE.id)
        assert isinstance(await world.put(), SecretOutcome)

    world.run(scenario)
