"""An approval's wait: until it has ended, or is no longer as it was seen."""

from __future__ import annotations

from attrs import frozen

from turnkeep_application.approval_views import ApprovalView, StillPending, view_of
from turnkeep_application.reading import Reading
from turnkeep_application.waiting import Look, Wait
from turnkeep_application.watching import Watch
from turnkeep_domain.approvals.approval import ApprovalRecord
from turnkeep_domain.keys import Key
from turnkeep_ports.clock import Deadline


@frozen(kw_only=True)
class ApprovalWait:
    """What one caller waits for.

    Attributes:
        gate: The approval.
        seen: The count of changes that the caller knows.
        until: The timeout.
        poll_seconds: The longest sleep.
    """

    reading: Reading
    watch: Watch
    gate: Key[ApprovalRecord]
    seen: int
    until: Deadline
    poll_seconds: float

    async def ended(self) -> ApprovalView | StillPending | None:
        """As `Approvals.wait` promises."""
        wait = Wait(
            watch=self.watch, until=self.until, poll_seconds=self.poll_seconds, look=self._look
        )
        found = await wait.ended()
        if found.ends or found.value is None:
            return found.value
        return StillPending(found.value)

    async def _look(self) -> Look[ApprovalView | None]:
        seen = await self.reading.record(self.gate)
        view = view_of(seen.record, seen.now)
        if view is None or view.state.final or view.changes != self.seen:
            return Look(view, ends=True, changes_in_seconds=None)
        left_seconds = (view.expires_at - seen.now).total_seconds()
        return Look(view, ends=False, changes_in_seconds=left_seconds)
