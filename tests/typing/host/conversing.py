"""A host in types: it accepts a message, looks at every refusal, and shows a window to a model."""

from typing import assert_never

from turnkeep import (
    AlreadyRejected,
    AlreadySubmitted,
    Claim,
    ClaimEnded,
    ClaimWrite,
    Content,
    EpochStale,
    EventActorMismatch,
    EventPayloadMismatch,
    EventThreadMismatch,
    InboundEvent,
    Keep,
    LeaseExpired,
    LeaseLost,
    MessageConflict,
    MessageIsRedacted,
    MessageNotFound,
    MessageReceipt,
    MessageView,
    Principal,
    Ref,
    Refused,
    RequestId,
    RunContext,
    RunDraft,
    RunThread,
    Scope,
    ScopeMismatch,
    Summary,
    ThreadFull,
    ThreadImporting,
    ThreadIsArchived,
    ThreadIsDeleted,
    ThreadNotFound,
    Window,
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


async def answer(ctx: RunContext) -> None:
    window: Window = await ctx.thread.window(limit=20)
    draft: RunDraft = await ctx.thread.draft()
    if not draft.ended:
        await draft.update(Content.of("It"))
    said: MessageReceipt = await draft.finalize(Content.of(f"It is done: {window.through}"))
    talk: RunThread = ctx.thread
    await talk.append(Content.of(said.message_id), provider=b"private")
    await talk.tool_result("result:1", safe_summary="Paid", observation={"version": 1})


async def added(keep: Keep, claim: Claim) -> str:
    write = ClaimWrite(claim)
    receipt = await keep.threads.append_assistant(
        claim.run.scope, "t1", run_id=claim.run.id, slot=0, content=Content.of("Yes."), write=write
    )
    if not isinstance(receipt, Refused):
        return receipt.message_id
    match receipt.reason:
        case LeaseLost() | LeaseExpired() | ClaimEnded():
            return "somebody else goes on"
        case reason:
            return reason.code


async def submitted(keep: Keep, scope: Scope, ann: Principal, message: MessageReceipt) -> str:
    view = await keep.turns.submit(
        scope, actor=ann, request_id=RequestId("q1"), message_ref=Ref(message.message_id)
    )
    if not isinstance(view, Refused):
        return view.id
    match view.reason:
        case MessageNotFound() | MessageIsRedacted() | AlreadyRejected():
            return "nobody waits"
        case AlreadySubmitted(run_id=run_id):
            return run_id
        case reason:
            return reason.code


async def drafted(keep: Keep, scope: Scope) -> int | None:
    opened = await keep.threads.open_draft(scope, "t1", run_id="r1", slot=0)
    return None if isinstance(opened, Refused) else opened.version
