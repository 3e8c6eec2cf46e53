"""The cases of leases' golden files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from turnkeep_domain.decisions import Changed
from turnkeep_domain.events import Event
from turnkeep_domain.leases.events import LeaseAcquired, LeaseLapsed, LeaseReleased
from turnkeep_domain.leases.lease import Lease, LeaseName
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope

NOW: Final = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
TTL: Final = timedelta(seconds=60)
SCOPE: Final = Scope.of("acme", "zoë", agent="writer", thread="t/1 ü")
UNSEEN: Final = Lease.unseen(SCOPE, LeaseName("db ü"))


def acquired(lease: Lease, holder: str, id: str, now: datetime) -> Lease:
    decision = lease.acquire(holder=holder, ttl=TTL, request_id=RequestId(id), now=now)
    assert isinstance(decision, Changed)
    return decision.state


def released(lease: Lease, holder: str, fence: int, now: datetime) -> Lease:
    decision = lease.release(holder=holder, fence=fence, now=now)
    assert isinstance(decision, Changed)
    return decision.state


HELD: Final = acquired(UNSEEN, "one", "r-1", NOW)
STOLEN: Final = acquired(HELD, "two", "r-2", NOW + TTL)

LEASE_RECORDS: Final[dict[tuple[str, str], object]] = {
    ("lease", "unseen"): UNSEEN,
    ("lease", "held"): HELD,
    ("lease", "stolen"): STOLEN,
    ("lease", "vacant"): released(STOLEN, "two", 2, NOW + TTL),
}

LEASE_EVENTS: Final[dict[tuple[str, str], Event]] = {
    ("lease.acquired", "plain"): LeaseAcquired(
        address=UNSEEN.address, at=NOW, fence=1, holder="one", until=NOW + TTL
    ),
    ("lease.released", "plain"): LeaseReleased(
        address=UNSEEN.address, at=NOW, fence=2, holder="two"
    ),
    ("lease.lapsed", "plain"): LeaseLapsed(
        address=UNSEEN.address, at=NOW + TTL, fence=1, holder="one"
    ),
}
