"""A policy: how a turn is to be queued, repeated and given up; frozen when it is submitted."""

from __future__ import annotations

from enum import Enum
from typing import Self

from attrs import field, frozen

from turnkeep_domain.kinds import of_kind
from turnkeep_domain.turns.counts import count
from turnkeep_domain.turns.limits import LOST_MAX, RETURNED_MAX


class TurnClass(Enum):
    """Which queue a turn waits in."""

    INTERACTIVE = "interactive"
    BACKGROUND = "background"


@frozen(kw_only=True)
class TurnPolicy:
    """How a turn is carried out.

    Attributes:
        journaled: Whether all that the handler does outside itself goes through its context, so
            that another worker may begin it again; one that is not journaled and was started
            goes to an operator when its worker is lost.
        lost_max: How many claims in a row may be lost or end in an error; one more fails the run.
        returned_max: How many claims in a row may be given back by a worker that drains.
    """

    turn_class: TurnClass = field(validator=of_kind(TurnClass))
    journaled: bool = field(validator=of_kind(bool))
    lost_max: int = field(validator=count)
    returned_max: int = field(validator=count)

    @classmethod
    def interactive(cls) -> Self:
        """Somebody waits for it."""
        return cls._usual(TurnClass.INTERACTIVE)

    @classmethod
    def background(cls) -> Self:
        """Nobody waits for it."""
        return cls._usual(TurnClass.BACKGROUND)

    @classmethod
    def _usual(cls, turn_class: TurnClass) -> Self:
        return cls(
            turn_class=turn_class, journaled=True, lost_max=LOST_MAX, returned_max=RETURNED_MAX
        )
