"""Every kind and state of a message against every command: what the diagram has no arrow for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

import pytest
from attrs import evolve

from turnkeep_domain.decisions import Changed, Refused, Settled, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope
from turnkeep_domain.threads.content import Content
from turnkeep_domain.threads.message_id import InboundEvent
from turnkeep_domain.threads.message_states import (
    Accepted,
    Draft,
    Finalized,
    Interrupted,
    MessageKind,
    MessageState,
    Redacted,
    RejectedBusy,
    Submitted,
    message_state,
)
from turnkeep_domain.threads.messages import Message
from turnkeep_domain.threads.new_messages import NewMessage
from turnkeep_domain.threads.tool_results import ToolResult
from turnkeep_domain.turns.names import RunId, TurnId

NOW: Final = datetime(2030, 1, 1, tzinfo=UTC)
LATER: Final = NOW + timedelta(minutes=1)
SCOPE: Final = Scope.of("acme", "ada", thread="t1")
RUN: Final = RunId("r1")
TURN: Final = TurnId("u1")
SAID, OTHER = Content.of("said"), Content.of("other")

Command: TypeAlias = Callable[[Message], object]


def numbered(given: NewMessage) -> Message:
    return Message.numbered(given, scope=SCOPE, sequence=1, now=NOW, due_seconds=60)


def state_of(decision: object) -> Message:
    assert isinstance(decision, Changed)
    assert isinstance(decision.state, Message)
    return decision.state


EVENT: Final = InboundEvent(source_binding="web", event_id="e1")
USER: Final = NewMessage.inbound(EVENT, SAID, actor="ada", reply_binding=None)
DRAFT: Final = NewMessage.by_assistant(RUN, 0, SAID, draft=True, provider=None)
RESULT: Final = NewMessage.by_tool(
    RUN,
    ToolResult(result_ref="result:x", safe_summary="done", observation=None),
    SAID,
    provider=None,
)
SYSTEM: Final = NewMessage.noted(MessageKind.SYSTEM, RequestId("q"), SAID, actor=None, run_id=None)
CHECKPOINT: Final = NewMessage.noted(
    MessageKind.CHECKPOINT, RequestId("q"), SAID, actor=None, run_id=None
)
PREVIEW: Final = NewMessage.preview(RUN, "i1", SAID)


def messages() -> Iterator[Message]:
    """A message of each kind in each state that it may be in."""
    accepted, draft = numbered(USER), numbered(DRAFT)
    yield accepted
    yield state_of(accepted.submit(turn_id=TURN, run_id=RUN, now=NOW))
    yield state_of(accepted.reject_busy(now=NOW))
    yield draft
    yield state_of(draft.finalized(content=SAID, provider=None, now=NOW))
    yield state_of(draft.interrupted(code="gone", now=NOW))
    for given in (RESULT, SYSTEM, CHECKPOINT, PREVIEW):
        yield numbered(given)
    for given in (USER, DRAFT, RESULT, SYSTEM, CHECKPOINT, PREVIEW):
        yield state_of(numbered(given).redact(code="x", by="ada", now=NOW))


COMMANDS: Final[dict[str, Command]] = {
    "submit": lambda m: m.submit(turn_id=TURN, run_id=RUN, now=LATER),
    "submit otherwise": lambda m: m.submit(turn_id=TurnId("u2"), run_id=RUN, now=LATER),
    "reject": lambda m: m.reject_busy(now=LATER),
    "update": lambda m: m.updated(version=1, content=SAID, now=LATER, due_seconds=60),
    "finalize": lambda m: m.finalized(content=SAID, provider=None, now=LATER),
    "finalize otherwise": lambda m: m.finalized(content=OTHER, provider=None, now=LATER),
    "interrupt": lambda m: m.interrupted(code="gone", now=LATER),
    "interrupt otherwise": lambda m: m.interrupted(code="other", now=LATER),
    "redact": lambda m: m.redact(code="x", by="ada", now=LATER),
    "confirm": lambda m: m.host_erased(now=LATER),
    "erase": lambda m: m.erased(now=LATER),
}

ANSWERS: Final[dict[MessageState, dict[str, str]]] = {
    MessageState.ACCEPTED: {
        "submit": "changed submitted",
        "submit otherwise": "changed submitted",
        "reject": "changed rejected_busy",
    },
    MessageState.SUBMITTED: {
        "submit": "unchanged",
        "submit otherwise": "already_submitted",
        "reject": "already_submitted",
    },
    MessageState.REJECTED_BUSY: {
        "submit": "already_rejected",
        "submit otherwise": "already_rejected",
        "reject": "unchanged",
    },
    MessageState.DRAFT: {
        "update": "changed draft",
        "finalize": "changed finalized",
        "finalize otherwise": "changed finalized",
        "interrupt": "changed interrupted",
        "interrupt otherwise": "changed interrupted",
    },
    MessageState.INTERRUPTED: {
        "update": "message_interrupted",
        "finalize": "message_interrupted",
        "finalize otherwise": "message_interrupted",
        "interrupt": "unchanged",
        "interrupt otherwise": "message_interrupted",
    },
    MessageState.FINALIZED: {},
    MessageState.REDACTED: {
        **dict.fromkeys(COMMANDS, "message_redacted"),
        "redact": "unchanged",
        "confirm": "unchanged",
        "erase": "changed redacted",
    },
}
OF_AN_ASSISTANT: Final = {
    "update": "message_finalized",
    "finalize": "unchanged",
    "finalize otherwise": "message_finalized",
    "interrupt": "message_finalized",
    "interrupt otherwise": "message_finalized",
}


def answer_of(decision: object) -> str:
    match decision:
        case Changed(state=Message() as after):
            return f"changed {message_state(after.state).value}"
        case Unchanged():
            return "unchanged"
        case Refused(reason):
            return str(getattr(reason, "code", reason))
        case _:
            raise AssertionError(decision)


def wanted(message: Message, command: str) -> str:
    state = message_state(message.state)
    table = ANSWERS[state]
    if state is MessageState.FINALIZED and message.kind is MessageKind.ASSISTANT:
        table = OF_AN_ASSISTANT
    if command == "redact" and state is not MessageState.REDACTED:
        return "changed redacted"
    return table.get(command, "message_state")


def label(message: Message) -> str:
    return f"{message.kind.value} {message_state(message.state).value}"


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("message", list(messages()), ids=label)
def test_every_kind_state_and_command_answers_as_the_diagram(
    message: Message, command: str
) -> None:
    """Law 18."""
    assert answer_of(COMMANDS[command](message)) == wanted(message, command)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("message", list(messages()), ids=label)
def test_a_command_that_is_repeated_changes_nothing(message: Message, command: str) -> None:
    """Law 17."""
    decision = COMMANDS[command](message)
    assert not isinstance(decision, Settled)
    if isinstance(decision, Changed):
        again = COMMANDS[command](state_of(decision))
        assert isinstance(again, Unchanged), again


@pytest.mark.parametrize("message", list(messages()), ids=label)
def test_a_number_and_an_identity_never_change(message: Message) -> None:
    kept = (message.message_id, message.sequence, message.kind, message.created_at)
    for command in COMMANDS.values():
        decision = command(message)
        if isinstance(decision, Changed):
            after = state_of(decision)
            assert kept == (after.message_id, after.sequence, after.kind, after.created_at)
            assert len(decision.events) <= 1


@pytest.mark.parametrize("kind", MessageKind)
@pytest.mark.parametrize(
    "state",
    [
        Accepted(due_at=None),
        Submitted(),
        RejectedBusy(),
        Draft(version=0, due_at=NOW),
        Finalized(),
        Interrupted("gone"),
    ],
    ids=lambda state: type(state).__name__,
)
def test_a_message_is_in_a_state_of_its_kind_or_is_none(
    kind: MessageKind, state: Accepted | Submitted | RejectedBusy | Draft | Finalized
) -> None:
    """Law 18: what is stored otherwise is no message."""
    allowed = {
        MessageKind.USER: (Accepted, Submitted, RejectedBusy),
        MessageKind.ASSISTANT: (Draft, Finalized, Interrupted),
    }.get(kind, (Finalized,))
    of_kind = {
        MessageKind.USER: USER,
        MessageKind.ASSISTANT: DRAFT,
        MessageKind.TOOL_RESULT: RESULT,
        MessageKind.SYSTEM: SYSTEM,
        MessageKind.CHECKPOINT: CHECKPOINT,
        MessageKind.PREVIEW: PREVIEW,
    }[kind]
    message = evolve(numbered(of_kind), turn_id=TURN, run_id=RUN)
    if isinstance(state, allowed):
        evolve(message, state=state)
    else:
        with pytest.raises(InvalidValue):
            evolve(message, state=state)


@pytest.mark.parametrize("message", list(messages()), ids=label)
def test_a_redacted_message_has_nothing_left_of_what_it_said(message: Message) -> None:
    cut = message if isinstance(message.state, Redacted) else None
    if cut is None:
        cut = state_of(message.redact(code="x", by="ada", now=NOW))
    for left in (
        {"content": SAID},
        {"actor": "ada"},
        {"source_binding": "web"},
        {"reply_binding": "web"},
        {"provider": b"x"},
        {"payload_digest": b"x" * 32},
        {"tool": RESULT.tool},
    ):
        with pytest.raises(InvalidValue):
            evolve(cut, **left)


def test_a_result_has_a_tool_and_nothing_else_has() -> None:
    with pytest.raises(InvalidValue):
        evolve(numbered(RESULT), tool=None)
    with pytest.raises(InvalidValue):
        evolve(numbered(SYSTEM), tool=RESULT.tool)


def test_a_submitted_message_names_its_turn_and_run() -> None:
    submitted = state_of(numbered(USER).submit(turn_id=TURN, run_id=RUN, now=NOW))
    for missing in ("turn_id", "run_id"):
        with pytest.raises(InvalidValue):
            evolve(submitted, **{missing: None})  # type: ignore[arg-type]  # one of two
