"""Sweeping approvals: what time has ended is noted as ended, by any host, at any time.

Nothing waits for it: what is overdue is refused and shown as expired all the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from attrs import frozen

from turnkeep_application.approval_cells import approval_key, grant_key
from turnkeep_application.reading import Reading, Unreadable
from turnkeep_application.turns.due import DueRecords
from turnkeep_domain.approvals.approval import APPROVALS, Approval, ApprovalRecord
from turnkeep_domain.approvals.grant import GRANTS, Grant
from turnkeep_domain.approvals.grant_phases import GrantState
from turnkeep_domain.approvals.states import ApprovalState
from turnkeep_domain.keys import Address
from turnkeep_domain.scope import Scope

_PENDING: Final = frozenset({ApprovalState.PENDING.value})
_UNSPENT: Final = frozenset({GrantState.ACTIVE.value, GrantState.CLAIMED.value})


@frozen(kw_only=True)
class ApprovalsSwept:
    """What one sweep has noted; another one, or another host, goes on from there.

    Attributes:
        expired: Requests whose deadline had come.
        grants: Grants whose time was up before anything was begun.
        unreadable: What was passed over, untouched.
    """

    expired: int
    grants: int
    unreadable: tuple[Unreadable, ...]


@frozen(kw_only=True)
class ApprovalSweep:
    """One sweep.

    Attributes:
        expire: Notes that the time of an approval is up; True where that was stored.
        expire_grant: The same of a grant.
    """

    reading: Reading
    expire: Callable[[Scope, str], Awaitable[bool]]
    expire_grant: Callable[[Scope, str], Awaitable[bool]]

    async def sweep(self, *, limit: int) -> ApprovalsSwept:
        """As `Approvals.sweep` promises."""
        due = DueRecords(self.reading)
        expired, damaged = await due.tidied(
            APPROVALS, _PENDING, self._expire, _address, limit=limit
        )
        grants, torn = await due.tidied(
            GRANTS, _UNSPENT, self._expire_grant, _grant_address, limit=limit
        )
        return ApprovalsSwept(expired=expired, grants=grants, unreadable=(*damaged, *torn))

    async def _expire(self, record: ApprovalRecord) -> bool:
        if not isinstance(record, Approval):
            return False
        return await self.expire(record.request.scope, record.request.id)

    async def _expire_grant(self, grant: Grant) -> bool:
        return await self.expire_grant(grant.scope, grant.id)


def _address(record: ApprovalRecord) -> Address:
    identity = APPROVALS.identity_of(record)
    return approval_key(identity.scope, identity.id).address


def _grant_address(grant: Grant) -> Address:
    return grant_key(grant.scope, grant.id).address
