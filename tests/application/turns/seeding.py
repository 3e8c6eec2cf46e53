"""Seeding: many runs at once, as their own commands would have left them, one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from turnkeep_application.records import Records
from turnkeep_application.turns.cells import lane_key, turn_state_key
from turnkeep_application.updates import Updates
from turnkeep_domain.decisions import Changed, Decision
from turnkeep_domain.events import Event
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId, digest_of
from turnkeep_domain.scope import Scope
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.claims import Claim, Token
from turnkeep_domain.turns.gates import Gate
from turnkeep_domain.turns.lane import Lane
from turnkeep_domain.turns.lane_ids import LaneId
from turnkeep_domain.turns.lineage import Lineage
from turnkeep_domain.turns.moved import Moved
from turnkeep_domain.turns.names import Ref
from turnkeep_domain.turns.policy import TurnPolicy
from turnkeep_domain.turns.run_states import Queued
from turnkeep_domain.turns.turn import Turn, run_id, turn_id
from turnkeep_domain.turns.turn_state import TurnState

O = TypeVar("O")
R = TypeVar("R")

TOGETHER = 60
REQUEST = RequestId("r1")
TOKEN = Token(b"seeding" + bytes(9))


async def seed_queued(updates: Updates, scopes: Sequence[Scope]) -> list[RunAddress]:
    """A queued run in each of these threads, in this order: a lane takes all that it has room for.

    All are of the interactive class.
    """
    for batch in _batches(scopes):
        await _seed(updates, batch, None)
    return [address_in(scope) for scope in scopes]


async def seed_blocked(updates: Updates, scopes: Sequence[Scope], gate: Gate) -> list[RunAddress]:
    """A run in each of these threads that waits at a gate."""
    for batch in _batches(scopes):
        await _seed(updates, batch, gate)
    return [address_in(scope) for scope in scopes]


def address_in(scope: Scope) -> RunAddress:
    """Where a seeded run is found."""
    return RunAddress(scope, run_id(scope, "submit", REQUEST))


async def _seed(updates: Updates, scopes: Sequence[Scope], gate: Gate | None) -> None:
    states = [turn_state_key(address_in(scope)) for scope in scopes]
    ids = dict.fromkeys(LaneId.of(scope, TurnPolicy.interactive().turn_class) for scope in scopes)
    lanes = [lane_key(id) for id in ids]

    def decide(records: Records, now: datetime) -> Changed[Records, None]:
        events: list[Event] = []
        for scope in scopes:
            state, told = run_in(scope, gate, now)
            records = records.put(turn_state_key(address_in(scope)), state)
            events += told
            run = state.active
            if run is not None and isinstance(run.state, Queued):
                key = lane_key(LaneId.of(scope, run.policy.turn_class))
                lane = records[key] or Lane.empty(LaneId.of(scope, run.policy.turn_class))
                entered = lane.enter(run=run.address, due_at=run.state.due_at, root=None)
                assert entered is not None, "the lane is full"
                records = records.put(key, entered)
        return Changed(records, None, tuple(events))

    await updates.update([*states, *lanes], decide)


def run_in(scope: Scope, gate: Gate | None, now: datetime) -> tuple[TurnState, list[Event]]:
    """The turn state of a thread with one run, queued or at a gate, and what was told of it."""
    free = TurnState.free(scope=scope, id=str(scope.thread), now=now)
    actor = Principal.person("ada")
    turn = Turn(
        id=turn_id(scope, REQUEST),
        scope=scope,
        actor=actor,
        message_ref=None,
        source_ref=None,
        reply_ref=None,
        origin=Ref("host"),
        payload=digest_of("seeded"),
        created_at=now,
    )
    run = address_in(scope)
    state, events = _changed(
        free.submit(
            id=run.id,
            turn=turn,
            policy=TurnPolicy.interactive(),
            lineage=Lineage.of_root(),
            holds=(),
            actor=Actor.submitter(actor),
            now=now,
        )
    )
    if gate is None:
        return state, events
    ttl = timedelta(seconds=90)
    state, claimed = _changed(
        state.claim(run=run.id, holder="seeder", token=TOKEN, ttl=ttl, now=now)
    )
    state, blocked = _changed(
        state.block(
            claim=Claim(run=run, epoch=1, token=TOKEN),
            gate=gate,
            live=(),
            until=None,
            settled=None,
            approval=None,
            effect=None,
            ended=None,
            now=now,
        )
    )
    return state, [*events, *claimed, *blocked]


def _changed(decision: Decision[Moved, O, R]) -> tuple[TurnState, list[Event]]:
    assert isinstance(decision, Changed), decision
    return decision.state.state, list(decision.events)


def _batches(scopes: Sequence[Scope]) -> Iterable[Sequence[Scope]]:
    return [scopes[begin : begin + TOGETHER] for begin in range(0, len(scopes), TOGETHER)]
