"""An event of a lease: whose tenure began or ended, under which fence."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from attrs import field, frozen

from turnkeep_domain.events import Event
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant
from turnkeep_domain.leases.tenancy import fence


@frozen(kw_only=True)
class TenureEvent(Event):
    """What every event of a tenure tells."""

    fence: int = field(validator=fence)
    holder: str = field(validator=identifier)


@frozen(kw_only=True)
class LeaseAcquired(TenureEvent):
    """A tenure began, and lasts until `until` unless it is renewed."""

    kind: ClassVar[str] = "lease.acquired"

    until: datetime = field(validator=instant)


@frozen(kw_only=True)
class LeaseReleased(TenureEvent):
    """A holder gave its tenure back before its deadline."""

    kind: ClassVar[str] = "lease.released"


@frozen(kw_only=True)
class LeaseLapsed(TenureEvent):
    """A tenure was found to be over by its deadline."""

    kind: ClassVar[str] = "lease.lapsed"
