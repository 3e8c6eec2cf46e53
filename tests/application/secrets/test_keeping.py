"""Keeping: material by generation, put and deleted without a race, told without being opened."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.application.secrets.vaults import MATERIAL, OTHER, OWNER, Vaults
from tests.application.worlds import STORES, World, rid
from turnkeep import (
    ABSENT,
    ANY,
    GenerationMismatch,
    InvalidValue,
    MasterKeyMissing,
    Material,
    Refused,
    RequestIdReused,
    Scope,
    SecretExpired,
    SecretOutcome,
    SecretState,
    Unreadable,
)

LIVE, EXPIRED, DELETED = SecretState.LIVE, SecretState.EXPIRED, SecretState.DELETED


def outcome(state: SecretState, generation: int) -> SecretOutcome:
    return SecretOutcome(state=state, generation=generation)


@pytest.mark.parametrize("expected", [ABSENT, 1])
def test_of_two_puts_that_expect_one_generation_one_wins(world: Vaults, expected: Any) -> None:
    """10."""

    async def scenario() -> None:
        if expected != ABSENT:
            await world.kept(id="first")
        answers = await asyncio.gather(
            *(
                world.put(
                    f"m{number}".encode(),
                    on=(world.keep, world.rival)[number % 2],
                    expected=expected,
                    id=f"p{number}",
                )
                for number in range(12)
            )
        )
        generation = 1 if expected == ABSENT else 2
        assert answers.count(outcome(LIVE, generation)) == 1
        assert answers.count(Refused(GenerationMismatch(generation))) == 11

    world.run(scenario)


def test_delete_then_put_never_repeats_a_generation(world: Vaults) -> None:
    """11."""

    async def scenario() -> None:
        secrets = world.keep.secrets
        seen: list[int] = []
        for number in range(4):
            put = await world.put(expected=ABSENT, id=f"p{number}")
            gone = await secrets.delete(OWNER, "api", expected=ANY, request_id=rid(f"d{number}"))
            assert isinstance(put, SecretOutcome)
            assert isinstance(gone, SecretOutcome)
            seen += [put.generation, gone.generation]
        assert seen == list(range(1, 9))

    world.run(scenario)


def test_a_replayed_put_stores_nothing_and_with_other_material_is_refused(world: Vaults) -> None:
    """12."""

    async def scenario() -> None:
        first = await world.put(id="p1")
        await world.put(OTHER, id="p2")
        await world.rival.secrets.delete(OWNER, "api", expected=2, request_id=rid("d1"))
        before = await world.snapshot()
        assert await world.put(id="p1") == first
        assert await world.put(OTHER, id="p2", on=world.rival) == outcome(LIVE, 2)
        reused = Refused(RequestIdReused(rid("p1")))
        assert await world.put(OTHER, id="p1") == reused
        assert await world.put(id="p1", expected=ABSENT) == reused
        assert await world.put(id="p1", expires_at=world.in_seconds(60)) == reused
        assert await world.put(id="d1") == Refused(RequestIdReused(rid("d1")))
        gone = await world.keep.secrets.delete(OWNER, "api", expected=2, request_id=rid("d1"))
        assert gone == outcome(DELETED, 3)
        again = await world.keep.secrets.delete(OWNER, "api", expected=ANY, request_id=rid("d9"))
        assert again == outcome(DELETED, 3)
        assert await world.snapshot() == before

    world.run(scenario)


def test_what_is_there_must_be_what_was_expected(world: Vaults) -> None:
    async def scenario() -> None:
        secrets = world.keep.secrets
        assert await world.put(expected=1) == Refused(GenerationMismatch(0))
        nothing = await secrets.delete(OWNER, "api", expected=7, request_id=rid("d0"))
        assert nothing == outcome(DELETED, 0)
        await world.kept(id="p1")
        assert await world.put(expected=ABSENT, id="p2") == Refused(GenerationMismatch(1))
        for wrong in (2, ABSENT):
            refused = await secrets.delete(OWNER, "api", expected=wrong, request_id=rid("d1"))
            assert refused == Refused(GenerationMismatch(1))
        assert await world.put(expected=1, id="p3") == outcome(LIVE, 2)
        assert await secrets.delete(OWNER, "api", expected=2, request_id=rid("d2")) == outcome(
            DELETED, 3
        )
        assert await world.put(expected=2, id="p4") == Refused(GenerationMismatch(3))
        assert await world.put(expected=3, id="p5") == outcome(LIVE, 4)

    world.run(scenario)


def test_material_that_is_over_is_not_put_and_one_that_will_be_is_told(world: Vaults) -> None:
    """8, 13."""

    async def scenario() -> None:
        assert await world.put(expires_at=world.now()) == Refused(SecretExpired())
        moment = world.in_seconds(60)
        await world.kept(expires_at=moment)
        for host in (world.keep, world.rival):
            told = await host.secrets.metadata(OWNER, "api")
            assert told is not None
            assert (told.state, told.expires_at, told.generation) == (LIVE, moment, 1)
        await world.let_pass_until(moment)
        before = await world.snapshot()
        for host in (world.keep, world.rival):
            told = await host.secrets.metadata(OWNER, "api")
            assert told is not None
            assert told.state is EXPIRED
        assert await world.snapshot() == before

    world.run(scenario)


def test_metadata_and_listing_agree_with_what_was_done(world: Vaults) -> None:
    """13."""

    async def scenario() -> None:
        secrets = world.keep.secrets
        began = world.now()
        for handle in ("a", "b", "c"):
            await world.kept(handle=handle, expires_at=world.in_seconds(30))
        await world.clock.advance(10)
        await secrets.delete(OWNER, "b", expected=1, request_id=rid("d"))
        await world.put(handle="c", expected=1, id="again")
        await world.clock.advance(20)
        page = await world.rival.secrets.list(OWNER)
        told = [
            (one.handle, one.state, one.generation, (one.updated_at - began).total_seconds())
            for one in page.secrets
        ]
        assert told == [("a", EXPIRED, 1, 0), ("b", DELETED, 2, 10), ("c", LIVE, 2, 10)]
        assert (page.unreadable, page.next) == ((), None)
        assert all(one.created_at == began for one in page.secrets)
        for one in page.secrets:
            assert await secrets.metadata(OWNER, one.handle) == one
        assert await secrets.metadata(OWNER, "none") is None
        other = Scope.of("acme", "bo", agent="scout", project="site")
        assert await secrets.metadata(other, "a") is None
        assert (await secrets.list(other)).secrets == ()

    world.run(scenario)


def test_a_listing_goes_on_where_it_ended(world: Vaults) -> None:
    async def scenario() -> None:
        for number in range(5):
            await world.kept(handle=f"h{number}")
        seen: list[str] = []
        after = None
        while True:
            page = await world.keep.secrets.list(OWNER, after=after, limit=2)
            seen += [one.handle for one in page.secrets]
            after = page.next
            if after is None:
                break
        assert seen == [f"h{number}" for number in range(5)]

    world.run(scenario)


@pytest.mark.parametrize(("harm", "code"), [("body", "corrupt"), ("seal", "tampered")])
def test_a_corrupt_record_hides_no_neighbour(world: Vaults, harm: str, code: str) -> None:
    """14."""

    async def scenario() -> None:
        for handle in ("a", "b", "c"):
            await world.kept(handle=handle)
        cell = await world.cell("secret", "b")
        body = cell.entry.body
        broken = body[:-9] if harm == "body" else body.replace(b'"generation":1', b'"generation":2')
        assert broken != body
        await world.write(cell.address, broken, cell)
        page = await world.keep.secrets.list(OWNER)
        assert [one.handle for one in page.secrets] == ["a", "c"]
        assert page.unreadable == (Unreadable(cell.address, code),)

    world.run(scenario)


@pytest.mark.parametrize("fault", ["lose-after", "lose-before", "land-late 1", "stale"])
def test_a_lost_acknowledgement_puts_once(world: Vaults, fault: str) -> None:
    async def scenario() -> None:
        await world.keep.secrets.begin()
        async with world.suffering(f"commit#2: {fault}") as (keep, _):
            await keep.secrets.begin()
            first = await world.put(on=keep)
            second = await world.put(OTHER, on=keep, expected=1, id="p2")
        assert (first, second) == (outcome(LIVE, 1), outcome(LIVE, 2))
        assert (await world.kinds()).count("secret.put") == 2

    world.run(scenario)


BAD_HANDLES = (
    *("", ".", "..", "-a", "_a", ".a", "a..b", "a.", "A", "a b", "a/b", "a\\b", "ä", "a\n"),
    *("a" * 129, "a\0", " a", None, 5, b"a"),
)


async def test_a_wrong_value_is_refused_before_anything_is_read() -> None:
    """15."""
    secrets = Vaults(STORES["memory"]).keep.secrets  # its store was never opened
    material = Material.of("m")
    good: dict[str, Any] = {
        "owner": OWNER,
        "handle": "h",
        "material": material,
        "expected": ANY,
        "request_id": rid("r"),
        "expires_at": None,
    }
    bad: list[dict[str, Any]] = [
        *({"handle": handle} for handle in BAD_HANDLES),
        *({"owner": owner} for owner in (None, Scope.of("acme", None), Scope.of(None, "ada"))),
        {"owner": Scope.of("acme", "ada", mission="m")},
        {"owner": Scope.of("acme", "ada", thread="t")},
        *({"material": material} for material in (None, b"m", "m", bytearray(b"m"))),
        *({"expected": expected} for expected in (None, 0, -1, True, "any", 1 << 63)),
        {"request_id": ""},
        {"expires_at": 5},
    ]
    for change in bad:
        arguments = {**good, **change}
        owner, handle = arguments.pop("owner"), arguments.pop("handle")
        with pytest.raises(InvalidValue):
            await secrets.put(owner, handle, **arguments)
    for limit in (0, 201, "5", True):
        with pytest.raises(InvalidValue):
            await secrets.list(OWNER, limit=limit)  # type: ignore[arg-type]  # on purpose
    for after in ("", "x", 5):
        with pytest.raises(InvalidValue):
            await secrets.list(OWNER, after=after)  # type: ignore[arg-type]  # on purpose


@pytest.mark.parametrize("size", [0, (64 << 10) + 1])
def test_material_has_a_byte_and_64_kibibytes_at_most(size: int) -> None:
    with pytest.raises(InvalidValue):
        Material.of(bytes(size))


@pytest.mark.parametrize("size", [1, 64 << 10])
def test_material_of_any_size_within_bounds_returns_as_itself(world: Vaults, size: int) -> None:
    async def scenario() -> None:
        material = bytes(number % 251 for number in range(size))
        await world.kept(material)
        assert await world.consume(await world.lent(), on=world.rival) == material

    world.run(scenario)


def test_a_keep_without_keys_serves_everything_but_secrets() -> None:
    world = World(STORES["memory"])

    async def scenario() -> None:
        lease = await world.keep.leases.acquire(OWNER, "x", holder="h", request_id=rid("r"))
        assert lease is not None
        secrets = world.keep.secrets
        calls = (
            secrets.begin,
            lambda: secrets.put(
                OWNER, "h", material=Material.of(MATERIAL), expected=ANY, request_id=rid("r")
            ),
            lambda: secrets.delete(OWNER, "h", expected=ANY, request_id=rid("r")),
            lambda: secrets.issue(OWNER, owner=OWNER, handle="h", request_id=rid("r")),
            secrets.rekey,
            secrets.sweep,
        )
        for call in calls:
            with pytest.raises(MasterKeyMissing) as told:
                await call()
            assert "needs" in str(told.value) or "need" in str(told.value)
        assert await world.kinds() == ["lease.acquired"]

    world.run(scenario)
