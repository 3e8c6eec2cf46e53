"""A view of a lease: who holds it at one moment of the store's clock."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from turnkeep_domain.leases.lease import Lease
from turnkeep_domain.scope import Scope


@frozen(kw_only=True)
class LeaseView:
    """A lease as it stood at one moment; a tenure that is over is none, noted or not.

    Attributes:
        fence: That of the present tenure, or of the last one; 0 before the first.
        holder: Who holds it; None where nobody does.
        since: When the tenure began.
        until: From this instant on it is over.
    """

    scope: Scope
    name: str
    fence: int
    holder: str | None
    since: datetime | None
    until: datetime | None

    @property
    def vacant(self) -> bool:
        """Whether nobody holds it."""
        return self.holder is None


def lease_view(lease: Lease, now: datetime) -> LeaseView:
    """The lease as it stands at a moment of the store's clock."""
    live = lease.tenancy_at(now)
    return LeaseView(
        scope=lease.scope,
        name=lease.name,
        fence=lease.fence,
        holder=None if live is None else live.holder,
        since=None if live is None else live.tenure.since,
        until=None if live is None else live.until,
    )
