"""Holding: the block runs with a reservation or not at all, and leaks none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.application.budgets.bank import (
    SLOTS,
    TENANT,
    USD,
    WORK,
    Bank,
    rid,
)
from turnkeep_adapters.faulty.script import Script
from turnkeep_application.budgets.budget_holding import BudgetHold, NotReserved
from turnkeep_application.budgets.budgets import Budgets
from turnkeep_domain.budgets.ceilings import Ceiling
from turnkeep_domain.budgets.holds import OnExpiry
from turnkeep_domain.budgets.receipts import Receipt, ReservationStatus
from turnkeep_domain.budgets.refusals import LimitExceeded, ReservationClosed
from turnkeep_domain.errors import InvalidValue
from turnkeep_ports.errors import OutcomeUnknown, Unavailable

ESTIMATE = {USD: 10, SLOTS: 1}


async def status(bank: Bank, id: str = "h") -> ReservationStatus:
    view = await bank.budgets.reservation(WORK, rid(id))
    assert view is not None
    return view.receipt.status


def test_known_usage_is_reconciled_at_the_end(bank: Bank) -> None:
    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(10), SLOTS: Ceiling.of(1)})
        async with bank.budgets.hold(WORK, id=rid("h"), estimate=ESTIMATE, owner="w") as held:
            assert await bank.figures() == (0, 10)
            held.use({USD: 3})
            held.use({USD: 1})
            assert isinstance(await held.extend(ttl_ms=3_600_000), Receipt)
        assert await bank.figures() == (4, 0)
        assert isinstance(held.closed, Receipt)
        assert held.closed.status is ReservationStatus.RECONCILED

    bank.run(scenario)


@pytest.mark.parametrize(
    ("on_expiry", "spent", "ends"),
    [
        (OnExpiry.RELEASE, 0, ReservationStatus.RELEASED),
        (OnExpiry.CHARGE, 10, ReservationStatus.RECONCILED),
    ],
)
def test_unknown_usage_does_at_once_what_its_expiry_would(
    bank: Bank, on_expiry: OnExpiry, spent: int, ends: ReservationStatus
) -> None:
    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(10), SLOTS: Ceiling.of(1)})
        with pytest.raises(ZeroDivisionError):
            async with bank.budgets.hold(
                WORK, id=rid("h"), estimate=ESTIMATE, owner="w", on_expiry=on_expiry
            ):
                raise ZeroDivisionError
        assert await bank.figures() == (spent, 0)
        assert await status(bank) is ends

    bank.run(scenario)


def test_without_a_reservation_the_block_does_not_run(bank: Bank) -> None:
    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(5)})
        before = await bank.snapshot()
        with pytest.raises(NotReserved) as caught:
            async with bank.budgets.hold(WORK, id=rid("h"), estimate=ESTIMATE, owner="w"):
                pytest.fail("it ran")
        assert isinstance(caught.value.refused.reason, LimitExceeded)
        assert str(caught.value) == "nothing was reserved: budget.limit_exceeded"
        assert await bank.snapshot() == before

    bank.run(scenario)


def test_a_repeat_of_what_has_ended_does_not_run(bank: Bank) -> None:
    async def scenario() -> None:
        async with bank.budgets.hold(WORK, id=rid("h"), estimate=ESTIMATE, owner="w"):
            pass
        with pytest.raises(NotReserved) as caught:
            async with bank.budgets.hold(WORK, id=rid("h"), estimate=ESTIMATE, owner="w"):
                pytest.fail("it ran")
        assert isinstance(caught.value.refused.reason, ReservationClosed)

    bank.run(scenario)


def test_cancelling_a_stream_leaks_nothing_and_keeps_what_is_known(bank: Bank) -> None:
    """27."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(10), SLOTS: Ceiling.of(1)})
        started = asyncio.Event()

        async def stream(host: Budgets) -> AsyncIterator[int]:
            async with host.hold(WORK, id=rid("h"), estimate=ESTIMATE, owner="w") as held:
                for token in range(1_000):
                    held.use({USD: 1})
                    yield token
                    if token == 2:
                        started.set()
                        await bank.clock.sleep(10_000)

        async def read() -> None:
            async for _ in stream(bank.budgets):
                pass

        reading = asyncio.create_task(read())
        await started.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert await bank.figures() == (3, 0)
        assert await bank.figures(TENANT, SLOTS) == (0, 0)

    bank.run(scenario)


def test_a_second_cancellation_does_not_cut_the_closing_off(bank: Bank) -> None:
    """27."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(10)})
        async with bank.suffering("commit#2: hold closing") as (host, store):

            async def work() -> None:
                async with host.hold(WORK, id=rid("h"), estimate={USD: 10}, owner="w") as held:
                    held.use({USD: 6})
                    await bank.clock.sleep(10_000)

            task = asyncio.create_task(work())
            await bank.clock.settle()
            task.cancel()
            await store.reached("closing")
            for _ in range(3):
                task.cancel()
                await bank.clock.settle()
            assert not task.done()
            store.release("closing")
            with pytest.raises(asyncio.CancelledError):
                await task
        assert await bank.figures() == (6, 0)

    bank.run(scenario)


def test_a_cancellation_while_it_reserves_leaks_nothing(bank: Bank) -> None:
    """27."""

    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(10)})
        async with bank.suffering("commit#1: hold-after entering") as (host, store):

            async def work() -> None:
                async with host.hold(WORK, id=rid("h"), estimate={USD: 10}, owner="w"):
                    pytest.fail("it ran")

            task = asyncio.create_task(work())
            await store.reached("entering")
            task.cancel()
            await bank.clock.settle()
            store.release("entering")
            with pytest.raises(asyncio.CancelledError):
                await task
        assert await bank.figures() == (0, 0)
        assert await status(bank) is ReservationStatus.RELEASED

    bank.run(scenario)


@pytest.mark.parametrize("script", ["commit#2: lose-after", "commit#2: stall"])
def test_a_close_that_is_in_doubt_charges_once(bank: Bank, script: str) -> None:
    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(10)})
        async with (
            bank.suffering(script) as (host, _),
            host.hold(WORK, id=rid("h"), estimate={USD: 10}, owner="w") as held,
        ):
            held.use({USD: 6})
        assert await bank.figures() == (6, 0)
        assert (await bank.kinds()).count("reconciled") == 1

    bank.run(scenario)


def test_the_error_of_the_block_goes_before_that_of_the_closing(bank: Bank) -> None:
    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(10)})
        async with bank.suffering("") as (host, store):
            holds: list[BudgetHold] = []

            async def fail() -> None:
                async with host.hold(WORK, id=rid("h"), estimate={USD: 10}, owner="w") as held:
                    holds.append(held)
                    store.follow(Script.parse("load#*: fail-before"))
                    raise ZeroDivisionError

            with pytest.raises(ZeroDivisionError):
                await fail()
            assert holds[0].closed is None
            with pytest.raises((Unavailable, OutcomeUnknown)):
                async with host.hold(WORK, id=rid("h"), estimate={USD: 10}, owner="w"):
                    pytest.fail("it ran")
        assert await status(bank) is ReservationStatus.ACTIVE, "it ends at its deadline"

    bank.run(scenario)


def test_what_is_no_usage_is_a_mistake_and_is_not_added(bank: Bank) -> None:
    async def scenario() -> None:
        async with bank.budgets.hold(WORK, id=rid("h"), estimate=ESTIMATE, owner="w") as held:
            for bad in ({USD: -1}, {USD: 1.5}, {SLOTS: 1}, {"usd_nano": 1}):
                with pytest.raises(InvalidValue):
                    held.use(bad)  # type: ignore[arg-type]  # that is tried
            assert held.used is None
            held.use({USD: 2**63 - 1})
            with pytest.raises(InvalidValue):
                held.use({USD: 1})

    bank.run(scenario)
