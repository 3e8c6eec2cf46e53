"""An approval payload: what people read before they decide, erasable alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from attrs import field, frozen

from turnkeep_domain.approvals.approval_id import ApprovalId
from turnkeep_domain.approvals.limits import DISPLAY_BYTES_MAX, REASON_BYTES_MAX
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.keys import Collection, Identity, Index
from turnkeep_domain.kinds import of_kind, require_kind
from turnkeep_domain.scope import Scope

if TYPE_CHECKING:
    from attrs import Attribute

# The categories Cc, Cf, Zl, Zp and Cs of Unicode 16. They are listed, not asked for: the answer of
# `unicodedata` changes with Python, and what was stored under one must be readable under another.
_DECEIVING: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e"
    r"\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    r"\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0001\U000e0020-\U000e007f]"
)
_SHORT: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_BYTE_MAX: Final = 0xFF
_TWO_BYTES_MAX: Final = 0xFFFF


def _harmless(_: object, attribute: Attribute[str], text: str) -> None:
    require_kind(attribute.name, text, str)
    if _DECEIVING.search(text):
        raise InvalidValue(attribute.name, "must have control and format characters escaped")


@frozen(kw_only=True)
class ApprovalPayload:
    """What people read before they decide, one line each, safe to print.

    Attributes:
        id: The approval's.
        reason: Why the agent asks, at most 2 KiB of UTF-8.
        display: What would be done, at most 4 KiB of UTF-8.
    """

    id: ApprovalId = field(validator=identifier)
    scope: Scope = field(validator=of_kind(Scope))
    reason: str = field(validator=_harmless, repr=False)
    display: str = field(validator=_harmless, repr=False)

    @reason.validator
    def _reason_fits(self, _: object, reason: str) -> None:
        _require_fit("reason", reason, REASON_BYTES_MAX)

    @display.validator
    def _display_fits(self, _: object, display: str) -> None:
        _require_fit("display", display, DISPLAY_BYTES_MAX)

    @classmethod
    def of(cls, id: ApprovalId, scope: Scope, *, reason: str, display: str) -> ApprovalPayload:
        """The payload of any two texts: escaped, then cut in the middle where they are too long.

        Raises:
            InvalidValue: Reason or display is no text.
        """
        require_kind("reason", reason, str)
        require_kind("display", display, str)
        return cls(
            id=id,
            scope=scope,
            reason=cut_in_the_middle(escaped(reason), REASON_BYTES_MAX),
            display=cut_in_the_middle(escaped(display), DISPLAY_BYTES_MAX),
        )


def escaped(text: str) -> str:
    r"""The text with every character that could deceive its reader spelt out.

    These are the characters of the Unicode categories Cc (controls; a line feed becomes `\n`), Cf
    (formats: whatever turns the direction of writing, zero-width spaces and joiners, soft hyphens,
    byte order marks, tags), Zl and Zp (separators of lines and paragraphs) and Cs (lone
    surrogates). All else stays, backslashes included: what is shown need not be read back. An
    emoji that is joined from several is shown in its parts.
    """
    return _DECEIVING.sub(lambda found: _spelt_out(found.group()), text)


def cut_in_the_middle(text: str, bytes_max: int) -> str:
    """The text in at most so many bytes of UTF-8: its two ends, and how much is missing between.

    Args:
        text: Has no lone surrogates.
        bytes_max: Must leave room for the note, which takes up to 40 bytes.
    """
    whole = text.encode()
    if len(whole) <= bytes_max:
        return text
    room = bytes_max - len(_note(len(whole)))
    head = whole[: room - room // 2].decode(errors="ignore")
    tail = whole[len(whole) - room // 2 :].decode(errors="ignore")
    missing = len(whole) - len(head.encode()) - len(tail.encode())
    return f"{head}{_note(missing)}{tail}"


def _note(missing: int) -> str:
    return f" [... {missing} bytes cut ...] "


def _spelt_out(character: str) -> str:
    code = ord(character)
    if code <= _BYTE_MAX:
        return _SHORT.get(character, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code <= _TWO_BYTES_MAX else f"\\U{code:08x}"


def _require_fit(what: str, text: str, bytes_max: int) -> None:
    if len(text.encode()) > bytes_max:
        raise InvalidValue(what, f"must have at most {bytes_max} bytes")


APPROVAL_PAYLOADS: Final[Collection[ApprovalPayload]] = Collection(
    name="approval_payload",
    members=(ApprovalPayload,),
    permanent=False,
    index=lambda payload: Index(state="kept", due_at=None, sort=payload.id),
    identity=lambda payload: Identity(payload.scope, payload.id),
    marks=lambda _: None,
)
