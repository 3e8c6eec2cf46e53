"""Closing: a hold leaves once, and what was used is charged once, whatever races or fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import pytest

from tests.application.budgets.bank import (
    DAILY,
    DAY_SECONDS,
    SLOTS,
    TENANT,
    TTL_SECONDS,
    USD,
    USER,
    WORK,
    Bank,
    reason,
    rid,
)
from turnkeep_application.budgets.budgets import Budgets
from turnkeep_domain.budgets.ceilings import Ceiling
from turnkeep_domain.budgets.events import BudgetReconciled
from turnkeep_domain.budgets.holds import OnExpiry
from turnkeep_domain.budgets.periods import Calendar, CalendarUnit
from turnkeep_domain.budgets.receipts import Receipt, ReservationStatus
from turnkeep_domain.budgets.refusals import (
    AmountOverflow,
    LimitExceeded,
    ReservationClosed,
    ReservationExpired,
    ReservationUnknown,
    TtlInvalid,
)
from turnkeep_domain.request_ids import RequestIdReused
from turnkeep_domain.scope import Scope
from turnkeep_ports.errors import OutcomeUnknown, Unavailable


def test_reconciling_charges_exactly_the_accounts_that_were_frozen(bank: Bank) -> None:
    """22: one that is metered later is not charged."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(100)})
        await bank.reserved()
        await bank.budgets.meter(USER)
        receipt = await bank.reconciled(usd=4)
        assert (receipt.status, receipt.actual and receipt.actual[USD]) == (
            ReservationStatus.RECONCILED,
            4,
        )
        assert await bank.figures(TENANT) == (4, 0)
        assert await bank.figures(USER) == (0, 0)
        assert not (await bank.record()).holds

    bank.run(scenario)


def test_a_repeated_close_returns_the_original_receipt(bank: Bank) -> None:
    """23."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(100)})
        await bank.reserved()
        first = await bank.reconciled(usd=4)
        before = await bank.snapshot()
        assert await bank.reconciled(usd=4) == first
        close = bank.rival.reconcile
        other = await close(WORK, rid("r1"), request_id=rid("x"), usage={USD: 4})
        assert reason(other, ReservationClosed).receipt == first
        reused = await close(WORK, rid("r1"), request_id=rid("r1:done"), usage={USD: 5})
        reason(reused, RequestIdReused)
        released = await bank.budgets.release(WORK, rid("r1"), request_id=rid("y"))
        reason(released, ReservationClosed)
        assert await bank.snapshot() == before

    bank.run(scenario)


def test_nobody_closes_what_is_not_there(bank: Bank) -> None:
    async def scenario() -> None:
        await bank.reserved()
        for scope in (WORK, Scope.of("other", "ada")):
            answer = await bank.budgets.release(scope, rid("none"), request_id=rid("x"))
            assert reason(answer, ReservationUnknown).id == "none"
        foreign = await bank.budgets.release(
            Scope.of("other", "ada"), rid("r1"), request_id=rid("x")
        )
        reason(foreign, ReservationUnknown)
        assert (await bank.kinds()) == ["reserved"]

    bank.run(scenario)


def test_reconcile_racing_release_has_one_winner_and_the_figures_follow(bank: Bank) -> None:
    """24."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(1_000)})
        for number in range(8):
            id = rid(f"r{number}")
            await bank.reserved(id)
            spent, _ = await bank.figures()
            reconciled, released = await asyncio.gather(
                bank.budgets.reconcile(WORK, id, request_id=rid("a"), usage={USD: 4}),
                bank.rival.release(WORK, id, request_id=rid("b")),
            )
            assert isinstance(reconciled, Receipt) != isinstance(released, Receipt)
            charged = 4 if isinstance(reconciled, Receipt) else 0
            assert await bank.figures() == (spent + charged, 0)

    bank.run(scenario)


@pytest.mark.parametrize(
    "script",
    [
        *("commit#1: lose-after", "commit#1: land-late 1", "commit#1: land-late 4"),
        *("commit#1: lose-before", "commit#*: lose-before", "commit#*: lose-after"),
    ],
)
def test_a_reconcile_of_unknown_fate_charges_once_when_it_is_repeated(
    bank: Bank, script: str
) -> None:
    """25."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(100)})
        await bank.reserved()
        async with bank.suffering(script) as (host, _):
            with suppress(OutcomeUnknown, Unavailable):
                await host.reconcile(WORK, rid("r1"), request_id=rid("r1:done"), usage={USD: 4})
            await bank.reconciled(usd=4)
        assert await bank.figures() == (4, 0)
        assert (await bank.kinds()).count("reconciled") == 1

    bank.run(scenario)


def test_an_over_run_is_recorded_in_full_and_blocks_what_comes_after(bank: Bank) -> None:
    """26."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(10)})
        await bank.reserved()
        await bank.reconciled(usd=25)
        assert await bank.figures() == (25, 0)
        reason(await bank.ask("r2", 1), LimitExceeded)
        event = (await bank.events())[-1]
        assert isinstance(event, BudgetReconciled)
        assert event.overrun[USD] == 15

    bank.run(scenario)


def test_a_slot_frees_exactly_at_the_deadline_without_a_sweep(bank: Bank) -> None:
    """28."""

    async def scenario() -> None:
        await bank.limit({SLOTS: Ceiling.of(1)})
        await bank.reserved(usd=0, slots=1)
        await bank.clock.advance(TTL_SECONDS - 0.001)
        reason(await bank.ask("r2", 0, slots=1), LimitExceeded)
        await bank.clock.advance(0.001)
        await bank.reserved("r2", 0, slots=1)
        assert "expired" not in await bank.kinds()

    bank.run(scenario)


def test_extending_holds_on_every_account_and_repeats_as_nothing(bank: Bank) -> None:
    async def scenario() -> None:
        await bank.limit({SLOTS: Ceiling.of(1)})
        await bank.budgets.meter(USER)
        await bank.reserved(usd=0, slots=1)
        before = await bank.snapshot()
        early = await bank.budgets.extend(WORK, rid("r1"), ttl_ms=TTL_SECONDS * 1_000)
        assert isinstance(early, Receipt)
        assert await bank.snapshot() == before, "over half of it remains"
        await bank.clock.advance(TTL_SECONDS / 2)
        longer = await bank.budgets.extend(WORK, rid("r1"), ttl_ms=TTL_SECONDS * 1_000)
        assert isinstance(longer, Receipt)
        assert longer.deadline == bank.clock.utc_now() + timedelta(seconds=TTL_SECONDS)
        for account in (TENANT, USER):
            (hold,) = (await bank.record(account)).holds
            assert hold.deadline == longer.deadline
        assert (await bank.snapshot()).events == before.events
        await bank.clock.advance(TTL_SECONDS * 0.75)
        reason(await bank.ask("r2", 0, slots=1), LimitExceeded)
        await bank.clock.advance(TTL_SECONDS)
        late = await bank.budgets.extend(WORK, rid("r1"), ttl_ms=TTL_SECONDS * 1_000)
        reason(late, ReservationExpired)
        reason(await bank.budgets.extend(WORK, rid("r1"), ttl_ms=1), TtlInvalid)
        unknown = await bank.budgets.extend(WORK, rid("none"), ttl_ms=60_000)
        reason(unknown, ReservationUnknown)

    bank.run(scenario)


def test_extending_cannot_revive_a_hold_that_another_command_dropped(bank: Bank) -> None:
    """29: the process that extends was paused before its commit, past the deadline."""

    async def scenario() -> None:
        await bank.limit({SLOTS: Ceiling.of(1)})
        await bank.reserved(usd=0, slots=1)
        await bank.clock.advance(TTL_SECONDS - 1)
        async with bank.suffering("commit#1: hold paused") as (host, store):
            extending = asyncio.create_task(
                host.extend(WORK, rid("r1"), ttl_ms=TTL_SECONDS * 1_000)
            )
            await store.reached("paused")
            await bank.clock.advance(1)
            await bank.reserved("r2", 0, slots=1)
            store.release("paused")
            reason(await extending, ReservationExpired)
        assert await bank.figures(TENANT, SLOTS) == (0, 1)

    bank.run(scenario)


def test_a_sweep_racing_a_reconcile_charges_once(bank: Bank) -> None:
    """30."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(1_000)})
        for number in range(6):
            id = rid(f"r{number}")
            await bank.reserved(id, on_expiry=OnExpiry.CHARGE)
            await bank.clock.advance(TTL_SECONDS)
            spent, _ = await bank.figures()
            swept, reconciled = await asyncio.gather(
                bank.rival.expire_due(),
                bank.budgets.reconcile(WORK, id, request_id=rid("a"), usage={USD: 14}),
            )
            assert isinstance(reconciled, Receipt)
            assert swept.left == 0
            assert await bank.figures() == (spent + 14, 0)

    bank.run(scenario)


@pytest.mark.parametrize("swept", [True, False], ids=["swept", "unswept"])
def test_a_late_reconcile_charges_the_window_that_it_was_reserved_in(
    bank: Bank, *, swept: bool
) -> None:
    """31: and today's figures stand."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(10)}, period=DAILY)
        await bank.reserved(usd=9)
        await bank.clock.advance(DAY_SECONDS)
        if swept:
            assert (await bank.budgets.expire_due()).done == 1
        await bank.reserved("r2", 10)
        receipt = await bank.reconciled(usd=9)
        assert receipt.status is ReservationStatus.RECONCILED
        assert await bank.figures() == (0, 10)
        again = await bank.budgets.reconcile(
            WORK, rid("r1"), request_id=rid("again"), usage={USD: 1}
        )
        reason(again, ReservationClosed)

    bank.run(scenario)


@pytest.mark.parametrize("swept", [True, False], ids=["swept", "unswept"])
def test_what_is_charged_at_its_expiry_is_charged_the_greater(bank: Bank, *, swept: bool) -> None:
    """32."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(100), SLOTS: Ceiling.of(1)})
        for number, (actual, charged) in enumerate([(4, 10), (17, 17)]):
            id = f"r{number}"
            before, _ = await bank.figures()
            await bank.reserved(id, slots=1, on_expiry=OnExpiry.CHARGE)
            await bank.clock.advance(TTL_SECONDS)
            if swept:
                await bank.budgets.expire_due()
                assert await bank.figures() == (before + 10, 0)
            else:
                assert await bank.figures() == (before, 10), "it keeps its counters"
                assert await bank.figures(TENANT, SLOTS) == (0, 0)
            await bank.reconciled(id, actual)
            assert await bank.figures() == (before + charged, 0)

    bank.run(scenario)


def test_what_was_reserved_yesterday_and_is_reconciled_today_leaves_todays_figures(
    bank: Bank,
) -> None:
    """33: a reconcile in the wrong window would make today's work fail, or tomorrow's pass."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(10)}, period=DAILY)
        await bank.clock.advance(DAY_SECONDS - 60)
        await bank.reserved(usd=9)
        await bank.clock.advance(120)
        await bank.reserved("r2", 7)
        await bank.reconciled("r2", 6)
        await bank.reconciled(usd=9)
        assert await bank.figures() == (6, 0)

    bank.run(scenario)


def test_two_hosts_that_roll_over_together_lose_no_new_spend(bank: Bank) -> None:
    """34: there is no reset that could erase what another has spent in the new window."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(100)}, period=DAILY)
        await bank.reserved(usd=50)
        await bank.reconciled(usd=50)
        await bank.clock.advance(DAY_SECONDS)
        async with (
            bank.suffering("commit#1: hold x") as (one, first),
            bank.suffering("commit#1: hold x") as (other, second),
        ):
            tasks = [
                asyncio.create_task(bank.ask(id, 3, on=host))
                for id, host in (("a", one), ("b", other))
            ]
            await first.reached("x")
            await second.reached("x")
            await bank.reserved("c", 5)
            await bank.reconciled("c", 5)
            first.release("x")
            second.release("x")
            assert all(isinstance(answer, Receipt) for answer in await asyncio.gather(*tasks))
        assert await bank.figures() == (5, 6)

    bank.run(scenario)


def test_a_rollover_racing_a_reconcile_charges_the_reserved_window(bank: Bank) -> None:
    """35."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(100)}, period=DAILY)
        await bank.clock.advance(DAY_SECONDS - 5)
        await bank.reserved(usd=40)
        async with bank.suffering("commit#1: hold x") as (host, store):
            closing = asyncio.create_task(
                host.reconcile(WORK, rid("r1"), request_id=rid("c"), usage={USD: 30})
            )
            await store.reached("x")
            await bank.clock.advance(10)
            await bank.reserved("r2", 8)
            store.release("x")
            assert isinstance(await closing, Receipt)
        assert await bank.figures() == (0, 8)

    bank.run(scenario)


def test_gauges_survive_a_rollover(bank: Bank) -> None:
    """36."""

    async def scenario() -> None:
        await bank.limit({SLOTS: Ceiling.of(1), USD: Ceiling.of(10)}, period=DAILY)
        await bank.clock.advance(DAY_SECONDS - 30)
        await bank.reserved(slots=1)
        await bank.clock.advance(60)
        reason(await bank.ask("r2", 0, slots=1), LimitExceeded)
        await bank.reserved("r3", 10)

    bank.run(scenario)


def test_an_overflow_leaves_the_hold(bank: Bank) -> None:
    async def scenario() -> None:
        await bank.budgets.meter(TENANT)
        await bank.reserved(usd=1)
        await bank.reconciled(usd=2**63 - 20)
        await bank.reserved("r2", 10)
        before = await bank.snapshot()
        answer = await bank.budgets.reconcile(WORK, rid("r2"), request_id=rid("c"), usage={USD: 20})
        assert reason(answer, AmountOverflow) == AmountOverflow(TENANT, USD)
        assert await bank.snapshot() == before
        await bank.reconciled("r2", 19)

    bank.run(scenario)


def test_a_close_does_not_fail_for_a_zone_that_this_host_does_not_know(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        vienna = Calendar("Europe/Vienna", CalendarUnit.DAY)
        await bank.limit({USD: Ceiling.of(10)}, period=vienna)
        await bank.reserved()
        monkeypatch.setattr("turnkeep_domain.budgets.zones._zone", lambda _: None)
        answer = await bank.ask("r2", 1)
        assert getattr(answer, "reason", None).code == "budget.window_unresolvable"  # type: ignore[union-attr]  # it is refused
        await bank.reconciled(usd=7)
        view = await bank.budgets.account(TENANT)
        assert (view[USD].spent, view.is_resolvable) == (7, False)

    bank.run(scenario)


Close = Callable[[Budgets], Awaitable[object]]


@pytest.mark.parametrize(
    "close",
    [
        lambda host: host.reconcile(WORK, rid("r1"), request_id=rid("c"), usage={USD: 4}),
        lambda host: host.release(WORK, rid("r1"), request_id=rid("c")),
    ],
    ids=["reconcile", "release"],
)
def test_a_close_that_lands_past_the_deadline_is_judged_as_late(bank: Bank, close: Close) -> None:
    """A process that is paused between load and commit cannot win late."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(100)})
        await bank.reserved(on_expiry=OnExpiry.CHARGE)
        await bank.clock.advance(TTL_SECONDS - 1)
        async with bank.suffering("commit#1: hold paused") as (host, store):
            closing = asyncio.ensure_future(close(host))
            await store.reached("paused")
            await bank.clock.advance(2)
            store.release("paused")
            assert isinstance(await closing, Receipt)
        assert await bank.figures() == (10, 0), "the greater of estimate and use"

    bank.run(scenario)
