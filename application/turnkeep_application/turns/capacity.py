"""Capacity: whether the limits leave room for one more run, and which of them would count it."""

from __future__ import annotations

from typing import Final

from turnkeep_application.records import Records
from turnkeep_application.turns.cells import bucket_key, lane_key
from turnkeep_domain.keys import ReadKey
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.bucket_ids import BucketId, buckets_of
from turnkeep_domain.turns.lane_ids import LaneId
from turnkeep_domain.turns.policy import TurnClass
from turnkeep_domain.turns.refusals import AtCapacity

RETRY_SECONDS: Final = 5
"""After which a refused submit may well succeed: nobody knows when a run ends."""


def limits_of(scope: Scope, turn_class: TurnClass) -> tuple[ReadKey[object], ...]:
    """Whatever may bound a run of this scope and class: the lane and seven buckets.

    To be loaded as hints. What counts the run is written with it; a bucket that does not exist is
    no reason to disturb anybody: where one is made meanwhile, the recount finds the run.
    """
    buckets = [bucket_key(id) for id in buckets_of(scope, turn_class)]
    return (lane_key(LaneId.of(scope, turn_class)), *buckets)


def holds_of(records: Records, scope: Scope, turn_class: TurnClass) -> tuple[BucketId, ...]:
    """The buckets that a new run names: all that exist, in the order in which they are judged."""
    ids = buckets_of(scope, turn_class)
    return tuple(id for id in ids if records[bucket_key(id)] is not None)


def at_capacity(records: Records, scope: Scope, turn_class: TurnClass) -> AtCapacity | None:
    """The first limit that leaves no room: tenant, user, project, agent, then the lane.

    Of each of them the total comes before the class. Limits that cannot be read are no answer
    here: whoever loads them fails, and nothing is admitted.
    """
    for id in buckets_of(scope, turn_class):
        bucket = records[bucket_key(id)]
        if bucket is not None and not bucket.has_room_to_hold:
            return AtCapacity(id.cell_id, RETRY_SECONDS)
    lane = records[lane_key(LaneId.of(scope, turn_class))]
    if lane is not None and not lane.has_room_for_submits:
        return AtCapacity("lane", RETRY_SECONDS)
    return None
