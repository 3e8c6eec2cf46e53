"""A bucket: how many runs a limit counts together, and which lanes wait for one of its places."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from attrs import field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.instants import instant, optional_instant
from turnkeep_domain.keys import Collection, Identity, Index
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.turns.bucket_ids import BucketId
from turnkeep_domain.turns.counts import count, optional_count
from turnkeep_domain.turns.lane import LaneId
from turnkeep_domain.turns.limits import PARKED_MAX


@frozen(kw_only=True)
class BucketLimits:
    """How many runs a bucket admits; None for any number.

    Attributes:
        held: How many may be neither ended nor refused: bounds submits.
        running: How many may be claimed at once; of a tenant's bucket alone.
    """

    held: int | None = field(validator=optional_count)
    running: int | None = field(validator=optional_count)


@frozen(kw_only=True)
class Bucket:
    """A count of runs, exact, with its limits.

    Attributes:
        held: Runs that have not ended and name the bucket.
        running: Those of them that are claimed; counted by a tenant's bucket alone.
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


def _index(bucket: Bucket) -> Index:
    state, due_at = "quiet", None
    if bucket.counting_since is not None:
        state, due_at = "counting", bucket.counting_since
    elif bucket.parked and bucket.has_room_to_run:
        state, due_at = "wake", bucket.limited_at
    return Index(state=state, due_at=due_at, sort=bucket.id.cell_id)


BUCKETS: Final[Collection[Bucket]] = Collection(
    name="bucket",
    members=(Bucket,),
    permanent=True,
    index=_index,
    identity=lambda bucket: Identity(bucket.id.scope, bucket.id.cell_id),
    marks=lambda _: None,
)
