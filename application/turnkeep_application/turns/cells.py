"""A run's cells: the keys under which a run and all that goes along with it are stored."""

from __future__ import annotations

from datetime import datetime

from turnkeep_application.records import Records
from turnkeep_domain.keys import Key, key
from turnkeep_domain.threads.addresses import ThreadAddress
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.bucket import BUCKETS, Bucket
from turnkeep_domain.turns.bucket_ids import BucketId
from turnkeep_domain.turns.checkpoint import CHECKPOINTS, Checkpoint, checkpoint_id
from turnkeep_domain.turns.effect import EFFECTS, RunEffect
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.ended import RUNS, RunRecord
from turnkeep_domain.turns.lane import LANES, Lane
from turnkeep_domain.turns.lane_ids import LaneId
from turnkeep_domain.turns.names import RunId
from turnkeep_domain.turns.spawn_tree import SPAWN_TREES, SpawnTree
from turnkeep_domain.turns.turn_state import THREADLESS, TURN_STATES, TurnState


def turn_state_key(run: RunAddress) -> Key[TurnState]:
    """Where a run stands while it is active: its thread's one place, or, threadless, its own."""
    thread = run.scope.thread
    if thread is None:
        return key(THREADLESS, run.scope, run.id)
    return key(TURN_STATES, run.scope, thread)


def thread_state_key(thread: ThreadAddress) -> Key[TurnState]:
    """The one place of a thread where its active run stands."""
    return key(TURN_STATES, thread.scope, thread.thread_id)


def run_key(run: RunAddress) -> Key[RunRecord]:
    """Where a run is recorded once it has ended."""
    return key(RUNS, run.scope, run.id)


def lane_key(lane: LaneId) -> Key[Lane]:
    """The queue of one user and class."""
    return key(LANES, lane.scope, lane.turn_class.value)


def bucket_key(bucket: BucketId) -> Key[Bucket]:
    """The count of the runs that one limit bounds."""
    return key(BUCKETS, bucket.scope, bucket.cell_id)


def tree_key(root: RunAddress) -> Key[SpawnTree]:
    """The runs that descend from a root."""
    return key(SPAWN_TREES, root.scope, root.id)


def effect_key(journal: RunAddress, effect: EffectId) -> Key[RunEffect]:
    """One call in a journal; its scope is that of the runs that continue the journal."""
    return key(EFFECTS, journal.scope, effect.cell_id(journal.id))


def checkpoint_key(run: RunAddress, sequence: int) -> Key[Checkpoint]:
    """One checkpoint of a run."""
    return key(CHECKPOINTS, run.scope, checkpoint_id(run.id, sequence))


def journal_of(run: RunAddress, journal: RunId) -> RunAddress:
    """The address by which a run's journal is found: a retry stays in the scope."""
    return RunAddress(run.scope, journal)


def state_of(records: Records, run: RunAddress, now: datetime) -> TurnState:
    """Where a run stands or would stand, as it was loaded; free where there is nothing yet."""
    state = records[turn_state_key(run)]
    if state is not None:
        return state
    return TurnState.free(scope=run.scope, id=run.scope.thread or run.id, now=now)
