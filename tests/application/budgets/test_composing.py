"""Composing: another service takes a budget command into its own commit, whole or not at all."""

from __future__ import annotations

from datetime import datetime

from attrs import evolve

from tests.application.budgets.bank import TENANT, USD, WORK, Bank, reason, rid
from turnkeep_application.budgets.budget_commands import Reconcile, Reserve
from turnkeep_application.budgets.budgets import Budgets
from turnkeep_application.records import Need, Records
from turnkeep_domain.approvals.approval_id import ApprovalId
from turnkeep_domain.approvals.payload import APPROVAL_PAYLOADS, ApprovalPayload
from turnkeep_domain.budgets.ask import Ask
from turnkeep_domain.budgets.ceilings import Ceiling
from turnkeep_domain.budgets.gate_id import BudgetGateId
from turnkeep_domain.budgets.holds import OnExpiry
from turnkeep_domain.budgets.pruned import RESERVATIONS
from turnkeep_domain.budgets.receipts import Receipt
from turnkeep_domain.budgets.refusals import (
    BudgetApprovalNeeded,
    LimitExceeded,
    ReserveRefusal,
)
from turnkeep_domain.budgets.tallies import Usage
from turnkeep_domain.decisions import Changed, Decision, Refused
from turnkeep_domain.keys import key

# Any record will do in place of a journal's.
NOTE = ApprovalPayload.of(ApprovalId("note"), WORK, reason="spends", display="10")
JOURNAL = key(APPROVAL_PAYLOADS, WORK, "note")


def spending(usd: int, id: str = "r1") -> Reserve:
    ask = Ask.of(
        WORK,
        id=rid(id),
        estimate={USD: usd},
        ttl_ms=60_000,
        owner="worker",
        on_expiry=OnExpiry.RELEASE,
        price_version=None,
    )
    assert isinstance(ask, Ask)
    return Reserve(ask, BudgetGateId(f"gate-{id}"))


async def journaled(host: Budgets, command: Reserve) -> Receipt | Refused[ReserveRefusal]:
    """Reserves, and notes it in the same commit."""

    def decide(
        records: Records, now: datetime
    ) -> Decision[Records, Receipt, ReserveRefusal] | Need:
        decision = command.decide(records, now)
        if isinstance(decision, Changed):
            return evolve(decision, state=decision.state.put(JOURNAL, NOTE))
        return decision

    return await host.updates.update([JOURNAL, *command.keys], decide)


async def is_noted(bank: Bank) -> bool:
    return (await bank.budgets.reading.record(JOURNAL)).record is not None


def test_what_is_reserved_and_what_is_journaled_are_one_commit(bank: Bank) -> None:
    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(10)})
        assert isinstance(await journaled(bank.budgets, spending(10)), Receipt)
        cells = [
            await bank.cell(address)
            for address in (JOURNAL.address, key(RESERVATIONS, WORK, "r1").address)
        ]
        assert len({cell.written_by for cell in cells}) == 1
        assert await bank.figures() == (0, 10)
        close = Reconcile(WORK, rid("r1"), Usage.of({USD: 4}), rid("c"))
        answer = await bank.budgets.updates.update(close.keys, close.decide)
        assert isinstance(answer, Receipt)
        assert await bank.figures() == (4, 0)

    bank.run(scenario)


def test_a_refusal_journals_nothing_and_a_pause_opens_its_gate_alone(bank: Bank) -> None:
    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(10, pause_bp=9_000)})
        reason(await journaled(bank.budgets, spending(11)), LimitExceeded)
        needed = reason(await journaled(bank.budgets, spending(10)), BudgetApprovalNeeded)
        assert needed.gate == "gate-r1"
        assert not await is_noted(bank)
        assert await bank.budgets.gate(TENANT, needed.gate) is not None

    bank.run(scenario)


def test_a_commit_whose_fate_is_unknown_brings_both_once(bank: Bank) -> None:
    async def scenario() -> None:
        await bank.limit({USD: Ceiling.of(10)})
        async with bank.suffering("commit#1: stale\ncommit#2: lose-after") as (host, _):
            answer = await journaled(host, spending(10))
            assert isinstance(answer, Receipt)
        assert await is_noted(bank)
        assert await bank.figures() == (0, 10)
        assert (await bank.kinds()).count("reserved") == 1

    bank.run(scenario)
