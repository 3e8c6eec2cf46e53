"""A host in types: it accepts a message, looks at every refusal, and shows a window to a model."""

from typing import assert_never

from turnkeep import (
    Content,
    EpochStale,
    EventActorMismatch,
    EventPayloadMismatch,
    EventThreadMismatch,
    InboundEvent,
    Keep,
    MessageConflict,
    MessageView,
    Refused,
    Scope,
    ScopeMismatch,
    Summary,
    ThreadFull,
    ThreadImporting,
    ThreadIsArchived,
    ThreadIsDeleted,
    ThreadNotFound,
)


async def accept(keep: Keep, scope: Scope, text: str) -> str:
    event = InboundEvent(source_binding="web", event_id="delivery-1")
    answer = await keep.threads.accept_inbound(scope, "t1", event, Content.of(text), actor="ada")
    if not isinstance(answer, Refused):
        return f"{answer.message_id} is number {answer.sequence}, {answer.state.value}"
    match answer.reason:
        case ThreadNotFound(thread_id) | ThreadIsDeleted(thread_id) | ScopeMismatch(thread_id):
            return f"there is no {thread_id}"
        case ThreadImporting() | EpochStale():
            return "try again"
        case ThreadIsArchived() | ThreadFull():
            return "begin another"
        case EventThreadMismatch() | EventActorMismatch() | EventPayloadMismatch():
            return "it was another one"
        case MessageConflict(message_id):
            return f"{message_id} is something else"
        case reason:
            assert_never(reason)


async def shown(keep: Keep, scope: Scope) -> list[str]:
    window = await keep.threads.window(scope, "t1")
    if isinstance(window, Refused):
        return [window.reason.code]
    said: list[str] = []
    for entry in window.entries:
        match entry:
            case MessageView(sequence=sequence):
                said.append(str(sequence))
            case Summary(text=text):
                said.append(text)
            case _:
                assert_never(entry)
    return said


async def drafted(keep: Keep, scope: Scope) -> int | None:
    opened = await keep.threads.open_draft(scope, "t1", run_id="r1", slot=0)
    return None if isinstance(opened, Refused) else opened.version
