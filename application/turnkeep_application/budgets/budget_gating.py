"""Gating: the commands by which people answer a budget gate, and time does."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from attrs import frozen

from turnkeep_application.budgets.budget_commands import Keys, account_key, gate_key
from turnkeep_application.records import Records
from turnkeep_domain.budgets.account import Account
from turnkeep_domain.budgets.account_ref import AccountRef
from turnkeep_domain.budgets.gate import BudgetGate, GateChange
from turnkeep_domain.budgets.pruned import PrunedGate
from turnkeep_domain.budgets.refusals import (
    ApproveGateRefusal,
    BudgetGateClosed,
    BudgetGateUnknown,
    CancelGateRefusal,
)
from turnkeep_domain.decisions import Changed, Decision, Refused, Settled, Unchanged
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId

R = TypeVar("R")


@frozen
class _OnGate:
    """What the commands on one gate have in common."""

    account: AccountRef
    gate: str

    @property
    def keys(self) -> Keys:
        """The gate and the account that points at it."""
        return (gate_key(self.account, self.gate), account_key(self.account))

    def _found(
        self, records: Records
    ) -> tuple[BudgetGate, Account] | Refused[BudgetGateUnknown | BudgetGateClosed]:
        gate, account = (
            records[gate_key(self.account, self.gate)],
            records[account_key(self.account)],
        )
        # An account's level follows from its scope, so no other account's gate is under the key.
        if isinstance(gate, PrunedGate):
            return Refused(BudgetGateClosed(gate.was))
        if not isinstance(gate, BudgetGate) or account is None:
            return Refused(BudgetGateUnknown(self.gate))
        return gate, account

    def _stored(
        self, records: Records, decision: Decision[GateChange, BudgetGate, R]
    ) -> Decision[Records, BudgetGate, R]:
        match decision:
            case Changed(change, outcome, events, valid_until):
                return Changed(self._with(records, change), outcome, events, valid_until)
            case Settled(change, reason, events, tidy=tidy):
                return Settled(self._with(records, change), reason, events, tidy=tidy)
            case Unchanged() | Refused():
                return decision

    def _with(self, records: Records, change: GateChange) -> Records:
        after = records.put(gate_key(self.account, self.gate), change.gate)
        return after.put(account_key(self.account), change.account)


@frozen
class ApproveGate(_OnGate):
    """Raises the ceiling."""

    new_max: int
    by: Principal
    request_id: RequestId

    def decide(
        self, records: Records, now: datetime
    ) -> Decision[Records, BudgetGate, ApproveGateRefusal]:
        """As `Budgets.approve_gate` promises."""
        found = self._found(records)
        if isinstance(found, Refused):
            return found
        gate, account = found
        decision = gate.approve(
            account, new_max=self.new_max, by=self.by, request_id=self.request_id, now=now
        )
        return self._stored(records, decision)


@frozen
class CancelGate(_OnGate):
    """Declines."""

    by: Principal
    request_id: RequestId

    def decide(
        self, records: Records, now: datetime
    ) -> Decision[Records, BudgetGate, CancelGateRefusal]:
        """As `Budgets.cancel_gate` promises."""
        found = self._found(records)
        if isinstance(found, Refused):
            return found
        gate, account = found
        decision = gate.cancel(account, by=self.by, request_id=self.request_id, now=now)
        return self._stored(records, decision)


@frozen
class ExpireGate(_OnGate):
    """Notes that nobody has answered in time."""

    def decide(
        self, records: Records, now: datetime
    ) -> Decision[Records, BudgetGate, CancelGateRefusal]:
        """As `Budgets.expire_gates` promises of each."""
        found = self._found(records)
        if isinstance(found, Refused):
            return found
        gate, account = found
        return self._stored(records, gate.expire(account, now=now))
