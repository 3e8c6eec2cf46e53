"""Answering a gate: what a client sends about a prompt, read, and cast as the vote that it means.

An exact reference means one gate and never falls through to another. An answer without one counts
the gates that stood open when its prompt was shown, whatever became of them since: where they are
several, or damage hides whether they are, nobody guesses.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Final

from attrs import frozen

from turnkeep_application.reading import Reading, Unreadable
from turnkeep_domain.approvals.approval import APPROVALS, Approval, ApprovalRecord
from turnkeep_domain.approvals.approval_id import ApprovalId
from turnkeep_domain.approvals.discarded import Discarded
from turnkeep_domain.approvals.gate_ref import GateRef
from turnkeep_domain.approvals.limits import LIFETIME_SECONDS_MAX
from turnkeep_domain.approvals.refusals import AmbiguousGate, NothingToAnswer
from turnkeep_domain.approvals.states import ApprovalOutcome, ApprovalState
from turnkeep_domain.decisions import Refused
from turnkeep_domain.instants import sorted_from
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_ports.scans import Place, Position, Sorted, position
from turnkeep_ports.store import Cell

_CELLS: Final = 200
_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)
_LIFETIME_MAX: Final = timedelta(seconds=LIFETIME_SECONDS_MAX)


@frozen(kw_only=True)
class GateAnswered:
    """An answer has been taken.

    Attributes:
        ref: The gate that it was about.
        outcome: Where that stands now, or, of a repeat, where it stood then.
    """

    ref: GateRef
    outcome: ApprovalOutcome


@frozen
class OpenGates:
    """Finds what an answer without a reference means."""

    _reading: Reading

    async def meant(
        self, scope: Scope, *, shown_at: datetime, decision_id: RequestId
    ) -> ApprovalId | Refused[AmbiguousGate | NothingToAnswer]:
        """The id of the one gate of exactly this scope that stood open when a prompt was shown.

        A gate that this decision was about already is meant again, whatever came to light since.

        Raises:
            Unavailable: The store did not serve, or had not answered all within the one deadline.
        """
        ids: list[ApprovalId] = []
        refs: list[str] = []
        async for id, record in self._raised_by(scope, shown_at):
            if isinstance(record, Unreadable):
                ids.append(id)
            elif _is_answered(record, decision_id):
                return id
            elif _stood_open(record, shown_at):
                ids.append(id)
                refs.append(str(GateRef(id)))
        match ids:
            case []:
                return Refused(NothingToAnswer())
            case [only]:
                return only
            case _:
                return Refused(AmbiguousGate(tuple(refs)))

    async def _raised_by(
        self, scope: Scope, moment: datetime
    ) -> AsyncIterator[tuple[ApprovalId, ApprovalRecord | Unreadable]]:
        """What was raised by a moment, oldest first, and not so early that it had surely ended."""
        query = Sorted(collection=APPROVALS.name, prefix=ScopePrefix.exactly(scope), state=None)
        begin = max(moment, _BEGINNING + _LIFETIME_MAX) - _LIFETIME_MAX
        after: Position | None = position(query, Place(sorted_from(begin).encode(), b""))
        deadline = self._reading.deadline()
        while after is not None:
            page = await self._reading.page(query, after=after, limit=_CELLS, deadline=deadline)
            for cell in page.cells:
                if _was_raised_after(cell, moment):
                    return
                yield ApprovalId(cell.address.id), self._reading.decoded(APPROVALS, cell)
            after = page.next


def _was_raised_after(cell: Cell, moment: datetime) -> bool:
    raised = cell.entry.index.sort[: len(sorted_from(moment))]
    return raised > sorted_from(moment)


def _stood_open(record: ApprovalRecord, moment: datetime) -> bool:
    match record:
        case Approval(request=request, ended_at=ended_at):
            return moment < (request.expires_at if ended_at is None else ended_at)
        case Discarded(was=was, ended_at=ended_at):
            # What was pruned had been shown as ended long before.
            return was is ApprovalState.PENDING and moment < ended_at


def _is_answered(record: ApprovalRecord, decision_id: RequestId) -> bool:
    return any(mark.request_id == decision_id for mark in record.marks.entries)
