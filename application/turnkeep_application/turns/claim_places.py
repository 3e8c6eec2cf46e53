"""A claim place: which of the lanes that are due a worker looks at first, apart from its rivals.

Whoever meets no rival takes the earliest lanes. Who comes upon lanes that somebody else has just
served sees rivals, looks at more lanes, and begins at a place of its own: the lanes stand on a ring
by a number that all processes reckon alike, and two workers whose places are apart take no lane
from each other. Where it still meets one it moves to another place, so that any number of workers
come apart by themselves, and nobody has to know how many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final
from zlib import crc32

from attrs import define, field

from turnkeep_domain.turns.limits import CLAIM_LANES_MAX
from turnkeep_domain.turns.policy import TurnClass
from turnkeep_ports.store import Cell

RING: Final = 1 << 32
WIDENINGS_MAX: Final = 3
"""How often the number of lanes that are looked at doubles, as rivals are met."""
CALM_PASSES: Final = 8
"""After how many passes without a rival fewer lanes are looked at again."""


@define(eq=False)
class ClaimPlace:
    """Where one of the passes of a process begins.

    Attributes:
        widenings: How often it had to look at twice as many lanes; 0 where it meets no rivals.
        point: Where on the ring it begins.
        calm: How many passes it has met no rival.
    """

    widenings: int = field(default=0, init=False)
    point: int = field(default=0, init=False)
    calm: int = field(default=0, init=False)

    @property
    def lanes(self) -> int:
        """How many lanes a pass looks at."""
        return CLAIM_LANES_MAX << self.widenings

    def in_order(self, cells: Sequence[Cell], below: Callable[[int], float]) -> list[Cell]:
        """The due lanes of a page, those first that are to be served first.

        Args:
            cells: In the order in which they are due.
            below: A random number from 0 up to a bound.
        """
        if self.widenings:
            return sorted(cells, key=lambda cell: (ring_of(cell) - self.point) % RING)
        begin = int(below(len(cells))) if cells else 0
        return [*cells[begin:], *cells[:begin]]

    def settle(self, *, served: int, rivals: int, below: Callable[[int], float]) -> None:
        """Moves away from rivals, and returns once there are none.

        Args:
            served: How many lanes were asked for something.
            rivals: How many of them somebody else had just served.
            below: A random number from 0 up to a bound.
        """
        if 4 * rivals > served:
            self.calm = 0
            self.point = int(below(RING))
            # Among many rivals a pass is dear: whoever loses most of one goes far at once.
            further = WIDENINGS_MAX if 2 * rivals > served else self.widenings + 1
            self.widenings = min(further, WIDENINGS_MAX)
        elif self.widenings:
            self.calm += 1
            if self.calm >= CALM_PASSES:
                self.calm = 0
                self.widenings -= 1


def ring_of(lane: Cell) -> int:
    """Where on the ring a lane stands, in every process alike."""
    scope = lane.address.scope
    return crc32(f"{scope.tenant}\n{scope.user}".encode())


@define(eq=False)
class ClaimPlaces:
    """The places of the passes of one process: those that run at once have different ones."""

    _left: dict[TurnClass, list[ClaimPlace]] = field(factory=dict, init=False)

    def take(self, turn_class: TurnClass) -> ClaimPlace:
        """A place that no other pass has now: the one that was left last, or a new one."""
        left = self._left.get(turn_class)
        return left.pop() if left else ClaimPlace()

    def leave(self, turn_class: TurnClass, place: ClaimPlace) -> None:
        """Keeps a place for the next pass; one without rivals needs no keeping."""
        if place.widenings:
            self._left.setdefault(turn_class, []).append(place)
