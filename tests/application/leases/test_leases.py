"""Leases: one holder at a time, on every store, whatever is lost on the way."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.application.worlds import SCOPE, STORES, World, rid
from turnkeep import (
    Held,
    InvalidValue,
    LeaseSettings,
    NotHolder,
    OutcomeUnknown,
    Pacing,
    Refused,
    RequestIdReused,
    Scope,
    Settings,
    Tenancy,
    TenureExpired,
    TenureReleased,
)
from turnkeep_adapters.faulty.actions import Operation
from turnkeep_adapters.faulty.store import FaultyRecordStore
from turnkeep_application.leases import Leases
from turnkeep_application.records import Records
from turnkeep_application.update_loop import UpdateLoop
from turnkeep_domain.decisions import Changed, Decision
from turnkeep_domain.keys import key
from turnkeep_domain.leases.lease import LEASES, Lease, LeaseName


def made(faulty: FaultyRecordStore) -> int:
    """How many commits were made."""
    return sum(call.operation is Operation.COMMIT for call in faulty.calls)


async def acquired(leases: Leases, holder: str = "one", id: str = "r1") -> Tenancy:
    answer = await leases.acquire(SCOPE, "db", holder=holder, request_id=rid(id))
    assert isinstance(answer, Tenancy)
    return answer


def test_of_many_concurrent_acquirers_one_wins(world: World) -> None:
    """1."""

    async def scenario() -> None:
        answers = await asyncio.gather(
            *(
                (world.keep, world.rival)[number % 2].leases.acquire(
                    SCOPE, "db", holder=f"h{number}", request_id=rid(f"r{number}")
                )
                for number in range(24)
            )
        )
        winners = [answer for answer in answers if isinstance(answer, Tenancy)]
        assert [winner.fence for winner in winners] == [1]
        losers = {type(answer.reason) for answer in answers if isinstance(answer, Refused)}
        assert losers == {Held}
        assert await world.kinds() == ["lease.acquired"]

    world.run(scenario)


def test_every_fence_is_above_all_before(world: World) -> None:
    """2."""

    async def scenario() -> None:
        for number in range(1, 6):
            tenancy = await acquired(world.keep.leases, f"h{number}", f"r{number}")
            assert tenancy.fence == number
            if number % 2:
                await world.rival.leases.release(SCOPE, "db", holder=f"h{number}", fence=number)
            else:
                await world.let_pass_until(tenancy.until)

    world.run(scenario)


def test_a_late_renewal_is_refused_before_any_sweep_and_stored_once(world: World) -> None:
    """3, 8, 9."""

    async def scenario() -> None:
        leases = world.keep.leases
        tenancy = await acquired(leases)
        await world.let_pass_until(tenancy.until - timedelta(microseconds=1))
        assert not (await world.rival.leases.get(SCOPE, "db")).vacant
        await world.let_pass_until(tenancy.until)
        assert (await world.rival.leases.get(SCOPE, "db")).vacant
        for _ in range(3):
            late = await leases.renew(SCOPE, "db", holder="one", fence=1)
            assert late == Refused(TenureExpired(1))
        assert await world.kinds() == ["lease.acquired", "lease.lapsed"]
        before = await world.snapshot()
        await world.rival.leases.expire(SCOPE, "db")
        assert await world.rival.leases.sweep() == 0
        assert await world.snapshot() == before

    world.run(scenario)


def test_a_renewal_never_shortens(world: World) -> None:
    """4."""

    async def scenario() -> None:
        leases = world.keep.leases
        tenancy = await acquired(leases)
        before = await world.snapshot()
        short = await leases.renew(SCOPE, "db", holder="one", fence=1, ttl_seconds=20)
        assert short == tenancy
        assert await world.snapshot() == before
        await world.clock.advance(30)
        longer = await world.rival.leases.renew(SCOPE, "db", holder="one", fence=1)
        assert isinstance(longer, Tenancy)
        assert longer.until == world.in_seconds(60)
        assert await world.kinds() == ["lease.acquired"]

    world.run(scenario)


def test_repeats_keep_their_answers_after_others_held(world: World) -> None:
    """5, 6."""

    async def scenario() -> None:
        one, two = world.keep.leases, world.rival.leases
        first = await acquired(one)
        assert await one.acquire(SCOPE, "db", holder="one", request_id=rid("r9")) == Refused(
            Held("one", first.until)
        )
        released = await one.release(SCOPE, "db", holder="one", fence=1)
        assert released == TenureReleased(fence=1)
        await acquired(two, "two", "r2")
        before = await world.snapshot()
        assert await acquired(two, "one", "r1") == first
        assert await two.release(SCOPE, "db", holder="one", fence=1) == released
        reused = await two.acquire(SCOPE, "db", holder="eve", request_id=rid("r1"))
        assert reused == Refused(RequestIdReused(rid("r1")))
        assert await two.renew(SCOPE, "db", holder="one", fence=2) == Refused(NotHolder(2))
        assert await world.snapshot() == before

    world.run(scenario)


@pytest.mark.parametrize("fault", ["lose-after", "lose-before", "land-late 1", "stale", "busy"])
def test_a_lost_acknowledgement_acquires_once(world: World, fault: str) -> None:
    async def scenario() -> None:
        async with world.suffering(f"commit#1: {fault}") as (keep, _):
            tenancy = await acquired(keep.leases)
        assert tenancy.fence == 1
        assert await world.kinds() == ["lease.acquired"]

    world.run(scenario)


def test_a_renewal_that_was_paused_past_the_deadline_is_late(world: World) -> None:
    """3: what stands on a tenure is judged once more inside the write."""

    async def scenario() -> None:
        tenancy = await acquired(world.keep.leases)
        await world.let_pass_until(tenancy.until - timedelta(seconds=1))
        async with world.suffering("commit#1: hold slow") as (keep, faulty):
            renewing = asyncio.create_task(keep.leases.renew(SCOPE, "db", holder="one", fence=1))
            await faulty.reached("slow")
            await world.let_pass_until(tenancy.until)
            faulty.release("slow")
            assert await renewing == Refused(TenureExpired(1))
        assert await world.kinds() == ["lease.acquired", "lease.lapsed"]

    world.run(scenario)


def relying(world: World, fence: int) -> tuple[list[Any], Any]:
    """A command of a host's own that relies on a tenure, and writes a record elsewhere."""
    guard = key(LEASES, SCOPE, "db")
    target = key(LEASES, SCOPE, "elsewhere")

    def decide(records: Records, now: Any) -> Decision[Records, str, str]:
        lease = records[guard]
        if lease is None or not lease.guards(fence=fence, now=now):
            return Refused("lost")
        written = Lease.unseen(SCOPE, LeaseName("elsewhere")) if records[target] is None else None
        assert written is not None
        until = lease.guarded_until(fence=fence, now=now)
        return Changed(records.put(target, written), "written", (), until)

    return [guard, target], decide


@pytest.mark.parametrize("first", ["steal", "write"])
def test_a_steal_and_a_guarded_write_never_both_win(world: World, first: str) -> None:
    """7."""

    async def scenario() -> None:
        tenancy = await acquired(world.keep.leases)
        await world.let_pass_until(tenancy.until - timedelta(seconds=1))
        async with world.suffering("commit#1: hold slow") as (keep, faulty):
            keys, decide = relying(world, 1)
            updates = keep.leases.updates
            assert isinstance(updates, UpdateLoop)
            writing: asyncio.Task[object] = asyncio.create_task(updates.update(keys, decide))
            await faulty.reached("slow")
            if first == "steal":
                await world.let_pass_until(tenancy.until)
                stolen = await acquired(world.rival.leases, "two", "r2")
                assert stolen.fence == 2
            faulty.release("slow")
            answer = await writing
        assert answer == ("written" if first == "write" else Refused("lost"))
        cells = {cell.address.id for cell in await world.cells()}
        assert ("elsewhere" in cells) == (first == "write")

    world.run(scenario)


def test_a_guarded_write_is_late_though_nobody_stole(world: World) -> None:
    """7, 8: the deadline itself ends the right, not the thief."""

    async def scenario() -> None:
        tenancy = await acquired(world.keep.leases)
        await world.let_pass_until(tenancy.until - timedelta(seconds=1))
        async with world.suffering("commit#1: hold slow") as (keep, faulty):
            keys, decide = relying(world, 1)
            update = keep.leases.updates.update
            writing: asyncio.Task[object] = asyncio.create_task(update(keys, decide))
            await faulty.reached("slow")
            await world.let_pass_until(tenancy.until)
            faulty.release("slow")
            assert await writing == Refused("lost")
            assert made(faulty) == 1

    world.run(scenario)


def test_a_settle_that_cannot_be_stored_changes_no_answer(world: World) -> None:
    async def scenario() -> None:
        tenancy = await acquired(world.keep.leases)
        await world.let_pass_until(tenancy.until)
        async with world.suffering("commit#*: fail-before") as (keep, _):
            late = await keep.leases.renew(SCOPE, "db", holder="one", fence=1)
        assert late == Refused(TenureExpired(1))
        assert await world.kinds() == ["lease.acquired"]

    world.run(scenario)


def test_a_doubt_that_stays_open_is_told(world: World) -> None:
    async def scenario() -> None:
        async with world.suffering("commit#*: lose-before") as (keep, _):
            with pytest.raises(OutcomeUnknown):
                await acquired(keep.leases)
        assert (await acquired(world.keep.leases)).fence == 1

    world.run(scenario)


def test_another_scope_and_another_name_are_other_leases(world: World) -> None:
    async def scenario() -> None:
        leases = world.keep.leases
        await acquired(leases)
        for scope, name in ((Scope.of("acme", "bo"), "db"), (SCOPE, "db2")):
            view = await leases.get(scope, name)
            assert (view.vacant, view.fence, view.until) == (True, 0, None)
            other = await leases.acquire(scope, name, holder="two", request_id=rid("r1"))
            assert isinstance(other, Tenancy)

    world.run(scenario)


def test_a_sweep_notes_what_is_over_and_nothing_that_lives(world: World) -> None:
    async def scenario() -> None:
        leases = world.keep.leases
        for number in range(3):
            await leases.acquire(SCOPE, f"n{number}", holder="h", request_id=rid("r"))
        await world.clock.advance(30)
        await leases.acquire(SCOPE, "young", holder="h", request_id=rid("r"))
        await world.clock.advance(30)
        assert await leases.sweep(limit=2) == 2
        assert await leases.sweep() == 1
        assert await leases.sweep() == 0
        assert (await world.kinds()).count("lease.lapsed") == 3
        assert not (await leases.get(SCOPE, "young")).vacant

    world.run(scenario)


async def test_a_wrong_value_is_refused_before_anything_is_read() -> None:
    leases = World(STORES["memory"]).keep.leases  # its store was never opened
    good: dict[str, Any] = {"holder": "h", "request_id": rid("r")}
    bad: list[dict[str, Any]] = [
        {"scope": None},
        {"name": ""},
        {"name": 5},
        {"holder": " h"},
        {"request_id": ""},
        {"ttl_seconds": 15},
        {"ttl_seconds": 3_601},
        {"ttl_seconds": "60"},
        {"ttl_seconds": float("nan")},
    ]
    for change in bad:
        arguments = {"scope": SCOPE, "name": "db", **good, **change}
        scope, name = arguments.pop("scope"), arguments.pop("name")
        with pytest.raises(InvalidValue):
            await leases.acquire(scope, name, **arguments)
    for fence in (0, True, "1", 1 << 63):
        with pytest.raises(InvalidValue):
            await leases.renew(SCOPE, "db", holder="h", fence=fence)  # type: ignore[arg-type]  # on purpose
        with pytest.raises(InvalidValue):
            await leases.release(SCOPE, "db", holder="h", fence=fence)  # type: ignore[arg-type]  # on purpose


def test_a_tenure_outlasts_an_update_or_the_keep_is_not_wired() -> None:
    with pytest.raises(InvalidValue):
        World(STORES["memory"], Settings(leases=LeaseSettings(ttl_seconds=15)))
    World(
        STORES["memory"],
        Settings(leases=LeaseSettings(ttl_seconds=15), pacing=Pacing(deadline_seconds=5)),
    )
