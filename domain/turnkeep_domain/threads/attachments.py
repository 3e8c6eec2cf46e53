"""An attachment: what is known of a file that the host keeps; its bytes are not in here."""

from __future__ import annotations

from enum import Enum

from attrs import field, frozen

from turnkeep_domain.kinds import of_kind
from turnkeep_domain.threads.limits import (
    EXTRACTED_CHARACTERS_MAX,
    SIZE_BYTES_MAX,
    require_at_most,
    require_whole_number,
)
from turnkeep_domain.threads.names import name, optional_ref, ref
from turnkeep_domain.threads.texts import optional_text


class AttachmentKind(Enum):
    """What an attachment is."""

    AUDIO = "audio"
    IMAGE = "image"
    DOCUMENT = "document"


@frozen(kw_only=True)
class Attachment:
    """A file beside a message.

    Attributes:
        id: Unique in its message.
        mime: Its media type.
        filename: As its sender called it; None where nobody did.
        size_bytes: How large it is.
        storage_key: Where the host keeps it; None where it keeps none. After a redaction the host
            is told it until the host has deleted the file.
        extracted_text: What was read from it, at most 200,000 characters.
    """

    id: str = field(validator=name)
    kind: AttachmentKind = field(validator=of_kind(AttachmentKind))
    mime: str = field(validator=ref)
    filename: str | None = field(validator=optional_ref, repr=False)
    size_bytes: int = field()
    storage_key: str | None = field(validator=optional_ref, repr=False)
    extracted_text: str | None = field(validator=optional_text, repr=False)

    @size_bytes.validator
    def _is_a_size(self, _: object, size_bytes: int) -> None:
        require_whole_number("size_bytes", size_bytes, least=0, most=SIZE_BYTES_MAX)

    @extracted_text.validator
    def _text_fits(self, _: object, extracted: str | None) -> None:
        count = 0 if extracted is None else len(extracted)
        require_at_most("extracted_text", count, EXTRACTED_CHARACTERS_MAX, "characters")
