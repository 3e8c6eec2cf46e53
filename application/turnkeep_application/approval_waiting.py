"""A wait: one caller's sleep until an approval has ended or changed."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from turnkeep_application.approval_views import ApprovalView, StillPending, view_of
from turnkeep_application.reading import Reading, Seen
from turnkeep_application.watching import Watch
from turnkeep_domain.approvals.approval import ApprovalRecord
from turnkeep_domain.keys import Key
from turnkeep_ports.clock import Deadline
from turnkeep_ports.errors import Unavailable

_PAUSE_SECONDS_MIN: Final = 0.05


@frozen(kw_only=True)
class ApprovalWait:
    """Subscribe, read, and as long as nothing has happened: sleep, read again.

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
        # The mark comes before the first read: a ruling between the two ends the sleep at once.
        await self.watch.begin(patience_seconds=self._at_most(self.poll_seconds))
        while True:
            found = await self._look()
            time_is_up = self.until.remaining_seconds() <= 0
            pause = self.poll_seconds
            if isinstance(found, Unavailable):
                if time_is_up:
                    raise found
            else:
                view = view_of(found.record, found.now)
                if view is None or view.state.final or view.changes != self.seen:
                    return view
                if time_is_up:
                    return StillPending(view)
                left_seconds = (view.expires_at - found.now).total_seconds()
                # Not shorter: the store's clock may stand still just before the deadline.
                pause = min(pause, max(left_seconds, _PAUSE_SECONDS_MIN))
            await self.watch.sleep(self._at_most(pause))

    async def _look(self) -> Seen[ApprovalRecord] | Unavailable:
        try:
            return await self.reading.record(self.gate)
        except Unavailable as error:
            if not error.retryable:
                raise
            return error

    def _at_most(self, seconds: float) -> float:
        return min(seconds, self.until.remaining_seconds())
