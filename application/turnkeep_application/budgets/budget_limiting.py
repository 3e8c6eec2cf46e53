"""Limiting: the steps by which an account is metered, adopts what runs, and gets its limits.

An account without a record takes three idempotent steps, so that whoever is killed between them
leaves nothing half done: it is metered, so that every later reservation holds there; it adopts
the reservations that are active; then, and not before, it is limited. Until it was limited for the
first time nobody can know whether all were adopted, so each order tries it again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from attrs import frozen

from turnkeep_application.budgets.budget_commands import (
    Keys,
    account_key,
    gate_key,
    reservation_key,
)
from turnkeep_application.reading import Reading
from turnkeep_application.records import Need, Records
from turnkeep_application.updates import Updates
from turnkeep_domain.budgets.account import Account, LimitsSet
from turnkeep_domain.budgets.account_ref import AccountRef
from turnkeep_domain.budgets.events import BudgetMetered
from turnkeep_domain.budgets.gate import BudgetGate, GateOpen
from turnkeep_domain.budgets.limit_order import LimitOrder
from turnkeep_domain.budgets.pruned import RESERVATIONS
from turnkeep_domain.budgets.receipts import ReservationStatus
from turnkeep_domain.budgets.refusals import (
    AmountOverflow,
    LimitRefusal,
    TooManyHolds,
    WindowUnresolvable,
)
from turnkeep_domain.budgets.reservation import Reservation
from turnkeep_domain.budgets.snapshot import AccountView, account_view
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.events import Event
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_ports.scans import Due, Position, Query, Sorted

EVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""Later than every deadline: a scan goes by the deadlines that it finds, not by a host's clock."""
_ACTIVE: Final = ReservationStatus.ACTIVE.value
_CELLS: Final = 500


@frozen
class Unadopted:
    """The account is metered, and what runs has to be adopted before it may be limited."""


@frozen
class Meter:
    """Begins to count. Idempotent by state."""

    account: AccountRef

    @property
    def keys(self) -> Keys:
        """The account alone."""
        return (account_key(self.account),)

    def decide(
        self, records: Records, now: datetime
    ) -> Decision[Records, AccountView, LimitRefusal]:
        """As `Budgets.meter` promises."""
        found = records[account_key(self.account)]
        if found is not None:
            return Unchanged(account_view(self.account, found, now))
        after, event = _metered(records, self.account, now)
        made = after[account_key(self.account)]
        return Changed(after, account_view(self.account, made, now), (event,))


@frozen
class SetLimits:
    """Carries out an order, or first meters the account.

    Attributes:
        adopted: Whether what runs was adopted; no account is limited for the first time before.
    """

    account: AccountRef
    order: LimitOrder
    adopted: bool

    @property
    def keys(self) -> Keys:
        """The account; its gates are asked for late."""
        return (account_key(self.account),)

    def decide(
        self, records: Records, now: datetime
    ) -> Decision[Records, LimitsSet | Unadopted, LimitRefusal] | Need:
        """As `Budgets.set_limit` promises, up to the next step."""
        found = records[account_key(self.account)]
        answer = self.order.answered(found)
        if answer is not None:
            return answer
        if found is None:
            after, event = _metered(records, self.account, now)
            return Changed(after, Unadopted(), (event,))
        if found.limit_revision == 0 and not self.adopted:
            return Unchanged(Unadopted())
        gates = [gate_key(self.account, pointer.gate) for pointer in found.gates]
        missing = [gate for gate in gates if gate not in records]
        if missing:
            return Need(missing)
        decision = self.order.carried_out(found, now=now)
        if not isinstance(decision, Changed):
            return records.adopt(account_key(self.account), decision)
        after, events = self._without_gates(records, found, now)
        after = after.put(account_key(self.account), decision.state)
        return Changed(after, decision.outcome, (*decision.events, *events))

    def _without_gates(
        self, records: Records, account: Account, now: datetime
    ) -> tuple[Records, tuple[Event, ...]]:
        events: tuple[Event, ...] = ()
        for pointer in account.gates:
            where = gate_key(self.account, pointer.gate)
            gate = records[where]
            # One that is overdue expires, as a sweep will note.
            if isinstance(gate, BudgetGate) and isinstance(gate.phase, GateOpen):
                if gate.is_overdue(now):
                    continue
                closed = gate.withdrawn(by=self.order.by, request_id=self.order.request_id, now=now)
                records = records.put(where, closed.state)
                events = (*events, *closed.events)
        return records, events


@frozen
class Adopt:
    """Holds a reservation on one more account. Idempotent by state."""

    account: AccountRef
    scope: Scope
    id: RequestId

    @property
    def keys(self) -> Keys:
        """The reservation and the account."""
        return (reservation_key(self.scope, self.id), account_key(self.account))

    def decide(self, records: Records, now: datetime) -> Decision[Records, None, LimitRefusal]:
        """Adopts, where the reservation is active and the account does not hold it yet."""
        where = reservation_key(self.scope, self.id)
        reservation, account = records[where], records[account_key(self.account)]
        if not isinstance(reservation, Reservation) or account is None:
            return Unchanged(None)
        rolled = account.rolled(now)
        if isinstance(rolled, WindowUnresolvable):
            return Refused(rolled)
        adopted = reservation.adopted_by(self.account.level, rolled.window, now=now)
        if adopted is None:
            return Unchanged(None)
        held = rolled.adopted(adopted.outcome, now=now)
        if isinstance(held, AmountOverflow | TooManyHolds):
            return Refused(held)
        after = records.put(where, adopted.state).put(account_key(self.account), held)
        return Changed(after, None, adopted.events, adopted.valid_until)


@frozen(kw_only=True)
class Adoption:
    """Adopts every active reservation that an account covers."""

    account: AccountRef
    updates: Updates
    reading: Reading

    async def run(self) -> Refused[LimitRefusal] | None:
        """Adopts all; or says why one cannot be adopted.

        A reservation that was made after the account was metered holds there already, and one
        that is extended meanwhile only moves to a later place of the scan.

        Raises:
            Unavailable: The store did not serve.
        """
        query = self._query()
        begin: Position | None = None
        while True:
            deadline = self.reading.deadline()
            page = await self.reading.page(query, after=begin, limit=_CELLS, deadline=deadline)
            for cell in page.cells:
                if not self.account.covers(cell.address.scope):
                    continue
                id = RequestId(cell.address.id)
                adopt = Adopt(self.account, cell.address.scope, id)
                answer = await self.updates.update(adopt.keys, adopt.decide)
                if isinstance(answer, Refused):
                    return answer
            if page.next is None:
                return None
            begin = page.next

    def _query(self) -> Query:
        if self.account.scope.user is None:
            # The index is by owner: a tenant's are found among all that are active.
            return Due(collection=RESERVATIONS.name, states=frozenset({_ACTIVE}), by=EVER)
        prefix = ScopePrefix.owner(self.account.scope)
        return Sorted(collection=RESERVATIONS.name, prefix=prefix, state=_ACTIVE)


def _metered(records: Records, account: AccountRef, now: datetime) -> tuple[Records, BudgetMetered]:
    made = Account.metered(account, now=now)
    event = BudgetMetered(address=account.address, at=now, window=made.window)
    return records.put(account_key(account), made), event
