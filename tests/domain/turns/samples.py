"""Samples: one run in each of its states, and those who act on it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from attrs import field, frozen

from turnkeep_domain.decisions import Changed, Decision, Settled
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import Digest, RequestId, digest_of
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.backoff import Backoff
from turnkeep_domain.turns.bucket_ids import BucketId
from turnkeep_domain.turns.claims import Claim, Token
from turnkeep_domain.turns.effect import EffectKind, JournalCall, Mode, RunEffect
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.ended import EndedRun
from turnkeep_domain.turns.gates import Disposition, Gate, GateKind
from turnkeep_domain.turns.lineage import Lineage
from turnkeep_domain.turns.moved import Moved
from turnkeep_domain.turns.names import Category, Ref, RunId
from turnkeep_domain.turns.policy import TurnClass, TurnPolicy
from turnkeep_domain.turns.run import Run
from turnkeep_domain.turns.turn import Turn, run_id, turn_id
from turnkeep_domain.turns.turn_state import TurnState

O = TypeVar("O")

SCOPE: Final = Scope.of("acme", "ada", agent="scout", thread="t1")
ADA: Final = Principal.person("ada")
BO: Final = Principal.person("bo")
SUBMITTER: Final = Actor.submitter(ADA)
STRANGER: Final = Actor.submitter(BO)
OPERATOR: Final = Actor.operator(BO)
HOST: Final = Actor.system("gateway")

NOW: Final = datetime(2030, 1, 1, tzinfo=UTC)
TTL: Final = timedelta(seconds=90)
GRACE: Final = timedelta(seconds=60)
BACKOFF: Final = Backoff(first=timedelta(seconds=1), most=timedelta(seconds=60), jitter=0.5)
DEADLINE: Final = NOW + TTL
MOMENT: Final = timedelta(microseconds=1)

ONE: Final = Token(b"1" * 16)
OTHER: Final = Token(b"2" * 16)
PAYLOAD: Final = digest_of("payload")
RUN: Final = run_id(SCOPE, "submit", RequestId("q1"))
NEXT: Final = run_id(SCOPE, "submit", RequestId("q2"))
MAIL: Final = EffectId("mail", 0)
ASK: Final = EffectId("ask", 0)
JOIN: Final = EffectId("join", 0)
CHILD: Final = RunAddress(SCOPE, run_id(SCOPE, "submit_child", RequestId("c1")))
SIBLING: Final = RunAddress(SCOPE, run_id(SCOPE, "submit_child", RequestId("c2")))
APPROVAL_ID: Final = "5f1e0c6a-9f1b-8c3d-a1b2-c3d4e5f60718"
GATE: Final = Gate.of(kind=GateKind.APPROVAL, ref=Ref(APPROVAL_ID), effect=ASK)
AUTH: Final = Gate.of(kind=GateKind.AUTH, ref=Ref("login"), effect=ASK)
JOINED: Final = Gate.of(
    kind=GateKind.DEPENDENT_RUN, ref=Ref("join"), effect=JOIN, awaited=(CHILD, SIBLING)
)
UNTIL: Final = NOW + timedelta(hours=1)
ARGUMENTS: Final = digest_of("to", "bo")
NO_EFFECT: Final[Mapping[EffectId, RunEffect]] = {}

UNJOURNALED: Final = TurnPolicy(
    turn_class=TurnClass.INTERACTIVE, journaled=False, lost_max=5, returned_max=20
)


def token(number: int) -> Token:
    return Token(bytes([number]) * 16)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@frozen(kw_only=True)
class Thread:
    """What a store would hold of one thread: its turn state, its ended runs and its journal."""

    state: TurnState
    ended: Mapping[RunId, EndedRun] = field(factory=dict)
    effects: Mapping[EffectId, RunEffect] = field(factory=dict)

    @property
    def run(self) -> Run:
        """The run that a test is about, active or ended."""
        if self.state.active is not None:
            return self.state.active
        return list(self.ended.values())[-1].run

    def record(self, run: RunId = RUN) -> EndedRun | None:
        return self.ended.get(run)

    def after(self, decision: Decision[Moved, O, object]) -> Thread:
        """What it holds once the decision, which stores something, is carried out."""
        assert isinstance(decision, Changed | Settled), decision
        moved = decision.state
        ended, effects = dict(self.ended), dict(self.effects)
        if moved.ended is not None:
            ended[moved.ended.run.id] = moved.ended
        effects |= {effect.id: effect for effect in moved.effects}
        before, after = self.state.active, moved.state.active
        if before is not None and before.lease is not None and _is_let_go(after):
            run = after or list(ended.values())[-1].run
            for id in before.open:
                settled = effects[id].become_uncertain(run=run, now=moved.state.updated_at)
                effects[id] = settled.state if isinstance(settled, Changed) else effects[id]
        return Thread(state=moved.state, ended=ended, effects=effects)


def _is_let_go(run: Run | None) -> bool:
    return run is None or run.lease is None


def turn(request: str = "q1") -> Turn:
    return Turn(
        id=turn_id(SCOPE, RequestId(request)),
        scope=SCOPE,
        actor=ADA,
        message_ref=Ref("m-1"),
        source_ref=None,
        reply_ref=Ref("channel/7"),
        origin=Ref("chat"),
        payload=PAYLOAD,
        created_at=NOW,
    )


def free() -> Thread:
    return Thread(state=TurnState.free(scope=SCOPE, id="t1", now=NOW))


def submitted(
    thread: Thread,
    *,
    request: str = "q1",
    policy: TurnPolicy | None = None,
    lineage: Lineage | None = None,
    holds: tuple[BucketId, ...] = (),
    now: datetime = NOW,
) -> Thread:
    return thread.after(
        thread.state.submit(
            id=run_id(SCOPE, "submit", RequestId(request)),
            turn=turn(request),
            policy=policy or TurnPolicy.interactive(),
            lineage=lineage or Lineage.of_root(),
            holds=holds,
            actor=SUBMITTER,
            now=now,
        )
    )


def claimed(thread: Thread, *, token: Token = ONE, now: datetime = NOW) -> Thread:
    run = thread.run
    return thread.after(
        thread.state.claim(run=run.id, holder="worker-1", token=token, ttl=TTL, now=now)
    )


def claim_of(thread: Thread, token: Token = ONE) -> Claim:
    """The newest claim of its run."""
    return Claim(run=thread.run.address, epoch=thread.run.epoch, token=token)


def intent(
    thread: Thread,
    id: EffectId = MAIL,
    *,
    arguments: Digest = ARGUMENTS,
    token: Token = ONE,
    now: datetime = NOW,
) -> Decision[Moved, object, object]:
    return thread.state.intend(
        claim=claim_of(thread, token),
        id=id,
        kind=EffectKind.STEP,
        arguments=arguments,
        effect=thread.effects.get(id),
        ended=thread.record(),
        now=now,
    )


def queued() -> Thread:
    return submitted(free())


def running(*, policy: TurnPolicy | None = None) -> Thread:
    return claimed(submitted(free(), policy=policy))


def with_intent(thread: Thread | None = None) -> Thread:
    """Running, with one `once` step that may be under way."""
    thread = thread or running()
    return thread.after(intent(thread))


def cancelling(thread: Thread | None = None, *, now: datetime = NOW) -> Thread:
    """Called off while a worker holds it (`c1`)."""
    thread = thread or running()
    return thread.after(
        thread.state.request_cancel(
            run=RUN,
            reason=Ref("no longer wanted"),
            actor=SUBMITTER,
            request_id=RequestId("c1"),
            grace=GRACE,
            ended=None,
            now=now,
        )
    )


def blocked(
    gate: Gate = GATE,
    *,
    until: datetime | None = UNTIL,
    approval: str | None = None,
    thread: Thread | None = None,
) -> Thread:
    thread = thread or running()
    if gate.kind is GateKind.APPROVAL and approval is None:
        approval = gate.ref
    return thread.after(
        thread.state.block(
            claim=claim_of(thread),
            gate=gate,
            live=gate.awaited,
            until=until,
            settled=None,
            approval=approval,
            effect=thread.effects.get(gate.effect),
            ended=None,
            now=NOW,
        )
    )


def expired(thread: Thread, *, now: datetime = DEADLINE) -> Thread:
    return thread.after(thread.state.expire(run=RUN, backoff=BACKOFF, now=now))


def needing_an_operator() -> Thread:
    """A `once` step was under way when its worker was lost."""
    return expired(with_intent())


def completed() -> Thread:
    thread = running()
    return thread.after(
        thread.state.complete(
            claim=claim_of(thread), result_ref=Ref("result-1"), ended=None, now=NOW
        )
    )


def failed(thread: Thread | None = None, *, effect: EffectId | None = None) -> Thread:
    thread = thread or running()
    return thread.after(
        thread.state.fail(
            claim=claim_of(thread),
            category=Category("model_overloaded"),
            effect=effect,
            ended=None,
            now=NOW,
        )
    )


def cancelled() -> Thread:
    """Called off (`c1`) while it was queued."""
    return cancelling(queued())


def call(id: EffectId = MAIL, *, mode: Mode = Mode.ONCE, given: Digest = ARGUMENTS) -> JournalCall:
    return JournalCall(id=id, kind=EffectKind.STEP, mode=mode, arguments=given)


def granted_by_approval(thread: Thread) -> Thread:
    return thread.after(
        thread.state.release(
            run=RUN,
            kind=GateKind.APPROVAL,
            ref=Ref(APPROVAL_ID),
            disposition=Disposition.GRANTED,
            actor=HOST,
            now=NOW,
        )
    )


EIGHT: Final = {
    "queued": queued,
    "running": running,
    "blocked": blocked,
    "cancel_requested": cancelling,
    "needs_operator": needing_an_operator,
    "completed": completed,
    "failed": failed,
    "cancelled": cancelled,
}
"""A thread whose run is in each of the eight states."""
