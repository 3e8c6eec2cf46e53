"""A move: what one command on a turn state stores, before anything else goes along with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from turnkeep_domain.turns.effect import RunEffect
    from turnkeep_domain.turns.ended import EndedRun
    from turnkeep_domain.turns.turn_state import TurnState


@frozen(kw_only=True)
class Moved:
    """A turn state after a command, with the records that the command itself made.

    Attributes:
        state: As it is to be stored.
        ended: The run that was active before, where the command has ended it.
        effects: Journal entries that the command entered or changed: their cells are put in the
            same commit.
    """

    state: TurnState = field()
    ended: EndedRun | None = field()
    effects: tuple[RunEffect, ...] = field()
