"""Descending: what a run's move means for its tree and for the run that spawned it."""

from __future__ import annotations

from datetime import datetime

from turnkeep_application.turns.cells import tree_key, turn_state_key
from turnkeep_application.turns.course import Course
from turnkeep_domain.keys import Key
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.run import Run
from turnkeep_domain.turns.run_states import Cancelled, CancelRequested
from turnkeep_domain.turns.turn import retry_ids
from turnkeep_domain.turns.turn_state import TurnState


def follow_in_tree(course: Course, *, was: Run, after: Run, now: datetime) -> None:
    """A run that is called off calls its descendants off; one that has ended leaves the tree."""
    leaves = after.status.final and was.lineage.root is not None
    calls_off = isinstance(after.state, Cancelled | CancelRequested) and not isinstance(
        was.state, CancelRequested
    )
    # Asked for only where it could matter: a root that has ended otherwise is no member.
    if not (leaves or calls_off):
        return
    key = tree_key(was.root)
    if not course.has(key) or (tree := course.records[key]) is None:
        return
    if calls_off:
        tree = tree.call_off(was.id, now=now)
    if leaves:
        tree = tree.leave(was.id, now=now)
    course.put(key, tree)


def parent_of(course: Course, run: Run) -> TurnState | None:
    """Where the run's parent stands, or whoever repeats it on its journal; None where nobody does.

    It is loaded for every child that ends, and so checked in its commit: the parent may be about
    to wait for it.
    """
    places = parent_places(run)
    for some in (places[:1], places[1:]):
        if not course.has(*some):
            return None
        for place in some:
            state = course.records[place]
            if state is not None and state.active is not None:
                return state
    return None


def parent_places(run: Run) -> tuple[Key[TurnState], ...]:
    """Where a run's parent may stand, and those that repeat it: in a thread, all in one place."""
    parent = run.lineage.parent
    if parent is None:
        return ()
    if parent.scope.thread is not None:
        return (turn_state_key(parent),)
    repeats = retry_ids(parent.scope, parent.id)
    again = (turn_state_key(RunAddress(parent.scope, id)) for id in repeats)
    return (turn_state_key(parent), *again)
