"""The formats of threads: every class of a thread that is stored, under its tag and schema.

`turnkeep_adapters.codec.formats` says when a schema rises, and takes them in with all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from turnkeep_adapters.codec.format import Format
from turnkeep_domain.events import Event
from turnkeep_domain.threads.claims import InboundClaim
from turnkeep_domain.threads.families import Family
from turnkeep_domain.threads.headers import ThreadHeader
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
from turnkeep_domain.threads.message_states import (
    Accepted,
    Draft,
    ErasureDone,
    ErasureDue,
    Finalized,
    Interrupted,
    Redacted,
    RejectedBusy,
    Submitted,
)
from turnkeep_domain.threads.messages import Message
from turnkeep_domain.threads.parts import AttachmentPart, JsonPart, TextPart, ToolCallPart
from turnkeep_domain.threads.summary_set import SummarySet
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
from turnkeep_domain.threads.thread_states import Active, Archived, Deleted, Importing


def _event(cls: type[Event]) -> Format:
    return Format(cls=cls, tag=cls.kind, schema=1, upcasters=())


THREAD_RECORDS: Final = (
    Format(cls=Family, tag="family", schema=1, upcasters=()),
    Format(cls=InboundClaim, tag="inbound_claim", schema=1, upcasters=()),
    Format(cls=Message, tag="message", schema=1, upcasters=()),
    Format(cls=SummarySet, tag="summary_set", schema=1, upcasters=()),
    Format(cls=ThreadHeader, tag="thread", schema=1, upcasters=()),
)

THREAD_EVENTS: Final = (
    _event(MessageAccepted),
    _event(MessageAppended),
    _event(MessageErased),
    _event(MessageFinalized),
    _event(MessageInterrupted),
    _event(MessageOpened),
    _event(MessageRedacted),
    _event(MessageRejectedBusy),
    _event(MessageSubmitted),
    _event(SummaryAdded),
    _event(SummaryDropped),
    _event(ThreadArchived),
    _event(ThreadCreated),
    _event(ThreadDeleted),
    _event(ThreadForked),
    _event(ThreadGoalSet),
    _event(ThreadImported),
    _event(ThreadMetadataSet),
    _event(ThreadRenamed),
    _event(ThreadSwept),
    _event(ThreadUnarchived),
)

THREAD_VARIANTS: Final[Mapping[type[object], str]] = {
    Accepted: "accepted",
    Active: "active",
    Archived: "archived",
    AttachmentPart: "attachment",
    Deleted: "deleted",
    Draft: "draft",
    ErasureDone: "done",
    ErasureDue: "due",
    Finalized: "finalized",
    Importing: "importing",
    Interrupted: "interrupted",
    JsonPart: "json",
    Redacted: "redacted",
    RejectedBusy: "rejected_busy",
    Submitted: "submitted",
    TextPart: "text",
    ToolCallPart: "tool_call",
}
