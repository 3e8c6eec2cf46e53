"""Withdrawing: what becomes of the approvals of a run that has ended."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from turnkeep_application.approval_cells import approval_key, payload_key
from turnkeep_application.turns.course import Course
from turnkeep_domain.approvals.approval import Approval
from turnkeep_domain.decisions import Changed
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.turns.run import Run

TURNS: Final = Principal.service("turnkeep.turns")
"""Who withdraws them, as their events tell it."""


def withdraw_approvals(course: Course, run: Run, *, now: datetime) -> None:
    """Discards what the run asked and nobody has decided; what is overdue is noted as expired."""
    for entry in run.approvals:
        if not entry.open:
            continue
        gate, payload = approval_key(run.scope, entry.id), payload_key(run.scope, entry.id)
        if not course.has(gate, payload):
            continue
        approval = course.records[gate]
        if not isinstance(approval, Approval):
            continue
        decision = approval.discard(by=TURNS, request_id=RequestId(f"{run.id} ended"), now=now)
        if course.adopt(gate, decision) and isinstance(decision, Changed):
            course.delete(payload)
