"""Samples of what budgets store, in every phase, and of what they tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from attrs import evolve

from turnkeep_domain.budgets.account import Account
from turnkeep_domain.budgets.account_ref import AccountRef, Level, cascade
from turnkeep_domain.budgets.ask import Ask
from turnkeep_domain.budgets.cascade import Admission, Cascade
from turnkeep_domain.budgets.ceilings import Ceiling, Limits
from turnkeep_domain.budgets.dimensions import Dimension
from turnkeep_domain.budgets.events import (
    BudgetAdopted,
    BudgetExpired,
    BudgetGateApproved,
    BudgetGateCancelled,
    BudgetGateExpired,
    BudgetGateOpened,
    BudgetLimitChanged,
    BudgetMetered,
    BudgetReconciled,
    BudgetReleased,
    BudgetReserved,
    BudgetWarned,
)
from turnkeep_domain.budgets.figures import Figures
from turnkeep_domain.budgets.gate import GateChange
from turnkeep_domain.budgets.gate_id import BudgetGateId, GateStatus
from turnkeep_domain.budgets.holds import OnExpiry, Placement, WindowId
from turnkeep_domain.budgets.limit_order import LimitOrder
from turnkeep_domain.budgets.periods import Calendar, CalendarUnit, Lifetime, Period, Rolling
from turnkeep_domain.budgets.pruned import PrunedGate, PrunedReservation
from turnkeep_domain.budgets.receipts import ReservationStatus
from turnkeep_domain.budgets.reservation import Closing, Reservation
from turnkeep_domain.budgets.tallies import Tally, Usage
from turnkeep_domain.decisions import Changed, Settled
from turnkeep_domain.events import Event
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope

T0: Final = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
T1: Final = T0 + timedelta(minutes=1)
LATE: Final = T0 + timedelta(minutes=16)
WORK: Final = Scope.of(
    "acme", "zoë", agent="writer", project="apollo", mission="m-7", thread="t/1 ü"
)
BO: Final = Principal.person("bo")
DAILY: Final = Calendar("Europe/Vienna", CalendarUnit.DAY)
HOURLY: Final = Rolling(3_600_000)
GATE: Final = BudgetGateId("g-1")


def ask(id: str = "r-1", usd: int = 95, on_expiry: OnExpiry = OnExpiry.RELEASE) -> Ask:
    return Ask(
        scope=WORK,
        id=RequestId(id),
        estimate=Tally.of({Dimension.USD_NANO: usd, Dimension.CONCURRENCY_SLOTS: 1}),
        ttl_ms=900_000,
        owner="worker 1",
        on_expiry=on_expiry,
        price_version="2026-01",
    )


def limited(period: Period, **thresholds: int) -> Account:
    ceilings = {
        Dimension.USD_NANO: Ceiling.of(100, **thresholds),
        Dimension.CONCURRENCY_SLOTS: Ceiling.of(2),
    }
    account = Account.metered(AccountRef.user("acme", "zoë"), now=T0)
    return ordered(account, Limits.of(period, ceilings))


def ordered(account: Account, limits: Limits) -> Account:
    order = LimitOrder(
        limits=limits,
        by=BO,
        request_id=RequestId(f"l-{account.limit_revision}"),
        expected_revision=None,
    )
    changed = order.carried_out(account, now=T0)
    assert isinstance(changed, Changed)
    return changed.state


def admitted(account: Account, wish: Ask) -> Changed[Admission, object]:
    decision = Cascade((account,)).admit(wish, now=T0, gate_id=GATE)
    assert isinstance(decision, Changed)
    return decision


def paused() -> Settled[Admission, object]:
    account = limited(DAILY, warn_bp=7_500, pause_bp=9_000)
    decision = Cascade((account,)).admit(ask(), now=T0, gate_id=GATE)
    assert isinstance(decision, Settled)
    return decision


def closed(decision: object) -> Reservation:
    assert isinstance(decision, Changed)
    assert isinstance(decision.state, Closing)
    return decision.state.reservation


def answered(decision: object) -> GateChange:
    assert isinstance(decision, Changed)
    assert isinstance(decision.state, GateChange)
    return decision.state


METERED: Final = Account.metered(AccountRef.tenant("acme"), now=T0)
WARNED: Final = admitted(limited(HOURLY, warn_bp=7_500), ask())
HELD: Final = WARNED.state.accounts[0]
RESERVED: Final = WARNED.state.granted
assert RESERVED is not None
CHARGING: Final = admitted(limited(Lifetime()), ask("r-2", 5, OnExpiry.CHARGE)).state.granted
assert CHARGING is not None
USED: Final = Usage.of({Dimension.USD_NANO: 97, Dimension.OUTPUT_BYTES: 2**63 - 1})
RECONCILED: Final = RESERVED.reconcile(USED, request_id=RequestId("c-1"), now=T1)
RELEASED: Final = RESERVED.release(request_id=RequestId("c-2"), now=T1)
EXPIRED: Final = CHARGING.expire(now=LATE)
LATELY: Final = closed(EXPIRED).reconcile(USED, request_id=RequestId("c-3"), now=LATE)
ADOPTED: Final = RESERVED.adopted_by(Level.TENANT, WindowId(0, T0), now=T1)
assert ADOPTED is not None
CHARGED: Final = Cascade((HELD,)).closed(Closing(closed(RECONCILED), USED), now=T1)
assert isinstance(CHARGED, tuple)

PAUSED: Final = paused()
OPEN: Final = PAUSED.state.gate
assert OPEN is not None
POINTING: Final = PAUSED.state.accounts[0]
APPROVED: Final = answered(
    OPEN.approve(POINTING, new_max=106, by=BO, request_id=RequestId("a-1"), now=T1)
)
CANCELLED: Final = answered(OPEN.cancel(POINTING, by=BO, request_id=RequestId("a-2"), now=T1))
OVERDUE: Final = answered(OPEN.expire(POINTING, now=OPEN.expires_at))

MONTHS: Final = Limits.of(
    Calendar("America/St_Johns", CalendarUnit.MONTH),
    {dimension: Ceiling.of(2**63 - 1, warn_bp=1) for dimension in Dimension},
)
WEEKS: Final = Limits.of(Calendar("Asia/Tehran", CalendarUnit.WEEK), {})
EVERYTHING: Final = ordered(Account.metered(AccountRef.tenant("acme"), now=T0), MONTHS)
SLOTS: Final = ordered(EVERYTHING, WEEKS)

RECORD_CASES: Final[dict[tuple[str, str], object]] = {
    ("budget_account", "metered"): METERED,
    ("budget_account", "held"): HELD,
    ("budget_account", "every_dimension"): EVERYTHING,
    ("budget_account", "every_week"): SLOTS,
    **{("budget_account", ref.level.value): Account.metered(ref, now=T0) for ref in cascade(WORK)},
    ("budget_account", "charged"): CHARGED[0],
    ("budget_account", "pointing"): POINTING,
    ("budget_account", "declined"): CANCELLED.account,
    ("budget_reservation", "active"): RESERVED,
    ("budget_reservation", "adopted"): ADOPTED.state,
    ("budget_reservation", "reconciled"): closed(RECONCILED),
    ("budget_reservation", "released"): closed(RELEASED),
    ("budget_reservation", "expired"): closed(EXPIRED),
    ("budget_reservation", "late"): closed(LATELY),
    ("budget_reservation_pruned", "expired"): PrunedReservation(
        id=RequestId("r-1"),
        scope=WORK,
        was=ReservationStatus.EXPIRED,
        ended_at=T0,
        pruned_at=LATE,
    ),
    ("budget_gate", "open"): OPEN,
    ("budget_gate", "approved"): APPROVED.gate,
    ("budget_gate", "cancelled"): CANCELLED.gate,
    ("budget_gate", "expired"): OVERDUE.gate,
    ("budget_gate_pruned", "approved"): PrunedGate(
        id=GATE,
        account=AccountRef.mission("acme", "zoë", "m-7"),
        was=GateStatus.APPROVED,
        ended_at=T0,
        pruned_at=LATE,
    ),
}

_AT: Final = HELD.ref.address
_PLACED: Final = (
    Placement(Level.TENANT, WindowId(0, T0)),
    Placement(Level.THREAD, WindowId(2, T1)),
)
FIGURES: Final = Figures(
    account=AccountRef.thread(WORK),
    dimension=Dimension.USD_NANO,
    limit=100,
    spent=40,
    reserved=2**62,
    requested=1,
    resets_at=LATE,
)
LIMITS: Final = Limits.of(HOURLY, {Dimension.USD_NANO: Ceiling.of(100, warn_bp=1)})

EVENT_CASES: Final[dict[tuple[str, str], Event]] = {
    ("budget.reserved", "plain"): BudgetReserved(
        address=RESERVED.address,
        at=T0,
        estimate=RESERVED.estimate,
        accounts=_PLACED,
        owner="worker 1",
        deadline=LATE,
        on_expiry=OnExpiry.CHARGE,
        price_version=None,
    ),
    ("budget.warned", "plain"): BudgetWarned(
        address=_AT, at=T0, window=WindowId(1, T0), figures=FIGURES
    ),
    ("budget.reconciled", "late"): BudgetReconciled(
        address=RESERVED.address,
        at=T0,
        actual=USED,
        charged=USED,
        overrun=USED.beyond(RESERVED.estimate.counters),
        late=True,
        accounts=_PLACED,
        request_id=RequestId("c-1"),
    ),
    ("budget.released", "plain"): BudgetReleased(
        address=RESERVED.address, at=T0, accounts=_PLACED, request_id=RequestId("c-2")
    ),
    ("budget.expired", "charged"): BudgetExpired(
        address=RESERVED.address, at=T0, charged=USED, accounts=_PLACED
    ),
    ("budget.metered", "plain"): BudgetMetered(address=_AT, at=T0, window=WindowId(0, T0)),
    ("budget.adopted", "plain"): BudgetAdopted(
        address=RESERVED.address, at=T0, estimate=RESERVED.estimate, account=_PLACED[0]
    ),
    ("budget.limit_changed", "set"): BudgetLimitChanged(
        address=_AT,
        at=T0,
        old=None,
        new=LIMITS,
        limit_revision=1,
        by=BO,
        request_id=RequestId("l-1"),
    ),
    ("budget.limit_changed", "lifted"): BudgetLimitChanged(
        address=_AT,
        at=T0,
        old=evolve(LIMITS, period=DAILY),
        new=None,
        limit_revision=2,
        by=BO,
        request_id=RequestId("l-2"),
    ),
    ("budget.gate_opened", "plain"): BudgetGateOpened(
        address=OPEN.address,
        at=T0,
        window=WindowId(1, T0),
        figures=FIGURES,
        least_max=106,
        expires_at=LATE,
    ),
    ("budget.gate_approved", "plain"): BudgetGateApproved(
        address=OPEN.address,
        at=T0,
        dimension=Dimension.USD_NANO,
        old_max=100,
        new_max=106,
        limit_revision=2,
        by=BO,
        request_id=RequestId("a-1"),
    ),
    ("budget.gate_cancelled", "plain"): BudgetGateCancelled(
        address=OPEN.address,
        at=T0,
        dimension=Dimension.USD_NANO,
        by=BO,
        request_id=RequestId("a-2"),
    ),
    ("budget.gate_expired", "plain"): BudgetGateExpired(
        address=OPEN.address, at=T0, dimension=Dimension.USD_NANO
    ),
}
