"""Pending approvals: those that may still be decided, as a store's index finds them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from attrs import frozen

from turnkeep_application.approval_settings import PAGE_MAX
from turnkeep_application.approval_views import PendingPage, view_of
from turnkeep_application.paging import position_of, token_of
from turnkeep_application.reading import Reading
from turnkeep_domain.approvals.approval import APPROVALS
from turnkeep_domain.approvals.limits import require_whole
from turnkeep_domain.approvals.states import ApprovalState
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_ports.limits import PAGE_MAX as CELLS_MAX
from turnkeep_ports.scans import Position, Sorted
from turnkeep_ports.store import Cell

_PENDING: Final = ApprovalState.PENDING.value


@frozen
class PendingApprovals:
    """Finds pending approvals; what is overdue is none, noted or not."""

    _reading: Reading

    async def page(self, prefix: ScopePrefix, *, after: str | None, limit: int) -> PendingPage:
        """As `Approvals.list_pending` promises."""
        require_whole("limit", limit, least=1, most=PAGE_MAX)
        prefix.scope.require_work()
        query = Sorted(collection=APPROVALS.name, prefix=prefix, state=_PENDING)
        position = position_of(after)
        while True:
            found = await self._reading.listing(APPROVALS, query, after=position, limit=limit)
            views = [view_of(record, found.now) for record in found.records]
            page = PendingPage(
                approvals=tuple(view for view in views if view and not view.state.final),
                unreadable=found.unreadable,
                next=token_of(found.next),
            )
            if page.approvals or page.unreadable or page.next is None:
                return page
            position = found.next

    async def reaches(self, count: int, scope: Scope) -> bool:
        """Whether so many approvals wait in exactly this scope; no body is read for it."""
        exactly = ScopePrefix.exactly(scope)
        query = Sorted(collection=APPROVALS.name, prefix=exactly, state=_PENDING)
        left = count
        position: Position | None = None
        while True:
            page = await self._reading.page(query, after=position, limit=min(left, CELLS_MAX))
            left -= sum(_is_waiting(cell, page.now) for cell in page.cells)
            if left <= 0 or page.next is None:
                return left <= 0
            position = page.next


def _is_waiting(cell: Cell, now: datetime) -> bool:
    due_at = cell.entry.index.due_at
    return due_at is not None and due_at > now
