"""The beginning of a spend: what a metered call may cost is held, once, wherever it begins.

A call that is made once at most reserves with its intent, in one commit, under each claim anew.
One that may be made again goes on with the hold that an earlier claim has left.
"""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import TypeAlias

from attrs import evolve, frozen

from turnkeep_application.budgets.budget_commands import (
    Extend,
    Reserve,
    reservation_key,
)
from turnkeep_application.records import Need, Records
from turnkeep_application.turns.run_commands import Found
from turnkeep_application.turns.spend import Spend, SpendRefusal
from turnkeep_domain.budgets.ask import Ask
from turnkeep_domain.budgets.gate_id import BudgetGateId
from turnkeep_domain.budgets.receipts import Receipt, ReservationStatus
from turnkeep_domain.budgets.refusals import (
    ReservationExpired,
    ReserveRefusal,
)
from turnkeep_domain.budgets.reservation import Reservation
from turnkeep_domain.decisions import Changed, Decision, Refused, Settled, Unchanged
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.claims import Claim
from turnkeep_domain.turns.effect import (
    EffectKind,
    EffectState,
    Intended,
    Mode,
    RunEffect,
)
from turnkeep_domain.turns.effect_ids import idempotency_key
from turnkeep_domain.turns.limits import EFFECTS_MAX
from turnkeep_domain.turns.refusals import (
    EffectsFull,
    IntendRefusal,
    ReplayDiverged,
    WrongState,
)
from turnkeep_domain.turns.run import Run
from turnkeep_domain.turns.run_states import Running
from turnkeep_domain.turns.spend_ids import again_reserved, once_reserved

Begun: TypeAlias = Decision[Records, Receipt | EffectState, SpendRefusal] | Need


@frozen(kw_only=True)
class SpendBeginning:
    """The beginning of one call, on the records of one moment."""

    found: Found
    claim: Claim
    spend: Spend
    ask: Ask
    gate_id: BudgetGateId
    known: RunEffect | None

    def intended(self) -> Begun:
        """A call that is made once at most: the intent and its hold, or neither."""
        found, claim, spend = self.found, self.claim, self.spend
        decision = found.state.intend(
            claim=claim,
            id=spend.id,
            kind=EffectKind.SPEND,
            arguments=spend.arguments,
            effect=self.known,
            ended=found.ended,
            now=found.now,
        )
        match decision:
            case Unchanged(Intended() as state):
                return self._intended_before(state)
            case Changed():
                pass
            case _:
                return found.carried_out(decision)
        reserved = self._reserved(self._place.reservation(attempt=0))
        match reserved:
            case Changed(records, receipt, events, until):
                carried: Decision[Records, EffectState, IntendRefusal] | Need = found.carried_out(
                    decision, records=records, told=events
                )
                return _answering(carried, receipt, until)
            case Unchanged(receipt):
                # Held without an intent: only a host that names reservations like this can do it.
                return _answering(found.carried_out(decision), receipt, None)
            case _:
                return reserved

    def held(self) -> Begun:
        """A call that may be made again: the hold that stands, or a new one."""
        found, spend, known = self.found, self.spend, self.known
        run = found.state.held(claim=self.claim, ended=found.ended, now=found.now)
        if isinstance(run, Refused):
            return run
        if not isinstance(run.state, Running):
            return Refused(WrongState(run.status))
        if known is not None and not known.is_call(spend.call):
            return Refused(ReplayDiverged(spend.id))
        if known is not None and not known.is_to_be_redone:
            return Unchanged(known.state)
        if known is None and run.counters.effects >= EFFECTS_MAX:
            return Refused(EffectsFull("effects"))
        return self._standing_or_new(run)

    def _standing_or_new(self, run: Run) -> Begun:
        """The hold of the first attempt that has not ended; reservations that have, are spent."""
        found = self.found
        for attempt in itertools.count():
            id = self._place.reservation(attempt=attempt)
            key = reservation_key(self.ask.scope, id)
            if key not in found.records:
                return Need([key])
            record = found.records[key]
            if record is None:
                return self._held_anew(id, run)
            if isinstance(record, Reservation) and _is_active(record, found.now):
                same = record.asked_again(evolve(self.ask, id=id), now=found.now)
                if isinstance(same, Refused):
                    return Refused(ReplayDiverged(self.spend.id))
                held_on = self._held_on(record, run)
                if held_on is not None:
                    return held_on
        raise AssertionError("attempts have no end")

    def _held_on(self, record: Reservation, run: Run) -> Begun | None:
        """The hold of an earlier claim, extended; None where an account holds it no more."""
        found = self.found
        extended = Extend(record.scope, record.id, self.ask.ttl_ms).decide(found.records, found.now)
        match extended:
            case Changed(records, receipt, events, until):
                return Changed(records, receipt, events, _earlier(until, lease_end(run)))
            case Refused(ReservationExpired()):
                return None
            case _:
                # It lasts for long enough, or cannot last any longer than it does.
                return Unchanged(record.receipt_at(found.now))

    def _held_anew(self, id: RequestId, run: Run) -> Begun:
        reserved = self._reserved(id)
        if not isinstance(reserved, Changed):
            return reserved
        return evolve(reserved, valid_until=_earlier(reserved.valid_until, lease_end(run)))

    def _intended_before(self, state: Intended) -> Begun:
        """What this very claim has intended, as a repeat finds it."""
        id = self._place.reservation(attempt=0)
        key = reservation_key(self.ask.scope, id)
        if key not in self.found.records:
            return Need([key])
        record = self.found.records[key]
        if state.epoch != self.claim.epoch or not isinstance(record, Reservation):
            return Unchanged(state)
        return Unchanged(record.receipt_at(self.found.now))

    def _reserved(
        self, id: RequestId
    ) -> (
        Changed[Records, Receipt]
        | Unchanged[Receipt]
        | Refused[ReserveRefusal]
        | Settled[Records, ReserveRefusal]
        | Need
    ):
        if reservation_key(self.ask.scope, id) not in self.found.records:
            return Need([reservation_key(self.ask.scope, id)])
        command = Reserve(evolve(self.ask, id=id), self.gate_id)
        return command.decide(self.found.records, self.found.now)

    @property
    def _place(self) -> SpendPlace:
        return SpendPlace(self.claim, self.found.journal_of(self.claim.run), self.spend)


@frozen
class SpendPlace:
    """Where a call stands: under which claim, and in which journal."""

    claim: Claim
    journal: RunAddress
    spend: Spend

    def reservation(self, *, attempt: int) -> RequestId:
        """What it reserves; a call that is made once at most has one attempt a claim."""
        key = idempotency_key(self.journal.scope, self.journal.id, self.spend.id)
        if self.spend.mode is Mode.ONCE:
            return once_reserved(key, run=self.claim.run.id, epoch=self.claim.epoch)
        return again_reserved(key, attempt=attempt)


def _answering(
    carried: Decision[Records, EffectState, IntendRefusal] | Need,
    receipt: Receipt,
    until: datetime | None,
) -> Begun:
    """The same commit, which stands no longer than the hold and answers its receipt."""
    if not isinstance(carried, Changed):
        return carried
    return Changed(carried.state, receipt, carried.events, _earlier(carried.valid_until, until))


def _is_active(record: Reservation, now: datetime) -> bool:
    return record.status_at(now) is ReservationStatus.ACTIVE


def lease_end(run: Run) -> datetime | None:
    """Until when whoever holds the run may write; None where nobody does."""
    return None if run.lease is None else run.lease.tenure.until


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((until for until in (one, other) if until is not None), default=None)
