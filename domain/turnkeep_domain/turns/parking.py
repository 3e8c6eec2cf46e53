"""A parking: a runner's call that waits at a gate, unless the gate has ended already."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from attrs import evolve, field, frozen

from turnkeep_domain.decisions import Changed, Decision, Refused, Settled, Unchanged
from turnkeep_domain.request_ids import Digest, digest_of
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.claim_ending import ClaimEnding
from turnkeep_domain.turns.claims import RunStanding
from turnkeep_domain.turns.declined import declined_with
from turnkeep_domain.turns.effect import Done, EffectKind, JournalCall, Mode, NotDone, RunEffect
from turnkeep_domain.turns.gates import Disposition, Gate, GateKind
from turnkeep_domain.turns.journal import Journal
from turnkeep_domain.turns.limits import APPROVALS_MAX, APPROVALS_OPEN_MAX, EFFECTS_MAX
from turnkeep_domain.turns.moved import Moved
from turnkeep_domain.turns.refusals import (
    BlockRefusal,
    CallDeclined,
    EffectsFull,
    ReplayDiverged,
)
from turnkeep_domain.turns.run import RunApproval
from turnkeep_domain.turns.run_states import CancelRequested
from turnkeep_domain.turns.runner import Runner

Answer: TypeAlias = Decision[Moved, RunStanding | Disposition, BlockRefusal]


@frozen(kw_only=True)
class Parking:
    """One call that waits at a gate.

    Attributes:
        gate: As the call names it: of joined runs, all.
        live: Those of them that have not ended.
        until: When the wait elapses; None for never.
        settled: How the gate has ended already; None where it has not.
        approval: The approval that is raised along.
        known: The journal's entry of the call.
    """

    runner: Runner = field()
    ending: ClaimEnding = field()
    gate: Gate = field()
    live: tuple[RunAddress, ...] = field()
    until: datetime | None = field()
    settled: Disposition | None = field()
    approval: str | None = field()
    known: RunEffect | None = field()

    def park(self) -> Answer:
        """The run waits, and its claim ends; or the gate's disposition, and it runs on.

        In this order: a cancel that was asked for, repeat, a gate that has ended, limits, open
        steps.
        """
        run = self.runner.active.run
        if isinstance(run.state, CancelRequested):
            return self.ending.block(
                self.gate, until=None, approvals=run.approvals, effects=run.counters.effects
            )
        answer = self._passed()
        if answer is not None:
            return answer
        # The entry of a call that was refused before gives its place to the gate's own, which is
        # entered when the gate ends.
        effects = run.counters.effects - (0 if self.known is None else 1)
        if effects >= EFFECTS_MAX:
            return Refused(EffectsFull("effects"))
        approvals = self._approvals()
        if isinstance(approvals, EffectsFull):
            return Refused(approvals)
        return self.ending.block(
            evolve(self.gate, awaited=self.live),
            until=self.until,
            approvals=approvals,
            effects=effects,
        )

    def _passed(self) -> Answer | None:
        call = call_at(self.gate)
        if self.known is not None:
            if not self.known.is_call(call):
                return Refused(ReplayDiverged(call.id))
            match self.known.state:
                case Done(disposition=disposition):
                    return Unchanged(disposition or Disposition.GRANTED)
                case NotDone(redo=False) as refused:
                    return Refused(CallDeclined(declined_with(refused) or refused.category))
                case _:
                    pass
        disposition = self._disposition()
        if disposition is None:
            return None
        journal = Journal(runner=self.runner, call=call, known=self.known)
        decision = journal.settle(Done(output=b"", disposition=disposition))
        match decision:
            case Changed(moved, _, events, valid_until):
                return Changed(moved, disposition, events, valid_until)
            case Unchanged():
                return Unchanged(disposition)
            case Refused() | Settled():
                return decision

    def _disposition(self) -> Disposition | None:
        if self.settled is not None:
            return self.settled
        if self.gate.kind is GateKind.DEPENDENT_RUN and not self.live:
            return Disposition.GRANTED
        if self.until is not None and self.until <= self.runner.active.now:
            return Disposition.ELAPSED
        return None

    def _approvals(self) -> tuple[RunApproval, ...] | EffectsFull:
        listed = self.runner.active.run.approvals
        if self.approval is None or any(entry.id == self.approval for entry in listed):
            return listed
        if len(listed) == APPROVALS_MAX:
            return EffectsFull("approvals")
        if sum(entry.open for entry in listed) == APPROVALS_OPEN_MAX:
            return EffectsFull("approvals_open")
        return (*listed, RunApproval(id=self.approval, open=True))


def call_at(gate: Gate) -> JournalCall:
    """The call that waits at a gate, as the journal knows it."""
    return JournalCall(
        id=gate.effect, kind=EffectKind.GATE, mode=Mode.SAFE, arguments=gate.arguments
    )


def block_arguments(gate: Gate) -> Digest:
    """What tells a repeated block from another end of the same claim."""
    return digest_of("block", gate.arguments.hex(), gate.effect.name, gate.effect.ordinal)
