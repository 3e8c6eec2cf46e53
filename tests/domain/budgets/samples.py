"""Samples: accounts, asks and orders as the tests of budgets make them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from turnkeep_domain.budgets.account import Account
from turnkeep_domain.budgets.account_ref import AccountRef
from turnkeep_domain.budgets.ask import Ask
from turnkeep_domain.budgets.cascade import Admission, Cascade
from turnkeep_domain.budgets.ceilings import Ceiling, Limits
from turnkeep_domain.budgets.dimensions import Dimension
from turnkeep_domain.budgets.gate_id import BudgetGateId
from turnkeep_domain.budgets.holds import OnExpiry
from turnkeep_domain.budgets.limit_order import LimitOrder
from turnkeep_domain.budgets.periods import Calendar, CalendarUnit, Lifetime, Period
from turnkeep_domain.budgets.reservation import Closing, Reservation
from turnkeep_domain.budgets.tallies import Usage
from turnkeep_domain.decisions import Changed, Refused
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope

NOON: Final = datetime(2026, 5, 6, 12, tzinfo=UTC)
USD: Final = Dimension.USD_NANO
SLOTS: Final = Dimension.CONCURRENCY_SLOTS
WORK: Final = Scope.of("acme", "ada", agent="scout", project="site", mission="m1", thread="t1")
TENANT: Final = AccountRef.tenant("acme")
USER: Final = AccountRef.user("acme", "ada")
THREAD: Final = AccountRef.thread(WORK)
BO: Final = Principal.person("bo")
GATE: Final = BudgetGateId("g1")
DAILY: Final = Calendar("UTC", CalendarUnit.DAY)
SECOND: Final = timedelta(seconds=1)


def rid(text: str) -> RequestId:
    return RequestId(text)


def order(limits: Limits | None, id: str = "l1", expected: int | None = None) -> LimitOrder:
    return LimitOrder(limits=limits, by=BO, request_id=rid(id), expected_revision=expected)


def metered(ref: AccountRef = TENANT) -> Account:
    return Account.metered(ref, now=NOON)


def limited(
    ceilings: Mapping[Dimension, Ceiling],
    ref: AccountRef = TENANT,
    *,
    period: Period | None = None,
) -> Account:
    """An account with these ceilings, for its lifetime unless a period is named."""
    limits = Limits.of(Lifetime() if period is None else period, ceilings)
    return after(order(limits).carried_out(metered(ref), now=NOON))


def after(decision: object) -> Account:
    assert isinstance(decision, Changed)
    assert isinstance(decision.state, Account)
    return decision.state


def ask(
    estimate: Mapping[Dimension, int] | None = None,
    id: str = "r1",
    *,
    ttl_ms: int = 60_000,
    on_expiry: OnExpiry = OnExpiry.RELEASE,
    scope: Scope = WORK,
) -> Ask:
    made = Ask.of(
        scope,
        id=rid(id),
        estimate={USD: 10} if estimate is None else estimate,
        ttl_ms=ttl_ms,
        owner="w1",
        on_expiry=on_expiry,
        price_version=None,
    )
    assert isinstance(made, Ask)
    return made


def admitted(
    accounts: tuple[Account, ...], wish: Ask, *, now: datetime = NOON
) -> tuple[tuple[Account, ...], Reservation]:
    """What an ask that is granted leaves."""
    decision = Cascade(accounts).admit(wish, now=now, gate_id=GATE)
    assert isinstance(decision, Changed)
    assert isinstance(decision.state, Admission)
    assert decision.state.granted is not None
    return decision.state.accounts, decision.state.granted


def refusal(accounts: tuple[Account, ...], wish: Ask, *, now: datetime = NOON) -> object:
    """Why an ask is not granted."""
    decision = Cascade(accounts).admit(wish, now=now, gate_id=GATE)
    assert not isinstance(decision, Changed)
    return getattr(decision, "reason", None)


def closed(
    accounts: tuple[Account, ...], decision: object, *, now: datetime = NOON
) -> tuple[tuple[Account, ...], Reservation]:
    """What a command that closes a reservation leaves."""
    assert isinstance(decision, Changed)
    assert isinstance(decision.state, Closing)
    freed = Cascade(accounts).closed(decision.state, now=now)
    assert isinstance(freed, tuple)
    return freed, decision.state.reservation


def spent(account: Account, dimension: Dimension = USD) -> int:
    return dict(zip(Dimension, account.spent(), strict=True))[dimension]


def reserved(account: Account, now: datetime = NOON, dimension: Dimension = USD) -> int:
    return dict(zip(Dimension, account.reserved(now), strict=True))[dimension]


def used(amount: int) -> Usage:
    return Usage.of({USD: amount})


def reason_of(decision: object) -> object:
    assert isinstance(decision, Refused)
    return decision.reason
