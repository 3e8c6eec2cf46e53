"""Round trips of turns: whatever commands led to is read as itself, and events too."""

from __future__ import annotations

from typing import TypeVar

from hypothesis import given, settings

from tests.codec.cases import CODEC
from tests.codec.golden_files import decoded_event
from tests.codec.turn_cases import THREADLESS_RUN
from tests.domain.turns.samples import NOW, later
from tests.domain.turns.test_histories import STEPS, VERBS, Step, begun, carried_out
from turnkeep_domain.decisions import Changed, Settled
from turnkeep_domain.keys import Address, Collection
from turnkeep_domain.turns.effect import EFFECTS
from turnkeep_domain.turns.ended import RUNS
from turnkeep_domain.turns.turn_state import THREADLESS, TURN_STATES, TurnState

T = TypeVar("T")


def assert_returns(of: Collection[T], record: T) -> None:
    identity = of.identity_of(record)
    body = CODEC.encode(record)
    returned = CODEC.decode(of, Address(of.name, identity.scope, identity.id), body)
    assert returned == record
    assert CODEC.encode(returned) == body


@settings(max_examples=50)
@given(STEPS)
def test_whatever_a_history_stores_returns_as_itself(steps: list[Step]) -> None:
    """C2."""
    world = begun()
    seconds = 0
    for step in steps:
        seconds += step.seconds
        answer = VERBS[step.verb](world, step, later(seconds), world.thread)
        if isinstance(answer, Changed | Settled):
            for event in answer.events:
                assert decoded_event(CODEC, event, CODEC.encode_event(event)) == event
        carried_out(world, step, later(seconds))
    assert_returns(TURN_STATES, world.thread.state)
    for record in world.thread.ended.values():
        assert_returns(RUNS, record)
    for effect in world.thread.effects.values():
        assert_returns(EFFECTS, effect)


def test_a_threadless_run_returns_from_a_collection_of_its_own() -> None:
    """C2."""
    free = TurnState.free(scope=THREADLESS_RUN.scope, id=THREADLESS_RUN.id, now=NOW)
    assert_returns(THREADLESS, free)
