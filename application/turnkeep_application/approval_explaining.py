"""Explaining an approval: why a call was asked, what was said to it, and what became of the yes."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from turnkeep_application.approval_cells import approval_key, grant_key
from turnkeep_application.approval_views import ApprovalView, view_of
from turnkeep_application.event_pages import Recorded, RecordedPages
from turnkeep_application.grant_views import GrantView, grant_view
from turnkeep_application.reading import Reading
from turnkeep_domain.approvals.approval import APPROVALS
from turnkeep_domain.approvals.events import ApprovalEvent
from turnkeep_domain.approvals.grant import GRANTS
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_ports.limits import PAGE_MAX
from turnkeep_ports.store import START, CursorLost

_PAGES_MAX: Final = 40


@frozen(kw_only=True)
class ApprovalExplanation:
    """What is known of one approval.

    Attributes:
        approval: As it stands: the rule by which it was asked, its votes and its ruling.
        grant: The authority that its yes gave, as it stands; None where it gave none.
        history: The events of approval and grant, in order, as far as the log still has them.
        complete: Whether the log was read to its end; where it is very long, it is not.
    """

    approval: ApprovalView
    grant: GrantView | None
    history: tuple[ApprovalEvent, ...]
    complete: bool


@frozen
class ApprovalExplaining:
    """The use case of looking back."""

    _reading: Reading

    async def explained(self, scope: Scope, id: str) -> ApprovalExplanation | None:
        """As `Approvals.explain` promises."""
        gate, granted = approval_key(scope, id), grant_key(scope, id)
        moment = await self._reading.moment([gate, granted])
        view = view_of(moment.records[gate], moment.now)
        if view is None:
            return None
        grant = moment.records[granted]
        history, complete = await self._history(scope, id)
        return ApprovalExplanation(
            approval=view,
            grant=None if grant is None else grant_view(grant, moment.now),
            history=history,
            complete=complete,
        )

    async def _history(self, scope: Scope, id: str) -> tuple[tuple[ApprovalEvent, ...], bool]:
        log, cursor = RecordedPages(self._reading), START
        prefix = ScopePrefix.exactly(scope)
        collections = frozenset({APPROVALS.name, GRANTS.name})
        told: list[ApprovalEvent] = []
        for _ in range(_PAGES_MAX):
            page = await log.page(prefix, after=cursor, collections=collections, limit=PAGE_MAX)
            if isinstance(page, CursorLost):
                # What was trimmed is gone for everybody; the rest begins at the floor.
                cursor = page.floor
                continue
            for entry in page.entries:
                event = entry.event if isinstance(entry, Recorded) else None
                if isinstance(event, ApprovalEvent) and event.address.id == id:
                    told.append(event)
            if page.next == cursor:
                return tuple(told), True
            cursor = page.next
        return tuple(told), False
