"""Following: all that goes along with a command on a turn state, in the same commit.

A command of the domain answers a `Moved`. What the move means for the lane, the buckets, the tree,
the journal, the approvals and the parent follows from comparing before and after, here and nowhere
else: so the counts are exact whoever moves a run, and for whatever reason.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from attrs import frozen

from turnkeep_application.records import Need, Records
from turnkeep_application.turns.cells import (
    effect_key,
    lane_key,
    run_key,
    turn_state_key,
)
from turnkeep_application.turns.course import Course, earlier
from turnkeep_application.turns.descending import follow_in_tree, parent_of
from turnkeep_application.turns.grants_along import tell_grants
from turnkeep_application.turns.places import follow_in_buckets, follow_in_lane
from turnkeep_application.turns.withdrawing import withdraw_approvals
from turnkeep_domain.decisions import Changed, Decision, Refused, Settled, Unchanged
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Key, ReadKey
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.lane_ids import LaneId
from turnkeep_domain.turns.moved import Moved
from turnkeep_domain.turns.names import RunId
from turnkeep_domain.turns.policy import TurnClass
from turnkeep_domain.turns.run import Run
from turnkeep_domain.turns.turn_state import TurnState

O = TypeVar("O")
R = TypeVar("R")


@frozen
class Followed:
    """The view with everything that a move means, and what is told beyond the command's own.

    Attributes:
        until: The instant from which it may no longer be stored; None where the move itself is
            all that has a deadline.
    """

    records: Records
    events: tuple[Event, ...]
    until: datetime | None


def companions(run: RunAddress) -> tuple[ReadKey[object], ...]:
    """What a move of a run usually needs beside its turn state; to be loaded along, as hints.

    Hints suffice: what follows from a move is written where it is read, but for a parent, which
    is asked for.
    """
    lanes = [lane_key(LaneId.of(run.scope, turn_class)) for turn_class in TurnClass]
    return (run_key(run), *lanes)


def carry_out(
    records: Records,
    *,
    before: TurnState | None,
    decision: Decision[Moved, O, R],
    parent_lost: bool = False,
    now: datetime,
) -> Decision[Records, O, R] | Need:
    """A command's answer, lifted into the whole view, with all that goes along.

    Args:
        records: Without the command's change.
        before: The turn state on which the command was decided.
        decision: What it answered.
        parent_lost: As of `follow`.
        now: The store's.
    """
    match decision:
        case Unchanged() | Refused():
            return decision
        case Settled(moved, reason, events, tidy=tidy):
            followed = follow(records, before=before, moved=moved, parent_lost=parent_lost, now=now)
            if isinstance(followed, Need):
                return followed
            told = (*events, *followed.events)
            return Settled(followed.records, reason, told, tidy=tidy)
        case Changed(moved, outcome, events, valid_until):
            followed = follow(records, before=before, moved=moved, parent_lost=parent_lost, now=now)
            if isinstance(followed, Need):
                return followed
            until = earlier(valid_until, followed.until)
            return Changed(followed.records, outcome, (*events, *followed.events), until)


def follow(
    records: Records,
    *,
    before: TurnState | None,
    moved: Moved,
    parent_lost: bool = False,
    now: datetime,
) -> Followed | Need:
    """Puts the turn state, and whatever else its move changes.

    Its lane: the entry in or out (a run that finds the lane full is queued outside it), and how
    many are claimed. Its buckets: how many are held and claimed; where a place is free, the first
    lane that waits for it is readied. A step that is settled settles the grant that it began with.
    At a claim's end open steps become uncertain. At the run's end its record is put, its open
    approvals are withdrawn and its unspent grants revoked, it leaves its tree, and the parent that
    awaits it awaits one run fewer, the last one resuming it. At a cancel what descends from it is
    called off.

    Args:
        records: Without the command's change.
        before: The turn state on which the command was decided; None where there was none.
        moved: The command's change.
        parent_lost: Whether the parent's record was found unreadable: it is told nothing, as if
            it were absent.
        now: The store's.

    Returns:
        The view, and events to be told after the command's own; or what is to be loaded, too.
    """
    course = Course(records)
    _follow(course, before=before, moved=moved, parent_lost=parent_lost, now=now)
    return course.need or Followed(course.records, tuple(course.events), course.until)


def _follow(
    course: Course, *, before: TurnState | None, moved: Moved, parent_lost: bool, now: datetime
) -> None:
    was = None if before is None else before.active
    after = moved.state.active
    ran = moved.ended.run if moved.ended is not None else after or was
    _put_effects(course, moved)
    state = moved.state
    if was is not None:
        state = state.without_grants(tell_grants(course, was, moved.effects, by=None, now=now))
    if ran is not None:
        inside = follow_in_lane(course, was=was, after=after)
        state = state if inside else state.put_outside()
        follow_in_buckets(course, was=was, after=after)
        if was is not None:
            _doubt_steps(course, was=was, after=ran, now=now)
            follow_in_tree(course, was=was, after=ran, now=now)
    _put_state(course, state)
    if moved.ended is not None and was is not None:
        run = run_key(was.address)
        if course.has(run):
            course.put(run, moved.ended)
        withdraw_approvals(course, was, now=now)
        if not parent_lost:
            _tell_parent(course, was, now=now)


def _put_effects(course: Course, moved: Moved) -> None:
    for effect in moved.effects:
        key = effect_key(RunAddress(effect.scope, effect.journal), effect.id)
        if course.has(key):
            course.put(key, effect)


def _put_state(course: Course, state: TurnState) -> None:
    key = _key_of(state)
    if not course.has(key):
        return
    if state.active is None and state.scope.thread is None:
        course.delete(key)
    else:
        course.put(key, state)


def _doubt_steps(course: Course, *, was: Run, after: Run, now: datetime) -> None:
    """At a claim's end, what was begun under it and is not known to have ended is uncertain."""
    if was.lease is None or after.lease is not None:
        return
    journal = RunAddress(was.scope, was.journal)
    for id in was.open:
        key = effect_key(journal, id)
        if course.has(key) and (effect := course.records[key]) is not None:
            course.adopt(key, effect.become_uncertain(run=after, now=now))


def _tell_parent(course: Course, was: Run, *, now: datetime) -> None:
    parent = parent_of(course, was)
    if parent is None:
        return
    decision = parent.awaited_ended(child=was.address, now=now)
    if isinstance(decision, Changed):
        course.events += decision.events
        course.bound(decision.valid_until)
        _follow(course, before=parent, moved=decision.state, parent_lost=False, now=now)


def _key_of(state: TurnState) -> Key[TurnState]:
    return turn_state_key(RunAddress(state.scope, RunId(state.id)))
