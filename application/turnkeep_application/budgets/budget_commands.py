"""A budget command: what it loads, and what it decides on that; no I/O.

Each names the `keys` that it needs and has a `decide` for the update loop. A service that changes
more in the same commit loads these keys beside its own, calls `decide` within its own, and goes on
from the records that the decision holds.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import TypeAlias, TypeVar

from attrs import frozen

from turnkeep_application.records import Need, Records
from turnkeep_domain.budgets.account import ACCOUNTS, Account
from turnkeep_domain.budgets.account_ref import AccountRef, cascade
from turnkeep_domain.budgets.ask import Ask
from turnkeep_domain.budgets.cascade import Admission, Cascade
from turnkeep_domain.budgets.gate_id import BudgetGateId
from turnkeep_domain.budgets.pruned import (
    GATES,
    RESERVATIONS,
    GateRecord,
    PrunedReservation,
    ReservationRecord,
)
from turnkeep_domain.budgets.receipts import Receipt
from turnkeep_domain.budgets.refusals import (
    AmountOverflow,
    CloseRefusal,
    ExtendRefusal,
    ReconcileRefusal,
    ReleaseRefusal,
    ReservationSpent,
    ReservationUnknown,
    ReserveRefusal,
)
from turnkeep_domain.budgets.reservation import ClosingDecision, Reservation, reservation_address
from turnkeep_domain.budgets.tallies import Usage
from turnkeep_domain.decisions import Changed, Decision, Refused, Settled, Unchanged
from turnkeep_domain.keys import Key, ReadKey, key
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope

R = TypeVar("R")

Keys: TypeAlias = tuple[ReadKey[object], ...]


# Pure: a memory of answers. The same few accounts are loaded with each command.
@lru_cache(maxsize=4_096)
def account_key(ref: AccountRef) -> Key[Account]:
    """Where an account is kept."""
    return key(ACCOUNTS, ref.scope, ref.level.value)


@lru_cache(maxsize=4_096)
def cascade_keys(scope: Scope) -> tuple[Key[Account], ...]:
    """Where the accounts that some work concerns are kept, broad to narrow."""
    return tuple([account_key(ref) for ref in cascade(scope)])


# Each command on it names it again and again. Typed, for only text is a name.
@lru_cache(maxsize=4_096, typed=True)
def reservation_key(scope: Scope, id: str) -> Key[ReservationRecord]:
    """Where a reservation is kept."""
    return Key(RESERVATIONS, reservation_address(scope, id))


def gate_key(account: AccountRef, id: str) -> Key[GateRecord]:
    """Where a gate is kept."""
    return key(GATES, account.scope, id)


def metered_accounts(records: Records, scope: Scope) -> Cascade:
    """The accounts of some work that have a record."""
    found = [records[where] for where in cascade_keys(scope)]
    return Cascade(tuple([account for account in found if account is not None]))


def with_accounts(records: Records, accounts: tuple[Account, ...]) -> Records:
    """The view in which these accounts are stored."""
    for account in accounts:
        records = records.put(account_key(account.ref), account)
    return records


@frozen
class Reserve:
    """Holds an estimate on every account concerned, or opens a gate, or is refused.

    Attributes:
        gate_id: Minted for a gate, should one be opened; nobody may have used it.
    """

    ask: Ask
    gate_id: BudgetGateId

    @property
    def keys(self) -> Keys:
        """The reservation and its cascade; a gate is asked for late."""
        return _keys_of(self.ask.scope, self.ask.id)

    def decide(
        self, records: Records, now: datetime
    ) -> Decision[Records, Receipt, ReserveRefusal] | Need:
        """As `Budgets.reserve` promises."""
        match records[reservation_key(self.ask.scope, self.ask.id)]:
            case PrunedReservation(ended_at=ended_at):
                return Refused(ReservationSpent(ended_at))
            case Reservation() as known:
                return known.asked_again(self.ask, now=now)
            case None:
                pass
        accounts = metered_accounts(records, self.ask.scope)
        decision = accounts.admit(self.ask, now=now, gate_id=self.gate_id)
        match decision:
            case Changed(state, outcome, events, valid_until):
                return Changed(self._stored(records, state), outcome, events, valid_until)
            case Settled(state, reason, events, tidy=tidy):
                gate = state.gate
                if gate is not None and gate_key(gate.account, gate.id) not in records:
                    return Need([gate_key(gate.account, gate.id)])
                return Settled(self._stored(records, state), reason, events, tidy=tidy)
            case Unchanged() | Refused():
                return decision

    def _stored(self, records: Records, admission: Admission) -> Records:
        records = with_accounts(records, admission.accounts)
        if admission.gate is not None:
            gate = admission.gate
            records = records.put(gate_key(gate.account, gate.id), gate)
        if admission.granted is not None:
            where = reservation_key(self.ask.scope, self.ask.id)
            records = records.put(where, admission.granted)
        return records


@frozen
class _OnReservation:
    """What the commands on one reservation have in common."""

    scope: Scope
    id: RequestId

    @property
    def keys(self) -> Keys:
        """The reservation and its cascade."""
        return _keys_of(self.scope, self.id)

    def _found(
        self, records: Records
    ) -> Reservation | Refused[ReservationUnknown | ReservationSpent]:
        match records[reservation_key(self.scope, self.id)]:
            case Reservation() as found:
                return found
            case PrunedReservation(ended_at=ended_at):
                return Refused(ReservationSpent(ended_at))
            case None:
                return Refused(ReservationUnknown(self.id))

    def _carried_out(
        self, records: Records, decision: ClosingDecision, now: datetime
    ) -> Decision[Records, Receipt, CloseRefusal | AmountOverflow]:
        """The close of a reservation, with the accounts that held it."""
        match decision:
            case Changed(closing, outcome, events, valid_until):
                accounts = metered_accounts(records, self.scope).closed(closing, now=now)
                if isinstance(accounts, AmountOverflow):
                    return Refused(accounts)
                where = reservation_key(self.scope, self.id)
                after = with_accounts(records, accounts).put(where, closing.reservation)
                return Changed(after, outcome, events, valid_until)
            case Unchanged() | Refused():
                return decision
            case Settled():
                raise TypeError("closing a reservation settles nothing")


@frozen
class Reconcile(_OnReservation):
    """Charges what was used, and lets go."""

    usage: Usage
    request_id: RequestId

    def decide(
        self, records: Records, now: datetime
    ) -> Decision[Records, Receipt, ReconcileRefusal]:
        """As `Budgets.reconcile` promises."""
        found = self._found(records)
        if isinstance(found, Refused):
            return found
        decision = found.reconcile(self.usage, request_id=self.request_id, now=now)
        return self._carried_out(records, decision, now)


@frozen
class Release(_OnReservation):
    """Lets go; nothing was used."""

    request_id: RequestId

    def decide(self, records: Records, now: datetime) -> Decision[Records, Receipt, ReleaseRefusal]:
        """As `Budgets.release` promises."""
        found = self._found(records)
        if isinstance(found, Refused):
            return found
        decision = found.release(request_id=self.request_id, now=now)
        return self._carried_out(records, decision, now)


@frozen
class Extend(_OnReservation):
    """Holds on for longer."""

    ttl_ms: int

    def decide(self, records: Records, now: datetime) -> Decision[Records, Receipt, ExtendRefusal]:
        """As `Budgets.extend` promises."""
        found = self._found(records)
        if isinstance(found, Refused):
            return found
        accounts = metered_accounts(records, self.scope)
        held = accounts.holds_for(found)
        decision = found.extend(ttl_ms=self.ttl_ms, now=now, held=held)
        if not isinstance(decision, Changed):
            return records.adopt(reservation_key(self.scope, self.id), decision)
        after = with_accounts(records, accounts.extended(decision.state))
        return after.adopt(reservation_key(self.scope, self.id), decision)


@frozen
class Expire(_OnReservation):
    """Notes that the deadline has come."""

    def decide(self, records: Records, now: datetime) -> Decision[Records, Receipt, ReleaseRefusal]:
        """As `Budgets.expire_due` promises of each."""
        found = self._found(records)
        if isinstance(found, Refused):
            return found
        return self._carried_out(records, found.expire(now=now), now)


def _keys_of(scope: Scope, id: str) -> Keys:
    return (reservation_key(scope, id), *cascade_keys(scope))
