"""Spending: a call of a run that is metered, journaled and reserved in the same commits.

What a call may cost at most is held on its accounts before it is made, and what it did cost is
charged when it is known, in the commit that journals what became of it: the journal and the
accounts never tell of different calls. A call that is made once at most reserves with its intent;
one that may be made again finds the hold that an earlier claim left, and uses that.
"""

from __future__ import annotations

from attrs import Factory, field, frozen

from turnkeep_application.budgets.budget_commands import (
    Extend,
    cascade_keys,
    reservation_key,
)
from turnkeep_application.budgets.budget_settings import BudgetSettings
from turnkeep_application.records import Need, Records
from turnkeep_application.turns.cells import effect_key
from turnkeep_application.turns.holds import close_hold
from turnkeep_application.turns.run_commands import Found, RunCommands
from turnkeep_application.turns.spend import Spend, SpendRefusal
from turnkeep_application.turns.spend_beginning import Begun, SpendBeginning, SpendPlace, lease_end
from turnkeep_application.updates import Updates
from turnkeep_domain.budgets.ask import Ask, ttl_fault
from turnkeep_domain.budgets.gate_id import BudgetGateId
from turnkeep_domain.budgets.holds import OnExpiry
from turnkeep_domain.budgets.receipts import Receipt
from turnkeep_domain.budgets.refusals import (
    ExtendRefusal,
    ReserveRefusal,
)
from turnkeep_domain.budgets.reservation import Reservation
from turnkeep_domain.budgets.tallies import Usage
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import require_identifier
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.claims import Claim
from turnkeep_domain.turns.effect import (
    Done,
    EffectKind,
    EffectState,
    Mode,
    NotDone,
    Unclear,
)
from turnkeep_domain.turns.moved import Moved
from turnkeep_domain.turns.refusals import (
    ClaimRefusal,
    SettleRefusal,
)
from turnkeep_ports.ids import Ids


@frozen(kw_only=True)
class Spending:
    """The use cases of metered calls, as `Turns` promises them."""

    updates: Updates
    ids: Ids
    budgets: BudgetSettings
    _commands: RunCommands = field(
        init=False, default=Factory(lambda self: RunCommands(self.updates), takes_self=True)
    )

    async def begin(
        self, claim: Claim, spend: Spend
    ) -> Receipt | EffectState | Refused[SpendRefusal]:
        """As `Turns.begin_spend` promises."""
        require_kind("claim", claim, Claim)
        require_kind("spend", spend, Spend)
        # What can never be reserved is told before anything is read.
        ask = self._ask(claim, spend)
        if isinstance(ask, Refused):
            return ask
        # As fresh as a commit's, which nobody has used or can guess.
        gate_id = BudgetGateId(self.ids.commit_id().hex())

        def answer(found: Found) -> Begun:
            key = effect_key(found.journal_of(claim.run), spend.id)
            if key not in found.records:
                return Need([key])
            beginning = SpendBeginning(
                found=found,
                claim=claim,
                spend=spend,
                ask=ask,
                gate_id=gate_id,
                known=found.records[key],
            )
            return beginning.intended() if spend.mode is Mode.ONCE else beginning.held()

        # Of a run that repeats another, whose journal it continues only its record says; of all
        # others this spares a round trip.
        own = SpendPlace(claim, RunAddress(claim.run.scope, claim.run.id), spend)
        return await self._commands.decide(
            claim.run,
            answer,
            ends=False,
            keys=cascade_keys(claim.run.scope),
            hints=[
                effect_key(claim.run, spend.id),
                reservation_key(claim.run.scope, own.reservation(attempt=0)),
            ],
        )

    async def settle(
        self,
        claim: Claim,
        spend: Spend,
        *,
        reservation: RequestId,
        outcome: Done | NotDone | Unclear,
        usage: Usage | None,
    ) -> EffectState | Refused[SettleRefusal]:
        """As `Turns.settle_spend` promises."""
        require_kind("claim", claim, Claim)
        require_kind("spend", spend, Spend)
        require_identifier("reservation", reservation)
        require_kind("outcome", outcome, Done, NotDone, Unclear)
        require_kind("usage", usage, Usage, type(None))
        if isinstance(outcome, Done) != (usage is not None):
            raise InvalidValue("usage", "must be told exactly where the call was made")

        def answer(found: Found) -> Decision[Records, EffectState, SettleRefusal] | Need:
            decision = _settled(found, claim, spend, outcome)
            if not isinstance(decision, Changed):
                return decision if isinstance(decision, Need) else found.carried_out(decision)
            if isinstance(outcome, Unclear):
                return found.carried_out(decision)
            closed = close_hold(found.records, claim.run.scope, reservation, usage, now=found.now)
            if isinstance(closed, Need):
                return closed
            return closed.bound(
                found.carried_out(decision, records=closed.records, told=closed.events)
            )

        own = effect_key(claim.run, spend.id)
        held = Extend(claim.run.scope, reservation, self.budgets.ttl_ms).keys
        return await self._commands.decide(claim.run, answer, ends=False, keys=held, hints=[own])

    async def abandon(
        self, claim: Claim, spend: Spend, *, reservation: RequestId
    ) -> bool | Refused[ClaimRefusal]:
        """As `Turns.abandon_spend` promises."""
        require_kind("claim", claim, Claim)
        require_kind("spend", spend, Spend)
        require_identifier("reservation", reservation)

        def answer(found: Found) -> Decision[Records, bool, ClaimRefusal] | Need:
            run = found.state.held(claim=claim, ended=found.ended, now=found.now)
            if isinstance(run, Refused):
                return run
            record = found.records[reservation_key(claim.run.scope, reservation)]
            if not isinstance(record, Reservation):
                return Unchanged(False)
            charges = spend.on_expiry is OnExpiry.CHARGE
            usage = record.estimate.counters if charges else None
            closed = close_hold(found.records, claim.run.scope, reservation, usage, now=found.now)
            if isinstance(closed, Need):
                return closed
            if closed.records is found.records:
                return Unchanged(False)
            return closed.bound(Changed(closed.records, True, closed.events, lease_end(run)))

        held = Extend(claim.run.scope, reservation, self.budgets.ttl_ms).keys
        return await self._commands.decide(claim.run, answer, ends=False, keys=held)

    async def extend(
        self, claim: Claim, spend: Spend, *, reservation: RequestId
    ) -> Receipt | Refused[ExtendRefusal]:
        """As `Turns.extend_spend` promises."""
        require_kind("claim", claim, Claim)
        require_kind("spend", spend, Spend)
        require_identifier("reservation", reservation)
        ttl_ms = self.ttl_ms(spend)
        fault = ttl_fault(ttl_ms)
        if fault is not None:
            return Refused(fault)
        command = Extend(claim.run.scope, reservation, ttl_ms)
        return await self.updates.update(command.keys, command.decide)

    def ttl_ms(self, spend: Spend) -> int:
        """How long a spend is held."""
        return self.budgets.ttl_ms if spend.ttl_ms is None else spend.ttl_ms

    def _ask(self, claim: Claim, spend: Spend) -> Ask | Refused[ReserveRefusal]:
        """What is asked of the accounts; its id is settled once the journal is known."""
        return Ask.of(
            claim.run.scope,
            id=RequestId(claim.run.id),
            estimate=spend.estimate,
            ttl_ms=self.ttl_ms(spend),
            owner=claim.run.id,
            on_expiry=spend.on_expiry,
            price_version=spend.price_version,
        )


def _settled(
    found: Found, claim: Claim, spend: Spend, outcome: Done | NotDone | Unclear
) -> Decision[Moved, EffectState, SettleRefusal] | Need:
    """What the journal makes of an outcome, its hold left aside."""
    key = effect_key(found.journal_of(claim.run), spend.id)
    if key not in found.records:
        return Need([key])
    return found.state.settle(
        claim=claim,
        id=spend.id,
        kind=EffectKind.SPEND,
        mode=spend.mode,
        arguments=spend.arguments,
        outcome=outcome,
        effect=found.records[key],
        ended=found.ended,
        now=found.now,
    )
