"""A spend's hold: what a metered call has reserved, closed in the commit that settles the call."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from attrs import evolve, field, frozen

from turnkeep_application.budgets.budget_commands import Reconcile, Release, reservation_key
from turnkeep_application.records import Need, Records
from turnkeep_domain.budgets.reservation import Reservation
from turnkeep_domain.budgets.tallies import Usage
from turnkeep_domain.decisions import Changed, Decision
from turnkeep_domain.events import Event
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.effect import Done, RunEffect
from turnkeep_domain.turns.moved import Moved

O = TypeVar("O")
R = TypeVar("R")


@frozen(kw_only=True)
class ClosedHold:
    """What closing a hold has changed; nothing, where somebody else had closed it.

    Attributes:
        until: Until when the store may take it; None for ever.
    """

    records: Records
    events: tuple[Event, ...] = field(default=())
    until: datetime | None = field(default=None)

    def bound(self, decision: Decision[Records, O, R] | Need) -> Decision[Records, O, R] | Need:
        """A decision that was taken with it, which stands no longer than it does."""
        if not isinstance(decision, Changed) or self.until is None:
            return decision
        until = decision.valid_until
        return evolve(decision, valid_until=self.until if until is None else min(self.until, until))


def close_hold(
    records: Records, scope: Scope, reservation: RequestId, usage: Usage | None, *, now: datetime
) -> ClosedHold | Need:
    """Charges what a call has used; where that is None, nothing was, and all is given back.

    A reservation that was closed by hand, or was pruned, stays as it is. So does one whose charge
    would pass 2^63 - 1: what the journal tells of the call does not wait for it.

    Args:
        records: With the reservation and its cascade, or they are asked for.
        scope: The run's.
        reservation: Its id, which is the request id of its close, too.
        usage: What was used.
        now: The store's.
    """
    command: Reconcile | Release
    if usage is None:
        command = Release(scope, reservation, reservation)
    else:
        command = Reconcile(scope, reservation, usage, reservation)
    missing = [key for key in command.keys if key not in records]
    if missing:
        return Need(missing)
    match command.decide(records, now):
        case Changed(after, _, events, until):
            return ClosedHold(records=after, events=events, until=until)
        case _:
            return ClosedHold(records=records)


def close_settled(
    records: Records, open_spends: Sequence[RunEffect], moved: Moved, *, now: datetime
) -> ClosedHold | Need:
    """Closes what an operator's settlements say of metered calls.

    A call that was made is charged what it had reserved: the operator who knows better reconciles
    first. One that was not is charged nothing.

    Args:
        records: Before the settlement.
        open_spends: The journal entries as they were, of spends and others.
        moved: The settlement.
        now: The store's.
    """
    closed = ClosedHold(records=records)
    settled = {entry.id: entry.state for entry in moved.effects}
    spends = [
        (entry, reservation)
        for entry in open_spends
        if (reservation := entry.reservation) is not None
        and settled.get(entry.id, entry.state) != entry.state
    ]
    # All at once: what a decision may ask for one after another is bounded.
    missing = [
        key
        for entry, reservation in spends
        if (key := reservation_key(entry.scope, reservation)) not in records
    ]
    if missing:
        return Need(missing)
    for entry, reservation in spends:
        record = records[reservation_key(entry.scope, reservation)]
        usage = None
        if isinstance(settled[entry.id], Done) and isinstance(record, Reservation):
            usage = record.estimate.counters
        one = close_hold(closed.records, entry.scope, reservation, usage, now=now)
        if isinstance(one, Need):
            return one
        untils = [until for until in (closed.until, one.until) if until is not None]
        closed = ClosedHold(
            records=one.records,
            events=(*closed.events, *one.events),
            until=min(untils, default=None),
        )
    return closed
