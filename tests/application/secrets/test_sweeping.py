"""Sweeping: what has ended is tidied in its time, and nothing that lives is touched."""

from __future__ import annotations

import asyncio

import pytest

from tests.application.credentials.accounts import Accounts, session_id
from tests.application.secrets.vaults import MATERIAL, OTHER, OWNER
from tests.application.worlds import SCOPE, STORES, rid
from turnkeep import LeaseRef, Scope, SecretLeaseUnknown, SecretsSwept, SessionUnknown, Unreadable
from turnkeep_domain.keys import Address

HOUR = 3_600.0
DAY = 24 * HOUR


@pytest.fixture(params=STORES)
def world(request: pytest.FixtureRequest) -> Accounts:
    return Accounts(STORES[request.param])


async def count(world: Accounts, collection: str) -> int:
    return sum(cell.address.collection == collection for cell in await world.cells())


def test_no_sweep_removes_a_live_record(world: Accounts) -> None:
    """55."""

    async def scenario() -> None:
        await world.furnished()
        ref = await world.lent(ttl_seconds=HOUR, uses_max=2)
        await world.opened(ttl_seconds=DAY)
        await world.consume(ref, "u1")
        await world.keep.secrets.begin()
        before = await world.snapshot()
        for _ in range(3):
            assert await world.keep.secrets.sweep() == SecretsSwept()
            await world.clock.advance(HOUR / 4)
        assert await world.snapshot() == before
        assert await world.consume(ref, "u2") == b"material-of-api"
        assert await world.use() == {"api": b"material-of-api"}

    world.run(scenario)


def test_ends_are_noted_once_and_free_the_roll(world: Accounts) -> None:
    """20, 35."""

    async def scenario() -> None:
        await world.furnished()
        await world.lent(ttl_seconds=10)
        await world.opened(ttl_seconds=10)
        live = await world.lent(id="i2", ttl_seconds=60)
        await world.clock.advance(10)
        before = await world.snapshot()
        assert await world.keep.secrets.sweep(dry_run=True) == SecretsSwept(expired=2)
        assert await world.snapshot() == before
        assert await world.keep.secrets.sweep() == SecretsSwept(expired=2)
        after = await world.snapshot()
        assert await world.rival.secrets.sweep() == SecretsSwept()
        assert await world.snapshot() == after
        kinds = await world.kinds()
        assert kinds.count("secret_lease.ended") == 1
        assert kinds.count("credential_session.ended") == 1
        roll = (await world.cell("lease_roll")).entry.body
        assert roll.count(live.id.encode()) == 2  # its entry, and its issue
        assert b'"sessions":[]' in roll

    world.run(scenario)


def test_a_day_after_its_end_a_tombstone_is_left_and_a_month_later_none(world: Accounts) -> None:
    async def scenario() -> None:
        await world.furnished()
        ref = await world.lent()
        await world.opened(uses_max=1)
        assert await world.consume(ref) == b"material-of-api"
        await world.use()
        sweep = world.keep.secrets.sweep
        await world.clock.advance(DAY - 1)
        assert await sweep() == SecretsSwept()
        await world.clock.advance(1)
        assert await sweep(dry_run=True) == SecretsSwept(tombstones=2)
        assert await sweep() == SecretsSwept(tombstones=2)
        assert await world.consume(ref) == SecretLeaseUnknown()
        assert await world.use() == SessionUnknown()
        assert (await world.keep.secrets.leases(SCOPE)).leases == ()
        assert await world.keep.credentials.peek(SCOPE, session_id()) is None
        await world.clock.advance(30 * DAY)
        swept = await sweep()
        assert swept == SecretsSwept(forgotten=2)  # the lease, and the empty roll
        assert await count(world, "secret_lease") == 0
        assert await count(world, "lease_roll") == 0
        # A bearer chose its id, so it stays spent.
        assert await count(world, "credential_session") == 1
        assert await sweep() == SecretsSwept()

    world.run(scenario)


def test_many_are_swept_in_commits_of_bounded_size(world: Accounts) -> None:
    async def scenario() -> None:
        await world.furnished()
        for number in range(80):
            thread = Scope.of("acme", "ada", agent="scout", project="site", thread=f"t{number}")
            await world.lent(scope=thread, ttl_seconds=10)
        await world.clock.advance(10)
        assert await world.keep.secrets.sweep() == SecretsSwept(expired=80)
        assert (await world.kinds()).count("secret_lease.ended") == 80

    world.run(scenario)


def test_an_unreadable_record_is_left_and_hides_no_other(world: Accounts) -> None:
    """14."""

    async def scenario() -> None:
        await world.furnished()
        refs = [await world.lent(id=f"i{n}", ttl_seconds=10 + n) for n in range(3)]
        cell = await world.cell("secret_lease", refs[1].id)
        body = cell.entry.body.replace(b'"uses_max":1', b'"uses_max":9')
        await world.write(cell.address, body, cell)
        await world.clock.advance(20)
        lost = Unreadable(Address("secret_lease", SCOPE, refs[1].id), "tampered")
        assert await world.keep.secrets.sweep() == SecretsSwept(expired=2, unreadable=(lost,))
        assert await world.keep.secrets.sweep() == SecretsSwept(unreadable=(lost,))

    world.run(scenario)


def test_a_sweep_races_with_borrowers_and_loses_nothing(world: Accounts) -> None:
    async def scenario() -> None:
        await world.kept()
        refs = [await world.lent(id=f"i{n}", ttl_seconds=10) for n in range(12)]
        await world.clock.advance(9)
        answers = await asyncio.gather(
            *(world.consume(ref) for ref in refs[:6]),
            world.rival.secrets.sweep(),
            world.put(OTHER, expected=1, id="p2"),
            *(world.rival.secrets.revoke(ref, request_id=rid("r")) for ref in refs[6:]),
        )
        assert set(map(str, answers[:6])) <= {
            str(MATERIAL),
            "SecretLeaseRevoked(cause=<RevokeCause.SUPERSEDED: 'superseded'>)",
        }
        await world.clock.advance(1)
        swept = await world.keep.secrets.sweep()
        kinds = await world.kinds()
        assert kinds.count("secret_lease.ended") == 12
        assert swept.unreadable == ()
        assert isinstance(await world.issue(id="new"), LeaseRef)

    world.run(scenario)


def test_secrets_and_accounts_are_never_swept(world: Accounts) -> None:
    async def scenario() -> None:
        await world.furnished()
        await world.keep.secrets.delete(OWNER, "api", expected=1, request_id=rid("d"))
        await world.clock.advance(400 * DAY)
        assert await world.keep.secrets.sweep() == SecretsSwept()
        assert (await count(world, "secret"), await count(world, "credential_account")) == (2, 1)

    world.run(scenario)
