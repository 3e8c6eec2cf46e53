"""A bucket: how many runs a limit counts together, and which lanes wait for one of its places.

```text
    counting   it was limited for the first time: it counts runs, and refuses nobody
    quiet      its limits are in force
    wake       there is room, and lanes wait for it
```
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from attrs import evolve, field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.instants import instant, optional_instant
from turnkeep_domain.keys import Address, Collection, Identity, Index
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.turns.actors import Actor, Role
from turnkeep_domain.turns.bucket_ids import BucketId
from turnkeep_domain.turns.bucket_limits import BucketLimits
from turnkeep_domain.turns.counts import count
from turnkeep_domain.turns.events import LimitChanged
from turnkeep_domain.turns.lane_ids import LaneId
from turnkeep_domain.turns.limits import PARKED_MAX, SUBMIT_SECONDS
from turnkeep_domain.turns.refusals import NotPermitted

_NAME: Final = "bucket"


@frozen(kw_only=True)
class Bucket:
    """A count of runs, exact, with its limits.

    Attributes:
        held: Runs that have not ended and name the bucket.
        running: Those of them that are claimed; counted by a tenant's bucket alone.
        limited_at: When its limits were changed last.
        counting_since: When it was first limited; None once older runs are counted, too. Until
            then it refuses nobody.
        parked: Lanes that wait for a place, at most 128, first in, first out.
    """

    id: BucketId = field(validator=of_kind(BucketId))
    held: int = field(validator=count)
    running: int = field(validator=count)
    limits: BucketLimits = field(validator=of_kind(BucketLimits))
    limited_at: datetime = field(validator=instant)
    counting_since: datetime | None = field(validator=optional_instant)
    parked: tuple[LaneId, ...] = field(validator=deep_iterable(of_kind(LaneId), of_kind(tuple)))

    def __attrs_post_init__(self) -> None:
        if len(set(self.parked)) != len(self.parked) or len(self.parked) > PARKED_MAX:
            raise InvalidValue("parked", f"must be at most {PARKED_MAX} distinct lanes")
        if self.limits.running is not None and not self.id.counts_running:
            raise InvalidValue("limits", "must bound running runs of a tenant's bucket alone")

    @classmethod
    def first_limited(
        cls, id: BucketId, limits: BucketLimits, *, by: Actor, now: datetime
    ) -> Changed[Bucket, Bucket] | Refused[NotPermitted]:
        """A limit where none has ever been: it counts from now on, and binds once all is counted.

        Raises:
            InvalidValue: It bounds running runs, and is no tenant's.
        """
        if by.role is not Role.OPERATOR:
            return Refused(NotPermitted())
        bucket = cls(
            id=id,
            held=0,
            running=0,
            limits=limits,
            limited_at=now,
            counting_since=now,
            parked=(),
        )
        return Changed(bucket, bucket, (bucket._told(by, now),))

    @property
    def address(self) -> Address:
        """Where it is kept."""
        return Address(_NAME, self.id.scope, self.id.cell_id)

    @property
    def has_room_to_run(self) -> bool:
        """Whether one more run may be claimed."""
        if self.counting_since is not None or self.limits.running is None:
            return True
        return self.running < self.limits.running

    @property
    def has_room_to_hold(self) -> bool:
        """Whether one more run may be submitted."""
        if self.counting_since is not None or self.limits.held is None:
            return True
        return self.held < self.limits.held

    # ---- counting -------------------------------------------------------------------------------

    def counted(self, *, held: int = 0, running: int = 0) -> Bucket:
        """So many more runs name it, and so many more of them are claimed; fewer, where negative.

        Raises:
            InvalidValue: Fewer than none would do.
        """
        return evolve(self, held=self.held + held, running=self.running + running)

    def is_countable(self, now: datetime) -> bool:
        """Whether no submit that has not seen it can land any more, so that a count is whole."""
        since = self.counting_since
        return since is not None and now >= since + timedelta(seconds=SUBMIT_SECONDS)

    def in_force(self, *, now: datetime) -> Changed[Bucket, Bucket] | Unchanged[Bucket]:
        """All runs are counted, so its limits bind from now on; too early it changes nothing."""
        if not self.is_countable(now):
            return Unchanged(self)
        bucket = evolve(self, counting_since=None)
        return Changed(bucket, bucket, ())

    # ---- lanes that wait ------------------------------------------------------------------------

    def park(self, lane: LaneId) -> Bucket | None:
        """A lane waits for a place; None where 128 others do."""
        if lane in self.parked:
            return self
        if len(self.parked) >= PARKED_MAX:
            return None
        return evolve(self, parked=(*self.parked, lane))

    @property
    def first_to_wake(self) -> LaneId | None:
        """The lane that has waited longest, where there is a place for it."""
        return self.parked[0] if self.parked and self.has_room_to_run else None

    def unpark(self, lane: LaneId) -> Bucket:
        """A lane waits no more."""
        return evolve(self, parked=tuple(other for other in self.parked if other != lane))

    # ---- limits ---------------------------------------------------------------------------------

    def limited(
        self, limits: BucketLimits, *, by: Actor, now: datetime
    ) -> Decision[Bucket, Bucket, NotPermitted]:
        """Changes how many runs it admits. It ends none, and takes none from its worker.

        Raises:
            InvalidValue: It bounds running runs, and is no tenant's.
        """
        if by.role is not Role.OPERATOR:
            return Refused(NotPermitted())
        if limits == self.limits:
            return Unchanged(self)
        bucket = evolve(self, limits=limits, limited_at=now)
        return Changed(bucket, bucket, (bucket._told(by, now),))

    def _told(self, by: Actor, now: datetime) -> LimitChanged:
        return LimitChanged(address=self.address, at=now, actor=by, limits=self.limits)


def _index(bucket: Bucket) -> Index:
    state, due_at = "quiet", None
    if bucket.counting_since is not None:
        state, due_at = "counting", bucket.counting_since
    elif bucket.first_to_wake is not None:
        state, due_at = "wake", bucket.limited_at
    return Index(state=state, due_at=due_at, sort=bucket.id.cell_id)


BUCKETS: Final[Collection[Bucket]] = Collection(
    name=_NAME,
    members=(Bucket,),
    permanent=True,
    index=_index,
    identity=lambda bucket: Identity(bucket.id.scope, bucket.id.cell_id),
    marks=lambda _: None,
)
