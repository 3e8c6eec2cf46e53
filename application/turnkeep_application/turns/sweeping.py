"""Sweeping: whatever time, a full lane or a crash has left is tidied up, by any host, at any time.

Nothing waits for a sweep to be safe: what is over is refused by the transitions themselves.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, Never

from attrs import frozen

from turnkeep_application.reading import Reading, Unreadable
from turnkeep_application.records import Need, Records
from turnkeep_application.turns.budget_waits import BudgetWaits
from turnkeep_application.turns.cancelling import Cancelling
from turnkeep_application.turns.cells import bucket_key, lane_key, turn_state_key
from turnkeep_application.turns.course import Course
from turnkeep_application.turns.due import DueRecords, tidied
from turnkeep_application.turns.following import carry_out
from turnkeep_application.turns.limiting import Limiting
from turnkeep_application.turns.places import wake_first
from turnkeep_application.turns.recovering import Recovering
from turnkeep_application.turns.retiring import Retiring
from turnkeep_application.turns.swept import Swept
from turnkeep_application.updates import Updates
from turnkeep_domain.decisions import Changed, Decision, Unchanged
from turnkeep_domain.keys import Address, Collection
from turnkeep_domain.turns.bucket import BUCKETS, Bucket
from turnkeep_domain.turns.counts import require_count
from turnkeep_domain.turns.lane_ids import LaneId
from turnkeep_domain.turns.run import Run
from turnkeep_domain.turns.run_states import Queued
from turnkeep_domain.turns.turn_state import THREADLESS, TURN_STATES, TurnState
from turnkeep_ports.limits import PAGE_MAX
from turnkeep_ports.scans import Due, Position

OUTSIDE: Final = "outside"
WAKE: Final = frozenset({"wake"})
_FOREVER: Final = datetime.max.replace(tzinfo=UTC)


@frozen(kw_only=True)
class Sweeping:
    """The use case of those who tidy up."""

    updates: Updates
    reading: Reading
    limiting: Limiting
    recovering: Recovering
    budget_waits: BudgetWaits
    cancelling: Cancelling
    retiring: Retiring

    async def sweep(self, *, limit: int) -> Swept:
        """As `Turns.sweep` promises.

        What is due comes first: it makes the places that those who wait are given after it.
        """
        require_count("limit", limit, least=1)
        swept = await self.recovering.recover(limit=limit)
        swept += await self.recovering.elapse(limit=limit)
        swept += await self.budget_waits.go_on(limit=limit)
        swept += await self.cancelling.go_on(limit=limit)
        swept += await self.enter_outside(limit=limit)
        swept += await self.wake(limit=limit)
        swept += await self.limiting.recount(limit=limit)
        return swept + await self.retiring.forget_checkpoints(limit=limit)

    # ---- queued runs outside a full lane --------------------------------------------------------

    async def enter_outside(self, *, limit: int) -> Swept:
        """Enters queued runs whose lane was full when they came, as they are due.

        A lane that is still full is passed over with all of its runs, so that it holds up no other.
        """
        swept, full = Swept(), set[LaneId]()
        for collection in (TURN_STATES, THREADLESS):
            swept += await self._enter_all(collection, full, limit - swept.entered)
        return swept

    async def _enter_all(
        self, collection: Collection[TurnState], full: set[LaneId], limit: int
    ) -> Swept:
        query = Due(collection=collection.name, states=frozenset({OUTSIDE}), by=_FOREVER)
        swept = Swept()
        after: Position | None = None
        while swept.entered < limit:
            deadline = self.reading.deadline()
            page = await self.reading.page(query, after=after, limit=PAGE_MAX, deadline=deadline)
            lanes: dict[LaneId, list[Run]] = {}
            for cell in page.cells:
                state = self.reading.decoded(collection, cell)
                if isinstance(state, Unreadable):
                    swept += Swept(unreadable=(state,))
                elif state.active is not None:
                    lanes.setdefault(_lane_of(state.active), []).append(state.active)
            swept += await self._enter_lanes(lanes, full, limit - swept.entered)
            after = page.next
            if after is None:
                break
        return swept

    async def _enter_lanes(
        self, lanes: dict[LaneId, list[Run]], full: set[LaneId], limit: int
    ) -> Swept:
        swept = Swept()
        for id, runs in lanes.items():
            for run in runs:
                if id in full or swept.entered >= limit:
                    break
                done, unreadable = await tidied([run], self._enter, _address)
                swept += Swept(entered=done, unreadable=unreadable)
                if not done:
                    full.add(id)
        return swept

    async def _enter(self, run: Run) -> bool:
        key, lane = turn_state_key(run.address), lane_key(_lane_of(run))

        def decide(records: Records, now: datetime) -> Decision[Records, bool, Never] | Need:
            state, queue = records[key], records[lane]
            if state is None or state.active is None or state.active.id != run.id:
                return Unchanged(True)
            if not isinstance(state.active.state, Queued):
                return Unchanged(True)
            if queue is not None and not queue.has_room:
                return Unchanged(False)
            entered = state.enter_lane(run=run.id, now=now)
            carried = carry_out(records, before=state, decision=entered, now=now)
            match carried:
                case Changed(after, _, events, valid_until):
                    return Changed(after, True, events, valid_until)
                case Need():
                    return carried
                case _:
                    return Unchanged(True)

        return await self.updates.update([key], decide, hints=[lane]) is True

    # ---- lanes that wait for a place ------------------------------------------------------------

    async def wake(self, *, limit: int) -> Swept:
        """Readies one lane of every bucket that has room.

        So a place is passed on that a lane was readied for and did not use.
        """
        done, unreadable = await DueRecords(self.reading).tidied(
            BUCKETS, WAKE, self._wake, lambda bucket: bucket.address, limit=limit
        )
        return Swept(woken=done, unreadable=unreadable)

    async def _wake(self, bucket: Bucket) -> bool:
        key = bucket_key(bucket.id)

        def decide(records: Records, _: datetime) -> Decision[Records, bool, Never] | Need:
            course = Course(records)
            lane = wake_first(course, bucket.id)
            if course.need is not None:
                return course.need
            return Unchanged(False) if lane is None else Changed(course.records, True, ())

        return await self.updates.update([key], decide) is True


def _lane_of(run: Run) -> LaneId:
    return LaneId.of(run.scope, run.policy.turn_class)


def _address(run: Run) -> Address:
    return turn_state_key(run.address).address
