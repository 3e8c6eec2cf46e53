"""A goal: what a thread is for, refined as it goes on; each refinement counts."""

from __future__ import annotations

from attrs import field, frozen

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.threads.limits import (
    GOAL_CHARACTERS_MAX,
    MESSAGES_MAX,
    require_at_most,
    require_whole_number,
)
from turnkeep_domain.threads.texts import require_text


@frozen(kw_only=True)
class Goal:
    """What a thread is for.

    Attributes:
        statement: 1 to 4,000 characters, trimmed.
        refined_at_sequence: The last message that there was.
        refinement_count: How often it was set or refined; 1 for the first time.
    """

    statement: str = field(repr=False)
    refined_at_sequence: int = field()
    refinement_count: int = field()

    @statement.validator
    def _is_stated(self, _: object, statement: str) -> None:
        if require_statement(statement) != statement:
            raise InvalidValue("statement", "must be trimmed")

    @refined_at_sequence.validator
    def _is_a_mark(self, _: object, sequence: int) -> None:
        require_whole_number("refined_at_sequence", sequence, least=0, most=MESSAGES_MAX)

    @refinement_count.validator
    def _counts(self, _: object, count: int) -> None:
        require_whole_number("refinement_count", count, least=1, most=(1 << 63) - 1)


def require_statement(statement: object, *, characters_max: int = GOAL_CHARACTERS_MAX) -> str:
    """The statement of a goal, trimmed.

    Raises:
        InvalidValue: It is no text, or blank.
        ThreadLimitExceeded: It is too long.
    """
    trimmed = require_text("statement", statement).strip()
    if not trimmed:
        raise InvalidValue("statement", "must not be blank")
    require_at_most("statement", len(trimmed), characters_max, "characters")
    return trimmed
