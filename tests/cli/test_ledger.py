"""A ledger tells whether anything was begun above a ceiling, from what the log tells alone."""

from datetime import UTC, datetime, timedelta
from typing import Final

from turnkeep import (
    AccountRef,
    Address,
    BudgetExpired,
    BudgetLimitChanged,
    BudgetReconciled,
    BudgetReleased,
    BudgetReserved,
    Ceiling,
    Dimension,
    Level,
    Lifetime,
    Limits,
    OnExpiry,
    Placement,
    Principal,
    RequestId,
    Scope,
    Tally,
    Usage,
    WindowId,
)
from turnkeep_adapters.cli.demo.ledger import Ledger

USD: Final = Dimension.USD_NANO
NOW: Final = datetime(2030, 1, 1, tzinfo=UTC)
WORK: Final = Scope.of("acme", "ada", agent="scout", thread="t1")
WINDOW: Final = WindowId(0, NOW)
PLACED: Final = (Placement(Level.TENANT, WINDOW), Placement(Level.THREAD, WINDOW))
THREAD: Final = AccountRef.thread(WORK)


def limited(account: AccountRef, most: int | None) -> BudgetLimitChanged:
    new = None if most is None else Limits.of(Lifetime(), {USD: Ceiling.of(most)})
    return BudgetLimitChanged(
        address=Address("budget_account", account.scope, account.level.value),
        at=NOW,
        old=None,
        new=new,
        limit_revision=1,
        by=Principal.person("bo"),
        request_id=RequestId("l"),
    )


def reserved(id: str, amount: int, *, seconds: int = 0) -> BudgetReserved:
    at = NOW + timedelta(seconds=seconds)
    return BudgetReserved(
        address=Address("budget_reservation", WORK, id),
        at=at,
        estimate=Tally.of({USD: amount}),
        accounts=PLACED,
        owner="worker",
        deadline=at + timedelta(seconds=60),
        on_expiry=OnExpiry.RELEASE,
        price_version=None,
    )


def reconciled(id: str, amount: int) -> BudgetReconciled:
    return BudgetReconciled(
        address=Address("budget_reservation", WORK, id),
        at=NOW,
        actual=Usage.of({USD: amount}),
        charged=Usage.of({USD: amount}),
        overrun=Usage.nothing(),
        late=False,
        accounts=PLACED,
        request_id=RequestId("c"),
    )


def released(id: str) -> BudgetReleased:
    return BudgetReleased(
        address=Address("budget_reservation", WORK, id),
        at=NOW,
        accounts=PLACED,
        request_id=RequestId("c"),
    )


def passed(*events: object) -> list[str]:
    ledger = Ledger()
    for event in events:
        ledger.take(event)  # type: ignore[arg-type]  # events they are
    return ledger.passed


def test_what_fits_exactly_is_admitted_and_one_more_is_found() -> None:
    first = (limited(THREAD, 10), reserved("r1", 4))
    assert passed(*first, reserved("r2", 6)) == []
    assert passed(*first, reserved("r2", 7)) == ["thread: 11 usd_nano at a ceiling of 10"]


def test_what_was_charged_counts_and_what_was_released_does_not() -> None:
    first = (limited(THREAD, 10), reserved("r1", 8))
    assert passed(*first, released("r1"), reserved("r2", 10)) == []
    assert passed(*first, reconciled("r1", 3), reserved("r2", 7)) == []
    assert passed(*first, reconciled("r1", 4), reserved("r2", 7)) != []


def test_a_charge_at_expiry_counts() -> None:
    expired = BudgetExpired(
        address=Address("budget_reservation", WORK, "r1"),
        at=NOW,
        charged=Usage.of({USD: 8}),
        accounts=PLACED,
    )
    assert passed(limited(THREAD, 10), reserved("r1", 8), expired, reserved("r2", 3)) != []


def test_what_is_overdue_counts_no_more() -> None:
    first = (limited(THREAD, 10), reserved("r1", 8))
    assert passed(*first, reserved("r2", 8, seconds=59)) != []
    assert passed(*first, reserved("r2", 8, seconds=60)) == []


def test_each_account_has_its_own_ceiling_and_the_latest_one() -> None:
    tenant = AccountRef.tenant("acme")
    assert passed(limited(tenant, 5), limited(THREAD, 10), reserved("r1", 6)) != []
    assert passed(limited(tenant, 5), limited(tenant, None), reserved("r1", 6)) == []
    assert passed(limited(tenant, 5), limited(tenant, 6), reserved("r1", 6)) == []
