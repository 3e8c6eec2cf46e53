"""Mistakes that budgets elsewhere have made, each in the shape in which it was made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.application.budgets.bank import (
    BO,
    DAILY,
    DAY_SECONDS,
    SLOTS,
    TENANT,
    USD,
    USER,
    WORK,
    Bank,
    reason,
    rid,
)
from turnkeep_domain.budgets.ceilings import Ceiling, Limits
from turnkeep_domain.budgets.holds import OnExpiry
from turnkeep_domain.budgets.receipts import Receipt
from turnkeep_domain.budgets.refusals import LimitExceeded


def test_admission_race_at_first_request(bank: Bank) -> None:
    """Two first requests both found no counter, made one each, and both were let in."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(10)}, period=DAILY)
        await bank.clock.advance(DAY_SECONDS)  # nothing was asked for in this window yet
        async with (
            bank.suffering("commit#1: hold x") as (first, one),
            bank.suffering("commit#1: hold x") as (second, other),
        ):
            tasks = [
                asyncio.create_task(bank.ask(id, 6, on=host))
                for id, host in (("a", first), ("b", second))
            ]
            await one.reached("x")
            await other.reached("x")
            one.release("x")
            other.release("x")
            answers = await asyncio.gather(*tasks)
        (denied,) = [answer for answer in answers if not isinstance(answer, Receipt)]
        assert [breach.reserved for breach in reason(denied, LimitExceeded).breaches] == [6]
        assert await bank.figures() == (0, 6)

    bank.run(scenario)


def test_window_reset_that_erases_new_spend(bank: Bank) -> None:
    """A host saw that the window was over, and wrote 0 over what another had just charged."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(10)}, period=DAILY)
        await bank.reserved("old", 9)
        await bank.reconciled("old", 9)
        await bank.clock.advance(DAY_SECONDS)
        async with bank.suffering("commit#1: hold x") as (late, store):
            rolling = asyncio.create_task(bank.ask("a", 3, on=late))
            await store.reached("x")
            await bank.reserved("b", 8)
            await bank.reconciled("b", 8)
            store.release("x")
            reason(await rolling, LimitExceeded)
        assert await bank.figures() == (8, 0)

    bank.run(scenario)


def test_late_reconcile_in_the_wrong_window(bank: Bank) -> None:
    """What was reserved before midnight and reconciled after it was charged to the new day."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(10)}, period=DAILY)
        await bank.clock.advance(DAY_SECONDS - 60)
        await bank.reserved("late", 9)
        await bank.clock.advance(61)
        await bank.reconciled("late", 9)
        assert await bank.figures() == (0, 0)
        await bank.reserved("today", 10)

    bank.run(scenario)


def test_last_write_wins_reset(bank: Bank) -> None:
    """Two operators changed one budget; the last to write undid the other, spend included."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(10)}, period=DAILY)
        await bank.reserved("a", 4)
        await bank.reconciled("a", 4)
        revision = (await bank.record()).limit_revision
        async with bank.suffering("commit#1: hold x") as (host, store):
            limits = Limits.of(DAILY, {USD: Ceiling.of(20)})
            slow = asyncio.create_task(
                host.set_limit(
                    TENANT, limits, by=BO, request_id=rid("slow"), expected_revision=revision
                )
            )
            await store.reached("x")
            await bank.limit({USD: Ceiling.of(5)}, period=DAILY, id="quick")
            await bank.reserved("b", 1)
            store.release("x")
            answer = await slow
        assert getattr(answer, "reason", None).code == "budget.limit_changed"  # type: ignore[union-attr]  # it is refused
        assert await bank.figures() == (4, 1)
        ceiling = (await bank.record()).ceiling(USD)
        assert ceiling is not None
        assert ceiling.max == 5

    bank.run(scenario)


def test_cancelled_stream_that_leaks_its_hold(bank: Bank) -> None:
    """A reader went away in the middle of a stream, and its slot was never given back."""

    async def scenario() -> None:
        await bank.limit({SLOTS: Ceiling.of(1), USD: Ceiling.of(100)})

        async def stream() -> AsyncIterator[int]:
            async with bank.budgets.hold(
                WORK, id=rid("s"), estimate={SLOTS: 1, USD: 50}, owner="w"
            ) as held:
                while True:
                    held.use({USD: 2})
                    yield 2
                    await bank.clock.sleep(1)

        async def read() -> None:
            async for _ in stream():
                await bank.clock.sleep(0)

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3.5):
                await read()
        assert await bank.figures() == (8, 0)
        await bank.reserved("next", 0, slots=1)

    bank.run(scenario)


@pytest.mark.parametrize("on_expiry", list(OnExpiry))
def test_over_enforcement_by_double_counting(bank: Bank, on_expiry: OnExpiry) -> None:
    """What was held and then charged was counted as both, and work within its budget was denied."""

    async def scenario() -> None:
        await bank.reserved("before", 4, on_expiry=on_expiry)
        await bank.limit({USD: Ceiling.of(10)})
        await bank.limit({USD: Ceiling.of(10)}, USER, id="l2")
        await bank.reserved("a", 6, on_expiry=on_expiry)
        await bank.reconciled("before", 4)
        await bank.reconciled("a", 3)
        for account in (TENANT, USER):
            assert await bank.figures(account) == (7, 0)
        await bank.reserved("b", 3, on_expiry=on_expiry)
        reason(await bank.ask("c", 1), LimitExceeded)

    bank.run(scenario)
