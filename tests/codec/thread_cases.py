"""The golden cases of threads: for each tag, what its bytes stand for, under a name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from attrs import evolve

from turnkeep_domain.decisions import Changed
from turnkeep_domain.events import Event
from turnkeep_domain.keys import Address, Collection
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope, ThreadId
from turnkeep_domain.threads.addresses import ThreadAddress
from turnkeep_domain.threads.attachments import Attachment, AttachmentKind
from turnkeep_domain.threads.claims import INBOUND, InboundClaim
from turnkeep_domain.threads.content import Content
from turnkeep_domain.threads.families import FAMILIES, Family, Member
from turnkeep_domain.threads.headers import THREADS, ThreadHeader
from turnkeep_domain.threads.limits import ThreadLimits
from turnkeep_domain.threads.message_events import (
    MessageAccepted,
    MessageAppended,
    MessageErased,
    MessageFinalized,
    MessageInterrupted,
    MessageOpened,
    MessageRedacted,
    MessageRejectedBusy,
    MessageSubmitted,
)
from turnkeep_domain.threads.message_id import InboundEvent, InboundRequest, summary_id
from turnkeep_domain.threads.message_states import MessageKind
from turnkeep_domain.threads.messages import MESSAGES, Message
from turnkeep_domain.threads.metadata import metadata_of
from turnkeep_domain.threads.names import SummaryId
from turnkeep_domain.threads.new_messages import NewMessage
from turnkeep_domain.threads.observations import observed
from turnkeep_domain.threads.parts import AttachmentPart, JsonPart, TextPart, ToolCallPart
from turnkeep_domain.threads.segments import Segment
from turnkeep_domain.threads.summaries import Summary, SummaryPolicy
from turnkeep_domain.threads.summary_set import (
    SUMMARIES,
    Standing,
    SummaryRequest,
    SummarySet,
)
from turnkeep_domain.threads.thread_events import (
    SummaryAdded,
    SummaryDropped,
    ThreadArchived,
    ThreadCreated,
    ThreadDeleted,
    ThreadForked,
    ThreadGoalSet,
    ThreadImported,
    ThreadMetadataSet,
    ThreadRenamed,
    ThreadSwept,
    ThreadUnarchived,
)
from turnkeep_domain.threads.tool_results import ToolResult
from turnkeep_domain.turns.names import RunId, TurnId

THREAD_COLLECTIONS: Final[tuple[Collection[object], ...]] = (
    THREADS,
    MESSAGES,
    INBOUND,
    SUMMARIES,
    FAMILIES,
)

BEGAN_AT: Final = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
LATER: Final = BEGAN_AT + timedelta(minutes=1)
THREAD: Final = ThreadAddress(
    owner=Scope.of("acme", "zoë", agent="writer", mission="m-7"), thread_id=ThreadId("t ü")
)
RUN: Final = RunId("run-1")

CREATED: Final = ThreadHeader.created(
    THREAD, created_by="zoë", title=None, metadata=metadata_of(None), now=BEGAN_AT
).state

FULL_CONTENT: Final = Content.of(
    [
        TextPart('line\nfeed, "quoted" \\ slashed / été 日本 \U0001f600'),
        JsonPart.of({"b": [1, 2.5, None], "a": True}),
        ToolCallPart.of("result:call-1", "pay", {"amount": 1200}),
        AttachmentPart("scan"),
    ],
    attachments=[
        Attachment(
            id="scan",
            kind=AttachmentKind.IMAGE,
            mime="image/png",
            filename="rent ü.png",
            size_bytes=2**40,
            storage_key="files/scan",
            extracted_text="1,200",
        ),
        Attachment(
            id="note",
            kind=AttachmentKind.AUDIO,
            mime="audio/ogg",
            filename=None,
            size_bytes=0,
            storage_key=None,
            extracted_text=None,
        ),
    ],
    metadata={"locale": "de", "tags": ["a", "b"]},
)
OBSERVATION: Final = observed(
    {"version": 1, "status": "partial", "facts": [{"name": "amount", "value": "1,200 EUR"}]}
)


def numbered(given: NewMessage, sequence: int = 1) -> Message:
    return Message.numbered(
        given, scope=THREAD.scope, sequence=sequence, now=BEGAN_AT, due_seconds=300
    )


def after(decision: object) -> Message:
    assert isinstance(decision, Changed)
    assert isinstance(decision.state, Message)
    return decision.state


EVENT: Final = InboundEvent(source_binding="chat", event_id="delivery 1")
ACCEPTED: Final = numbered(
    NewMessage.inbound(EVENT, FULL_CONTENT, actor="zoë", reply_binding="chat/7")
)
REQUESTED: Final = numbered(
    NewMessage.inbound(
        InboundRequest(request_id=RequestId("click 1")),
        Content.of("hi"),
        actor=None,
        reply_binding=None,
    )
)
OPENED: Final = numbered(
    NewMessage.by_assistant(RUN, 0, Content.nothing(), draft=True, provider=None), 2
)
DRAFTED: Final = after(
    OPENED.updated(version=3, content=Content.of("so far"), now=LATER, due_seconds=60)
)
REDACTED: Final = after(ACCEPTED.redact(code="privacy", by="zoë", now=LATER))


def edited() -> ThreadHeader:
    appended = CREATED.append(
        NewMessage.inbound(EVENT, FULL_CONTENT, actor="zoë", reply_binding=None),
        now=LATER,
        messages_max=10,
        due_seconds=300,
    )
    assert isinstance(appended, Changed)
    header = appended.state.header
    name, goal = RequestId("n-1"), RequestId("g-1")
    header = _stored(header.set_goal("Pay the rent", expected=0, request_id=goal, now=LATER))
    header = _stored(header.renamed("Rent", request_id=name, now=LATER))
    noted = metadata_of({"pinned": True})
    header = _stored(header.noted(noted, request_id=RequestId("m-1"), now=LATER))
    return _stored(header.archive(request_id=RequestId("a-1"), now=LATER))


def _stored(decision: object) -> ThreadHeader:
    assert isinstance(decision, Changed)
    assert isinstance(decision.state, ThreadHeader)
    return decision.state


EDITED: Final = edited()
FORKED: Final = EDITED.forked(THREAD.beside("fork"), through=1, created_by="bo", now=LATER).state


def summarised() -> SummarySet:
    kept = SummarySet.empty(THREAD)
    for number, policy in enumerate((SummaryPolicy.REPLACE, SummaryPolicy.NOTE), start=1):
        name = RequestId(f"s-{number}")
        request = SummaryRequest(
            request_id=name,
            summary=Summary(
                id=summary_id(name),
                start=number,
                end=number + 3,
                kind="recap",
                text='It was "said".\n',
                policy=policy,
                run_id=RUN if number == 1 else None,
                created_at=LATER,
            ),
            absorbs=frozenset(),
            basis=0,
        )
        decision = kept.summarised(
            request, Standing(committed=9, redactions=0, draft=None), ThreadLimits()
        )
        assert isinstance(decision, Changed)
        kept = decision.state
    return kept


CLAIM: Final = InboundClaim(
    scope=THREAD.owner,
    claim_id=EVENT.claim_id,
    thread_id=THREAD.thread_id,
    message_id=EVENT.message_id,
    actor="zoë",
    payload_digest=ACCEPTED.payload_digest,
    claimed_at=BEGAN_AT,
    due_at=None,
)

THREAD_RECORD_CASES: Final[dict[tuple[str, str], object]] = {
    ("thread", "created"): CREATED,
    ("thread", "edited"): EDITED,
    ("thread", "forked"): FORKED,
    ("thread", "importing"): ThreadHeader.importing(
        THREAD, created_by="bo", origin=b"\x07" * 32, due_at=LATER, now=BEGAN_AT
    ),
    ("thread", "deleted"): EDITED.deleted(now=LATER).state,
    ("message", "accepted"): ACCEPTED,
    ("message", "requested"): REQUESTED,
    ("message", "submitted"): after(
        ACCEPTED.submit(turn_id=TurnId("turn-1"), run_id=RUN, now=LATER)
    ),
    ("message", "rejected"): after(REQUESTED.reject_busy(now=LATER)),
    ("message", "opened"): OPENED,
    ("message", "drafted"): DRAFTED,
    ("message", "finalized"): after(
        DRAFTED.finalized(content=FULL_CONTENT, provider=b"\xfb\xff\x00", now=LATER)
    ),
    ("message", "interrupted"): after(DRAFTED.interrupted(code="gone", now=LATER)),
    ("message", "tool_result"): numbered(
        NewMessage.by_tool(
            RUN,
            ToolResult(
                result_ref="result:call-1", safe_summary="Paid 12 EUR", observation=OBSERVATION
            ),
            Content.nothing(),
            provider=None,
        ),
        3,
    ),
    ("message", "failed_result"): numbered(
        NewMessage.by_tool(
            RUN,
            ToolResult(
                result_ref="result:call-2",
                safe_summary="Nothing was paid",
                observation=observed({"version": 1, "status": "failed", "facts": []}),
            ),
            Content.nothing(),
            provider=b"\x01",
        ),
        3,
    ),
    ("message", "good_result"): numbered(
        NewMessage.by_tool(
            RUN,
            ToolResult(
                result_ref="result:call-3",
                safe_summary="Paid",
                observation=observed({"version": 1, "status": "succeeded", "facts": []}),
            ),
            Content.of("all of it"),
            provider=None,
        ),
        3,
    ),
    ("message", "checkpoint"): numbered(
        NewMessage.noted(
            MessageKind.CHECKPOINT,
            RequestId("check-1"),
            Content.of(
                JsonPart.of(None),
                attachments=[
                    Attachment(
                        id="plan",
                        kind=AttachmentKind.DOCUMENT,
                        mime="text/plain",
                        filename="plan.txt",
                        size_bytes=1,
                        storage_key="files/plan",
                        extracted_text="",
                    )
                ],
            ),
            actor=None,
            run_id=RUN,
        ),
        6,
    ),
    ("message", "preview"): numbered(NewMessage.preview(RUN, "call-1", Content.of("would pay")), 4),
    ("message", "system"): numbered(
        NewMessage.noted(
            MessageKind.SYSTEM,
            RequestId("sys-1"),
            Content.of("be kind"),
            actor="ops",
            run_id=None,
        ),
        5,
    ),
    ("message", "redacted"): REDACTED,
    ("message", "erased"): after(after(REDACTED.host_erased(now=LATER)).erased(now=LATER)),
    ("inbound_claim", "claimed"): CLAIM,
    ("inbound_claim", "orphaned"): evolve(CLAIM, actor=None).orphaned(LATER),
    ("summary_set", "empty"): SummarySet.empty(THREAD),
    ("summary_set", "summarised"): summarised(),
    ("family", "begun"): Family.begun(THREAD.owner, THREAD.thread_id),
    ("family", "forked"): Family.begun(THREAD.owner, THREAD.thread_id)
    .joined(
        Member(
            thread_id=ThreadId("fork"),
            base=(Segment(thread_id=THREAD.thread_id, first=1, last=9),),
        )
    )
    .redacted(),
}

_AT: Final = {"address": Address("threads", THREAD.owner, THREAD.thread_id), "at": LATER}
_MESSAGE: Final = {
    "address": ACCEPTED.address,
    "at": LATER,
    "sequence": 1,
    "message_kind": MessageKind.USER,
    "run_id": None,
}
_ASSISTANT: Final = {
    "address": OPENED.address,
    "at": LATER,
    "sequence": 2,
    "message_kind": MessageKind.ASSISTANT,
    "run_id": RUN,
}
_SET: Final = {"address": Address("summaries", THREAD.scope, THREAD.thread_id), "at": LATER}

_EVENTS: Final[tuple[Event, ...]] = (
    ThreadCreated(**_AT, epoch=1),  # type: ignore[arg-type]  # what all events tell, in one place
    ThreadRenamed(**_AT, epoch=1),  # type: ignore[arg-type]  # as above
    ThreadMetadataSet(**_AT, epoch=1),  # type: ignore[arg-type]  # as above
    ThreadGoalSet(**_AT, epoch=1, refinement_count=2),  # type: ignore[arg-type]  # as above
    ThreadArchived(**_AT, epoch=1),  # type: ignore[arg-type]  # as above
    ThreadUnarchived(**_AT, epoch=1),  # type: ignore[arg-type]  # as above
    ThreadForked(**_AT, epoch=1, source=ThreadId("root"), through=7),  # type: ignore[arg-type]  # as above
    ThreadImported(**_AT, epoch=1, messages=0),  # type: ignore[arg-type]  # as above
    ThreadDeleted(**_AT, epoch=2),  # type: ignore[arg-type]  # as above
    ThreadSwept(**_AT, epoch=2),  # type: ignore[arg-type]  # as above
    SummaryAdded(**_SET, summary_id=SummaryId("s-1"), start=1, end=4),  # type: ignore[arg-type]  # as above
    SummaryDropped(**_SET, dropped=2),  # type: ignore[arg-type]  # as above
    MessageAccepted(**_MESSAGE),  # type: ignore[arg-type]  # as above
    MessageSubmitted(**_MESSAGE, turn_id=TurnId("turn-1")),  # type: ignore[arg-type]  # as above
    MessageRejectedBusy(**_MESSAGE),  # type: ignore[arg-type]  # as above
    MessageOpened(**_ASSISTANT),  # type: ignore[arg-type]  # as above
    MessageFinalized(**_ASSISTANT),  # type: ignore[arg-type]  # as above
    MessageInterrupted(**_ASSISTANT, code="gone"),  # type: ignore[arg-type]  # as above
    MessageAppended(**_ASSISTANT),  # type: ignore[arg-type]  # as above
    MessageRedacted(**_MESSAGE, code="privacy"),  # type: ignore[arg-type]  # as above
    MessageErased(**_MESSAGE),  # type: ignore[arg-type]  # as above
)
THREAD_EVENT_CASES: Final[dict[tuple[str, str], Event]] = {
    (event.kind, "plain"): event for event in _EVENTS
}
