"""A journal: the calls that a handler has made through its context, so that none is made twice."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from attrs import evolve, field, frozen

from turnkeep_domain.decisions import Changed, Decision, Refused, Settled, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.events import Event
from turnkeep_domain.turns.claims import Claim
from turnkeep_domain.turns.declined import declined
from turnkeep_domain.turns.effect import (
    EffectState,
    Intended,
    JournalCall,
    Mode,
    Outcome,
    RunEffect,
    Uncertain,
    Unclear,
    effect_state_of,
)
from turnkeep_domain.turns.events import EffectSettled, EffectUncertain, told_of
from turnkeep_domain.turns.limits import EFFECTS_MAX, OPEN_MAX
from turnkeep_domain.turns.moved import Moved
from turnkeep_domain.turns.refusals import (
    ClaimRefusal,
    EffectsFull,
    ReplayDiverged,
    SettleRefusal,
    WrongState,
)
from turnkeep_domain.turns.run import Run
from turnkeep_domain.turns.run_states import Running
from turnkeep_domain.turns.runner import Runner

if TYPE_CHECKING:
    from turnkeep_domain.turns.turn_state import TurnState

Answer: TypeAlias = Decision[Moved, EffectState, SettleRefusal]


@frozen(kw_only=True)
class Journal:
    """One call of a runner, and what the journal knows of it so far.

    Attributes:
        known: The entry of the call; None where it was never made.
    """

    runner: Runner = field()
    call: JournalCall = field()
    known: RunEffect | None = field()

    def intend(self) -> Answer:
        """A `once` step is about to be called. In this order: state, repeat, limits."""
        run = self.runner.active.run
        if not isinstance(run.state, Running):
            return Refused(WrongState(run.status))
        answer = self._repeat()
        if answer is not None:
            return answer
        if self._is_full():
            return Refused(EffectsFull("effects"))
        if len(run.open) == OPEN_MAX:
            return Refused(EffectsFull("open"))
        lease = self.runner.lease
        entry = self._entry(Intended(epoch=run.epoch, token=lease.token))
        return self._changed(self._counted(evolve(run, open=(*run.open, self.call.id))), entry)

    def settle(self, outcome: Outcome | Unclear) -> Answer:
        """A call has been made, and this became of it. In this order: repeat, limits.

        Raises:
            InvalidValue: A call that may be made twice is said to be unclear.
        """
        if self.call.mode is Mode.ONCE:
            return self._settle_once(outcome)
        if isinstance(outcome, Unclear):
            raise InvalidValue("outcome", "must be clear, for the call may be made again")
        answer = self._repeat()
        if answer is not None:
            return answer
        if self.known is not None and self.known.state == outcome:
            return Unchanged(outcome)
        if self._is_full():
            return Refused(EffectsFull("effects"))
        return self._changed(self._counted(self.runner.active.run), self._entry(outcome))

    def decline(self, code: str) -> Answer:
        """The call was refused, and a replay is to be told so. In this order: repeat, limits."""
        answer = self._repeat()
        if answer is not None:
            return answer
        if self._is_full():
            return Refused(EffectsFull("effects"))
        return self._changed(self._counted(self.runner.active.run), self._entry(declined(code)))

    def _settle_once(self, outcome: Outcome | Unclear) -> Answer:
        known, run, now = self.known, self.runner.active.run, self.runner.active.now
        if known is None or not known.is_call(self.call):
            return Refused(ReplayDiverged(self.call.id))
        intent = known.state
        if not isinstance(intent, Intended) or not self._is_own(known):
            return self._standing(known)
        if isinstance(outcome, Unclear):
            state: EffectState = Uncertain(
                since=now, epoch=intent.epoch, token=intent.token, evidence=()
            )
            return self._changed(run, evolve(known, state=state))
        still_open = tuple(id for id in run.open if id != known.id)
        return self._changed(evolve(run, open=still_open), evolve(known, state=outcome))

    def _repeat(self) -> Unchanged[EffectState] | Refused[ReplayDiverged] | None:
        known = self.known
        if known is None:
            return None
        if not known.is_call(self.call):
            return Refused(ReplayDiverged(known.id))
        return None if known.is_to_be_redone else self._standing(known)

    def _is_own(self, known: RunEffect) -> bool:
        run = self.runner.active.run
        return known.is_of(run.id, run.epoch, self.runner.lease.token)

    def _standing(self, known: RunEffect) -> Unchanged[EffectState]:
        """A call as it stands; what another has intended is uncertain, for it may be under way."""
        state = known.state
        if not isinstance(state, Intended) or self._is_own(known):
            return Unchanged(state)
        since = self.runner.active.now
        return Unchanged(Uncertain(since=since, epoch=state.epoch, token=state.token, evidence=()))

    def _is_full(self) -> bool:
        return self.known is None and self.runner.active.run.counters.effects >= EFFECTS_MAX

    def _counted(self, run: Run) -> Run:
        if self.known is not None:
            return run
        return evolve(run, counters=evolve(run.counters, effects=run.counters.effects + 1))

    def _entry(self, state: EffectState) -> RunEffect:
        active = self.runner.active
        if self.known is not None:
            return evolve(self.known, run=active.run.id, state=state)
        return entered(active.run, self.call, state, active.now)

    def _changed(self, run: Run, entry: RunEffect) -> Changed[Moved, EffectState]:
        active = self.runner.active
        run = active.stored(run)
        moved = active.moved(run, effects=(entry,))
        events = told_of_entry(run, entry, active.now)
        return Changed(moved, entry.state, events, self.runner.lease.tenure.until)


def entered(run: Run, call: JournalCall, state: EffectState, now: datetime) -> RunEffect:
    """The journal entry of a call that was never made before."""
    return RunEffect(
        scope=run.scope,
        journal=run.journal,
        id=call.id,
        run=run.id,
        kind=call.kind,
        mode=call.mode,
        arguments=call.arguments,
        state=state,
        entered_at=now,
    )


def told_of_entry(run: Run, entry: RunEffect, now: datetime) -> tuple[Event, ...]:
    """The event of an entry's present state; intents have none."""
    told = told_of(run, now)
    match entry.state:
        case Intended():
            return ()
        case Uncertain():
            return (EffectUncertain(**told, effect=entry.id),)
        case settled:
            return (EffectSettled(**told, effect=entry.id, state=effect_state_of(settled)),)


@frozen(kw_only=True)
class LateReport:
    """What a runner that has lost its claim tells of a step: evidence for an operator, if its own.

    Attributes:
        refusal: Why it may not settle the step, which stays the answer.
    """

    claim: Claim = field()
    call: JournalCall = field()
    known: RunEffect | None = field()
    outcome: Outcome | Unclear = field()
    refusal: ClaimRefusal = field()

    def join(self, state: TurnState, now: datetime) -> Answer:
        """The refusal, and the evidence that is stored with it."""
        known, outcome = self.known, self.outcome
        if known is None or isinstance(outcome, Unclear) or not known.is_call(self.call):
            return Refused(self.refusal)
        if not known.is_of(self.claim.run.id, self.claim.epoch, self.claim.digest):
            return Refused(self.refusal)
        entry = known.with_evidence(outcome, now)
        if entry == known:
            return Refused(self.refusal)
        moved = Moved(state=state, ended=None, effects=(entry,))
        # The deadline has come, and nobody has noted it yet: the step is uncertain from now on.
        run = state.active if isinstance(known.state, Intended) else None
        events = () if run is None else told_of_entry(run, entry, now)
        return Settled(moved, self.refusal, events, tidy=False)
