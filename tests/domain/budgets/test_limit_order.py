"""Limits: set once, by anybody, without any spend or hold getting lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from tests.domain.budgets.samples import (
    BO,
    DAILY,
    NOON,
    SLOTS,
    TENANT,
    USD,
    admitted,
    after,
    ask,
    closed,
    limited,
    metered,
    order,
    reason_of,
    refusal,
    reserved,
    rid,
    spent,
    used,
)
from turnkeep_domain.budgets.account import Account, LimitsSet
from turnkeep_domain.budgets.bounds import ACCOUNT_MARKS
from turnkeep_domain.budgets.ceilings import Ceiling, Limits
from turnkeep_domain.budgets.dimensions import Dimension
from turnkeep_domain.budgets.events import BudgetLimitChanged
from turnkeep_domain.budgets.periods import Calendar, CalendarUnit, Lifetime, Period, Rolling
from turnkeep_domain.budgets.refusals import (
    AmountOverflow,
    LimitExceeded,
    LimitsInvalid,
    LimitsRevised,
    WindowUnresolvable,
)
from turnkeep_domain.decisions import Changed, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.request_ids import RequestIdReused

DAY = timedelta(days=1)
MONTHLY = Calendar("UTC", CalendarUnit.MONTH)


def limits(max: int, period: Period = DAILY, **thresholds: int) -> Limits:
    return Limits.of(period, {USD: Ceiling.of(max, **thresholds)})


def test_the_first_limits_are_told_and_stamped() -> None:
    decision = order(limits(10)).carried_out(metered(), now=NOON)
    assert isinstance(decision, Changed)
    assert decision.outcome == LimitsSet(1)
    account = decision.state
    assert (account.limits, account.limit_revision, account.epoch) == (limits(10), 1, 1)
    assert [standing.since for standing in account.ceilings or ()] == [1]
    assert decision.events == (
        BudgetLimitChanged(
            address=TENANT.address,
            at=NOON,
            old=None,
            new=limits(10),
            limit_revision=1,
            by=BO,
            request_id=rid("l1"),
        ),
    )


def test_a_repeated_or_equal_order_changes_nothing_and_extends_no_window() -> None:
    """44."""
    account = limited({USD: Ceiling.of(10)}, period=DAILY)
    tomorrow = NOON + DAY
    same = Limits.of(DAILY, {USD: Ceiling.of(10)})
    assert order(same).carried_out(account, now=tomorrow) == Unchanged(LimitsSet(1))
    assert order(same, "l2").carried_out(account, now=tomorrow) == Unchanged(LimitsSet(1))
    changed = after(order(limits(11), "l3").carried_out(account, now=NOON))
    assert order(same).carried_out(changed, now=NOON) == Unchanged(LimitsSet(1)), "a repeat"
    assert reason_of(order(limits(12), "l3").carried_out(changed, now=NOON)) == RequestIdReused(
        rid("l3")
    )


def test_an_expected_revision_guards_the_limits() -> None:
    account = metered()
    seeded = after(order(limits(10), "l1", expected=0).carried_out(account, now=NOON))
    again = order(limits(20), "l2", expected=0).carried_out(seeded, now=NOON)
    assert reason_of(again) == LimitsRevised(0, 1)
    assert isinstance(order(limits(20), "l2", expected=1).carried_out(seeded, now=NOON), Changed)


def test_a_change_of_the_period_carries_what_counted() -> None:
    """45."""
    accounts, held = admitted((limited({USD: Ceiling.of(50)}, period=DAILY),), ask())
    accounts, spending = admitted(accounts, ask({USD: 5}, "r2"))
    accounts, _ = closed(accounts, spending.reconcile(used(4), request_id=rid("c"), now=NOON))
    account = after(order(limits(50, MONTHLY), "l2").carried_out(accounts[0], now=NOON))
    assert (spent(account), reserved(account), account.epoch) == (4, 10, 2)
    (account,), _ = closed((account,), held.reconcile(used(7), request_id=rid("d"), now=NOON))
    assert (spent(account), reserved(account)) == (11, 0), "its window counts as the first"
    later = NOON + 40 * DAY
    rolled = account.rolled(later)
    assert isinstance(rolled, Account)
    assert spent(rolled) == 0


def test_lowering_keeps_holds() -> None:
    """45."""
    accounts, _ = admitted((limited({USD: Ceiling.of(50)}, period=DAILY),), ask({USD: 30}))
    account = after(order(limits(10), "l2").carried_out(accounts[0], now=NOON))
    assert (reserved(account), account.epoch) == (30, 1)
    assert isinstance(refusal((account,), ask({USD: 1}, "r2")), LimitExceeded)


def test_lifting_limits_lets_all_pass_and_goes_on_counting() -> None:
    accounts, held = admitted((limited({USD: Ceiling.of(10)}, period=DAILY),), ask())
    account = after(order(None, "l2").carried_out(accounts[0], now=NOON))
    assert (account.limits, account.limit_revision, account.period) == (None, 2, DAILY)
    accounts, _ = admitted((account,), ask({USD: 10**12}, "r2"))
    (account,), _ = closed(accounts, held.reconcile(used(3), request_id=rid("c"), now=NOON))
    again = after(order(limits(10), "l3").carried_out(account, now=NOON))
    assert (spent(again), again.epoch) == (3, 1)


def test_an_order_rolls_first() -> None:
    accounts, held = admitted((limited({USD: Ceiling.of(10)}, period=DAILY),), ask())
    accounts, _ = closed(accounts, held.reconcile(used(9), request_id=rid("c"), now=NOON))
    account = after(order(limits(10, MONTHLY), "l2").carried_out(accounts[0], now=NOON + DAY))
    assert spent(account) == 0, "what was spent yesterday did not count any more"


def test_warnings_may_be_told_again() -> None:
    accounts, _ = admitted((limited({USD: Ceiling.of(10, warn_bp=1)}, period=DAILY),), ask())
    assert accounts[0].warned == {USD}
    account = after(order(limits(20, warn_bp=1), "l2").carried_out(accounts[0], now=NOON))
    assert account.warned == frozenset()


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (Limits.of(Lifetime(), {USD: Ceiling.of(-1)}), "usd_nano.max"),
        (Limits.of(Lifetime(), {USD: Ceiling.of(2**63)}), "usd_nano.max"),
        (Limits.of(Lifetime(), {USD: Ceiling.of(5, warn_bp=0)}), "usd_nano.warn_bp"),
        (Limits.of(Lifetime(), {USD: Ceiling.of(5, pause_bp=10_001)}), "usd_nano.pause_bp"),
        (Limits.of(Lifetime(), {USD: Ceiling.of(5, warn_bp=9, pause_bp=8)}), "usd_nano.warn_bp"),
        (Limits.of(Lifetime(), {SLOTS: Ceiling.of(5, pause_bp=8)}), "concurrency_slots.pause_bp"),
        (Limits.of(Rolling(60_001), {}), "period.length_ms"),
        (Limits.of(Calendar("Mars/Olympus", CalendarUnit.DAY), {}), "period.tz"),
    ],
)
def test_limits_that_cannot_be_kept_are_refused(wanted: Limits, field: str) -> None:
    assert order(wanted).answered(None) == order(wanted).answered(metered())
    assert reason_of(order(wanted).answered(None)) == LimitsInvalid(field)


def test_limits_hold_for_every_dimension_in_canonical_order() -> None:
    backwards = {dimension: Ceiling.of(1) for dimension in reversed(Dimension)}
    kept = Limits.of(Lifetime(), backwards)
    assert [dimension for dimension, _ in kept.ceilings] == list(Dimension)
    with pytest.raises(InvalidValue):
        Limits(Lifetime(), kept.ceilings[::-1])
    with pytest.raises(InvalidValue):
        Limits(Lifetime(), (("usd_nano", Ceiling.of(1)),))  # type: ignore[arg-type]  # it is tried


def test_limits_of_an_account_whose_zone_is_unknown_wait_for_a_host_that_knows_it() -> None:
    mars = Calendar("Mars/Olympus", CalendarUnit.DAY)
    account = evolve(limited({}, period=DAILY), period=mars)
    assert reason_of(order(limits(1), "l2").carried_out(account, now=NOON)) == WindowUnresolvable(
        TENANT, "Mars/Olympus"
    )


def test_holds_of_passed_windows_that_count_again_may_overflow() -> None:
    accounts, _ = admitted((limited({}, period=DAILY),), ask({USD: 2**63 - 1}, ttl_ms=86_400_000))
    tomorrow = NOON + timedelta(hours=13)
    accounts, _ = admitted(accounts, ask({USD: 5}, "r2"), now=tomorrow)
    decision = order(limits(1, MONTHLY), "l2").carried_out(accounts[0], now=tomorrow)
    assert reason_of(decision) == AmountOverflow(TENANT, USD)


def test_an_account_remembers_sixteen_orders() -> None:
    account = metered()
    for number in range(ACCOUNT_MARKS + 1):
        account = after(order(limits(number + 1), f"l{number}").carried_out(account, now=NOON))
    assert (len(account.marks.entries), account.marks.dropped) == (ACCOUNT_MARKS, 1)
