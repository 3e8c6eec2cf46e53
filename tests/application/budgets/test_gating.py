"""Gating: people answer once, and only while the question is still the same."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.application.budgets.bank import (
    BO,
    DAY_SECONDS,
    TENANT,
    USD,
    USER,
    WORK,
    Bank,
    reason,
    rid,
)
from turnkeep_domain.budgets.ceilings import Ceiling
from turnkeep_domain.budgets.gate import BudgetGate
from turnkeep_domain.budgets.gate_id import BudgetGateId, GateStatus
from turnkeep_domain.budgets.refusals import (
    BudgetApprovalDeclined,
    BudgetApprovalNeeded,
    BudgetGateClosed,
    BudgetGateOverdue,
    BudgetGateUnknown,
    LimitsRevised,
    RaiseTooSmall,
)
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.scope import ScopePrefix

PAUSES = {USD: Ceiling.of(10, pause_bp=9_000)}


async def paused(bank: Bank) -> BudgetGateId:
    await bank.limit(PAUSES)
    return reason(await bank.ask(), BudgetApprovalNeeded).gate


async def answered(
    bank: Bank, gate: BudgetGateId, new_max: int = 12, id: str = "a1", *, rival: bool = False
) -> object:
    host = bank.rival if rival else bank.budgets
    return await host.approve_gate(TENANT, gate, new_max=new_max, by=BO, request_id=rid(id))


async def declined(bank: Bank, gate: BudgetGateId, id: str = "c1") -> object:
    return await bank.budgets.cancel_gate(TENANT, gate, by=BO, request_id=rid(id))


def test_an_approval_moves_gate_and_ceiling_together(bank: Bank) -> None:
    """49."""

    async def scenario() -> None:
        gate = await paused(bank)
        view = await bank.budgets.gate(TENANT, gate)
        assert view is not None
        assert (view.status, view.gate.least_max) == (GateStatus.OPEN, 12)
        approved = await answered(bank, gate, view.gate.least_max)
        assert isinstance(approved, BudgetGate)
        assert await answered(bank, gate, view.gate.least_max, rival=True) == approved
        account = await bank.record()
        ceiling = account.ceiling(USD)
        assert (ceiling and ceiling.max, account.limit_revision, account.gates) == (12, 2, ())
        await bank.reserved()
        assert await bank.kinds() == [
            *("metered", "limit_changed", "gate_opened", "gate_approved", "reserved"),
        ]

    bank.run(scenario)


def test_an_approval_is_stored_whole_or_not_at_all(bank: Bank) -> None:
    """49."""

    async def scenario() -> None:
        gate = await paused(bank)
        async with bank.suffering("commit#1: lose-after") as (host, _):
            answer = await host.approve_gate(TENANT, gate, new_max=12, by=BO, request_id=rid("a"))
            assert isinstance(answer, BudgetGate)
        assert (await bank.kinds()).count("gate_approved") == 1
        assert (await bank.record()).limit_revision == 2

    bank.run(scenario)


def test_a_stale_revision_a_small_raise_and_an_overdue_gate_leave_the_ceiling(bank: Bank) -> None:
    """50."""

    async def scenario() -> None:
        gate = await paused(bank)
        reason(await answered(bank, gate, 10), RaiseTooSmall)
        with pytest.raises(InvalidValue):
            await answered(bank, gate, -1)
        await bank.clock.advance(DAY_SECONDS)
        before = await bank.record()
        overdue = reason(await answered(bank, gate), BudgetGateOverdue)
        assert overdue.at == bank.clock.utc_now()
        assert (await bank.record()).ceilings == before.ceilings
        assert (await bank.kinds())[-1] == "gate_expired", "it was settled"
        reason(await answered(bank, gate, id="a2"), BudgetGateClosed)
        second = reason(await bank.ask("r2"), BudgetApprovalNeeded).gate
        assert second != gate
        await bank.limit({USD: Ceiling.of(5, pause_bp=9_000)}, id="l2")
        reason(await answered(bank, second, id="a3"), BudgetGateClosed)

    bank.run(scenario)


def test_a_gate_of_a_ceiling_that_an_approval_of_another_left_may_still_be_answered(
    bank: Bank,
) -> None:
    async def scenario() -> None:
        tokens = type(USD).INPUT_TOKENS
        await bank.limit({**PAUSES, tokens: Ceiling.of(10, pause_bp=9_000)})
        first = reason(await bank.ask(), BudgetApprovalNeeded).gate
        second = reason(await bank.ask(estimate={tokens: 10}), BudgetApprovalNeeded).gate
        assert isinstance(await answered(bank, first), BudgetGate)
        assert isinstance(await answered(bank, second, id="a2"), BudgetGate)
        assert (await bank.record()).limit_revision == 3

    bank.run(scenario)


def test_a_gate_that_nobody_has_is_unknown(bank: Bank) -> None:
    async def scenario() -> None:
        gate = await paused(bank)
        reason(await answered(bank, BudgetGateId("none")), BudgetGateUnknown)
        foreign = await bank.budgets.cancel_gate(USER, gate, by=BO, request_id=rid("x"))
        reason(foreign, BudgetGateUnknown)
        assert await bank.budgets.gate(USER, gate) is None

    bank.run(scenario)


def test_a_decline_lasts_until_the_gate_would_have_expired_or_the_limits_change(
    bank: Bank,
) -> None:
    async def scenario() -> None:
        gate = await paused(bank)
        assert isinstance(await declined(bank, gate), BudgetGate)
        until = bank.clock.utc_now() + timedelta(days=1)
        assert reason(await bank.ask("r2"), BudgetApprovalDeclined).until == until
        await bank.reserved("small", 5)
        await bank.budgets.release(WORK, rid("small"), request_id=rid("c"))
        await bank.clock.advance(DAY_SECONDS)
        again = reason(await bank.ask("r2"), BudgetApprovalNeeded).gate
        assert isinstance(await declined(bank, again, "c2"), BudgetGate)
        await bank.limit({USD: Ceiling.of(11, pause_bp=10_000)}, id="l2")
        await bank.reserved("r2")

    bank.run(scenario)


def test_an_approval_racing_a_decline_or_a_limit_has_one_winner(bank: Bank) -> None:
    """51."""

    async def scenario() -> None:
        gate = await paused(bank)
        approved, cancelled = await asyncio.gather(
            answered(bank, gate, rival=True), declined(bank, gate)
        )
        assert isinstance(approved, BudgetGate) != isinstance(cancelled, BudgetGate)
        await bank.limit({USD: Ceiling.of(20, pause_bp=1)}, id="l2")
        gate = reason(await bank.ask("r2"), BudgetApprovalNeeded).gate
        async with bank.suffering("commit#1: hold x") as (host, store):
            answering = asyncio.create_task(
                host.approve_gate(TENANT, gate, new_max=99, by=BO, request_id=rid("a9"))
            )
            await store.reached("x")
            await bank.limit({USD: Ceiling.of(3)}, id="l3")
            store.release("x")
            reason(await answering, BudgetGateClosed)
        ceiling = (await bank.record()).ceiling(USD)
        assert ceiling is not None
        assert ceiling.max == 3

    bank.run(scenario)


def test_an_approval_that_lands_past_the_gates_end_is_none(bank: Bank) -> None:
    """50: a paused process cannot win late."""

    async def scenario() -> None:
        gate = await paused(bank)
        await bank.clock.advance(DAY_SECONDS - 1)
        async with bank.suffering("commit#1: hold x") as (host, store):
            answering = asyncio.create_task(
                host.approve_gate(TENANT, gate, new_max=99, by=BO, request_id=rid("a"))
            )
            await store.reached("x")
            await bank.clock.advance(2)
            store.release("x")
            reason(await answering, BudgetGateOverdue)
        assert (await bank.record()).limit_revision == 1

    bank.run(scenario)


def test_a_gate_whose_ceiling_is_newer_is_not_answered(bank: Bank) -> None:
    """50: even one that a limit order has overlooked."""

    async def scenario() -> None:
        gate = await paused(bank)
        assert isinstance(await answered(bank, gate), BudgetGate)
        reason(await answered(bank, gate, 99, "a2"), BudgetGateClosed)
        assert LimitsRevised.code == "budget.limit_changed"

    bank.run(scenario)


def test_gates_expire_by_sweep_and_are_pruned_long_after(bank: Bank) -> None:
    async def scenario() -> None:
        gate = await paused(bank)
        assert (await bank.budgets.expire_gates()).done == 0
        await bank.clock.advance(DAY_SECONDS)
        page = await bank.budgets.gates(ScopePrefix(scope=WORK, depth=0))
        assert page.entries == (), "overdue is expired, noted or not"
        swept = await bank.budgets.expire_gates()
        assert (swept.done, swept.left, swept.more) == (1, 0, False)
        assert (await bank.record()).gates == ()
        assert (await bank.budgets.expire_gates()).done == 0
        await bank.clock.advance(30 * DAY_SECONDS)
        assert (await bank.budgets.prune()).gates == 1
        assert await bank.budgets.gate(TENANT, gate) is None
        closed = reason(await answered(bank, gate), BudgetGateClosed)
        assert closed.status is GateStatus.EXPIRED

    bank.run(scenario)
