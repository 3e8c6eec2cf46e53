"""A part: one piece of what a message says."""

from __future__ import annotations

from typing import TypeAlias, assert_never

from attrs import field, frozen

from turnkeep_domain.approvals.canonical import Json, JsonText
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.threads.limits import TEXT_BYTES_MAX, require_at_most
from turnkeep_domain.threads.metadata import canonical_json
from turnkeep_domain.threads.names import name
from turnkeep_domain.threads.texts import bytes_of, text
from turnkeep_domain.threads.tool_results import result_ref


@frozen
class TextPart:
    """Plain text, kept byte for byte."""

    text: str = field(validator=text, repr=False)


@frozen
class JsonPart:
    """A JSON value, kept as its canonical text."""

    json: str = field(validator=text, repr=False)

    @classmethod
    def of(cls, json: Json | JsonText) -> JsonPart:
        """The part that holds a value.

        Raises:
            InvalidValue: It is not what JSON can say in one way.
        """
        return cls(canonical_json("json", json))


@frozen(kw_only=True)
class ToolCallPart:
    """A call of a tool that an assistant asks for.

    Attributes:
        result_ref: Under which its result will be appended.
        tool: The tool's name.
        arguments: The canonical text of its arguments.
    """

    result_ref: str = field(validator=result_ref)
    tool: str = field(validator=identifier)
    arguments: str = field(validator=text, repr=False)

    @classmethod
    def of(cls, result_ref: str, tool: str, arguments: Json | JsonText) -> ToolCallPart:
        """The call of a tool with arguments.

        Raises:
            InvalidValue: The ref or the name breaks a rule, or the arguments are no JSON.
        """
        spelt = canonical_json("arguments", arguments)
        return cls(result_ref=result_ref, tool=tool, arguments=spelt)


@frozen
class AttachmentPart:
    """The place of an attachment among the parts of its message."""

    attachment_id: str = field(validator=name)


Part: TypeAlias = TextPart | JsonPart | ToolCallPart | AttachmentPart


def text_bytes(part: Part) -> int:
    """How many bytes of text a part has."""
    match part:
        case TextPart(said):
            return bytes_of(said)
        case JsonPart(spelt):
            return bytes_of(spelt)
        case ToolCallPart(arguments=spelt):
            return bytes_of(spelt)
        case AttachmentPart():
            return 0
        case _:
            assert_never(part)


def require_texts_fit(parts: tuple[Part, ...], bytes_max: int = TEXT_BYTES_MAX) -> None:
    """Refuses parts whose text is too long together.

    Raises:
        ThreadLimitExceeded: It is.
    """
    require_at_most("parts", sum(map(text_bytes, parts)), bytes_max, "bytes of text")
