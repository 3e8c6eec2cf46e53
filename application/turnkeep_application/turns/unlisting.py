"""Unlisting: a run no longer lists a grant once that has ended, in one commit with the end."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from attrs import evolve

from turnkeep_application.approval_cells import grant_key
from turnkeep_application.records import Need, Records
from turnkeep_application.turns.cells import turn_state_key
from turnkeep_application.turns.following import follow
from turnkeep_domain.approvals.grant import Grant
from turnkeep_domain.decisions import Changed, Decision, Settled

O = TypeVar("O")
R = TypeVar("R")


def along_with_its_list(
    records: Records, grant: Grant, decision: Decision[Records, O, R], *, now: datetime
) -> Decision[Records, O, R] | Need:
    """A decision on a grant, and what the run lists that had asked for it.

    Args:
        records: As they were loaded.
        grant: As it was.
        decision: What the grant itself answers, over all records.
        now: The store's now.
    """
    run = grant.run
    if run is None or not isinstance(decision, Changed | Settled):
        return decision
    after = decision.state[grant_key(grant.scope, grant.id)]
    if after is None or after.ended_at is None:
        return decision
    key = turn_state_key(run)
    if key not in records:
        return Need([key])
    state = records[key]
    if state is None:
        return decision
    unlisted = state.approval_ended(run=run.id, approval=grant.id, approved=False, now=now)
    if not isinstance(unlisted, Changed):  # that run is over, or it lists it no longer
        return decision
    followed = follow(decision.state, before=state, moved=unlisted.state, now=now)
    if isinstance(followed, Need):
        return followed
    events = (*decision.events, *unlisted.events, *followed.events)
    return evolve(decision, state=followed.records, events=events)
