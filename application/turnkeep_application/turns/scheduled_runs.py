"""Scheduled runs: what threads are told of the runs in them, from the turn states of turns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from attrs import evolve, field, frozen

from turnkeep_application.records import Need, Records
from turnkeep_application.turns.calling_off import THREAD_DELETED, TURNS
from turnkeep_application.turns.cells import thread_state_key
from turnkeep_application.turns.descending import parent_places
from turnkeep_application.turns.following import follow
from turnkeep_application.turns.turn_settings import TurnSettings
from turnkeep_domain.decisions import Changed
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Address, ReadKey
from turnkeep_domain.threads.addresses import ThreadAddress
from turnkeep_domain.turns.moved import Moved
from turnkeep_domain.turns.names import RunId
from turnkeep_domain.turns.run_states import Queued
from turnkeep_domain.turns.turn_state import TurnState


@frozen(kw_only=True)
class ScheduledRuns:
    """The `ThreadRuns` of turns.

    A thread that is deleted has its turn state closed in the same commit, created closed where
    there was none: nothing is submitted or claimed there any more. The run that holds it is called
    off along: a worker that carries it out is told so, and one that waits ends at once. A queued
    one is left to the claim that meets it, so that a deletion never waits for a busy lane.

    Attributes:
        settings: How long a worker may take to end a run that is called off.
    """

    settings: TurnSettings = field(factory=TurnSettings)

    def keys(self, thread: ThreadAddress) -> Sequence[ReadKey[object]]:
        """The turn state of the thread."""
        return (thread_state_key(thread),)

    def active_run(self, records: Records, thread: ThreadAddress) -> RunId | None:
        """The run that has not ended, whether or not somebody carries it out."""
        state = records[thread_state_key(thread)]
        return None if state is None or state.active is None else state.active.id

    def writes_on(self, records: Records, thread: ThreadAddress, run_id: RunId) -> bool:
        """Whether the active run is that one, or repeats it on its journal."""
        state = records[thread_state_key(thread)]
        active = None if state is None else state.active
        return active is not None and run_id in (active.id, active.journal)

    def may_lack(self, records: Records, thread: ThreadAddress) -> Sequence[Address]:
        """Where the parent of the active run stands: it is told nothing then."""
        state = records[thread_state_key(thread)]
        run = None if state is None else state.active
        return () if run is None else [place.address for place in parent_places(run)]

    def closed(
        self, records: Records, thread: ThreadAddress, now: datetime, *, lacking: bool
    ) -> tuple[Records, Sequence[Event]] | Need:
        """The turn state closed, and the run called off with all that goes along."""
        before = records[thread_state_key(thread)]
        state = before or TurnState.free(scope=thread.scope, id=thread.thread_id, now=now)
        moved, told = self._called_off(state, now)
        closed = moved.state.close(now=now)
        if isinstance(closed, Changed):
            moved = evolve(moved, state=closed.state.state)
        followed = follow(records, before=before, moved=moved, parent_lost=lacking, now=now)
        if isinstance(followed, Need):
            return followed
        return followed.records, (*told, *followed.events)

    def _called_off(self, state: TurnState, now: datetime) -> tuple[Moved, tuple[Event, ...]]:
        run = state.active
        if run is not None and not isinstance(run.state, Queued):
            decision = state.call_off(
                run=run.id,
                reason=THREAD_DELETED,
                by=TURNS,
                grace=self.settings.cancel_grace,
                now=now,
            )
            if isinstance(decision, Changed):
                return decision.state, decision.events
        return Moved(state=state, ended=None, effects=()), ()
