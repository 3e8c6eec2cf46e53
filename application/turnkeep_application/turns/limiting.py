"""Limiting: how many runs are held or claimed at once, and the count of those that were before.

A bucket that is limited for the first time has counted nothing yet. It counts every run that is
submitted from then on, and refuses none. After 15 seconds no submit that has not seen it can land
any more: then each older live run is made to name it, in one commit with the count, and at last
its limits bind. Each step may be repeated by anyone, so a recount that is cut off begins again and
finds less to do.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Never

from attrs import frozen

from turnkeep_application.reading import Reading, Unreadable
from turnkeep_application.records import Need, Records
from turnkeep_application.turns.cells import bucket_key, lane_key, turn_state_key
from turnkeep_application.turns.course import Course
from turnkeep_application.turns.due import DueRecords, tidied
from turnkeep_application.turns.following import carry_out, companions
from turnkeep_application.turns.limit_standings import (
    LimitStanding,
    bucket_standing,
    lane_standing,
)
from turnkeep_application.turns.places import wake_first
from turnkeep_application.turns.swept import Swept
from turnkeep_application.updates import Updates
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Address, Collection
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.scope import ScopePrefix
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.bucket import BUCKETS, Bucket
from turnkeep_domain.turns.bucket_ids import Axis, BucketId
from turnkeep_domain.turns.bucket_limits import BucketLimits
from turnkeep_domain.turns.counts import require_count
from turnkeep_domain.turns.lane import Lane
from turnkeep_domain.turns.lane_ids import LaneId
from turnkeep_domain.turns.limits import SUBMIT_SECONDS
from turnkeep_domain.turns.refusals import NotPermitted
from turnkeep_domain.turns.run import Run
from turnkeep_domain.turns.turn_state import THREADLESS, TURN_STATES, TurnState
from turnkeep_ports.limits import PAGE_MAX
from turnkeep_ports.scans import InScope, Position

_WITHOUT_RUN: Final = frozenset({"free", "closed"})
_DEPTHS: Final = {Axis.TENANT: 1, Axis.USER: 2, Axis.PROJECT: 2, Axis.AGENT: 3}


@frozen(kw_only=True)
class Limiting:
    """The use cases of operators who bound runs."""

    updates: Updates
    reading: Reading

    async def set_limit(
        self, of: BucketId | LaneId, *, limits: BucketLimits | int | None, by: Actor
    ) -> BucketLimits | int | Refused[NotPermitted] | None:
        """As `Turns.set_limit` promises."""
        require_kind("of", of, BucketId, LaneId)
        require_kind("by", by, Actor)
        if isinstance(of, BucketId):
            if not isinstance(limits, BucketLimits):
                raise InvalidValue("limits", "must be BucketLimits of a bucket")
            return await self._limit_bucket(of, limits, by)
        if isinstance(limits, BucketLimits):
            raise InvalidValue("limits", "must be a number or None of a lane")
        if limits is not None:
            require_count("limits", limits)
        return await self._limit_lane(of, limits, by)

    async def limit_of(self, of: BucketId | LaneId) -> LimitStanding | None:
        """As `Turns.limit_of` promises."""
        require_kind("of", of, BucketId, LaneId)
        if isinstance(of, BucketId):
            bucket = (await self.reading.record(bucket_key(of))).record
            return None if bucket is None else bucket_standing(bucket)
        lane = (await self.reading.record(lane_key(of))).record
        return None if lane is None else lane_standing(lane)

    async def _limit_lane(
        self, id: LaneId, limit: int | None, by: Actor
    ) -> int | Refused[NotPermitted] | None:
        key = lane_key(id)

        def decide(records: Records, now: datetime) -> Decision[Records, Lane, NotPermitted]:
            lane = records[key] or Lane.empty(id)
            return records.adopt(key, lane.limited(limit, by=by, now=now))

        lane = await self.updates.update([key], decide)
        return lane if isinstance(lane, Refused) else lane.limit

    async def _limit_bucket(
        self, id: BucketId, limits: BucketLimits, by: Actor
    ) -> BucketLimits | Refused[NotPermitted]:
        key = bucket_key(id)

        def decide(
            records: Records, now: datetime
        ) -> Decision[Records, Bucket, NotPermitted] | Need:
            bucket = records[key]
            if bucket is None:
                made = Bucket.first_limited(id, limits, by=by, now=now)
                return records.adopt(key, made)
            limited = records.adopt(key, bucket.limited(limits, by=by, now=now))
            if not isinstance(limited, Changed):
                return limited
            # A place that a higher limit makes is given away at once, as a freed one is.
            course = Course(limited.state)
            wake_first(course, id)
            return course.need or Changed(course.records, limited.outcome, limited.events)

        bucket = await self.updates.update([key], decide)
        return bucket if isinstance(bucket, Refused) else bucket.limits

    # ---- counting what was there before ---------------------------------------------------------

    async def recount(self, *, limit: int) -> Swept:
        """Counts older runs for buckets that were limited 15 seconds ago or more.

        Args:
            limit: How many runs are counted at most; whatever is left, the next sweep counts.
        """
        due = DueRecords(self.reading)
        age = timedelta(seconds=SUBMIT_SECONDS)
        page = await due.of(BUCKETS, frozenset({"counting"}), limit=PAGE_MAX, age=age)
        swept = Swept(unreadable=page.unreadable)
        for bucket in page.records:
            if swept.counted >= limit:
                break
            swept += await self._recount(bucket, limit - swept.counted)
        return swept

    async def _recount(self, bucket: Bucket, limit: int) -> Swept:
        swept, whole = Swept(), True
        for collection in (TURN_STATES, THREADLESS):
            counted, to_its_end = await self._count_all(bucket.id, collection, limit)
            limit -= counted.counted
            swept += counted
            whole = whole and to_its_end
        if whole:
            await tidied([bucket], self._in_force, lambda bucket: bucket.address)
        return swept

    async def _count_all(
        self, id: BucketId, collection: Collection[TurnState], limit: int
    ) -> tuple[Swept, bool]:
        """Counts runs of one collection; and whether none is left that could be counted."""
        swept = Swept()
        after: Position | None = None
        while True:
            uncounted, unreadable, after = await self._page(id, collection, after)
            swept += Swept(unreadable=unreadable)
            batch = uncounted[: max(0, limit - swept.counted)]
            done, failed = await tidied(batch, lambda run: self._join(run, id), _address)
            swept += Swept(counted=done, unreadable=failed)
            if done + len(failed) < len(uncounted):
                return swept, False
            if after is None:
                return swept, True

    async def _page(
        self, id: BucketId, collection: Collection[TurnState], after: Position | None
    ) -> tuple[list[Run], tuple[Unreadable, ...], Position | None]:
        """Live runs that the bucket concerns and that do not name it yet.

        Keys do not change, so whatever was there when the scan began comes up in it.
        """
        prefix = ScopePrefix(scope=id.scope, depth=_DEPTHS[id.axis])
        query = InScope(collection=collection.name, prefix=prefix)
        deadline = self.reading.deadline()
        page = await self.reading.page(query, after=after, limit=PAGE_MAX, deadline=deadline)
        runs: list[Run] = []
        unreadable: list[Unreadable] = []
        for cell in page.cells:
            if cell.entry.index.state in _WITHOUT_RUN:
                continue
            state = self.reading.decoded(collection, cell)
            if isinstance(state, Unreadable):
                unreadable.append(state)
            elif (run := state.active) is not None and _is_uncounted(run, id):
                runs.append(run)
        return runs, tuple(unreadable), page.next

    async def _join(self, run: Run, id: BucketId) -> bool:
        """Makes the run name the bucket, which counts it in the same commit."""
        key = turn_state_key(run.address)

        def decide(records: Records, now: datetime) -> Decision[Records, bool, Never] | Need:
            state = records[key]
            if state is None or state.active is None or state.active.id != run.id:
                return Unchanged(True)  # it has ended: there is nothing to count any more
            joined = state.join_bucket(run=run.id, bucket=id, now=now)
            carried = carry_out(records, before=state, decision=joined, now=now)
            match carried:
                case Changed(after, _, events, valid_until):
                    return Changed(after, True, events, valid_until)
                case Need():
                    return carried
                case _:
                    return Unchanged(True)

        hints = [bucket_key(id), *companions(run.address)]
        return await self.updates.update([key], decide, hints=hints) is True

    async def _in_force(self, bucket: Bucket) -> bool:
        key = bucket_key(bucket.id)

        def decide(records: Records, now: datetime) -> Decision[Records, Bucket, Never]:
            present = records[key]
            if present is None:
                return Unchanged(bucket)
            return records.adopt(key, present.in_force(now=now))

        return isinstance(await self.updates.update([key], decide), Bucket)


def _is_uncounted(run: Run, id: BucketId) -> bool:
    return id not in run.holds and id.concerns(run.scope, run.policy.turn_class)


def _address(run: Run) -> Address:
    return turn_state_key(run.address).address
