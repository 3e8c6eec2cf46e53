"""Sweeping approvals: what time has ended is noted as ended, by any host, at any time.

Nothing waits for it: what is overdue is refused and shown as expired all the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from attrs import frozen

from turnkeep_application.approval_cells import approval_key
from turnkeep_application.reading import Reading, Unreadable
from turnkeep_application.turns.due import DueRecords
from turnkeep_domain.approvals.approval import APPROVALS, Approval, ApprovalRecord
from turnkeep_domain.approvals.states import ApprovalState
from turnkeep_domain.keys import Address
from turnkeep_domain.scope import Scope

_PENDING: Final = frozenset({ApprovalState.PENDING.value})


@frozen(kw_only=True)
class ApprovalsSwept:
    """What one sweep has noted; another one, or another host, goes on from there.

    Attributes:
        expired: Requests whose deadline had come.
        unreadable: What was passed over, untouched.
    """

    expired: int
    unreadable: tuple[Unreadable, ...]


@frozen(kw_only=True)
class ApprovalSweep:
    """One sweep.

    Attributes:
        expire: Notes that the time of an approval is up; True where that was stored.
    """

    reading: Reading
    expire: Callable[[Scope, str], Awaitable[bool]]

    async def sweep(self, *, limit: int) -> ApprovalsSwept:
        """As `Approvals.sweep` promises."""
        due = DueRecords(self.reading)
        expired, damaged = await due.tidied(
            APPROVALS, _PENDING, self._expire, _address, limit=limit
        )
        return ApprovalsSwept(expired=expired, unreadable=damaged)

    async def _expire(self, record: ApprovalRecord) -> bool:
        if not isinstance(record, Approval):
            return False
        return await self.expire(record.request.scope, record.request.id)


def _address(record: ApprovalRecord) -> Address:
    identity = APPROVALS.identity_of(record)
    return approval_key(identity.scope, identity.id).address
