"""A tool result: what a tool has answered, in words that are safe to show to a model or a person.

Full output stays with the host, under the result's ref. What is kept here has no control
character, bracket, backtick, slash, backslash, and nothing that looks like a credential.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeVar

from attrs import field, frozen
from attrs.validators import optional

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.threads.limits import (
    RESULT_REF_BYTES_MAX,
    SAFE_SUMMARY_CHARACTERS_MAX,
    require_at_most,
)
from turnkeep_domain.threads.observations import Observation
from turnkeep_domain.threads.safety import fault_of
from turnkeep_domain.threads.texts import require_text

if TYPE_CHECKING:
    from attrs import Attribute

T = TypeVar("T")

_RESULT_REF: Final = re.compile(r"result:[A-Za-z0-9_.-]+")


def require_result_ref(what: str, ref: object) -> None:
    """Refuses what is not `result:` and letters, digits, `_`, `.` or `-`, at most 256 bytes.

    Raises:
        InvalidValue: It breaks the rule.
        ThreadLimitExceeded: It is too long.
    """
    if type(ref) is not str or not _RESULT_REF.fullmatch(ref):
        raise InvalidValue(what, "must match result:[A-Za-z0-9_.-]+")
    require_at_most(what, len(ref), RESULT_REF_BYTES_MAX, "bytes")


def result_ref(_: object, attribute: Attribute[T], ref: T) -> None:
    """An attrs validator: the field is a result's ref."""
    require_result_ref(attribute.name, ref)


@frozen(kw_only=True)
class ToolResult:
    """What is kept of a tool's answer.

    Attributes:
        result_ref: Where the host finds all of it.
        safe_summary: What it says, 1 to 512 characters.
        observation: The same as facts; None where there are none, or they were not safe.
    """

    result_ref: str = field(validator=result_ref)
    safe_summary: str = field(repr=False)
    observation: Observation | None = field(validator=optional(of_kind(Observation)), repr=False)

    @safe_summary.validator
    def _is_safe(self, _: object, summary: str) -> None:
        require_summary(summary)
        fault = fault_of(summary)
        if fault is not None:
            raise InvalidValue("safe_summary", fault)


def require_summary(summary: object) -> str:
    """Refuses a summary that is no text of 1 to 512 characters; whether it is safe, is not judged.

    Raises:
        InvalidValue: It is no text, or empty.
        ThreadLimitExceeded: It is too long.
    """
    text = require_text("safe_summary", summary)
    if not text.strip():
        raise InvalidValue("safe_summary", "must not be blank")
    require_at_most("safe_summary", len(text), SAFE_SUMMARY_CHARACTERS_MAX, "characters")
    return text
