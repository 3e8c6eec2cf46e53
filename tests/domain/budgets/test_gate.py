"""Gates: answered once, and only while the question is still the same."""

from __future__ import annotations

from datetime import timedelta

from tests.domain.budgets.samples import (
    BO,
    DAILY,
    GATE,
    NOON,
    SECOND,
    TENANT,
    USD,
    admitted,
    after,
    ask,
    limited,
    order,
    reason_of,
    rid,
)
from turnkeep_domain.budgets.account import Account
from turnkeep_domain.budgets.cascade import Cascade
from turnkeep_domain.budgets.ceilings import Ceiling, Limits
from turnkeep_domain.budgets.events import BudgetGateApproved, BudgetGateExpired
from turnkeep_domain.budgets.gate import BudgetGate, GateApproved, GateChange
from turnkeep_domain.budgets.gate_id import GateStatus
from turnkeep_domain.budgets.periods import Lifetime
from turnkeep_domain.budgets.refusals import (
    BudgetGateClosed,
    BudgetGateOverdue,
    LimitsRevised,
    RaiseTooSmall,
)
from turnkeep_domain.decisions import Changed, Settled, Unchanged
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestIdReused

MAX = 10
LATER = NOON + SECOND


def opened(wanted: int = 10) -> tuple[Account, BudgetGate]:
    account = limited({USD: Ceiling.of(MAX, pause_bp=9_000)}, period=DAILY)
    decision = Cascade((account,)).admit(ask({USD: wanted}), now=NOON, gate_id=GATE)
    assert isinstance(decision, Settled)
    assert decision.state.gate is not None
    return decision.state.accounts[0], decision.state.gate


def change(decision: object) -> GateChange:
    assert isinstance(decision, Changed | Settled)
    assert isinstance(decision.state, GateChange)
    return decision.state


def approved(account: Account, gate: BudgetGate, new_max: int, id: str = "a1") -> object:
    return gate.approve(account, new_max=new_max, by=BO, request_id=rid(id), now=LATER)


def test_an_approval_moves_gate_and_ceiling_together_and_the_request_passes() -> None:
    """49."""
    account, gate = opened()
    assert gate.least_max == 12
    decision = approved(account, gate, gate.least_max)
    assert isinstance(decision, Changed)
    assert decision.valid_until == gate.expires_at
    moved = change(decision)
    ceiling = moved.account.standing(USD)
    assert ceiling is not None
    assert (ceiling.ceiling.max, ceiling.ceiling.pause_bp, ceiling.since) == (12, 9_000, 2)
    assert (moved.account.limit_revision, moved.account.gates) == (2, ())
    assert moved.gate.phase == GateApproved(new_max=12, by=BO, request_id=rid("a1"), at=LATER)
    (event,) = decision.events
    assert isinstance(event, BudgetGateApproved)
    assert (event.old_max, event.new_max) == (MAX, 12)
    admitted((moved.account,), ask(), now=LATER)


def test_a_repeated_answer_is_the_original_and_another_comes_too_late() -> None:
    account, gate = opened()
    moved = change(approved(account, gate, 12))
    assert approved(moved.account, moved.gate, 12) == Unchanged(moved.gate)
    assert reason_of(approved(moved.account, moved.gate, 13)) == RequestIdReused(rid("a1"))
    closed = BudgetGateClosed(GateStatus.APPROVED)
    assert reason_of(approved(moved.account, moved.gate, 13, "a2")) == closed
    cancelled = moved.gate.cancel(moved.account, by=BO, request_id=rid("a2"), now=LATER)
    assert reason_of(cancelled) == closed
    reused = moved.gate.cancel(moved.account, by=BO, request_id=rid("a1"), now=LATER)
    assert reason_of(reused) == RequestIdReused(rid("a1"))


def test_a_raise_that_is_none_is_refused() -> None:
    """50."""
    account, gate = opened()
    assert reason_of(approved(account, gate, MAX)) == RaiseTooSmall(MAX, MAX)
    assert isinstance(approved(account, gate, MAX + 1), Changed)


def test_an_answer_to_ceilings_that_have_changed_is_refused() -> None:
    """50."""
    account, gate = opened()
    lowered = Limits.of(DAILY, {USD: Ceiling.of(5, pause_bp=9_000)})
    changed = after(order(lowered, "l2").carried_out(account, now=NOON))
    assert reason_of(approved(changed, gate, 12)) == LimitsRevised(1, 2)
    lifted = after(order(None, "l3").carried_out(account, now=NOON))
    assert reason_of(approved(lifted, gate, 12)) == LimitsRevised(1, 2)
    gone = after(order(Limits.of(Lifetime(), {}), "l4").carried_out(account, now=NOON))
    assert reason_of(gate.cancel(gone, by=BO, request_id=rid("a"), now=LATER)) == LimitsRevised(
        1, 2
    )


def test_an_overdue_gate_is_settled_and_leaves_the_ceiling() -> None:
    """50."""
    account, gate = opened()
    for decision in (
        gate.approve(account, new_max=99, by=BO, request_id=rid("a"), now=gate.expires_at),
        gate.cancel(account, by=BO, request_id=rid("a"), now=gate.expires_at),
    ):
        assert isinstance(decision, Settled)
        assert decision.tidy
        assert decision.reason == BudgetGateOverdue(gate.expires_at)
        assert decision.state.gate.status_at(gate.expires_at) is GateStatus.EXPIRED
        assert decision.state.account == account.without_gate(gate.id)
        assert [type(event) for event in decision.events] == [BudgetGateExpired]
    assert gate.status_at(gate.expires_at) is GateStatus.EXPIRED


def test_expiring_is_idempotent_by_state() -> None:
    account, gate = opened()
    assert gate.expire(account, now=LATER) == Unchanged(gate)
    expired = change(gate.expire(account, now=gate.expires_at)).gate
    assert expired.expire(account, now=gate.expires_at) == Unchanged(expired)


def test_a_decline_repeated_by_somebody_else_is_no_repeat() -> None:
    account, gate = opened()
    declined = change(gate.cancel(account, by=BO, request_id=rid("a"), now=LATER))
    same = declined.gate.cancel(declined.account, by=BO, request_id=rid("a"), now=LATER)
    assert same == Unchanged(declined.gate)
    eve = Principal.person("eve")
    other = declined.gate.cancel(declined.account, by=eve, request_id=rid("a"), now=LATER)
    assert reason_of(other) == RequestIdReused(rid("a"))


def test_a_gate_lasts_a_day_unless_its_window_ends_before() -> None:
    account = limited({USD: Ceiling.of(MAX, pause_bp=1)})
    decision = Cascade((account,)).admit(ask(), now=NOON, gate_id=GATE)
    assert isinstance(decision, Settled)
    assert decision.state.gate is not None
    assert decision.state.gate.expires_at == NOON + timedelta(days=1)
    _, daily = opened()
    assert daily.expires_at == NOON + timedelta(hours=12)
    assert daily.account == TENANT
