"""Elapsing: a wait whose time is up ends for the run and for what it waited for, together."""

from __future__ import annotations

from datetime import datetime

from turnkeep_application.records import Records
from turnkeep_domain.approvals.approval import Approval, ApprovalRecord
from turnkeep_domain.decisions import Changed
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Key


def noted_as_expired(
    records: Records, approval: Key[ApprovalRecord], now: datetime
) -> tuple[Records, tuple[Event, ...]]:
    """The view in which an approval whose deadline has come is expired; else as it is."""
    record = records[approval]
    if isinstance(record, Approval):
        decision = record.expire(now=now)
        if isinstance(decision, Changed):
            return records.put(approval, decision.state), decision.events
    return records, ()
