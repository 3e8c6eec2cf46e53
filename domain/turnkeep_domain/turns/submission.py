"""A submission: a turn becomes the active run of its thread."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

from attrs import evolve, field, frozen

from turnkeep_domain.decisions import Changed, Refused
from turnkeep_domain.events import Event
from turnkeep_domain.request_ids import Mark, remember
from turnkeep_domain.turns.active import Request
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.bucket_ids import BucketId
from turnkeep_domain.turns.effect import RunEffect
from turnkeep_domain.turns.ended import EndedRun
from turnkeep_domain.turns.events import RunSubmitted, told_of
from turnkeep_domain.turns.journal import told_of_entry
from turnkeep_domain.turns.limits import REQUESTS_MAX, SUBMIT_SECONDS
from turnkeep_domain.turns.lineage import Lineage
from turnkeep_domain.turns.moved import Moved
from turnkeep_domain.turns.names import RunId
from turnkeep_domain.turns.policy import TurnPolicy
from turnkeep_domain.turns.refusals import ThreadBusy, ThreadClosed
from turnkeep_domain.turns.run import Run, RunCounters
from turnkeep_domain.turns.run_states import Queued
from turnkeep_domain.turns.turn import Turn

if TYPE_CHECKING:
    from turnkeep_domain.turns.turn_state import TurnState

Answer: TypeAlias = Changed[Moved, Run] | Refused[ThreadClosed | ThreadBusy]


@frozen(kw_only=True)
class Submission:
    """A run that is to begin.

    Attributes:
        journal: The run whose journal it continues; None for its own.
        effects: How many entries that has.
        holds: The buckets that count it.
        actor: Who brings it about, in which role.
    """

    id: RunId = field()
    turn: Turn = field()
    policy: TurnPolicy = field()
    lineage: Lineage = field()
    journal: RunId | None = field()
    effects: int = field()
    holds: tuple[BucketId, ...] = field()
    actor: Actor = field()

    @classmethod
    def again(
        cls, before: EndedRun, *, id: RunId, holds: tuple[BucketId, ...], actor: Actor
    ) -> Submission:
        """The same turn on the same journal, as a new run, and as the root of a tree of its own."""
        run = before.run
        return cls(
            id=id,
            turn=run.turn,
            policy=run.policy,
            lineage=Lineage.of_root(retry_of=run.id),
            journal=run.journal,
            effects=run.counters.effects,
            holds=holds,
            actor=actor,
        )

    def to(
        self,
        state: TurnState,
        *,
        settled: Sequence[RunEffect] = (),
        redone: Sequence[RunEffect] = (),
        request: Request | None = None,
        now: datetime,
    ) -> Answer:
        """The run is queued, if the thread is free. In this order: deleted, busy.

        Args:
            state: The thread's.
            settled: Journal entries of which it became known what became of them.
            redone: Journal entries that are to be done again, of which no event tells.
            request: What is remembered, where the run's id does not stand for it.
            now: The store's.
        """
        if state.closed:
            return Refused(ThreadClosed())
        if state.active is not None:
            return Refused(ThreadBusy(state.active.id, state.active.status))
        run = self._run(now)
        event: Event = RunSubmitted(
            **told_of(run, now),
            actor=self.actor,
            parent=None if self.lineage.parent is None else self.lineage.parent.id,
            retry_of=self.lineage.retry_of,
        )
        told = [event for effect in settled for event in told_of_entry(run, effect, now)]
        requests = state.requests
        if request is not None:
            mark = Mark(request.id, request.arguments, run.standing)
            requests = remember(requests, mark, bound=REQUESTS_MAX)
        moved = Moved(
            state=evolve(state, active=run, requests=requests, updated_at=now),
            ended=None,
            effects=(*settled, *redone),
        )
        until = now + timedelta(seconds=SUBMIT_SECONDS)
        return Changed(moved, run, (event, *told), until)

    def _run(self, now: datetime) -> Run:
        return Run(
            id=self.id,
            turn=self.turn,
            policy=self.policy,
            state=Queued(due_at=now, outside=False),
            version=1,
            epoch=0,
            lease=None,
            journal=self.id if self.journal is None else self.journal,
            open=(),
            approvals=(),
            holds=self.holds,
            counters=RunCounters(lost=0, returned=0, effects=self.effects, checkpoint=0),
            route=None,
            lineage=self.lineage,
            updated_at=now,
        )
