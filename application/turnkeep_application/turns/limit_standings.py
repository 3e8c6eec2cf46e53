"""Limit standings: what is in force for a bucket or a lane, and how much of it is used."""

from __future__ import annotations

from typing import TypeAlias

from attrs import frozen

from turnkeep_domain.turns.bucket import Bucket
from turnkeep_domain.turns.bucket_ids import BucketId
from turnkeep_domain.turns.bucket_limits import BucketLimits
from turnkeep_domain.turns.lane import Lane
from turnkeep_domain.turns.lane_ids import LaneId


@frozen(kw_only=True)
class BucketStanding:
    """A bucket at one moment.

    Attributes:
        held: Runs that have not ended and are counted.
        running: Those of them that are claimed; counted for a tenant alone.
        counting: Whether older runs are still being counted, so that nobody is refused yet.
        parked: How many lanes wait for a place.
    """

    id: BucketId
    limits: BucketLimits
    held: int
    running: int
    counting: bool
    parked: int


@frozen(kw_only=True)
class LaneStanding:
    """A user's queue of one class at one moment.

    Attributes:
        limit: How many runs may be claimed at once; None for any number.
        queued: How many wait in it.
        running: How many are claimed.
        parked: Whether it waits for a place in a tenant's bucket.
    """

    id: LaneId
    limit: int | None
    queued: int
    running: int
    parked: bool


LimitStanding: TypeAlias = BucketStanding | LaneStanding


def bucket_standing(bucket: Bucket) -> BucketStanding:
    """What may be shown of a bucket."""
    return BucketStanding(
        id=bucket.id,
        limits=bucket.limits,
        held=bucket.held,
        running=bucket.running,
        counting=bucket.counting_since is not None,
        parked=len(bucket.parked),
    )


def lane_standing(lane: Lane) -> LaneStanding:
    """What may be shown of a lane."""
    return LaneStanding(
        id=lane.id,
        limit=lane.limit,
        queued=len(lane.entries),
        running=lane.running,
        parked=lane.parked_at is not None,
    )
