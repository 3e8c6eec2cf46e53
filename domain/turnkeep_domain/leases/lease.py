"""A lease: exclusive, expiring ownership of one named resource.

```text
    Vacant --a--> held --b--> held        a  acquired: the fence rises by one
      ^            | |                    b  renewed: never shorter
      '-----c------' '---d--> held        c  released, or found to be over by its deadline
                                          d  stolen: found to be over, and acquired by another
```

A name that was never seen is vacant at fence 0, and a lease is never deleted, so no fence repeats.
Every command judges the deadline by the store's now: nobody waits for a sweeper.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, NewType, Self, TypeAlias

from attrs import evolve, field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.decisions import Changed, Decision, Refused, Settled, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.keys import Address, Collection, Identity, Index
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.leases.events import LeaseAcquired, LeaseLapsed, LeaseReleased
from turnkeep_domain.leases.limits import ENDED_MAX, FENCE_MAX, REQUESTS_MAX
from turnkeep_domain.leases.refusals import (
    AcquireRefusal,
    Held,
    HolderRefusal,
    NotHolder,
    TenureExpired,
)
from turnkeep_domain.leases.tenancy import EndedTenure, Tenancy, TenureEnd
from turnkeep_domain.leases.tenure import Tenure
from turnkeep_domain.request_ids import (
    Digest,
    Mark,
    Marks,
    RequestId,
    RequestIdReused,
    digest_of,
    remember,
)
from turnkeep_domain.scope import Scope

LeaseName = NewType("LeaseName", str)
"""What is owned; an identifier."""

_NAME: Final = "lease"
_MICROSECOND: Final = timedelta(microseconds=1)


@frozen
class Vacant:
    """Nobody holds it."""


@frozen(kw_only=True)
class TenureReleased:
    """The tenure under this fence was given back, now or before."""

    fence: int


Possession: TypeAlias = Vacant | Tenure


@frozen(kw_only=True)
class Lease:
    """Who holds a named resource, under which fence.

    Attributes:
        fence: That of the present tenure, or of the last one; 0 before the first.
        possession: The present tenure, over or not, until its end was noted.
        ended: The last 16 tenures that have ended, oldest first.
        marks: The last 64 acquisitions.
    """

    scope: Scope = field(validator=of_kind(Scope))
    name: LeaseName = field(validator=identifier)
    fence: int = field()
    possession: Possession = field(validator=of_kind(Vacant, Tenure))
    ended: tuple[EndedTenure, ...] = field(
        validator=deep_iterable(of_kind(EndedTenure), of_kind(tuple))
    )
    marks: Marks[Tenancy] = field(validator=of_kind(Marks))

    @fence.validator
    def _counts(self, _: object, fence: int) -> None:
        if type(fence) is not int or not 0 <= fence <= FENCE_MAX:
            raise InvalidValue("fence", "must be a whole number from 0")

    def __attrs_post_init__(self) -> None:
        fences = [ended.fence for ended in self.ended]
        before = self.fence - isinstance(self.possession, Tenure)
        if len(fences) > ENDED_MAX or any(next != one + 1 for one, next in pairwise(fences)):
            raise InvalidValue("ended", f"must be the last {ENDED_MAX} at most, in order")
        if (fences[-1] if fences else 0) != before:
            raise InvalidValue("fence", "must be that of the present or the last tenure")
        if len(self.marks.entries) > REQUESTS_MAX:
            raise InvalidValue("marks", f"must be {REQUESTS_MAX} at most")

    @classmethod
    def unseen(cls, scope: Scope, name: LeaseName) -> Self:
        """A lease that nobody ever held."""
        vacant = Vacant()
        return cls(scope=scope, name=name, fence=0, possession=vacant, ended=(), marks=Marks.none())

    @property
    def address(self) -> Address:
        """Where it is kept."""
        return Address(_NAME, self.scope, self.name)

    def tenancy_at(self, now: datetime) -> Tenancy | None:
        """The tenure that is live now; None where none is."""
        held = self.possession
        if not isinstance(held, Tenure) or held.is_over(now):
            return None
        return Tenancy(fence=self.fence, tenure=held)

    def guards(self, *, fence: int, now: datetime) -> bool:
        """Whether the tenure under this fence is live now.

        A command that relies on it checks the lease in its own commit, and what it does outside
        carries the fence.
        """
        return self.guarded_until(fence=fence, now=now) is not None

    def guarded_until(self, *, fence: int, now: datetime) -> datetime | None:
        """The deadline of the tenure under this fence; None where it is not live now."""
        live = self.tenancy_at(now)
        return live.until if live is not None and live.fence == fence else None

    # ---- commands -------------------------------------------------------------------------------

    def acquire(
        self, *, holder: str, ttl: timedelta, request_id: RequestId, now: datetime
    ) -> Decision[Lease, Tenancy, AcquireRefusal]:
        """Begins a tenure. In this order: repeat, held.

        A repeat answers its own tenure, even one that is over by now. A tenure that is found to
        be over ends here, in the same change.
        """
        arguments = _arguments(holder, ttl)
        match self.marks.recall(request_id, arguments):
            case Mark(outcome=outcome):
                return Unchanged(outcome)
            case RequestIdReused() as reused:
                return Refused(reused)
            case None:
                pass
        live = self.tenancy_at(now)
        if live is not None:
            return Refused(Held(live.holder, live.until))
        vacant, lapsed = self._vacated(now)
        tenure = Tenure.begun(holder=holder, ttl=ttl, now=now)
        tenancy = Tenancy(fence=vacant.fence + 1, tenure=tenure)
        mark = Mark(request_id, arguments, tenancy)
        held = evolve(
            vacant,
            fence=tenancy.fence,
            possession=tenure,
            marks=remember(vacant.marks, mark, bound=REQUESTS_MAX),
        )
        acquired = LeaseAcquired(
            address=self.address, at=now, fence=tenancy.fence, holder=holder, until=tenure.until
        )
        return Changed(held, tenancy, (*lapsed, acquired), tenure.until)

    def renew(
        self, *, holder: str, fence: int, ttl: timedelta, now: datetime
    ) -> Decision[Lease, Tenancy, HolderRefusal]:
        """Lets the tenure last `ttl` from now; it is never shortened."""
        held = self._of_holder(holder, fence, now)
        if not isinstance(held, Tenure):
            return held
        renewed = held.renewed(ttl=ttl, now=now)
        tenancy = Tenancy(fence=fence, tenure=renewed)
        if renewed == held:
            return Unchanged(tenancy)
        return Changed(evolve(self, possession=renewed), tenancy, (), held.until)

    def release(
        self, *, holder: str, fence: int, now: datetime
    ) -> Decision[Lease, TenureReleased, HolderRefusal]:
        """Gives the tenure back; one that was given back before stays so."""
        if EndedTenure(fence=fence, end=TenureEnd.RELEASED) in self.ended:
            return Unchanged(TenureReleased(fence=fence))
        held = self._of_holder(holder, fence, now)
        if not isinstance(held, Tenure):
            return held
        event = LeaseReleased(address=self.address, at=now, fence=fence, holder=holder)
        vacant = self._ended(TenureEnd.RELEASED)
        return Changed(vacant, TenureReleased(fence=fence), (event,), held.until)

    def expire(self, *, now: datetime) -> Changed[Lease, None] | Unchanged[None]:
        """Notes that a deadline has come, once; where none has, nothing."""
        vacant, lapsed = self._vacated(now)
        return Changed(vacant, None, lapsed) if lapsed else Unchanged(None)

    # ---- steps ----------------------------------------------------------------------------------

    def _of_holder(
        self, holder: str, fence: int, now: datetime
    ) -> Tenure | Refused[HolderRefusal] | Settled[Lease, HolderRefusal]:
        """The tenure that this holder has under this fence; or why there is none."""
        held = self.possession
        if fence != self.fence or not isinstance(held, Tenure) or held.holder != holder:
            if EndedTenure(fence=fence, end=TenureEnd.EXPIRED) in self.ended:
                return Refused(TenureExpired(fence))
            return Refused(NotHolder(fence))
        if held.is_over(now):
            vacant, lapsed = self._vacated(now)
            return Settled(vacant, TenureExpired(fence), lapsed, tidy=True)
        return held

    def _vacated(self, now: datetime) -> tuple[Lease, tuple[LeaseLapsed, ...]]:
        """This lease without a tenure that is over, and what is told of its end."""
        held = self.possession
        if not isinstance(held, Tenure) or not held.is_over(now):
            return self, ()
        lapsed = LeaseLapsed(address=self.address, at=now, fence=self.fence, holder=held.holder)
        return self._ended(TenureEnd.EXPIRED), (lapsed,)

    def _ended(self, end: TenureEnd) -> Lease:
        ended = (*self.ended, EndedTenure(fence=self.fence, end=end))
        return evolve(self, possession=Vacant(), ended=ended[-ENDED_MAX:])


def _arguments(holder: str, ttl: timedelta) -> Digest:
    return digest_of("acquire", holder, ttl // _MICROSECOND)


def _index(lease: Lease) -> Index:
    held = lease.possession
    if isinstance(held, Tenure):
        return Index(state="held", due_at=held.until, sort=lease.name)
    return Index(state="vacant", due_at=None, sort=lease.name)


LEASES: Final[Collection[Lease]] = Collection(
    name=_NAME,
    members=(Lease,),
    permanent=True,
    index=_index,
    identity=lambda lease: Identity(lease.scope, lease.name),
    marks=lambda lease: lease.marks,
)
