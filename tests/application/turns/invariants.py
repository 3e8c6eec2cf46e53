"""The invariants of turns, asked of everything that a store holds.

Whatever was done, by however many hosts and with whatever luck, they hold between any two commits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final, TypeVar

from attrs import frozen

from turnkeep_domain.approvals.approval import APPROVALS, Approval, ApprovalRecord
from turnkeep_domain.approvals.approval_id import ApprovalId
from turnkeep_domain.approvals.grant import GRANTS, Grant
from turnkeep_domain.approvals.grant_phases import DispatchingGrant
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Collection
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.bucket import BUCKETS, Bucket
from turnkeep_domain.turns.bucket_ids import BucketId
from turnkeep_domain.turns.effect import EFFECTS, RunEffect
from turnkeep_domain.turns.ended import RUNS, EndedRun, RunRecord
from turnkeep_domain.turns.events import RunClaimed, RunEvent
from turnkeep_domain.turns.gates import GateKind
from turnkeep_domain.turns.lane import LANES, Lane
from turnkeep_domain.turns.lane_ids import LaneId
from turnkeep_domain.turns.run import Run
from turnkeep_domain.turns.run_states import Blocked, CancelRequested, Queued, Running, RunStatus
from turnkeep_domain.turns.spawn_tree import SPAWN_TREES, SpawnTree
from turnkeep_domain.turns.turn_state import THREADLESS, TURN_STATES, TurnState
from turnkeep_ports.clock import Deadline
from turnkeep_ports.codec import Codec
from turnkeep_ports.scans import InScope
from turnkeep_ports.store import (
    START,
    Cell,
    EventPage,
    EventQuery,
    RecordStore,
    StoredEvent,
)

T = TypeVar("T")

EVERYBODY: Final = ScopePrefix(scope=Scope.of(None, None), depth=0)
COLLECTIONS: Final[tuple[Collection[object], ...]] = (
    TURN_STATES,
    THREADLESS,
    RUNS,
    LANES,
    BUCKETS,
    SPAWN_TREES,
    EFFECTS,
    APPROVALS,
    GRANTS,
)
_PAGE: Final = 500


@frozen(kw_only=True)
class Whole:
    """Everything of turns that a store holds, and all events, in order."""

    cells: tuple[Cell, ...]
    stored_events: tuple[StoredEvent, ...]
    states: tuple[TurnState, ...]
    runs: tuple[RunRecord, ...]
    lanes: tuple[Lane, ...]
    buckets: tuple[Bucket, ...]
    trees: tuple[SpawnTree, ...]
    effects: tuple[RunEffect, ...]
    approvals: tuple[ApprovalRecord, ...]
    grants: tuple[Grant, ...]
    events: tuple[Event, ...]

    @classmethod
    async def read(cls, store: RecordStore, codec: Codec, deadline: Deadline) -> Whole:
        """Reads it page by page; nothing else may be writing meanwhile."""
        cells: dict[str, list[Cell]] = {}
        for collection in COLLECTIONS:
            cells[collection.name] = await _all_cells(store, collection, deadline)

        def decoded(of: Collection[T]) -> tuple[T, ...]:
            return tuple(codec.decode(of, cell.address, cell.entry.body) for cell in cells[of.name])

        stored = await _all_events(store, deadline)
        return cls(
            cells=tuple(cell for found in cells.values() for cell in found),
            stored_events=stored,
            states=(*decoded(TURN_STATES), *decoded(THREADLESS)),
            runs=decoded(RUNS),
            lanes=decoded(LANES),
            buckets=decoded(BUCKETS),
            trees=decoded(SPAWN_TREES),
            effects=decoded(EFFECTS),
            approvals=decoded(APPROVALS),
            grants=decoded(GRANTS),
            events=tuple(codec.decode_event(event) for event in stored),
        )

    @property
    def active(self) -> tuple[Run, ...]:
        """The runs that have not ended."""
        return tuple(state.active for state in self.states if state.active is not None)

    @property
    def ended(self) -> tuple[EndedRun, ...]:
        """The runs that have ended and are still told of."""
        return tuple(record for record in self.runs if isinstance(record, EndedRun))

    def told(self) -> Iterator[tuple[RunAddress, list[RunEvent]]]:
        """What was told of each run, in order."""
        by_run: dict[RunAddress, list[RunEvent]] = {}
        for event in self.events:
            if isinstance(event, RunEvent):
                by_run.setdefault(RunAddress(event.address.scope, event.run), []).append(event)
        yield from by_run.items()


def require_invariants(whole: Whole) -> None:
    """All of them."""
    _require_one_place_a_run(whole)
    _require_leases(whole)
    _require_rising_epochs(whole)
    _require_lasting_ends(whole)
    _require_exact_holds(whole)
    _require_exact_lanes(whole)
    _require_exact_claims(whole)
    _require_open_steps(whole)
    _require_counted_entries(whole)
    _require_present_approvals(whole)
    _require_agreement_on_grants(whole)
    _require_rising_versions(whole)
    _require_agreement_on_parking(whole)
    _require_agreement_on_trees(whole)
    _require_living_children(whole)


def _require_one_place_a_run(whole: Whole) -> None:
    """1: a run is active or ended, never both; an ended one is final."""
    active = Counter(run.address for run in whole.active)
    assert set(active.values()) <= {1}
    assert not active.keys() & {record.run.address for record in whole.ended}
    assert all(record.run.status.final for record in whole.ended)
    assert not any(run.status.final for run in whole.active)
    for state in whole.states:
        if state.scope.thread is None:
            assert state.active is not None, "a threadless turn state outlived its run"


def _require_leases(whole: Whole) -> None:
    """2: a lease exactly while a worker holds the run, and its epoch is the fence."""
    for state in whole.states:
        run = state.active
        if run is not None:
            assert isinstance(run.state, Running | CancelRequested) == (run.lease is not None)
            assert run.lease is None or run.epoch == state.fence


def _require_rising_epochs(whole: Whole) -> None:
    """3: each claim of a thread has a higher epoch than the one before."""
    latest: dict[tuple[Scope, str], int] = {}
    for event in whole.events:
        if isinstance(event, RunClaimed):
            place = (event.address.scope, event.address.scope.thread or event.run)
            assert event.epoch > latest.get(place, 0)
            latest[place] = event.epoch


def _require_lasting_ends(whole: Whole) -> None:
    """4: nothing becomes of a run that has ended, and what was called off ends as cancelled."""
    for run, events in whole.told():
        statuses = [event.status for event in events]
        finals = [status for status in statuses if status.final]
        assert len(set(finals)) <= 1, (run, statuses)
        if finals:
            first = next(place for place, status in enumerate(statuses) if status.final)
            assert all(status.final for status in statuses[first:]), (run, statuses)
        if RunStatus.CANCEL_REQUESTED in statuses:
            after = statuses[statuses.index(RunStatus.CANCEL_REQUESTED) :]
            assert set(after) <= {RunStatus.CANCEL_REQUESTED, RunStatus.CANCELLED}, (run, after)


def _require_exact_holds(whole: Whole) -> None:
    """5: `held` is the number of active runs that name the bucket."""
    held: Counter[BucketId] = Counter(id for run in whole.active for id in run.holds)
    known = {bucket.id: bucket.held for bucket in whole.buckets}
    assert held.keys() <= known.keys()
    assert {id: held[id] for id in known} == known


def _require_exact_lanes(whole: Whole) -> None:
    """5: a run is in its lane, or outside it, exactly while it is queued."""
    queued = {
        (_lane_of(run), run.address): run.lineage.root
        for run in whole.active
        if isinstance(run.state, Queued) and not run.state.outside
    }
    entries = [(lane.id, entry) for lane in whole.lanes for entry in lane.entries]
    assert len({entry.run for _, entry in entries}) == len(entries)
    assert {(id, entry.run): entry.root for id, entry in entries} == queued
    for lane in whole.lanes:
        assert len({entry.sequence for entry in lane.entries}) == len(lane.entries)
        assert all(entry.sequence < lane.next_sequence for entry in lane.entries)


def _require_exact_claims(whole: Whole) -> None:
    """6: `running` is the number of claimed runs, of a lane and of a tenant's bucket."""
    claimed = [run for run in whole.active if run.lease is not None]
    by_lane = Counter(_lane_of(run) for run in claimed)
    assert {lane.id: lane.running for lane in whole.lanes if lane.running} == by_lane
    by_bucket: Counter[BucketId] = Counter(
        id for run in claimed for id in run.holds if id.counts_running
    )
    running = {bucket.id: bucket.running for bucket in whole.buckets if bucket.running}
    assert running == by_bucket


def _require_open_steps(whole: Whole) -> None:
    """7, as far as it is stored: a run knows exactly the steps of its journal that are open."""
    open_steps: dict[tuple[Scope, str], set[object]] = {}
    for effect in whole.effects:
        if effect.is_open:
            open_steps.setdefault((effect.scope, effect.journal), set()).add(effect.id)
    for run in whole.active:
        assert set(run.open) == open_steps.get((run.scope, run.journal), set())


def _require_counted_entries(whole: Whole) -> None:
    """A run counts what stands in its journal: a worker reads nothing where it counts nothing.

    Whoever waits at a gate counts that when it ends, whatever stands in its place by then.
    """
    journals: dict[tuple[Scope, str], set[object]] = {}
    for effect in whole.effects:
        journals.setdefault((effect.scope, effect.journal), set()).add(effect.id)
    for run in whole.active:
        entries = journals.get((run.scope, run.journal), set())
        awaited = {run.state.gate.effect} if isinstance(run.state, Blocked) else set()
        assert run.counters.effects == len(entries - awaited), run.id


def _require_present_approvals(whole: Whole) -> None:
    """8: no gate points at an absent approval."""
    present: set[tuple[Scope, str]] = {
        (approval.request.scope, approval.request.id)
        for approval in whole.approvals
        if isinstance(approval, Approval)
    }
    for run in whole.active:
        if isinstance(run.state, Blocked) and run.state.gate.kind is GateKind.APPROVAL:
            assert (run.scope, str(run.state.gate.ref)) in present


def _require_agreement_on_grants(whole: Whole) -> None:
    """What a run lists as unspent is; and a grant is under way exactly while its step is."""
    grants = {(grant.scope, grant.id): grant for grant in whole.grants}
    for run in whole.active:
        for listed in run.approvals:
            grant = grants.get((run.scope, ApprovalId(listed.id)))
            assert (grant is None) is listed.open
            assert grant is None or grant.ended_at is None
    entries = {(entry.scope, entry.run, entry.id): entry for entry in whole.effects}
    for grant in whole.grants:
        if isinstance(grant.phase, DispatchingGrant) and grant.phase.step is not None:
            step = grant.phase.step
            assert entries[step.run.scope, step.run.id, step.effect].is_open


def _require_rising_versions(whole: Whole) -> None:
    """9: a run's version rises by one with each stored change, and whatever is told tells it."""
    present = {run.address: run.version for run in whole.active}
    present |= {record.run.address: record.run.version for record in whole.ended}
    for run, events in whole.told():
        versions = [event.version for event in events]
        assert versions == sorted(versions), (run, versions)
        assert versions[0] == 1
        if run in present:
            assert versions[-1] <= present[run]


def _require_agreement_on_parking(whole: Whole) -> None:
    """10: a lane is parked exactly while it stands in a bucket's `parked`."""
    waiting = {id: bucket.id for bucket in whole.buckets for id in bucket.parked}
    assert sum(len(bucket.parked) for bucket in whole.buckets) == len(waiting)
    parked = {lane.id: lane.parked_at for lane in whole.lanes if lane.parked_at is not None}
    assert parked == waiting


def _require_agreement_on_trees(whole: Whole) -> None:
    """A tree's live members are the active runs that descend from its root."""
    living = {
        (run.root, run.address, run.lineage.parent and run.lineage.parent.id)
        for run in whole.active
        if run.lineage.root is not None
    }
    members = {(tree.root, one.run, one.parent) for tree in whole.trees for one in tree.live}
    assert members == living


def _require_living_children(whole: Whole) -> None:
    """Nobody waits for a run that has ended."""
    active = {run.address for run in whole.active}
    for run in whole.active:
        if isinstance(run.state, Blocked):
            assert set(run.state.gate.awaited) <= active


def _lane_of(run: Run) -> LaneId:
    return LaneId.of(run.scope, run.policy.turn_class)


async def _all_cells(
    store: RecordStore, collection: Collection[object], deadline: Deadline
) -> list[Cell]:
    query = InScope(collection=collection.name, prefix=EVERYBODY)
    cells: list[Cell] = []
    after = None
    while True:
        page = await store.scan(query, after=after, limit=_PAGE, deadline=deadline)
        cells += page.cells
        after = page.next
        if after is None:
            return cells


async def _all_events(store: RecordStore, deadline: Deadline) -> tuple[StoredEvent, ...]:
    query = EventQuery(collections=None, prefix=EVERYBODY)
    events: list[StoredEvent] = []
    after = START
    while True:
        page = await store.events(query, after=after, limit=_PAGE, deadline=deadline)
        assert isinstance(page, EventPage)
        events += page.events
        if page.next == after:
            return tuple(events)
        after = page.next
