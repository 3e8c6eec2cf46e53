"""Content: what a message says, its attachments, and what the host notes beside it."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.approvals.canonical import Json, JsonText
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.threads.attachments import Attachment
from turnkeep_domain.threads.limits import (
    ATTACHMENTS_MAX,
    PARTS_MAX,
    ThreadLimits,
    require_at_most,
)
from turnkeep_domain.threads.metadata import (
    NOTHING_NOTED,
    Metadata,
    metadata_of,
    require_metadata,
)
from turnkeep_domain.threads.parts import (
    AttachmentPart,
    JsonPart,
    Part,
    TextPart,
    ToolCallPart,
    require_texts_fit,
    text_bytes,
)
from turnkeep_domain.threads.texts import bytes_of


@frozen(kw_only=True)
class Content:
    """Parts in their order, attachments with distinct ids, and metadata."""

    parts: tuple[Part, ...] = field(
        validator=deep_iterable(
            of_kind(TextPart, JsonPart, ToolCallPart, AttachmentPart), of_kind(tuple)
        )
    )
    attachments: tuple[Attachment, ...] = field(
        validator=deep_iterable(of_kind(Attachment), of_kind(tuple))
    )
    metadata: Metadata = field(repr=False)

    @parts.validator
    def _parts_fit(self, _: object, parts: tuple[Part, ...]) -> None:
        require_at_most("parts", len(parts), PARTS_MAX, "parts")
        require_texts_fit(parts)

    @attachments.validator
    def _attachments_fit(self, _: object, attachments: tuple[Attachment, ...]) -> None:
        require_at_most("attachments", len(attachments), ATTACHMENTS_MAX, "attachments")
        if len({each.id for each in attachments}) != len(attachments):
            raise InvalidValue("attachments", "must have distinct ids")

    @metadata.validator
    def _is_metadata(self, _: object, metadata: Metadata) -> None:
        require_metadata("metadata", metadata)

    def __attrs_post_init__(self) -> None:
        there = {each.id for each in self.attachments}
        named = {part.attachment_id for part in self.parts if isinstance(part, AttachmentPart)}
        if not named <= there:
            raise InvalidValue("parts", "must name attachments of the message alone")

    @classmethod
    def of(
        cls,
        parts: str | Part | Iterable[Part],
        *,
        attachments: Iterable[Attachment] = (),
        metadata: Json | JsonText | None = None,
    ) -> Content:
        """Content as hosts have it; a text stands for one part.

        Raises:
            InvalidValue: Something in it breaks a rule.
            ThreadLimitExceeded: It is more than a message may have.
        """
        match parts:
            case str():
                kept: tuple[Part, ...] = (TextPart(parts),)
            case TextPart() | JsonPart() | ToolCallPart() | AttachmentPart():
                kept = (parts,)
            case _:
                kept = tuple(parts)
        return cls(parts=kept, attachments=tuple(attachments), metadata=metadata_of(metadata))

    @classmethod
    def nothing(cls) -> Content:
        """No part, no attachment, nothing noted."""
        return cls(parts=(), attachments=(), metadata=NOTHING_NOTED)

    @property
    def first_line(self) -> str | None:
        """The first line of its text that is not blank, trimmed; None where there is none."""
        for part in self.parts:
            if isinstance(part, TextPart):
                for line in part.text.splitlines():
                    if line.strip():
                        return line.strip()
        return None

    @property
    def text_bytes(self) -> int:
        """How many bytes of text its parts have."""
        return sum(map(text_bytes, self.parts))

    @property
    def storage_keys(self) -> tuple[str, ...]:
        """Where the host keeps its attachments."""
        keys = (each.storage_key for each in self.attachments)
        return tuple(dict.fromkeys(key for key in keys if key is not None))

    def require_within(self, limits: ThreadLimits) -> None:
        """Refuses content that is more than a host allows.

        Raises:
            ThreadLimitExceeded: It is.
        """
        require_at_most("parts", len(self.parts), limits.parts_max, "parts")
        require_texts_fit(self.parts, limits.text_bytes_max)
        require_at_most("attachments", len(self.attachments), limits.attachments_max, "attachments")
        for each in self.attachments:
            count = len(each.extracted_text or "")
            most = limits.extracted_characters_max
            require_at_most("extracted_text", count, most, "characters")
        count = bytes_of(self.metadata)
        require_at_most("metadata", count, limits.metadata_bytes_max, "bytes")
