"""A message view: a message as those may see it who read the thread."""

from __future__ import annotations

from datetime import datetime

from attrs import field, frozen

from turnkeep_domain.threads.attachments import Attachment
from turnkeep_domain.threads.content import Content
from turnkeep_domain.threads.message_states import MessageKind, MessageState
from turnkeep_domain.threads.metadata import Metadata
from turnkeep_domain.threads.names import MessageId
from turnkeep_domain.threads.parts import Part
from turnkeep_domain.threads.tool_results import ToolResult
from turnkeep_domain.turns.names import RunId, TurnId


@frozen(kw_only=True)
class MessageView:
    """A message, without what is private to providers and to the store.

    A redacted message is a placeholder: its identity and why it was cut, and no content.

    Attributes:
        turn_id: What it was submitted as; None before, and for other kinds.
        slot: Which of its run's messages an assistant's is.
        version: Of a draft; None for every other state.
        code: Why it was interrupted or redacted; None for every other state.
        content: Parts, attachments and metadata.
        tool: The result that a tool's message holds.
        provider: Private data of a provider, in a window that asked for it; None everywhere else.
    """

    message_id: MessageId
    sequence: int
    kind: MessageKind
    state: MessageState
    actor: str | None
    source_binding: str | None = field(repr=False)
    reply_binding: str | None = field(repr=False)
    turn_id: TurnId | None
    run_id: RunId | None
    slot: int | None
    version: int | None
    code: str | None
    content: Content
    tool: ToolResult | None
    created_at: datetime
    changed_at: datetime
    provider: bytes | None = field(default=None, repr=False)

    @property
    def parts(self) -> tuple[Part, ...]:
        """What it says."""
        return self.content.parts

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """Its attachments."""
        return self.content.attachments

    @property
    def metadata(self) -> Metadata:
        """What was noted beside it, as canonical JSON."""
        return self.content.metadata


@frozen(kw_only=True)
class MessageReceipt:
    """What a command on a message led to.

    Attributes:
        state: Where the message stands.
        version: Of a draft; None for every other state.
        turn_id: What the message was submitted as.
        run_id: The run that it belongs to.
        new: Whether this very command has stored it; a repeat finds it as it stands.
        observation_dropped: Whether an observation was handed over that was not safe to keep.
    """

    message_id: MessageId
    sequence: int
    state: MessageState
    version: int | None
    turn_id: TurnId | None
    run_id: RunId | None
    new: bool
    observation_dropped: bool = False
