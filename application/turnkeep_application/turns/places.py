"""Places: where a run counts, in its user's lane and in the buckets that it names."""

from __future__ import annotations

from turnkeep_application.turns.cells import bucket_key, lane_key
from turnkeep_application.turns.course import Course
from turnkeep_domain.turns.bucket_ids import BucketId
from turnkeep_domain.turns.lane import Lane
from turnkeep_domain.turns.lane_ids import LaneId
from turnkeep_domain.turns.run import Run
from turnkeep_domain.turns.run_states import Queued


def follow_in_lane(course: Course, *, was: Run | None, after: Run | None) -> bool:
    """The run enters or leaves its lane, and is counted there as claimed or not.

    Returns:
        Whether it is where it wants to be: False where it is queued and the lane is full.
    """
    entry, entry_before = _queued(after), _queued(was)
    running = _claimed(after) - _claimed(was)
    run = after or was
    if run is None or (entry == entry_before and not running):
        return True
    id = LaneId.of(run.scope, run.policy.turn_class)
    key = lane_key(id)
    if not course.has(key):
        return True
    lane = course.records[key] or Lane.empty(id)
    if entry_before is not None:
        lane = lane.leave(run.address)
    entered: Lane | None = lane
    if entry is not None:
        entered = lane.enter(run=run.address, due_at=entry.due_at, root=run.lineage.root)
    course.put(key, (entered or lane).counted(running=running))
    return entered is not None


def follow_in_buckets(course: Course, *, was: Run | None, after: Run | None) -> None:
    """Each bucket that the run names counts it, while it lives, and its claims.

    Whoever moves what is claimed and leaves a place free readies the lane that has waited longest
    for it, in the same commit.
    """
    for id in dict.fromkeys((*_holds(was), *_holds(after))):
        held = (id in _holds(after)) - (id in _holds(was))
        running = _claimed(after, id) - _claimed(was, id)
        if not (held or running):
            continue
        key = bucket_key(id)
        if not course.has(key):
            continue
        bucket = course.records[key]
        if bucket is None:
            raise LookupError("a run names a bucket that does not exist")
        course.put(key, bucket.counted(held=held, running=running))
        if running:
            wake_first(course, id)


def wake_first(course: Course, id: BucketId) -> Lane | None:
    """Readies the lane that has waited longest for a place in a bucket, where one is free.

    Returns:
        The lane; None where none waits, or no place is free.
    """
    key = bucket_key(id)
    if not course.has(key) or (bucket := course.records[key]) is None:
        return None
    first = bucket.first_to_wake
    if first is None or not course.has(lane_key(first)):
        return None
    lane = (course.records[lane_key(first)] or Lane.empty(first)).readied()
    course.put(lane_key(first), lane)
    course.put(key, bucket.unpark(first))
    return lane


def _queued(run: Run | None) -> Queued | None:
    """How it stands in its lane; None where it does not."""
    if run is None or not isinstance(run.state, Queued) or run.state.outside:
        return None
    return run.state


def _claimed(run: Run | None, by: BucketId | None = None) -> int:
    """1 where a worker holds it, and the lane, or that bucket, counts it."""
    if run is None or run.lease is None:
        return 0
    return by is None or (by.counts_running and by in run.holds)


def _holds(run: Run | None) -> tuple[BucketId, ...]:
    return () if run is None else run.holds
