"""Pending approvals: those that may still be decided, as a store's index finds them.

Nothing but a command notes that an approval has ended by its deadline, so a store may hold any
number of overdue ones that its index still calls pending. They are read past, within bounds.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from attrs import evolve, frozen

from turnkeep_application.approval_settings import PAGE_MAX
from turnkeep_application.approval_views import ApprovalView, PendingPage, view_of
from turnkeep_application.paging import position_of, token_of
from turnkeep_application.reading import Reading, Unreadable
from turnkeep_domain.approvals.approval import APPROVALS
from turnkeep_domain.approvals.limits import LIFETIME_SECONDS_MAX, require_whole
from turnkeep_domain.approvals.states import ApprovalState
from turnkeep_domain.instants import sorted_from
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_ports.key_bytes import key_bytes
from turnkeep_ports.limits import PAGE_MAX as CELLS_MAX
from turnkeep_ports.scans import Page, Place, Position, Sorted, place, place_of, position
from turnkeep_ports.store import Cell

_PENDING: Final = ApprovalState.PENDING.value
_CELLS_MIN: Final = 100
_ROUNDS_MAX: Final = 4
_LIFETIME_MAX: Final = timedelta(seconds=LIFETIME_SECONDS_MAX)


@frozen
class PendingApprovals:
    """Finds pending approvals; what is overdue is none, noted or not."""

    _reading: Reading

    async def page(self, prefix: ScopePrefix, *, after: str | None, limit: int) -> PendingPage:
        """As `Approvals.list_pending` promises."""
        require_whole("limit", limit, least=1, most=PAGE_MAX)
        require_kind("prefix", prefix, ScopePrefix)
        prefix.scope.require_work()
        query = Sorted(collection=APPROVALS.name, prefix=prefix, state=_PENDING)
        begin = position_of(after)
        if begin is not None:
            place_of(query, begin)  # refuses the position of another query, before any read
        cells = max(limit, _CELLS_MIN)
        deadline = self._reading.deadline()
        rounds = 0
        while True:
            rounds += 1
            page = await self._reading.page(query, after=begin, limit=cells, deadline=deadline)
            found = self._found(query, page, limit)
            if found.approvals or found.unreadable or page.next is None:
                return found
            begin = page.next
            if rounds == _ROUNDS_MAX:
                return evolve(found, next=token_of(begin))

    async def reaches(self, count: int, scope: Scope) -> bool:
        """Whether so many approvals wait in exactly this scope; no body is parsed for it.

        Raises:
            Unavailable: The store did not serve, or had not answered all within the one deadline.
        """
        exactly = ScopePrefix.exactly(scope)
        query = Sorted(collection=APPROVALS.name, prefix=exactly, state=_PENDING)
        cells = min(max(count, _CELLS_MIN), CELLS_MAX)
        deadline = self._reading.deadline()
        left = count
        begin: Position | None = None
        while True:
            page = await self._reading.page(query, after=begin, limit=cells, deadline=deadline)
            left -= sum(_is_waiting(cell, page.now) for cell in page.cells)
            if left <= 0 or page.next is None:
                return left <= 0
            begin = _past_the_overdue(query, page.next, page.now)

    def _found(self, query: Sorted, page: Page, limit: int) -> PendingPage:
        """What of a page's cells is to be answered; where the limit cuts it, the rest is next."""
        approvals: list[ApprovalView] = []
        unreadable: list[Unreadable] = []
        following = page.next
        for cell in page.cells:
            record = self._reading.decoded(APPROVALS, cell)
            if isinstance(record, Unreadable):
                unreadable.append(record)
            elif (view := view_of(record, page.now)) is not None and not view.state.final:
                approvals.append(view)
            else:
                continue
            if len(approvals) + len(unreadable) == limit:
                if cell is not page.cells[-1]:
                    following = _behind(query, cell)
                break
        return PendingPage(
            approvals=tuple(approvals),
            unreadable=tuple(unreadable),
            read_at=page.now,
            next=token_of(following),
        )


def _behind(query: Sorted, cell: Cell) -> Position:
    return position(query, place(query, cell.entry.index, key_bytes(cell.address)))


def _past_the_overdue(query: Sorted, following: Position, now: datetime) -> Position:
    """That position, or a later one: what was raised a longest lifetime ago no longer waits."""
    earliest = Place(sorted_from(now - _LIFETIME_MAX).encode(), b"")
    return position(query, max(place_of(query, following), earliest))


def _is_waiting(cell: Cell, now: datetime) -> bool:
    due_at = cell.entry.index.due_at
    return due_at is not None and due_at > now
