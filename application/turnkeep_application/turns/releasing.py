"""Releasing: the end of an approval lets the run go on that waits for it, in one commit."""

from __future__ import annotations

from datetime import datetime
from typing import Final, TypeVar, assert_never

from attrs import evolve

from turnkeep_application.approval_cells import approval_key
from turnkeep_application.records import Need, Records
from turnkeep_application.turns.cells import turn_state_key
from turnkeep_application.turns.following import follow
from turnkeep_domain.approvals.approval import Approval, ApprovalRecord
from turnkeep_domain.approvals.discarded import Discarded
from turnkeep_domain.approvals.phases import Approved, Denied, Expired, Pending
from turnkeep_domain.approvals.states import ApprovalState
from turnkeep_domain.decisions import Changed, Decision, Refused, Settled
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.gates import Disposition, GateKind
from turnkeep_domain.turns.names import Ref
from turnkeep_domain.turns.run_states import Blocked
from turnkeep_domain.turns.turn_state import TurnState

O = TypeVar("O")
R = TypeVar("R")

BY: Final = Actor.system("approvals")
"""Who resumes a run when its approval has ended: whoever decided is told by that one's event."""


def disposition_of(record: ApprovalRecord) -> Disposition | None:
    """How a gate ended, read from the approval itself; None while it is pending."""
    if isinstance(record, Discarded):
        return Disposition.WITHDRAWN
    phase = record.phase
    match phase:
        case Pending():
            return None
        case Approved():
            return Disposition.GRANTED
        case Denied():
            return Disposition.DENIED
        case Expired():
            return Disposition.ELAPSED
        case _:
            assert_never(phase)


def disposition_at(record: ApprovalRecord, now: datetime) -> Disposition | None:
    """The same at a moment of the store's clock: what is overdue has elapsed, noted or not."""
    if isinstance(record, Approval) and record.state_at(now) is ApprovalState.EXPIRED:
        return Disposition.ELAPSED
    return disposition_of(record)


def is_parked(state: TurnState | None, approval: Approval) -> bool:
    """Whether the run that raised an approval is blocked on it."""
    run, awaiting = approval.request.question.run, state.active if state else None
    if run is None or awaiting is None or awaiting.id != run.id:
        return False
    match awaiting.state:
        case Blocked(gate=gate):
            return gate.kind is GateKind.APPROVAL and gate.ref == Ref(approval.request.id)
        case _:
            return False


def is_awaited(records: Records, approval: Approval) -> bool | Need:
    """Whether the run that raised an approval, if one did, is blocked on it."""
    run = approval.request.question.run
    if run is None:
        return True
    key = turn_state_key(run)
    return is_parked(records[key], approval) if key in records else Need([key])


def along_with_its_run(
    records: Records,
    approval: Approval,
    decision: Changed[Records, O] | Settled[Records, R],
    *,
    unless_parked: R | None,
    now: datetime,
) -> Decision[Records, O, R] | Need:
    """A decision on an approval, and what becomes of the run that waits for it.

    Args:
        records: As they were loaded.
        approval: As it was.
        decision: What the approval itself answers, over all records.
        unless_parked: The refusal where the run does not wait for it any more; None where the
            decision stands in any case, as the end of its time and its withdrawal do.
        now: The store's now.

    Returns:
        The decision over all records.
    """
    run = approval.request.question.run
    if run is None:
        return decision
    key = turn_state_key(run)
    if key not in records:
        return Need([key])
    state = records[key]
    if state is None or not is_parked(state, approval):
        # A run's own end discards what it waits for, so nobody is left waiting here.
        return decision if unless_parked is None else Refused(unless_parked)
    after = decision.state[approval_key(approval.request.scope, approval.request.id)]
    disposition = None if after is None else disposition_of(after)
    if disposition is None:
        return decision
    released = state.release(
        run=run.id,
        kind=GateKind.APPROVAL,
        ref=Ref(approval.request.id),
        disposition=disposition,
        actor=BY,
        now=now,
    )
    if not isinstance(released, Changed):  # it was asked whether it waits for this
        return decision
    followed = follow(decision.state, before=state, moved=released.state, now=now)
    if isinstance(followed, Need):
        return followed
    events = (*decision.events, *released.events, *followed.events)
    return evolve(decision, state=followed.records, events=events)
