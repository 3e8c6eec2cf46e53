"""A segment: a range of messages that a fork shares with another thread instead of copying it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from attrs import field, frozen

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.scope import ThreadId
from turnkeep_domain.threads.limits import MESSAGES_MAX, require_whole_number
from turnkeep_domain.threads.names import name


@frozen(kw_only=True)
class Segment:
    """The messages `first` to `last` of a thread, both included.

    They have the same numbers in every thread that shares them.
    """

    thread_id: ThreadId = field(validator=name)
    first: int = field()
    last: int = field()

    @first.validator
    @last.validator
    def _is_a_message(self, _: object, sequence: int) -> None:
        require_whole_number("sequence", sequence, least=1, most=MESSAGES_MAX)

    def __attrs_post_init__(self) -> None:
        if self.last < self.first:
            raise InvalidValue("last", "must not be before first")

    def __contains__(self, sequence: int) -> bool:
        """Whether the segment has a message."""
        return self.first <= sequence <= self.last


Base: TypeAlias = tuple[Segment, ...]
"""Segments that follow one another from 1 without a gap; none for a thread that is no fork."""


def require_base(base: Base) -> None:
    """Refuses segments that leave a gap, overlap, or share one thread twice.

    Raises:
        InvalidValue: They do.
    """
    following = 1
    for segment in base:
        if segment.first != following:
            raise InvalidValue("base", "must follow one another from 1")
        following = segment.last + 1
    if len({segment.thread_id for segment in base}) != len(base):
        raise InvalidValue("base", "must have each thread once")


def base_end(base: Base) -> int:
    """The last message of a base; 0 where there is none."""
    return base[-1].last if base else 0


def whole(base: Base, thread_id: ThreadId, through: int) -> Base:
    """The segments that a thread with a base has up to a message, its own ones included."""
    kept = [
        Segment(thread_id=each.thread_id, first=each.first, last=min(each.last, through))
        for each in base
        if each.first <= through
    ]
    first_own = base_end(base) + 1
    if first_own <= through:
        kept.append(Segment(thread_id=thread_id, first=first_own, last=through))
    return tuple(kept)


def holder(segments: Sequence[Segment], sequence: int) -> ThreadId | None:
    """The thread in whose scope a message is kept; None where no segment has it."""
    for segment in segments:
        if sequence in segment:
            return segment.thread_id
    return None
