"""Transitions: every command in every state answers as the table says, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, TypeAlias

import pytest

from tests.domain.turns.samples import (
    APPROVAL_ID,
    ARGUMENTS,
    AUTH,
    BACKOFF,
    CHILD,
    DEADLINE,
    EIGHT,
    GRACE,
    HOST,
    MOMENT,
    NEXT,
    NOW,
    ONE,
    OPERATOR,
    OTHER,
    RUN,
    SCOPE,
    SUBMITTER,
    TTL,
    UNTIL,
    Thread,
    claim_of,
    free,
    later,
    submitted,
    turn,
)
from turnkeep_domain.decisions import Changed, Decision, Refused, Settled, Unchanged
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.bucket_ids import Axis, BucketId
from turnkeep_domain.turns.checkpoint import CheckpointKind
from turnkeep_domain.turns.claims import Claim, Relinquishment
from turnkeep_domain.turns.effect import Done, EffectKind, Mode, Outcome
from turnkeep_domain.turns.effect_ids import EffectId
from turnkeep_domain.turns.gates import Disposition, GateKind
from turnkeep_domain.turns.lineage import Lineage
from turnkeep_domain.turns.moved import Moved
from turnkeep_domain.turns.names import Category, Ref
from turnkeep_domain.turns.policy import TurnPolicy
from turnkeep_domain.turns.refusals import NotFound
from turnkeep_domain.turns.route import Route

Answer: TypeAlias = Decision[Moved, object, object]
Command: TypeAlias = Callable[[Thread], Answer]

SOON: Final = later(1)
DONE: Final = Done(output=b"sent", disposition=None)
FRESH: Final = EffectId("look", 0)
ROUTE: Final = Route(provider=Ref("house"), model=Ref("large"), config_ref=None, auth_ref=None)
BUCKET: Final = BucketId(scope=Scope.of("acme", None), axis=Axis.TENANT, turn_class=None)


def submit(thread: Thread) -> Answer:
    return thread.state.submit(
        id=NEXT,
        turn=turn("q2"),
        policy=TurnPolicy.interactive(),
        lineage=Lineage.of_root(),
        holds=(),
        actor=SUBMITTER,
        now=SOON,
    )


def claim(thread: Thread) -> Answer:
    return thread.state.claim(run=RUN, holder="worker-2", token=OTHER, ttl=TTL, now=SOON)


def heartbeat(thread: Thread) -> Answer:
    return thread.state.heartbeat(claim=claim_of(thread), ttl=TTL, ended=thread.record(), now=SOON)


def start(thread: Thread) -> Answer:
    return thread.state.start(claim=claim_of(thread), ended=thread.record(), now=SOON)


def checkpoint(thread: Thread) -> Answer:
    return thread.state.checkpoint(
        claim=claim_of(thread),
        kind=CheckpointKind.FINAL,
        schema=1,
        payload=b"state",
        ordinals=(),
        ended=thread.record(),
        now=SOON,
    )


def intend(thread: Thread) -> Answer:
    return thread.state.intend(
        claim=claim_of(thread),
        id=FRESH,
        kind=EffectKind.STEP,
        arguments=ARGUMENTS,
        effect=None,
        ended=thread.record(),
        now=SOON,
    )


def settle(thread: Thread) -> Answer:
    return thread.state.settle(
        claim=claim_of(thread),
        id=FRESH,
        kind=EffectKind.STEP,
        mode=Mode.KEYED,
        arguments=ARGUMENTS,
        outcome=DONE,
        effect=None,
        ended=thread.record(),
        now=SOON,
    )


def spawn(thread: Thread) -> Answer:
    return thread.state.spawn(
        claim=claim_of(thread),
        id=FRESH,
        arguments=ARGUMENTS,
        effect=None,
        ended=thread.record(),
        now=SOON,
    )


def set_route(thread: Thread) -> Answer:
    return thread.state.set_route(
        claim=claim_of(thread), route=ROUTE, ended=thread.record(), now=SOON
    )


def block(thread: Thread) -> Answer:
    return thread.state.block(
        claim=claim_of(thread),
        gate=AUTH,
        live=(),
        until=None,
        settled=None,
        approval=None,
        effect=None,
        ended=thread.record(),
        now=SOON,
    )


def complete(thread: Thread) -> Answer:
    return thread.state.complete(
        claim=claim_of(thread), result_ref=Ref("result-1"), ended=thread.record(), now=SOON
    )


def fail(thread: Thread) -> Answer:
    return thread.state.fail(
        claim=claim_of(thread),
        category=Category("handler_error"),
        effect=None,
        ended=thread.record(),
        now=SOON,
    )


def relinquish(reason: Relinquishment) -> Command:
    return lambda thread: thread.state.relinquish(
        claim=claim_of(thread),
        reason=reason,
        redo=None,
        effect=None,
        backoff=BACKOFF,
        ended=thread.record(),
        now=SOON,
    )


def expire(now: datetime) -> Command:
    return lambda thread: thread.state.expire(run=RUN, backoff=BACKOFF, now=now)


def resume(thread: Thread) -> Answer:
    return thread.state.resume(
        run=RUN,
        kind=GateKind.APPROVAL,
        ref=Ref(APPROVAL_ID),
        disposition=Disposition.DENIED,
        actor=HOST,
        request_id=RequestId("r1"),
        ended=thread.record(),
        now=SOON,
    )


def release(thread: Thread) -> Answer:
    return thread.state.release(
        run=RUN,
        kind=GateKind.APPROVAL,
        ref=Ref(APPROVAL_ID),
        disposition=Disposition.GRANTED,
        actor=HOST,
        now=SOON,
    )


def elapse(now: datetime) -> Command:
    return lambda thread: thread.state.elapse(run=RUN, now=now)


def request_cancel(thread: Thread) -> Answer:
    return thread.state.request_cancel(
        run=RUN,
        reason=Ref("enough"),
        actor=OPERATOR,
        request_id=RequestId("c2"),
        grace=GRACE,
        ended=thread.record(),
        now=SOON,
    )


def call_off(thread: Thread) -> Answer:
    return thread.state.call_off(run=RUN, reason=Ref("tree"), by=HOST, grace=GRACE, now=SOON)


def settlements_of(thread: Thread) -> Mapping[EffectId, Outcome]:
    return dict.fromkeys(thread.run.open, DONE)


def retry(thread: Thread) -> Answer:
    return thread.state.retry(
        run=RUN,
        settlements=settlements_of(thread),
        effects=tuple(thread.effects.values()),
        actor=OPERATOR,
        request_id=RequestId("o1"),
        ended=thread.record(),
        now=SOON,
    )


def give_up(thread: Thread) -> Answer:
    return thread.state.give_up(
        run=RUN,
        settlements={},
        effects=(),
        category=Category("hopeless"),
        actor=OPERATOR,
        request_id=RequestId("o2"),
        ended=thread.record(),
        now=SOON,
    )


def enter_lane(thread: Thread) -> Answer:
    return thread.state.enter_lane(run=RUN, now=SOON)


def join_bucket(thread: Thread) -> Answer:
    return thread.state.join_bucket(run=RUN, bucket=BUCKET, now=SOON)


def approval_ended(thread: Thread) -> Answer:
    return thread.state.approval_ended(run=RUN, approval=APPROVAL_ID, approved=True, now=SOON)


def awaited_ended(thread: Thread) -> Answer:
    return thread.state.awaited_ended(child=CHILD, now=SOON)


def close(thread: Thread) -> Answer:
    return thread.state.close(now=SOON)


COMMANDS: Final[dict[str, Command]] = {
    "submit": submit,
    "claim": claim,
    "heartbeat": heartbeat,
    "start": start,
    "checkpoint": checkpoint,
    "intend": intend,
    "settle": settle,
    "spawn": spawn,
    "set_route": set_route,
    "block": block,
    "complete": complete,
    "fail": fail,
    "relinquish drain": relinquish(Relinquishment.DRAIN),
    "relinquish error": relinquish(Relinquishment.ERROR),
    "expire early": expire(DEADLINE - MOMENT),
    "expire": expire(DEADLINE),
    "resume": resume,
    "release": release,
    "elapse early": elapse(UNTIL - MOMENT),
    "elapse": elapse(UNTIL),
    "request_cancel": request_cancel,
    "call_off": call_off,
    "retry": retry,
    "give_up": give_up,
    "enter_lane": enter_lane,
    "join_bucket": join_bucket,
    "approval_ended": approval_ended,
    "awaited_ended": awaited_ended,
    "close": close,
}

RUNNERS: Final = (
    *("heartbeat", "start", "checkpoint", "intend", "settle", "spawn", "set_route", "block"),
    *("complete", "fail", "relinquish drain", "relinquish error"),
)


def refused_alike(commands: tuple[str, ...], code: str) -> dict[str, str]:
    return dict.fromkeys(commands, code)


# What is missing here is the refusal `wrong_state`, or `not_found` once the run has ended.
TABLE: Final[dict[str, dict[str, str]]] = {
    "queued": {
        **refused_alike(RUNNERS, "lease_lost"),
        "submit": "thread_busy",
        "claim": "running",
        "request_cancel": "cancelled",
        "call_off": "cancelled",
        "enter_lane": "unchanged",
        "join_bucket": "queued",
        "approval_ended": "unchanged",
        "awaited_ended": "unchanged",
        "close": "queued",
    },
    "running": {
        "submit": "thread_busy",
        "heartbeat": "running",
        "start": "unchanged",
        "checkpoint": "running",
        "intend": "running",
        "settle": "running",
        "spawn": "running",
        "set_route": "running",
        "block": "blocked",
        "complete": "completed",
        "fail": "failed",
        "relinquish drain": "queued",
        "relinquish error": "queued",
        "expire early": "not_due",
        "expire": "queued",
        "request_cancel": "cancel_requested",
        "call_off": "cancel_requested",
        "join_bucket": "running",
        "approval_ended": "unchanged",
        "awaited_ended": "unchanged",
        "close": "running",
    },
    "blocked": {
        **refused_alike(RUNNERS, "claim_ended"),
        "submit": "thread_busy",
        "resume": "queued",
        "release": "queued",
        "elapse early": "not_due",
        "elapse": "queued",
        "request_cancel": "cancelled",
        "call_off": "cancelled",
        "join_bucket": "blocked",
        "approval_ended": "blocked",
        "awaited_ended": "unchanged",
        "close": "blocked",
    },
    "cancel_requested": {
        "submit": "thread_busy",
        "heartbeat": "unchanged",
        "start": "unchanged",
        "settle": "cancel_requested",
        "block": "cancelled",
        "complete": "cancelled",
        "fail": "cancelled",
        "relinquish drain": "cancelled",
        "relinquish error": "cancelled",
        "expire early": "not_due",
        "expire": "cancelled",
        "request_cancel": "unchanged",
        "call_off": "unchanged",
        "join_bucket": "cancel_requested",
        "approval_ended": "unchanged",
        "awaited_ended": "unchanged",
        "close": "cancel_requested",
    },
    "needs_operator": {
        **refused_alike(RUNNERS, "claim_ended"),
        "submit": "thread_busy",
        "request_cancel": "cancelled",
        "call_off": "cancelled",
        "retry": "queued",
        "give_up": "failed",
        "join_bucket": "needs_operator",
        "approval_ended": "unchanged",
        "awaited_ended": "unchanged",
        "close": "needs_operator",
    },
    "completed": {
        **refused_alike(RUNNERS, "claim_ended"),
        "submit": "queued",
        "complete": "unchanged",
        "resume": "wrong_state",
        "request_cancel": "unchanged",
        "retry": "wrong_state",
        "give_up": "wrong_state",
        "awaited_ended": "unchanged",
        "close": "completed",
    },
    "failed": {
        **refused_alike(RUNNERS, "claim_ended"),
        "submit": "queued",
        "resume": "wrong_state",
        "request_cancel": "unchanged",
        "retry": "wrong_state",
        "give_up": "wrong_state",
        "awaited_ended": "unchanged",
        "close": "failed",
    },
    "cancelled": {
        **refused_alike(RUNNERS, "lease_lost"),
        "submit": "queued",
        "resume": "wrong_state",
        "request_cancel": "unchanged",
        "retry": "wrong_state",
        "give_up": "wrong_state",
        "awaited_ended": "unchanged",
        "close": "cancelled",
    },
}
FINAL: Final = {"completed", "failed", "cancelled"}


def expected(state: str, command: str) -> str:
    return TABLE[state].get(command, "not_found" if state in FINAL else "wrong_state")


def in_words(thread: Thread, answer: Answer) -> str:
    match answer:
        case Changed():
            return thread.after(answer).run.status.value
        case Unchanged():
            return "unchanged"
        case Refused(reason) | Settled(_, reason):
            return str(getattr(reason, "code"))  # noqa: B009  each refusal has one, no type says so


CASES: Final = [(state, command) for state in EIGHT for command in COMMANDS]


@pytest.mark.parametrize(("state", "command"), CASES)
def test_every_command_in_every_state_answers_as_the_table_says(state: str, command: str) -> None:
    thread = EIGHT[state]()
    assert thread.run.status.value == state
    assert in_words(thread, COMMANDS[command](thread)) == expected(state, command)


@pytest.mark.parametrize(("state", "command"), CASES)
def test_what_is_stored_raises_the_version_by_one_unless_it_is_a_heartbeat(
    state: str, command: str
) -> None:
    """9 of the invariants."""
    thread = EIGHT[state]()
    answer = COMMANDS[command](thread)
    if not isinstance(answer, Changed) or command in ("submit", "close"):
        return
    after = thread.after(answer).run
    assert after.version == thread.run.version + (command != "heartbeat")
    if command != "heartbeat":
        assert after.updated_at == answer.state.state.updated_at > NOW


@pytest.mark.parametrize("command", RUNNERS)
@pytest.mark.parametrize("state", ["running", "cancel_requested"])
def test_what_a_runner_changes_is_valid_until_its_deadline(state: str, command: str) -> None:
    """31."""
    thread = EIGHT[state]()
    answer = COMMANDS[command](thread)
    if isinstance(answer, Changed):
        assert answer.valid_until == DEADLINE


@pytest.mark.parametrize("state", ["running", "cancel_requested"])
@pytest.mark.parametrize(
    "command", ["block", "complete", "fail", "relinquish drain", "relinquish error", "expire"]
)
def test_the_end_of_a_claim_raises_the_fence_and_is_recorded(state: str, command: str) -> None:
    thread = EIGHT[state]()
    answer = COMMANDS[command](thread)
    assert isinstance(answer, Changed)
    after = thread.after(answer)
    assert after.state.fence == thread.state.fence + 1
    end = after.state.ends[-1]
    assert (end.run, end.epoch, end.outcome) == (RUN, 1, after.run.standing)
    assert after.run.lease is None
    assert end.operation.value == {"expire": "expiry"}.get(command, command.split(maxsplit=1)[0])


@pytest.mark.parametrize("command", COMMANDS)
def test_of_a_run_that_is_not_there_every_command_says_so(command: str) -> None:
    """7."""
    if command in ("submit", "close", "awaited_ended"):
        return
    thread = submitted(free(), request="q2")
    if command in RUNNERS:
        claim = Claim(run=RunAddress(SCOPE, RUN), epoch=1, token=ONE)
        held = thread.state.held(claim=claim, ended=None, now=SOON)
        assert held == Refused(NotFound(RUN))
    else:
        assert COMMANDS[command](thread) == Refused(NotFound(RUN))
