"""Withdrawing: what becomes of the approvals and the unspent grants of a run that has ended."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from turnkeep_application.approval_cells import approval_key, grant_key, payload_key
from turnkeep_application.turns.course import Course
from turnkeep_domain.approvals.approval import Approval
from turnkeep_domain.decisions import Changed
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.turns.run import Run

TURNS: Final = Principal.service("turnkeep.turns")
"""Who withdraws them, as their events tell it."""


def withdraw_approvals(course: Course, run: Run, *, now: datetime) -> None:
    """Takes back what the run asked and has not used.

    What nobody has decided is discarded, or noted as expired where it is overdue. A yes that was
    not begun is revoked; of what was begun, only an operator knows what became.
    """
    for entry in run.approvals:
        if entry.open:
            _discard(course, run, entry.id, now)
    revoke_unspent(course, run, now=now)


def revoke_unspent(course: Course, run: Run, *, now: datetime) -> None:
    """Revokes what the run was granted and has not begun to use."""
    for entry in run.approvals:
        granted = grant_key(run.scope, entry.id)
        if not entry.open and course.has(granted):
            grant = course.records[granted]
            if grant is not None:
                course.adopt(granted, grant.run_ended(by=TURNS, now=now))


def _discard(course: Course, run: Run, id: str, now: datetime) -> None:
    gate, payload = approval_key(run.scope, id), payload_key(run.scope, id)
    if not course.has(gate, payload):
        return
    approval = course.records[gate]
    if not isinstance(approval, Approval):
        return
    decision = approval.discard(by=TURNS, request_id=RequestId(f"{run.id} ended"), now=now)
    if course.adopt(gate, decision) and isinstance(decision, Changed):
        course.delete(payload)
