"""Sweeping: noting what time has decided already, and pruning what is long over.

Nothing waits for a sweep: whoever decides, decides by the deadlines themselves. A sweep goes by
the store's clock, a page at a time, and any number may run at once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from attrs import frozen

from turnkeep_application.budgets.budget_commands import Expire, gate_key, reservation_key
from turnkeep_application.budgets.budget_gating import ExpireGate
from turnkeep_application.budgets.budget_limiting import EVER
from turnkeep_application.errors import Contended
from turnkeep_application.reading import Reading
from turnkeep_application.records import Records
from turnkeep_application.updates import Updates
from turnkeep_domain.budgets.gate import BudgetGate
from turnkeep_domain.budgets.gate_id import GateStatus
from turnkeep_domain.budgets.pruned import GATES, RESERVATIONS, pruned, pruned_gate
from turnkeep_domain.budgets.receipts import ReservationStatus
from turnkeep_domain.budgets.reservation import Reservation
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.request_ids import RequestId
from turnkeep_ports.errors import Corrupt, SchemaTooNew
from turnkeep_ports.scans import Due, Position
from turnkeep_ports.store import Cell

_ACTIVE: Final = frozenset({ReservationStatus.ACTIVE.value})
_ENDED: Final = frozenset({status.value for status in ReservationStatus}) - _ACTIVE
_OPEN: Final = frozenset({GateStatus.OPEN.value})
_ANSWERED: Final = frozenset({status.value for status in GateStatus}) - _OPEN


@frozen(kw_only=True)
class BudgetSwept:
    """What one sweep did.

    Attributes:
        done: How many records were dealt with.
        left: How many were due and could not be: lost to rivals, refused or unreadable.
        more: Whether more may be due; sweep again.
    """

    done: int
    left: int
    more: bool


@frozen(kw_only=True)
class BudgetPruned:
    """What one pruning did, or, as a dry run, would have done.

    Attributes:
        reservations: How many became tombstones.
        gates: How many did.
        more: Whether more may be long over; prune again.
    """

    reservations: int
    gates: int
    more: bool


@frozen(kw_only=True)
class BudgetSweep:
    """Goes through what is due, earliest first; a record that stays due stops none behind it."""

    updates: Updates
    reading: Reading
    at_most: int

    async def expire_reservations(self) -> BudgetSwept:
        """As `Budgets.expire_due` promises."""

        async def expire(cell: Cell) -> bool:
            scope, id = cell.address.scope, RequestId(cell.address.id)
            command = Expire(scope, id)
            answer = await self.updates.update(command.keys, command.decide)
            return not isinstance(answer, Refused)

        return await self._sweep(RESERVATIONS.name, _ACTIVE, expire)

    async def expire_gates(self) -> BudgetSwept:
        """As `Budgets.expire_gates` promises."""

        async def expire(cell: Cell) -> bool:
            gate = self.reading.decoded(GATES, cell)
            if not isinstance(gate, BudgetGate):
                return False
            command = ExpireGate(gate.account, gate.id)
            answer = await self.updates.update(command.keys, command.decide)
            return not isinstance(answer, Refused)

        return await self._sweep(GATES.name, _OPEN, expire)

    async def prune(self, *, keep: timedelta, dry_run: bool) -> BudgetPruned:
        """As `Budgets.prune` promises."""
        prunes = self._counts if dry_run else self._prunes_reservation
        reservations = await self._sweep(RESERVATIONS.name, _ENDED, prunes(keep), older=keep)
        prunes = self._counts if dry_run else self._prunes_gate
        gates = await self._sweep(GATES.name, _ANSWERED, prunes(keep), older=keep)
        return BudgetPruned(
            reservations=reservations.done,
            gates=gates.done,
            more=reservations.more or gates.more,
        )

    def _counts(self, _: timedelta) -> Callable[[Cell], Awaitable[bool]]:
        async def count(_: Cell) -> bool:
            return True

        return count

    def _prunes_reservation(self, keep: timedelta) -> Callable[[Cell], Awaitable[bool]]:
        async def prune(cell: Cell) -> bool:
            where = reservation_key(cell.address.scope, cell.address.id)

            def decide(records: Records, now: datetime) -> Decision[Records, bool, None]:
                record = records[where]
                if not isinstance(record, Reservation):
                    return Unchanged(False)
                tombstone = pruned(record, before=now - keep, now=now)
                if tombstone is None:
                    return Unchanged(False)
                return Changed(records.put(where, tombstone), True, ())

            return await self.updates.update([where], decide) is True

        return prune

    def _prunes_gate(self, keep: timedelta) -> Callable[[Cell], Awaitable[bool]]:
        async def prune(cell: Cell) -> bool:
            gate = self.reading.decoded(GATES, cell)
            if not isinstance(gate, BudgetGate):
                return False
            where = gate_key(gate.account, gate.id)

            def decide(records: Records, now: datetime) -> Decision[Records, bool, None]:
                record = records[where]
                if not isinstance(record, BudgetGate):
                    return Unchanged(False)
                tombstone = pruned_gate(record, before=now - keep, now=now)
                if tombstone is None:
                    return Unchanged(False)
                return Changed(records.put(where, tombstone), True, ())

            return await self.updates.update([where], decide) is True

        return prune

    async def _sweep(
        self,
        collection: str,
        states: frozenset[str],
        deal_with: Callable[[Cell], Awaitable[bool]],
        *,
        older: timedelta = timedelta(0),
    ) -> BudgetSwept:
        done = left = 0
        async for cell in self._due(collection, states, older):
            if done == self.at_most:
                return BudgetSwept(done=done, left=left, more=True)
            try:
                dealt_with = await deal_with(cell)
            except (Contended, Corrupt, SchemaTooNew):
                dealt_with = False
            done += dealt_with
            left += not dealt_with
        return BudgetSwept(done=done, left=left, more=False)

    async def _due(
        self, collection: str, states: frozenset[str], older: timedelta
    ) -> AsyncIterator[Cell]:
        query = Due(collection=collection, states=states, by=EVER)
        begin: Position | None = None
        while True:
            page = await self.reading.page(
                query, after=begin, limit=self.at_most, deadline=self.reading.deadline()
            )
            for cell in page.cells:
                due_at = cell.entry.index.due_at
                if due_at is None or due_at > page.now - older:
                    return
                yield cell
            if page.next is None:
                return
            begin = page.next
