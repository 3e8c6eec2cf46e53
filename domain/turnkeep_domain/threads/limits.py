"""A limit of a thread: how much one message, summary, header or family may carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import field, fields, frozen

from turnkeep_domain.errors import InvalidValue

if TYPE_CHECKING:
    from attrs import Attribute

TITLE_CHARACTERS_MAX: Final = 200
DERIVED_CHARACTERS_MAX: Final = 60
GOAL_CHARACTERS_MAX: Final = 4_000
METADATA_BYTES_MAX: Final = 16 << 10
PARTS_MAX: Final = 64
TEXT_BYTES_MAX: Final = 256 << 10
ATTACHMENTS_MAX: Final = 16
EXTRACTED_CHARACTERS_MAX: Final = 200_000
PROVIDER_BYTES_MAX: Final = 32 << 10
MESSAGE_BYTES_MAX: Final = 1 << 20
RESULT_REF_BYTES_MAX: Final = 256
SAFE_SUMMARY_CHARACTERS_MAX: Final = 512
OBSERVATION_BYTES_MAX: Final = 4 << 10
PREVIEW_BYTES_MAX: Final = 16 << 10
SUMMARIES_MAX: Final = 32
SUMMARY_BYTES_MAX: Final = 16 << 10
SUMMARY_SET_BYTES_MAX: Final = 128 << 10
FAMILY_MAX: Final = 56
SEGMENTS_MAX: Final = 16
MESSAGES_MAX: Final = 1_000_000
SLOT_MAX: Final = 1_000_000
VERSION_MAX: Final = (1 << 63) - 1
SIZE_BYTES_MAX: Final = (1 << 63) - 1


@frozen
class ThreadLimitExceeded(InvalidValue):
    """A value is larger than it may be; nothing was read or written."""

    code = "limit_exceeded"


def require_whole_number(what: str, number: object, *, least: int, most: int) -> None:
    """Refuses what is no whole number between two bounds, both inclusive.

    Raises:
        ThreadLimitExceeded: It is greater.
        InvalidValue: It is smaller, or of another type (`True` is no number).
    """
    if type(number) is not int or number < least:
        raise InvalidValue(what, f"must be a whole number from {least}")
    if number > most:
        raise ThreadLimitExceeded(what, f"must be at most {most}")


def require_at_most(what: str, actual: int, most: int, unit: str) -> None:
    """Refuses what is more than it may be.

    Raises:
        ThreadLimitExceeded: It is.
    """
    if actual > most:
        raise ThreadLimitExceeded(what, f"must have at most {most} {unit}")


def _at_most_its_default(_: object, attribute: Attribute[int], value: int) -> None:
    require_whole_number(attribute.name, value, least=1, most=_MOST[attribute.name])


def _limit(most: int) -> int:
    bound: int = field(default=most, validator=_at_most_its_default)
    return bound


@frozen(kw_only=True)
class ThreadLimits:
    """The limits that a host may lower; each default is also the most that is allowed.

    Attributes:
        messages_max: Messages of a thread, those of its base included.
        parts_max: Parts of a message.
        text_bytes_max: UTF-8 of all parts of a message together.
        attachments_max: Attachments of a message.
        extracted_characters_max: Text that was extracted from one attachment.
        provider_bytes_max: Private data of a provider, for each message.
        message_bytes_max: A message as it is stored.
        preview_bytes_max: UTF-8 of all parts of a preview.
        metadata_bytes_max: Metadata of a thread or a message.
        title_characters_max: A title that somebody has set.
        goal_characters_max: A goal's statement, trimmed.
        summaries_max: Summaries of a thread.
        summary_bytes_max: The text of one summary.
        summary_set_bytes_max: The texts of a thread's summaries together.
        family_max: Living threads that share messages by forks.
        segments_max: Segments of the base of a fork.
    """

    messages_max: int = _limit(MESSAGES_MAX)
    parts_max: int = _limit(PARTS_MAX)
    text_bytes_max: int = _limit(TEXT_BYTES_MAX)
    attachments_max: int = _limit(ATTACHMENTS_MAX)
    extracted_characters_max: int = _limit(EXTRACTED_CHARACTERS_MAX)
    provider_bytes_max: int = _limit(PROVIDER_BYTES_MAX)
    message_bytes_max: int = _limit(MESSAGE_BYTES_MAX)
    preview_bytes_max: int = _limit(PREVIEW_BYTES_MAX)
    metadata_bytes_max: int = _limit(METADATA_BYTES_MAX)
    title_characters_max: int = _limit(TITLE_CHARACTERS_MAX)
    goal_characters_max: int = _limit(GOAL_CHARACTERS_MAX)
    summaries_max: int = _limit(SUMMARIES_MAX)
    summary_bytes_max: int = _limit(SUMMARY_BYTES_MAX)
    summary_set_bytes_max: int = _limit(SUMMARY_SET_BYTES_MAX)
    family_max: int = _limit(FAMILY_MAX)
    segments_max: int = _limit(SEGMENTS_MAX)


_MOST: Final[dict[str, int]] = {
    attribute.name: attribute.default
    for attribute in fields(ThreadLimits)
    if isinstance(attribute.default, int)
}
