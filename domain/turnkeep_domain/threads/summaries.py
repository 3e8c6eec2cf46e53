"""A summary: what a range of messages says in fewer words, instead of them or beside them."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from attrs import field, frozen

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.instants import instant
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.threads.limits import (
    MESSAGES_MAX,
    SUMMARY_BYTES_MAX,
    require_at_most,
    require_whole_number,
)
from turnkeep_domain.threads.names import SummaryId, code, name, optional_name
from turnkeep_domain.threads.texts import bytes_of, require_text
from turnkeep_domain.turns.names import RunId


class SummaryPolicy(Enum):
    """Whether a summary stands for its messages in a window, or is a note on them."""

    REPLACE = "replace"
    NOTE = "note"


@frozen(kw_only=True)
class Summary:
    """What the messages `start` to `end` say.

    Attributes:
        kind: The host's word for what sort of summary it is.
        text: At most 16 KiB of UTF-8.
        run_id: The run that has written it; None where none did.
    """

    id: SummaryId = field(validator=name)
    start: int = field()
    end: int = field()
    kind: str = field(validator=code)
    text: str = field(repr=False)
    policy: SummaryPolicy = field(validator=of_kind(SummaryPolicy))
    run_id: RunId | None = field(validator=optional_name)
    created_at: datetime = field(validator=instant)

    @start.validator
    @end.validator
    def _is_a_message(self, _: object, sequence: int) -> None:
        require_whole_number("sequence", sequence, least=1, most=MESSAGES_MAX)

    @text.validator
    def _text_fits(self, _: object, text: str) -> None:
        require_summary_text(text)

    def __attrs_post_init__(self) -> None:
        if self.end < self.start:
            raise InvalidValue("end", "must not be before start")

    @property
    def replaces(self) -> bool:
        """Whether it stands for its messages."""
        return self.policy is SummaryPolicy.REPLACE

    def covers(self, sequence: int) -> bool:
        """Whether a message is in its range."""
        return self.start <= sequence <= self.end

    def meets(self, other: Summary) -> bool:
        """Whether the ranges have a message in common."""
        return self.start <= other.end and other.start <= self.end

    def encloses(self, other: Summary) -> bool:
        """Whether the other's range is within its own."""
        return self.start <= other.start and other.end <= self.end


def require_summary_text(text: object, *, bytes_max: int = SUMMARY_BYTES_MAX) -> None:
    """Refuses what is no summary's text.

    Raises:
        InvalidValue: It is no text, or blank.
        ThreadLimitExceeded: It is too long.
    """
    if not require_text("text", text).strip():
        raise InvalidValue("text", "must not be blank")
    require_at_most("text", bytes_of(str(text)), bytes_max, "bytes")
