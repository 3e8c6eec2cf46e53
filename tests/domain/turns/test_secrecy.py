"""Secrecy: nothing that is shown or told has a token, an output, a payload or a digest in it."""

from __future__ import annotations

from typing import Final

import pytest

from tests.codec.turn_cases import DIGEST, DONE, TOKEN, TURN_EVENT_CASES, TURN_RECORD_CASES
from tests.domain.turns.samples import (
    ARGUMENTS,
    EIGHT,
    GATE,
    MAIL,
    NOW,
    ONE,
    OTHER,
    PAYLOAD,
    RUN,
    claim_of,
    needing_an_operator,
    running,
    with_intent,
)
from tests.domain.turns.test_run_transitions import COMMANDS
from turnkeep_domain.decisions import Changed, Settled
from turnkeep_domain.turns import refusals
from turnkeep_domain.turns.active import Request
from turnkeep_domain.turns.checkpoint import Checkpoint, CheckpointKind
from turnkeep_domain.turns.claims import token_digest
from turnkeep_domain.turns.effect import Done, EffectKind, JournalCall, Mode
from turnkeep_domain.turns.settlements import Settlements

SECRET: Final = b"s3cret output"
HIDDEN: Final = tuple(
    repr(value)[2:-1]
    for value in (SECRET, ONE, OTHER, PAYLOAD, ARGUMENTS, token_digest(ONE), GATE.arguments)
)


def shown(thing: object) -> str:
    return f"{thing!r} {thing}"


def assert_hidden(thing: object) -> None:
    text = shown(thing)
    assert [hidden for hidden in HIDDEN if hidden in text] == []


@pytest.mark.parametrize("state", EIGHT)
def test_no_record_shows_a_token_or_a_digest(state: str) -> None:
    thread = EIGHT[state]()
    assert_hidden(thread.state)
    assert_hidden(thread.ended)
    assert_hidden(thread.effects)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("state", EIGHT)
def test_no_answer_and_no_event_shows_one(state: str, command: str) -> None:
    answer = COMMANDS[command](EIGHT[state]())
    assert_hidden(answer)
    if isinstance(answer, Changed | Settled):
        assert_hidden(answer.events)


def test_no_output_is_shown_stored_settled_or_reported_late() -> None:
    thread = with_intent()
    outcome = Done(output=SECRET, disposition=None)
    entry = thread.effects[MAIL]
    for held in (thread, needing_an_operator()):
        answer = held.state.settle(
            claim=claim_of(thread),
            id=MAIL,
            kind=entry.kind,
            mode=entry.mode,
            arguments=ARGUMENTS,
            outcome=outcome,
            effect=held.effects[MAIL],
            ended=None,
            now=NOW,
        )
        assert isinstance(answer, Changed | Settled)
        assert_hidden(answer)
    assert_hidden(Settlements(outcomes={MAIL: outcome}))
    assert_hidden(Settlements(outcomes={MAIL: outcome}).words)


def test_no_checkpoint_shows_what_the_handler_saved() -> None:
    thread = running()
    answer = thread.state.checkpoint(
        claim=claim_of(thread),
        kind=CheckpointKind.FINAL,
        schema=1,
        payload=SECRET,
        ordinals=(),
        ended=None,
        now=NOW,
    )
    assert isinstance(answer, Changed)
    assert isinstance(answer.outcome, Checkpoint)
    assert_hidden(answer)


def test_no_value_that_carries_a_digest_shows_it() -> None:
    assert_hidden(claim_of(running()))
    assert_hidden(JournalCall(id=MAIL, kind=EffectKind.STEP, mode=Mode.ONCE, arguments=ARGUMENTS))
    assert_hidden(Request(id="r1", arguments=ARGUMENTS))  # type: ignore[arg-type]  # a request id
    assert RUN in shown(running().state)


@pytest.mark.parametrize("record", [*TURN_RECORD_CASES.values(), *TURN_EVENT_CASES.values()])
def test_no_stored_value_of_turns_shows_a_digest_an_output_or_what_a_handler_saved(
    record: object,
) -> None:
    hidden = [repr(value)[2:-1] for value in (TOKEN, DIGEST, DONE.output)]
    assert [text for text in hidden if text in shown(record)] == []


def test_every_refusal_has_its_own_code() -> None:
    own = {
        name: str(vars(value)["code"])
        for name, value in vars(refusals).items()
        if isinstance(value, type) and "code" in vars(value)
    }
    assert len(set(own.values())) == len(own) > 20
    assert own["ClaimEnded"] == "claim_ended"
    assert own["EffectsFull"] == "effects_full"
    assert own["RunIdSpent"] == "id_spent"
