"""Sweeping and listing: what time has decided is noted in its order, once, and shown as it is."""

from __future__ import annotations

import pytest

from tests.application.budgets.bank import (
    DAY_SECONDS,
    SLOTS,
    TENANT,
    TTL_SECONDS,
    USD,
    WORK,
    Bank,
    rid,
)
from turnkeep_application.budgets.budget_settings import BudgetSettings
from turnkeep_domain.budgets.events import BudgetExpired
from turnkeep_domain.budgets.holds import OnExpiry
from turnkeep_domain.budgets.receipts import Receipt, ReservationStatus
from turnkeep_domain.budgets.reservation import RESERVATION_COLLECTION
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Address
from turnkeep_domain.scope import Scope, ScopePrefix

OWNER = ScopePrefix.owner(WORK)


def test_a_sweep_notes_what_is_due_earliest_first_and_nothing_else(bank: Bank) -> None:
    async def scenario() -> None:
        bank.set(sweep=2)
        await bank.budgets.meter(TENANT)
        for number in range(3):
            await bank.reserved(f"r{number}", 1, ttl_ms=(number + 1) * 1_000)
        await bank.reserved("later", 1)
        await bank.clock.advance(5)
        swept = await bank.budgets.expire_due()
        assert (swept.done, swept.left, swept.more) == (2, 0, True)
        swept = await bank.budgets.expire_due()
        assert (swept.done, swept.left, swept.more) == (1, 0, False)
        ids = [e.address.id for e in await bank.events() if isinstance(e, BudgetExpired)]
        assert ids == ["r0", "r1", "r2"]
        assert len((await bank.record()).holds) == 1
        assert (await bank.budgets.expire_due()).done == 0

    bank.run(scenario)


def test_a_sweep_charges_what_is_to_be_charged(bank: Bank) -> None:
    async def scenario() -> None:
        await bank.budgets.meter(TENANT)
        await bank.reserved("a", 7, slots=1, on_expiry=OnExpiry.CHARGE)
        await bank.reserved("b", 5, slots=1)
        await bank.clock.advance(TTL_SECONDS)
        assert await bank.figures() == (0, 7)
        assert (await bank.budgets.expire_due()).done == 2
        assert await bank.figures() == (7, 0)
        assert await bank.figures(TENANT, SLOTS) == (0, 0)
        events = [event for event in await bank.events() if isinstance(event, BudgetExpired)]
        assert [event.charged[USD] for event in events] == [7, 0]

    bank.run(scenario)


def test_a_damaged_reservation_stops_no_other(bank: Bank) -> None:
    async def scenario() -> None:
        bank.set(sweep=1)
        await bank.reserved("a", 1, ttl_ms=1_000)
        await bank.reserved("b", 1, ttl_ms=2_000)
        cell = await bank.cell(Address(RESERVATION_COLLECTION, WORK, "a"))
        await bank.write(cell, b"{}")
        await bank.clock.advance(5)
        swept = await bank.budgets.expire_due()
        assert (swept.done, swept.left) == (1, 1)
        page = await bank.budgets.reservations(OWNER, status=ReservationStatus.EXPIRED)
        assert [view.receipt.id for view in page.entries] == ["b"]
        listed = await bank.budgets.reservations(OWNER)
        assert [unreadable.code for unreadable in listed.unreadable] == ["corrupt"]

    bank.run(scenario)


def test_active_reservations_are_never_pruned(bank: Bank) -> None:
    async def scenario() -> None:
        bank.set(retention_days=8)
        await bank.reserved("overdue", 1)
        await bank.clock.advance(40 * DAY_SECONDS)
        assert (await bank.budgets.prune()).reservations == 0
        await bank.budgets.expire_due()
        await bank.clock.advance(8 * DAY_SECONDS)
        assert (await bank.budgets.prune()).reservations == 1
        with pytest.raises(ValueError, match="retention_days"):
            BudgetSettings(retention_days=7)

    bank.run(scenario)


def test_an_expired_reservation_is_reconciled_late_until_it_is_pruned(bank: Bank) -> None:
    async def scenario() -> None:
        await bank.budgets.meter(TENANT)
        await bank.reserved("a", 7)
        await bank.clock.advance(TTL_SECONDS)
        await bank.budgets.expire_due()
        await bank.clock.advance(29 * DAY_SECONDS)
        receipt = await bank.budgets.reconcile(WORK, rid("a"), request_id=rid("c"), usage={USD: 5})
        assert isinstance(receipt, Receipt)
        assert await bank.figures() == (5, 0)
        await bank.clock.advance(2 * DAY_SECONDS)
        assert (await bank.budgets.prune()).reservations == 0, "it ended when it was reconciled"

    bank.run(scenario)


def test_reservations_are_listed_by_status_in_pages(bank: Bank) -> None:
    async def scenario() -> None:
        for number in range(7):
            await bank.reserved(f"r{number}", 1, ttl_ms=(number + 1) * 1_000)
            await bank.clock.advance(0.001)
        await bank.reserved("foreign", 1, scope=Scope.of("acme", "bob"))
        await bank.reconciled("r6", 1)
        await bank.clock.advance(2)
        found: list[str] = []
        after: str | None = None
        while True:
            page = await bank.budgets.reservations(OWNER, after=after, limit=2)
            found += [view.receipt.id for view in page.entries]
            after = page.next
            if after is None:
                break
        assert found == ["r2", "r3", "r4", "r5"], "overdue is no longer active"
        closed = await bank.budgets.reservations(OWNER, status=ReservationStatus.RECONCILED)
        assert [view.receipt.id for view in closed.entries] == ["r6"]
        with pytest.raises(InvalidValue):
            await bank.budgets.reservations(OWNER, limit=0)
        with pytest.raises(InvalidValue):
            await bank.budgets.reservations(OWNER, after="nonsense")
        with pytest.raises(InvalidValue):
            await bank.budgets.reservations(ScopePrefix(scope=WORK, depth=1))

    bank.run(scenario)
