"""A title: what a thread is shown as; set by somebody, or derived from its first message."""

from __future__ import annotations

from attrs import field, frozen

from turnkeep_domain.threads.limits import (
    DERIVED_CHARACTERS_MAX,
    MESSAGES_MAX,
    TITLE_CHARACTERS_MAX,
    require_at_most,
    require_whole_number,
)
from turnkeep_domain.threads.texts import optional_text, require_text

_CUT = "\u2026"


@frozen(kw_only=True)
class Derived:
    """What the first user's message of a thread has given it as a title, once.

    Attributes:
        sequence: The message; of the thread's own, not of its base.
        text: At most 60 characters; None where the message had no text, or was redacted.
    """

    sequence: int = field()
    text: str | None = field(validator=optional_text, repr=False)

    @sequence.validator
    def _is_a_message(self, _: object, sequence: int) -> None:
        require_whole_number("sequence", sequence, least=1, most=MESSAGES_MAX)

    @text.validator
    def _text_fits(self, _: object, text: str | None) -> None:
        count = 0 if text is None else len(text)
        require_at_most("text", count, DERIVED_CHARACTERS_MAX, "characters")

    @classmethod
    def of(cls, sequence: int, line: str | None) -> Derived:
        """The title that a first line gives; a longer one is cut, and says so."""
        if line is None or len(line) <= DERIVED_CHARACTERS_MAX:
            return cls(sequence=sequence, text=line)
        kept = line[: DERIVED_CHARACTERS_MAX - len(_CUT)].rstrip()
        return cls(sequence=sequence, text=f"{kept}{_CUT}")


def require_title(title: object, *, characters_max: int = TITLE_CHARACTERS_MAX) -> None:
    """Refuses what is no title: None, or a text of at most 200 characters.

    Raises:
        InvalidValue: It is no text.
        ThreadLimitExceeded: It is too long.
    """
    if title is not None:
        count = len(require_text("title", title))
        require_at_most("title", count, characters_max, "characters")
