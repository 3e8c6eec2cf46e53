"""A new message: all that is known of one before it has a number, and why it cannot be another."""

from __future__ import annotations

import hashlib
import json
from typing import assert_never

from attrs import field, frozen

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import optional_identifier
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.threads.attachments import Attachment
from turnkeep_domain.threads.content import Content
from turnkeep_domain.threads.limits import PREVIEW_BYTES_MAX, PROVIDER_BYTES_MAX, require_at_most
from turnkeep_domain.threads.message_id import (
    Inbound,
    assistant_message_id,
    preview_message_id,
    request_message_id,
    tool_message_id,
)
from turnkeep_domain.threads.message_states import MessageKind
from turnkeep_domain.threads.names import ClaimId, MessageId, optional_name, optional_ref
from turnkeep_domain.threads.parts import (
    AttachmentPart,
    JsonPart,
    Part,
    TextPart,
    ToolCallPart,
    require_texts_fit,
)
from turnkeep_domain.threads.tool_results import ToolResult
from turnkeep_domain.turns.names import RunId


@frozen(kw_only=True)
class NewMessage:
    """A message that is to be appended.

    Attributes:
        draft: Whether an assistant is only about to write it.
        payload_digest: Of actor, bindings and content of what was delivered; None for messages
            that nobody delivers.
    """

    message_id: MessageId
    kind: MessageKind = field(validator=of_kind(MessageKind))
    draft: bool = False
    actor: str | None = field(default=None, validator=optional_identifier)
    source_binding: str | None = field(default=None, validator=optional_ref, repr=False)
    reply_binding: str | None = field(default=None, validator=optional_ref, repr=False)
    claim_id: ClaimId | None = None
    run_id: RunId | None = field(default=None, validator=optional_name)
    slot: int | None = None
    content: Content = field(validator=of_kind(Content))
    tool: ToolResult | None = None
    provider: bytes | None = field(default=None, repr=False)
    payload_digest: bytes | None = field(default=None, repr=False)

    @provider.validator
    def _provider_fits(self, _: object, provider: bytes | None) -> None:
        require_provider(provider)

    @classmethod
    def inbound(
        cls, identity: Inbound, content: Content, *, actor: str | None, reply_binding: str | None
    ) -> NewMessage:
        """What an event or a client's request brings."""
        bindings = (identity.source_binding, reply_binding)
        return cls(
            message_id=identity.message_id,
            kind=MessageKind.USER,
            actor=actor,
            source_binding=identity.source_binding,
            reply_binding=reply_binding,
            claim_id=identity.claim_id,
            content=content,
            payload_digest=payload_digest(actor, bindings, content),
        )

    @classmethod
    def by_assistant(
        cls, run_id: RunId, slot: int, content: Content, *, draft: bool, provider: bytes | None
    ) -> NewMessage:
        """What a run says as its `slot`-th message."""
        return cls(
            message_id=assistant_message_id(run_id, slot),
            kind=MessageKind.ASSISTANT,
            draft=draft,
            run_id=run_id,
            slot=slot,
            content=content,
            provider=provider,
        )

    @classmethod
    def by_tool(
        cls, run_id: RunId, tool: ToolResult, content: Content, *, provider: bytes | None
    ) -> NewMessage:
        """What a tool has answered to a run."""
        return cls(
            message_id=tool_message_id(run_id, tool.result_ref),
            kind=MessageKind.TOOL_RESULT,
            run_id=run_id,
            content=content,
            tool=tool,
            provider=provider,
        )

    @classmethod
    def preview(cls, run_id: RunId, invocation: str, content: Content) -> NewMessage:
        """What a run would do, shown before it is done; at most 16 KiB of text.

        Raises:
            ThreadLimitExceeded: It is longer.
        """
        require_texts_fit(content.parts, PREVIEW_BYTES_MAX)
        return cls(
            message_id=preview_message_id(run_id, invocation),
            kind=MessageKind.PREVIEW,
            run_id=run_id,
            content=content,
        )

    @classmethod
    def noted(
        cls,
        kind: MessageKind,
        request_id: RequestId,
        content: Content,
        *,
        actor: str | None,
        run_id: RunId | None,
    ) -> NewMessage:
        """A message of the system, or a checkpoint, under a request id.

        Raises:
            InvalidValue: It is of another kind.
        """
        if kind not in (MessageKind.SYSTEM, MessageKind.CHECKPOINT):
            raise InvalidValue("kind", "must be system or checkpoint")
        return cls(
            message_id=request_message_id(request_id),
            kind=kind,
            actor=actor,
            run_id=run_id,
            content=content,
        )


def require_provider(provider: object) -> None:
    """Refuses what is no private data of a provider: None, or at most 32 KiB of bytes.

    Raises:
        InvalidValue: It is something else.
        ThreadLimitExceeded: It is too large.
    """
    if provider is None:
        return
    if type(provider) is not bytes:
        raise InvalidValue("provider", "must be bytes, or absent")
    require_at_most("provider", len(provider), PROVIDER_BYTES_MAX, "bytes")


def payload_digest(
    actor: str | None, bindings: tuple[str | None, str | None], content: Content
) -> bytes:
    """The SHA-256 of what was delivered: actor, bindings, parts, attachments, metadata."""
    said = [
        actor,
        bindings,
        [_spelt(part) for part in content.parts],
        [_listed(attachment) for attachment in content.attachments],
        content.metadata,
    ]
    text = json.dumps(said, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).digest()


def _spelt(part: Part) -> list[str]:
    match part:
        case TextPart(text):
            return ["text", text]
        case JsonPart(json=spelt):
            return ["json", spelt]
        case ToolCallPart():
            return ["tool_call", part.result_ref, part.tool, part.arguments]
        case AttachmentPart(attachment_id):
            return ["attachment", attachment_id]
        case _:
            assert_never(part)


def _listed(attachment: Attachment) -> list[str | int | None]:
    return [
        attachment.id,
        attachment.kind.value,
        attachment.mime,
        attachment.filename,
        attachment.size_bytes,
        attachment.storage_key,
        attachment.extracted_text,
    ]
