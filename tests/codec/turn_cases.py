"""The cases of golden files of turns: every state of a run, its journal, its queues and limits.

A case stays for as long as a golden file names it: files of older schemas must decode to it too.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from attrs import evolve

from turnkeep_domain.events import Event
from turnkeep_domain.keys import Address, Collection
from turnkeep_domain.leases.tenure import Tenure
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import Digest, Mark, Marks, RequestId
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.bucket import BUCKETS, Bucket
from turnkeep_domain.turns.bucket_ids import Axis, BucketId
from turnkeep_domain.turns.bucket_limits import BucketLimits
from turnkeep_domain.turns.checkpoint import CHECKPOINTS, Checkpoint, CheckpointKind
from turnkeep_domain.turns.claims import ClaimEnd, EndOperation, RunLease, RunStanding
from turnkeep_domain.turns.effect import (
    EFFECTS,
    Done,
    EffectKind,
    EffectState,
    Evidence,
    Intended,
    Mode,
    NotDone,
    RunEffect,
    Uncertain,
)
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.ended import RUNS, EndedRun, RetiredRun
from turnkeep_domain.turns.events import (
    EffectSettled,
    EffectUncertain,
    LaneLimitChanged,
    LimitChanged,
    RunBlocked,
    RunCancelled,
    RunCancelRequested,
    RunClaimed,
    RunCompleted,
    RunFailed,
    RunNeedsOperator,
    RunRequeued,
    RunResumed,
    RunRetired,
    RunRouted,
    RunSubmitted,
    told_of,
)
from turnkeep_domain.turns.gates import Disposition, Gate, GateKind
from turnkeep_domain.turns.lane import LANES, Granted, Lane, LaneEntry, LaneGrants
from turnkeep_domain.turns.lane_ids import LaneId
from turnkeep_domain.turns.lineage import Lineage
from turnkeep_domain.turns.names import Category, Ref, RunId, TurnId
from turnkeep_domain.turns.policy import TurnClass, TurnPolicy
from turnkeep_domain.turns.route import Route
from turnkeep_domain.turns.run import Run, RunApproval, RunCounters
from turnkeep_domain.turns.run_states import (
    Blocked,
    Cancelled,
    CancelRequested,
    Completed,
    Failed,
    NeedsOperator,
    Queued,
    Running,
    RunState,
    RunStatus,
)
from turnkeep_domain.turns.spawn_tree import SPAWN_TREES, Member, SpawnTree
from turnkeep_domain.turns.turn import Turn
from turnkeep_domain.turns.turn_state import THREADLESS, TURN_STATES, TurnState

TURN_COLLECTIONS: Final[tuple[Collection[object], ...]] = (
    BUCKETS,
    CHECKPOINTS,
    EFFECTS,
    LANES,
    RUNS,
    SPAWN_TREES,
    TURN_STATES,
    THREADLESS,
)

AT: Final = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
LATER: Final = AT + timedelta(seconds=90)
SCOPE: Final = Scope.of(
    "acme", "zoë", agent="writer", project="apollo", mission="m-7", thread="t/1 ü"
)
USER: Final = Scope.of("acme", "zoë")
NO_THREAD: Final = Scope.of("acme", "zoë", agent="writer")
TOKEN: Final = Digest(bytes(range(32)))
DIGEST: Final = Digest(bytes(range(32, 64)))
RUN: Final = RunId("5f1e0c6a-9f1b-8c3d-a1b2-c3d4e5f60718")
EARLIER: Final = RunId("00000000-0000-8000-8000-000000000001")
PARENT: Final = RunAddress(SCOPE, RunId("00000000-0000-8000-8000-000000000002"))
ROOT: Final = RunAddress(NO_THREAD, RunId("00000000-0000-8000-8000-000000000003"))
MAIL: Final = EffectId("mail.send ü", 7)
ASK: Final = EffectId("ask", 0)
ADA: Final = Actor.submitter(Principal.person("ada"))
BO: Final = Actor.operator(Principal.person("bo"))
HOST: Final = Actor.system("gateway")
TENANT_BUCKET: Final = BucketId(scope=Scope.of("acme", None), axis=Axis.TENANT, turn_class=None)
AGENT_BUCKET: Final = BucketId(scope=NO_THREAD, axis=Axis.AGENT, turn_class=TurnClass.BACKGROUND)
LANE: Final = LaneId(scope=USER, turn_class=TurnClass.INTERACTIVE)
BACKGROUND_LANE: Final = LaneId(scope=USER, turn_class=TurnClass.BACKGROUND)

TURN: Final = Turn(
    id=TurnId("00000000-0000-8000-8000-0000000000aa"),
    scope=SCOPE,
    actor=Principal.person("ada"),
    message_ref=Ref("message/1"),
    source_ref=Ref("channel ü"),
    reply_ref=None,
    origin=Ref("chat"),
    payload=DIGEST,
    created_at=AT,
)
LEASE: Final = RunLease(
    tenure=Tenure(holder="worker-1", since=AT, until=LATER),
    token=TOKEN,
    cancel_by=None,
    started=False,
)
RUN_QUEUED: Final = Run(
    id=RUN,
    turn=TURN,
    policy=TurnPolicy.interactive(),
    state=Queued(due_at=AT, outside=False),
    version=1,
    epoch=0,
    lease=None,
    journal=RUN,
    open=(),
    approvals=(),
    holds=(),
    counters=RunCounters(lost=0, returned=0, effects=0, checkpoint=0),
    route=None,
    lineage=Lineage.of_root(),
    updated_at=AT,
)
RUN_FULL: Final = evolve(
    RUN_QUEUED,
    policy=TurnPolicy(
        turn_class=TurnClass.BACKGROUND, journaled=False, lost_max=0, returned_max=2**63 - 1
    ),
    version=12,
    epoch=3,
    journal=EARLIER,
    open=(MAIL,),
    approvals=(RunApproval(id="a-1", open=True), RunApproval(id="a-2", open=False)),
    holds=(TENANT_BUCKET, AGENT_BUCKET),
    counters=RunCounters(lost=1, returned=2, effects=3, checkpoint=4),
    route=Route(
        provider=Ref("house"), model=Ref("large"), config_ref=Ref("c-1"), auth_ref=Ref("a-1")
    ),
    lineage=Lineage(parent=PARENT, root=ROOT, depth=2, retry_of=None),
    updated_at=LATER,
)
GATE: Final = Gate.of(kind=GateKind.APPROVAL, ref=Ref("a-1"), effect=ASK)


def run_in(state: RunState, *, like: Run = RUN_QUEUED, leased: bool = False) -> Run:
    return evolve(like, state=state, lease=LEASE if leased else None)


def standing(status: RunStatus) -> RunStanding:
    return RunStanding(run=RUN, status=status, version=11)


ENDS: Final = tuple(
    ClaimEnd(
        run=RUN,
        epoch=epoch,
        token=TOKEN,
        operation=operation,
        arguments=DIGEST,
        outcome=standing(status),
    )
    for epoch, operation, status in (
        (1, EndOperation.COMPLETE, RunStatus.COMPLETED),
        (3, EndOperation.FAIL, RunStatus.FAILED),
        (5, EndOperation.BLOCK, RunStatus.BLOCKED),
        (7, EndOperation.RELINQUISH, RunStatus.QUEUED),
        (9, EndOperation.EXPIRY, RunStatus.NEEDS_OPERATOR),
    )
)
REQUESTS: Final = Marks(
    (
        Mark(RequestId("r-1"), DIGEST, standing(RunStatus.CANCELLED)),
        Mark(RequestId("r-2 ü"), DIGEST, standing(RunStatus.CANCEL_REQUESTED)),
        Mark(RequestId("r-3"), DIGEST, standing(RunStatus.RUNNING)),
    ),
    2,
)


def turn_state(run: Run | None, *, fence: int = 9, closed: bool = False) -> TurnState:
    return TurnState(
        scope=SCOPE,
        id="t/1 ü",
        fence=fence,
        closed=closed,
        active=run,
        ends=(),
        requests=Marks.none(),
        updated_at=AT,
    )


def blocked(kind: GateKind, *awaited: RunAddress) -> Run:
    gate = Gate.of(kind=kind, ref=Ref("g"), effect=ASK, awaited=awaited)
    return run_in(Blocked(gate=gate, since=AT, until=None))


CANCEL_REQUESTED: Final = CancelRequested(reason=Ref("enough"), by=ADA, cancel_by=LATER)
THREADLESS_RUN: Final = evolve(RUN_QUEUED, turn=evolve(TURN, scope=NO_THREAD))


def effect(
    state: EffectState, *, kind: EffectKind = EffectKind.STEP, mode: Mode = Mode.ONCE
) -> RunEffect:
    return RunEffect(
        scope=SCOPE,
        journal=EARLIER,
        id=MAIL,
        run=RUN,
        kind=kind,
        mode=mode,
        arguments=DIGEST,
        state=state,
        entered_at=AT,
    )


DONE: Final = Done(output=b"\x00\xff output", disposition=None)
NOT_DONE: Final = NotDone(category=Category("refused"), redo=False)


def gate_ended(disposition: Disposition) -> RunEffect:
    done = Done(output=b"", disposition=disposition)
    return effect(done, kind=EffectKind.GATE, mode=Mode.SAFE)


def checkpoint(
    kind: CheckpointKind, *ordinals: tuple[str, int], payload: bytes = b""
) -> Checkpoint:
    return Checkpoint(
        scope=SCOPE,
        run=RUN,
        sequence=4,
        kind=kind,
        schema=1,
        ordinals=ordinals,
        payload=payload,
        saved_at=AT,
    )


def ended(state: Completed | Failed | Cancelled, *, like: Run = RUN_FULL) -> EndedRun:
    return EndedRun(run=run_in(state, like=like), ends=ENDS, requests=REQUESTS, ended_at=LATER)


COMPLETED: Final = Completed(result_ref=Ref("result/1"))
FAILED: Final = Failed(category=Category("model_overloaded"), effect=MAIL)
CANCELLED: Final = Cancelled(reason=Ref("enough"), by=HOST, result_ref=None, uncertain=1)


def bucket(axis: Axis, scope: Scope, turn_class: TurnClass | None = None) -> Bucket:
    return Bucket(
        id=BucketId(scope=scope, axis=axis, turn_class=turn_class),
        held=3,
        running=0,
        limits=BucketLimits(held=200, running=None),
        limited_at=AT,
        counting_since=None,
        parked=(),
    )


ENTRY: Final = LaneEntry(due_at=AT, sequence=7, run=RunAddress(SCOPE, RUN), root=None)
CHILD_ENTRY: Final = LaneEntry(
    due_at=LATER, sequence=3, run=RunAddress(NO_THREAD, EARLIER), root=ROOT
)

TURN_RECORD_CASES: Final[dict[tuple[str, str], object]] = {
    ("turn_state", "free"): turn_state(None),
    ("turn_state", "closed"): turn_state(None, closed=True),
    ("turn_state", "queued"): turn_state(RUN_QUEUED, fence=0),
    ("turn_state", "outside"): turn_state(run_in(Queued(due_at=LATER, outside=True))),
    ("turn_state", "running"): turn_state(
        run_in(Running(since=AT), like=RUN_FULL, leased=True), fence=3
    ),
    ("turn_state", "cancel_requested"): turn_state(
        evolve(
            run_in(CANCEL_REQUESTED, like=RUN_FULL, leased=True),
            lease=evolve(LEASE, cancel_by=LATER, started=True),
        ),
        fence=3,
    ),
    ("turn_state", "blocked"): turn_state(
        run_in(Blocked(gate=GATE, since=AT, until=LATER), like=RUN_FULL)
    ),
    ("turn_state", "blocked_auth"): turn_state(blocked(GateKind.AUTH)),
    ("turn_state", "blocked_resource"): turn_state(blocked(GateKind.RESOURCE)),
    ("turn_state", "blocked_external"): turn_state(blocked(GateKind.EXTERNAL_TOOL)),
    ("turn_state", "joining"): turn_state(blocked(GateKind.DEPENDENT_RUN, PARENT, ROOT)),
    ("turn_state", "needs_operator"): turn_state(
        run_in(NeedsOperator(category=Category("expired"), since=AT), like=RUN_FULL)
    ),
    ("turn_state", "retried"): evolve(
        turn_state(evolve(RUN_QUEUED, lineage=Lineage.of_root(retry_of=EARLIER)), fence=10),
        ends=ENDS,
        requests=REQUESTS,
    ),
    ("turn_state", "threadless"): evolve(
        turn_state(None), scope=NO_THREAD, id=RUN, active=THREADLESS_RUN
    ),
    ("run", "completed"): ended(COMPLETED),
    ("run", "completed_bare"): EndedRun(
        run=run_in(Completed(result_ref=None)), ends=(), requests=Marks.none(), ended_at=AT
    ),
    ("run", "failed"): ended(FAILED),
    ("run", "failed_bare"): ended(Failed(category=Category("given up"), effect=None)),
    ("run", "cancelled"): ended(CANCELLED),
    ("run", "cancelled_with_result"): ended(
        Cancelled(reason=Ref("enough"), by=BO, result_ref=Ref("result/1"), uncertain=0)
    ),
    ("run_retired", "completed"): RetiredRun(
        id=RUN,
        scope=SCOPE,
        payload=DIGEST,
        was=RunStatus.COMPLETED,
        ended_at=AT,
        retired_at=LATER,
    ),
    ("effect", "intended"): effect(Intended(epoch=3, token=TOKEN)),
    ("effect", "done"): effect(DONE, mode=Mode.KEYED),
    ("effect", "not_done"): effect(NOT_DONE, mode=Mode.SAFE),
    ("effect", "to_be_redone"): effect(evolve(NOT_DONE, redo=True)),
    ("effect", "uncertain"): effect(Uncertain(since=AT, epoch=3, token=TOKEN, evidence=())),
    ("effect", "uncertain_with_evidence"): effect(
        Uncertain(
            since=AT,
            epoch=3,
            token=TOKEN,
            evidence=(Evidence(outcome=DONE, at=AT), Evidence(outcome=NOT_DONE, at=LATER)),
        ),
        kind=EffectKind.SPEND,
    ),
    ("effect", "child"): effect(
        Done(output=b"", disposition=None), kind=EffectKind.CHILD, mode=Mode.KEYED
    ),
    ("effect", "gate_granted"): gate_ended(Disposition.GRANTED),
    ("effect", "gate_denied"): gate_ended(Disposition.DENIED),
    ("effect", "gate_elapsed"): gate_ended(Disposition.ELAPSED),
    ("effect", "gate_withdrawn"): gate_ended(Disposition.WITHDRAWN),
    ("effect", "long_name"): evolve(effect(DONE), id=EffectId("n" * 200, 0)),
    ("checkpoint", "before_model"): checkpoint(
        CheckpointKind.BEFORE_MODEL, ("ask", 0), ("mail ü", 7), payload=b"\x00\xff"
    ),
    ("checkpoint", "before_effect"): checkpoint(CheckpointKind.BEFORE_EFFECT),
    ("checkpoint", "before_block"): checkpoint(CheckpointKind.BEFORE_BLOCK),
    ("checkpoint", "final"): checkpoint(CheckpointKind.FINAL),
    ("lane", "empty"): Lane.empty(LANE),
    ("lane", "full"): Lane(
        id=BACKGROUND_LANE,
        entries=(ENTRY, CHILD_ENTRY),
        next_sequence=8,
        tokens=(
            LaneGrants(token=TOKEN, grants=(Granted(run=RunAddress(SCOPE, EARLIER), epoch=3),)),
            LaneGrants(token=DIGEST, grants=()),
        ),
        tokens_dropped=4,
        running=1,
        limit=1,
        not_before=LATER,
        parked_at=TENANT_BUCKET,
    ),
    ("bucket", "tenant"): Bucket(
        id=TENANT_BUCKET,
        held=3,
        running=2,
        limits=BucketLimits(held=None, running=2),
        limited_at=AT,
        counting_since=None,
        parked=(LANE, BACKGROUND_LANE),
    ),
    ("bucket", "user"): bucket(Axis.USER, USER),
    ("bucket", "project"): bucket(
        Axis.PROJECT, Scope.of("acme", "zoë", project="apollo"), TurnClass.INTERACTIVE
    ),
    ("bucket", "agent_counting"): evolve(
        bucket(Axis.AGENT, NO_THREAD, TurnClass.BACKGROUND), counting_since=AT
    ),
    ("spawn_tree", "empty"): SpawnTree.of(ROOT, now=AT),
    ("spawn_tree", "cancelling"): SpawnTree(
        root=ROOT,
        live=(
            Member(run=PARENT, parent=ROOT.id),
            Member(run=RunAddress(SCOPE, RUN), parent=PARENT.id),
        ),
        spawned=9,
        cancelling=(ROOT.id, PARENT.id),
        updated_at=LATER,
    ),
}

TOLD: Final = told_of(RUN_FULL, LATER)
QUEUED_TOLD: Final = told_of(RUN_QUEUED, AT)

TURN_EVENT_CASES: Final[dict[tuple[str, str], Event]] = {
    ("run.submitted", "plain"): RunSubmitted(**QUEUED_TOLD, actor=ADA, parent=None, retry_of=None),
    ("run.submitted", "child"): RunSubmitted(
        **QUEUED_TOLD, actor=HOST, parent=PARENT.id, retry_of=EARLIER
    ),
    ("run.claimed", "plain"): RunClaimed(**TOLD, holder="worker-1", epoch=3),
    ("run.blocked", "plain"): RunBlocked(**TOLD, gate=GateKind.APPROVAL, until=LATER),
    ("run.blocked", "endless"): RunBlocked(**TOLD, gate=GateKind.RESOURCE, until=None),
    ("run.resumed", "plain"): RunResumed(
        **TOLD, gate=GateKind.AUTH, disposition=Disposition.DENIED, actor=ADA
    ),
    ("run.requeued", "plain"): RunRequeued(**TOLD, category=Category("error"), due_at=LATER),
    ("run.cancel_requested", "plain"): RunCancelRequested(
        **TOLD, reason=Ref("enough"), actor=BO, cancel_by=LATER
    ),
    ("run.cancelled", "plain"): RunCancelled(**TOLD, reason=Ref("enough"), actor=BO, uncertain=1),
    ("run.completed", "plain"): RunCompleted(**TOLD, result_ref=Ref("result/1")),
    ("run.completed", "bare"): RunCompleted(**TOLD, result_ref=None),
    ("run.failed", "plain"): RunFailed(**TOLD, category=Category("handler_error")),
    ("run.needs_operator", "plain"): RunNeedsOperator(
        **TOLD, category=Category("expired"), uncertain=1
    ),
    ("run.routed", "plain"): RunRouted(
        **TOLD,
        route=Route(provider=Ref("house"), model=Ref("small"), config_ref=None, auth_ref=None),
    ),
    ("run.effect_settled", "plain"): EffectSettled(**TOLD, effect=MAIL, state="not_done"),
    ("run.effect_uncertain", "plain"): EffectUncertain(**TOLD, effect=MAIL),
    ("run.retired", "plain"): RunRetired(
        address=TOLD["address"], at=LATER, run=RUN, status=RunStatus.FAILED
    ),
    ("limit.changed", "plain"): LimitChanged(
        address=Address("bucket", TENANT_BUCKET.scope, TENANT_BUCKET.cell_id),
        at=AT,
        actor=BO,
        limits=BucketLimits(held=10, running=None),
    ),
    ("lane_limit.changed", "plain"): LaneLimitChanged(
        address=Address("lane", USER, "interactive"), at=AT, actor=BO, limit=3
    ),
    ("lane_limit.changed", "none"): LaneLimitChanged(
        address=Address("lane", USER, "interactive"), at=AT, actor=BO, limit=None
    ),
}
