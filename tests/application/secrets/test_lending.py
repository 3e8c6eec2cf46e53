"""Lending: material leaves at most once for each counted use, and only once that use is stored."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from attrs import evolve

from tests.application.secrets.vaults import MATERIAL, OTHER, OWNER, Vaults
from tests.application.worlds import SCOPE, STORES, rid
from turnkeep import (
    ANY,
    ConsumedLease,
    ExpiredLease,
    Guard,
    GuardLost,
    Handle,
    InvalidValue,
    LeaseRef,
    OutcomeUnknown,
    QuotaFull,
    Refused,
    RequestIdReused,
    RevokeCause,
    RevokedLease,
    Scope,
    SecretExpired,
    SecretLeaseConsumed,
    SecretLeaseExpired,
    SecretLeaseRevoked,
    SecretLeaseUnknown,
    SecretSettings,
    SecretUnknown,
    Settings,
    Spent,
    Tampered,
    Tenancy,
)
from turnkeep_adapters.faulty.script import Script
from turnkeep_domain.keys import Address
from turnkeep_domain.leases.lease import LEASES
from turnkeep_domain.scope import UserId
from turnkeep_domain.secrets.lease_ref import secret_lease_id

SUPERSEDED = SecretLeaseRevoked(RevokeCause.SUPERSEDED)


def test_of_many_concurrent_consumers_one_gets_the_material(world: Vaults) -> None:
    """16."""

    async def scenario() -> None:
        await world.kept()
        ref = await world.lent()
        hosts = [world.keep, world.rival]
        answers = await asyncio.gather(
            *(world.consume(ref, f"u{number}", on=hosts[number % 2]) for number in range(24))
        )
        assert answers.count(MATERIAL) == 1
        assert answers.count(SecretLeaseConsumed()) == 23

    world.run(scenario)


def test_concurrent_calls_of_one_request_get_the_material_once(world: Vaults) -> None:
    """16, 33."""

    async def scenario() -> None:
        await world.kept()
        ref = await world.lent(uses_max=3)
        hosts = [world.keep, world.rival]
        answers = await asyncio.gather(
            *(world.consume(ref, "same", on=hosts[number % 2]) for number in range(12))
        )
        assert answers.count(MATERIAL) == 1
        assert sum(isinstance(answer, Spent) for answer in answers) == 11

    world.run(scenario)


def test_so_many_uses_deliver_exactly_so_many_times(world: Vaults) -> None:
    """17."""

    async def scenario() -> None:
        await world.kept()
        ref = await world.lent(uses_max=5)
        answers = [await world.consume(ref, f"u{number}") for number in range(7)]
        assert answers == [MATERIAL] * 5 + [SecretLeaseConsumed()] * 2
        kinds = await world.kinds()
        assert kinds.count("secret_lease.used") == 5
        assert kinds.count("secret_lease.ended") == 1

    world.run(scenario)


def test_consuming_a_lease_leaves_the_secret_and_its_other_leases_alone(world: Vaults) -> None:
    """18."""

    async def scenario() -> None:
        await world.kept()
        one, two = await world.lent(id="i1"), await world.lent(id="i2")
        before = await world.cell("secret")
        assert await world.consume(one) == MATERIAL
        assert await world.cell("secret") == before
        assert await world.consume(two) == MATERIAL

    world.run(scenario)


async def nothing_is_lent(world: Vaults, reason: object, **wishes: Any) -> None:
    before = await world.snapshot()
    assert await world.issue(**wishes) == Refused(reason)
    assert await world.snapshot() == before


def test_a_missing_secret_creates_no_lease(world: Vaults) -> None:
    """19, 28."""

    async def scenario() -> None:
        await world.kept()
        await world.kept(handle="gone", id="g")
        await world.keep.secrets.delete(OWNER, "gone", expected=ANY, request_id=rid("d"))
        await nothing_is_lent(world, SecretUnknown(), handle="none")
        await nothing_is_lent(world, SecretUnknown(), handle="gone")
        for other in (
            Scope.of("acme", "bo", agent="scout", project="site"),
            Scope.of("acme", "ada", agent="other", project="site"),
            Scope.of("acme", "ada", agent="scout"),
            Scope.of("acme", "ada", agent="scout", project="other"),
            Scope.of("other", "ada", agent="scout", project="site"),
        ):
            await nothing_is_lent(world, SecretUnknown(), scope=other)
        # Nothing is looked for further up, or further down.
        for owner in (Scope.of("acme", "ada"), Scope.of("acme", "ada", agent="scout")):
            await nothing_is_lent(world, SecretUnknown(), owner=owner)

    world.run(scenario)


def test_an_owner_without_agent_or_project_lends_to_all_of_its_user(world: Vaults) -> None:
    async def scenario() -> None:
        wide = Scope.of("acme", "ada")
        await world.kept(owner=wide)
        ref = await world.lent(owner=wide)
        assert await world.consume(ref) == MATERIAL

    world.run(scenario)


def test_a_repeated_issue_answers_the_same_reference(world: Vaults) -> None:
    async def scenario() -> None:
        await world.kept()
        ref = await world.lent()
        await world.consume(ref)
        await world.put(OTHER, expected=1, id="p2")
        before = await world.snapshot()
        assert await world.issue(on=world.rival) == ref
        reused = Refused(RequestIdReused(rid("issue-1")))
        assert await world.issue(uses_max=2) == reused
        assert await world.issue(ttl_seconds=9) == reused
        assert await world.issue(handle="other") == reused
        assert await world.snapshot() == before

    world.run(scenario)


def test_a_lease_lasts_no_longer_than_its_secret(world: Vaults) -> None:
    async def scenario() -> None:
        await world.kept(expires_at=world.in_seconds(10))
        ref = await world.lent(ttl_seconds=60)
        (view,) = (await world.keep.secrets.leases(SCOPE)).leases
        assert view.deadline == world.in_seconds(10)
        await world.let_pass_until(view.deadline)
        assert await world.consume(ref) == SecretLeaseExpired()
        await nothing_is_lent(world, SecretExpired(), id="i2")

    world.run(scenario)


def test_an_elapsed_lease_is_written_once_and_an_expired_one_never(world: Vaults) -> None:
    """8, 20."""

    async def scenario() -> None:
        await world.kept()
        ref = await world.lent(ttl_seconds=60, uses_max=2)
        await world.clock.advance(59.999_999)
        assert await world.consume(ref, "u1") == MATERIAL
        await world.clock.advance(0.000_001)
        assert await world.consume(ref, "late0") == SecretLeaseExpired()
        before = await world.snapshot()
        for number in (1, 2):
            assert await world.consume(ref, f"late{number}") == SecretLeaseExpired()
        assert await world.snapshot() == before
        assert (await world.kinds()).count("secret_lease.ended") == 1
        # The use that was made keeps its answer.
        assert isinstance(await world.consume(ref, "u1"), Spent)

    world.run(scenario)


def test_a_failed_settle_still_answers_that_the_lease_expired(world: Vaults) -> None:
    """21."""

    async def scenario() -> None:
        await world.kept()
        ref = await world.lent(ttl_seconds=60)
        await world.clock.advance(60)
        for fault in ("fail-before", "lose-before", "lose-after", "stale"):
            async with world.suffering("") as (keep, faulty):
                await keep.secrets.begin()
                faulty.follow(Script.parse(f"commit#*: {fault}"))
                assert await world.consume(ref, on=keep) == SecretLeaseExpired()

    world.run(scenario)


def test_a_late_revoke_reports_how_it_ended_twice(world: Vaults) -> None:
    """22."""

    async def scenario() -> None:
        await world.kept()
        ref = await world.lent()
        assert await world.consume(ref) == MATERIAL
        before = await world.snapshot()
        for id in ("r1", "r1", "r2"):
            ended = await world.rival.secrets.revoke(ref, request_id=rid(id))
            assert ended == ConsumedLease(world.now())
        reused = await world.keep.secrets.revoke(ref, request_id=rid("use-1"))
        assert reused == Refused(RequestIdReused(rid("use-1")))
        assert await world.snapshot() == before

    world.run(scenario)


def test_a_revoked_lease_stays_revoked(world: Vaults) -> None:
    async def scenario() -> None:
        await world.kept()
        ref = await world.lent()
        ended = RevokedLease(at=world.now(), cause=RevokeCause.REQUESTED, request_id=rid("r1"))
        assert await world.keep.secrets.revoke(ref, request_id=rid("r1")) == ended
        assert await world.rival.secrets.revoke(ref, request_id=rid("r2")) == ended
        assert await world.consume(ref) == SecretLeaseRevoked(RevokeCause.REQUESTED)
        assert (await world.kinds()).count("secret_lease.ended") == 1

    world.run(scenario)


def test_an_elapsed_lease_cannot_be_revoked_any_more(world: Vaults) -> None:
    async def scenario() -> None:
        await world.kept()
        ref = await world.lent(ttl_seconds=5)
        await world.clock.advance(5)
        for _ in range(2):
            ended = await world.keep.secrets.revoke(ref, request_id=rid("r1"))
            assert ended == ExpiredLease(world.now())

    world.run(scenario)


def test_of_revoke_and_consume_one_wins(world: Vaults) -> None:
    """23."""

    async def scenario() -> None:
        await world.kept()
        for number in range(8):
            ref = await world.lent(id=f"i{number}")
            consumed, revoked = await asyncio.gather(
                world.consume(ref), world.rival.secrets.revoke(ref, request_id=rid("r"))
            )
            if consumed == MATERIAL:
                assert isinstance(revoked, ConsumedLease)
            else:
                assert consumed == SecretLeaseRevoked(RevokeCause.REQUESTED)
                assert isinstance(revoked, RevokedLease)

    world.run(scenario)


async def held_up(world: Vaults, ref: LeaseRef, meanwhile: Any, *, at: str = "commit#1") -> object:
    """What a consumer gets that is held up just before its commit, while something happens."""
    async with world.suffering("") as (keep, faulty):
        await keep.secrets.begin()
        faulty.follow(Script.parse(f"{at}: hold slow"))
        consuming = asyncio.create_task(world.consume(ref, on=keep))
        await faulty.reached("slow")
        await meanwhile()
        faulty.release("slow")
        return await consuming


def test_a_delete_during_consume_releases_nothing_dead(world: Vaults) -> None:
    """24."""

    async def scenario() -> None:
        await world.kept()
        ref = await world.lent()

        async def delete() -> None:
            await world.keep.secrets.delete(OWNER, "api", expected=ANY, request_id=rid("d"))

        assert await held_up(world, ref, delete) == SUPERSEDED
        assert await world.consume(ref, "u2") == SUPERSEDED

    world.run(scenario)


def test_a_put_during_consume_gives_the_old_value_first_or_a_refusal(world: Vaults) -> None:
    """25."""

    async def scenario() -> None:
        await world.kept()
        ref = await world.lent(id="i1")

        async def put() -> None:
            await world.put(OTHER, expected=1, id="p2")

        assert await held_up(world, ref, put) == SUPERSEDED
        other = await world.lent(id="i2")
        one, two = await asyncio.gather(
            world.consume(other, on=world.rival), world.put(MATERIAL, expected=2, id="p3")
        )
        assert one in (OTHER, SUPERSEDED)
        assert not isinstance(two, Refused)

    world.run(scenario)


async def tenancy(world: Vaults, id: str = "t1") -> Tenancy:
    held = await world.keep.leases.acquire(SCOPE, "run", holder="h", request_id=rid(id))
    assert isinstance(held, Tenancy)
    return held


def guard(fence: int) -> Guard:
    return Guard(Address(LEASES.name, SCOPE, "run"), fence)


@pytest.mark.parametrize("loss", ["release", "steal", "elapse"])
def test_a_lost_guard_stops_consume(world: Vaults, loss: str) -> None:
    """27."""

    async def scenario() -> None:
        await world.kept()
        held = await tenancy(world)
        ref = await world.lent(guard=guard(1), uses_max=3, ttl_seconds=600)
        assert await world.consume(ref, "u1", on=world.rival) == MATERIAL
        match loss:
            case "release":
                await world.keep.leases.release(SCOPE, "run", holder="h", fence=1)
            case "steal":
                await world.let_pass_until(held.until)
                assert (await tenancy(world, "t2")).fence == 2
            case _:
                await world.let_pass_until(held.until)
        lost = SecretLeaseRevoked(RevokeCause.GUARD_LOST)
        assert await world.consume(ref, "u2") == lost
        before = await world.snapshot()
        assert await world.consume(ref, "u3") == lost
        assert isinstance(await world.consume(ref, "u1"), Spent)
        assert await world.snapshot() == before
        await nothing_is_lent(world, GuardLost(), guard=guard(1), id="i2")

    world.run(scenario)


@pytest.mark.parametrize("loss", ["release", "elapse"])
def test_a_guard_that_is_lost_during_consume_stops_it(world: Vaults, loss: str) -> None:
    """7, 27."""

    async def scenario() -> None:
        await world.kept()
        held = await tenancy(world)
        ref = await world.lent(guard=guard(1), ttl_seconds=600)
        await world.clock.advance(55)

        async def lose() -> None:
            if loss == "release":
                await world.keep.leases.release(SCOPE, "run", holder="h", fence=1)
            else:
                await world.let_pass_until(held.until)

        assert await held_up(world, ref, lose) == SecretLeaseRevoked(RevokeCause.GUARD_LOST)

    world.run(scenario)


def test_what_is_unlike_the_reference_looks_absent(world: Vaults) -> None:
    """28."""

    async def scenario() -> None:
        await world.kept()
        await world.kept(handle="other", id="p2")
        await world.kept(owner=Scope.of("acme", "ada"), id="p3")
        await tenancy(world)
        ref = await world.lent()
        guarded = await world.lent(guard=guard(1), id="i2")
        before = await world.snapshot()
        for wrong in (
            evolve(ref, scope=Scope.of("acme", "ada", agent="scout", project="site")),
            evolve(ref, scope=evolve(SCOPE, user=UserId("bo"))),
            evolve(ref, owner=Scope.of("acme", "ada")),
            evolve(ref, handle=Handle("other")),
            evolve(ref, id=secret_lease_id(b"x" * 16)),
            evolve(ref, guard=guarded.guard),
            evolve(guarded, guard=None),
        ):
            assert await world.consume(wrong) == SecretLeaseUnknown()
            revoked = await world.keep.secrets.revoke(wrong, request_id=rid("r"))
            assert revoked == Refused(SecretLeaseUnknown())
        assert await world.snapshot() == before
        assert await world.consume(ref) == MATERIAL

    world.run(scenario)


def test_a_host_that_has_seen_a_lease_before_believes_the_store(world: Vaults) -> None:
    """29."""

    async def scenario() -> None:
        await world.kept()
        ref = await world.lent(uses_max=2)
        assert await world.consume(ref, "u1") == MATERIAL
        assert await world.consume(ref, "u2", on=world.rival) == MATERIAL
        assert await world.consume(ref, "u3") == SecretLeaseConsumed()
        other = await world.lent(id="i2")
        await world.rival.secrets.delete(OWNER, "api", expected=ANY, request_id=rid("d"))
        assert await world.consume(other) == SUPERSEDED

    world.run(scenario)


def test_a_failed_open_leaves_the_lease_active(world: Vaults) -> None:
    """30."""

    async def scenario() -> None:
        await world.kept()
        ref = await world.lent()
        cell = await world.cell("secret")
        body = cell.entry.body
        start = body.index(b'"envelope":"') + 100
        letter = b"A" if body[start : start + 1] != b"A" else b"B"
        await world.write(cell.address, body[:start] + letter + body[start + 1 :], cell)
        before = await world.snapshot()
        with pytest.raises(Tampered):
            await world.consume(ref)
        assert await world.snapshot() == before
        harmed = await world.cell("secret")
        await world.write(cell.address, body, harmed)
        assert await world.consume(ref, "u2") == MATERIAL

    world.run(scenario)


@pytest.mark.parametrize("uses_max", [1, 2])
@pytest.mark.parametrize("fault", ["lose-after", "lose-before", "land-late 1", "land-late 2"])
def test_a_lost_acknowledgement_delivers_exactly_once(
    world: Vaults, fault: str, uses_max: int
) -> None:
    """31."""

    async def scenario() -> None:
        await world.kept()
        ref = await world.lent(uses_max=uses_max)
        async with world.suffering("") as (keep, faulty):
            await keep.secrets.begin()
            faulty.follow(Script.parse(f"commit#1: {fault}"))
            assert await world.consume(ref, on=keep) == MATERIAL
            assert isinstance(await world.consume(ref, on=keep), Spent)
        kinds = await world.kinds()
        assert kinds.count("secret_lease.used") == 1

    world.run(scenario)


def test_a_use_whose_answer_was_lost_is_delivered_though_others_have_used_the_lease_since(
    world: Vaults,
) -> None:
    """31: the receipt names the call that it was counted for."""

    async def scenario() -> None:
        await world.kept()
        ref = await world.lent(uses_max=3)
        async with world.suffering("") as (keep, faulty):
            await keep.secrets.begin()
            faulty.follow(Script.parse("commit#1: lose-after\nload#2: hold slow"))
            consuming = asyncio.create_task(world.consume(ref, "mine", on=keep))
            await faulty.reached("slow")
            assert await world.consume(ref, "theirs") == MATERIAL
            await world.put(OTHER, expected=1, id="p2")
            faulty.release("slow")
            assert await consuming == MATERIAL
            assert isinstance(await world.consume(ref, "mine", on=keep), Spent)
        assert (await world.kinds()).count("secret_lease.used") == 2

    world.run(scenario)


def test_an_acknowledgement_that_stays_lost_is_told_and_the_use_is_spent(world: Vaults) -> None:
    """31, 33."""

    async def scenario() -> None:
        await world.kept()
        ref = await world.lent()
        async with world.suffering("") as (keep, faulty):
            await keep.secrets.begin()
            rules = ["commit#1: lose-after", *(f"load#{n}: fail-before" for n in range(2, 60))]
            faulty.follow(Script.parse("\n".join(rules)))
            with pytest.raises(OutcomeUnknown):
                await world.consume(ref, on=keep)
        assert isinstance(await world.consume(ref), Spent)

    world.run(scenario)


def test_a_commit_that_lands_late_delivers_nothing(world: Vaults) -> None:
    """32: the deadline comes while the commit is on its way."""

    async def scenario() -> None:
        await world.kept()
        ref = await world.lent(ttl_seconds=5)

        async def pass_by() -> None:
            await world.clock.advance(5)

        assert await held_up(world, ref, pass_by) == SecretLeaseExpired()
        assert "secret_lease.used" not in await world.kinds()

    world.run(scenario)


def test_a_repeat_never_returns_material(world: Vaults) -> None:
    """33."""

    async def scenario() -> None:
        await world.kept()
        ref = await world.lent(uses_max=2)
        assert await world.consume(ref, "u1") == MATERIAL
        first = await world.consume(ref, "u1")
        assert isinstance(first, Spent)
        assert (first.receipt.use, first.receipt.request_id) == (1, rid("u1"))
        await world.consume(ref, "u2")
        await world.clock.advance(3_600)
        for host in (world.keep, world.rival):
            assert await world.consume(ref, "u1", on=host) == first

    world.run(scenario)


def test_elapsed_leases_free_the_quota_unswept_and_ended_ones_at_once(world: Vaults) -> None:
    """35."""

    async def scenario() -> None:
        await world.kept()
        small = world.host(world.store, Settings(secrets=SecretSettings(leases_max=3)))
        refs = [
            await world.issue(on=small, id=f"i{n}", ttl_seconds=20 + n, uses_max=1)
            for n in range(3)
        ]
        assert await world.issue(on=small, id="i3") == Refused(QuotaFull(3))
        await world.clock.advance(20)
        assert isinstance(await world.issue(on=small, id="i4"), LeaseRef)
        assert await world.issue(on=small, id="i5") == Refused(QuotaFull(3))
        assert isinstance(refs[1], LeaseRef)
        assert await world.consume(refs[1]) == MATERIAL
        assert isinstance(await world.issue(on=small, id="i6"), LeaseRef)
        # A repeat is answered though the quota is full.
        assert await world.issue(on=small, id="i2", ttl_seconds=22) == refs[2]

    world.run(scenario)


def test_concurrent_issues_never_exceed_the_quota(world: Vaults) -> None:
    """36."""

    async def scenario() -> None:
        await world.kept()
        small = Settings(secrets=SecretSettings(leases_max=4))
        hosts = [world.host(world.store, small), world.host(world.beside, small)]
        answers = await asyncio.gather(
            *(world.issue(on=hosts[n % 2], id=f"i{n}") for n in range(16))
        )
        assert sum(isinstance(answer, LeaseRef) for answer in answers) == 4
        assert answers.count(Refused(QuotaFull(4))) == 12
        page = await world.keep.secrets.leases(SCOPE)
        assert [view.active for view in page.leases] == [True] * 4

    world.run(scenario)


def test_a_listing_shows_effective_states_and_writes_nothing(world: Vaults) -> None:
    async def scenario() -> None:
        await world.kept()
        refs = [await world.lent(id=f"i{n}", ttl_seconds=30 + n) for n in range(4)]
        await world.consume(refs[0])
        await world.keep.secrets.revoke(refs[1], request_id=rid("r"))
        await world.let_pass_until(world.in_seconds(32))
        before = await world.snapshot()
        page = await world.rival.secrets.leases(SCOPE)
        states = {view.ref: view.state for view in page.leases}
        assert states == dict(zip(refs, ["consumed", "revoked", "expired", "active"], strict=True))
        assert await world.snapshot() == before
        other = await world.keep.secrets.leases(Scope.of("acme", "ada"))
        assert other.leases == ()

    world.run(scenario)


async def test_a_wrong_value_is_refused_before_anything_is_read() -> None:
    secrets = Vaults(STORES["memory"]).keep.secrets  # its store was never opened
    good: dict[str, Any] = {
        "scope": SCOPE,
        "owner": OWNER,
        "handle": "h",
        "request_id": rid("r"),
    }
    bad: list[dict[str, Any]] = [
        *({"scope": scope} for scope in (None, Scope.of("acme", None))),
        {"owner": SCOPE},
        {"handle": "A"},
        {"request_id": " "},
        *({"ttl_seconds": ttl} for ttl in (0.5, 3_601, "60", float("nan"))),
        *({"uses_max": uses} for uses in (0, 65, True, "1")),
        *({"guard": guard} for guard in (5, Guard(Address("approval", SCOPE, "x"), 1))),
    ]
    for change in bad:
        arguments = {**good, **change}
        scope = arguments.pop("scope")
        with pytest.raises(InvalidValue):
            await secrets.issue(scope, **arguments)
    for ref in (None, "sl_1"):
        with pytest.raises(InvalidValue):
            await secrets.consume(ref, request_id=rid("r"))  # type: ignore[arg-type]  # on purpose
        with pytest.raises(InvalidValue):
            await secrets.revoke(ref, request_id=rid("r"))  # type: ignore[arg-type]  # on purpose
