"""An effort: what the update loop had to do for a demonstration."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import frozen

from turnkeep import Counter, Tallies


@frozen(kw_only=True)
class Effort:
    """How often the loop went round.

    Attributes:
        updates: Commands.
        attempts: Loads that might have led to a commit; one an update, and one after each pause.
        conflicts: Attempts that lost their race.
        paused_ms: Milliseconds of all pauses together.
    """

    updates: int
    attempts: int
    conflicts: int
    paused_ms: int

    @property
    def pauses(self) -> int:
        """How often an update paused."""
        return self.attempts - self.updates

    @classmethod
    def of(cls, tallies: Tallies) -> Effort:
        """What was counted of one process."""
        return cls(
            updates=tallies.total(Counter.UPDATES),
            attempts=tallies.total(Counter.ATTEMPTS),
            conflicts=tallies.total(Counter.CONFLICTS),
            paused_ms=tallies.total(Counter.PAUSED_MS),
        )

    @classmethod
    def together(cls, efforts: Iterable[Effort]) -> Effort:
        """What several processes had to do."""
        every = tuple(efforts)
        return cls(
            updates=sum(effort.updates for effort in every),
            attempts=sum(effort.attempts for effort in every),
            conflicts=sum(effort.conflicts for effort in every),
            paused_ms=sum(effort.paused_ms for effort in every),
        )
