"""A claim place: the shards in which a worker looks for lanes that are due, apart from its rivals.

Whoever meets no rival looks at all shards, and takes the earliest lanes of all. Who comes upon
lanes that somebody else has just served sees rivals, and from now on looks at half as many shards:
with each pass at the next ones, so that it comes to all of them in turn. Where it still meets one
it goes on elsewhere. So any number of workers come apart by themselves, and nobody has to know how
many there are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import define, field

from turnkeep_domain.turns.limits import CLAIM_LANES_MAX, CLAIM_RUNS_MAX, LANE_SHARDS
from turnkeep_domain.turns.policy import TurnClass

NARROWINGS_MAX: Final = LANE_SHARDS.bit_length() - 1
"""How often the shards that are looked at are halved: down to one."""
CALM_PASSES: Final = 32
"""After how many passes without a rival twice as many shards are looked at again."""


@define(eq=False)
class ClaimPlace:
    """Where one of the passes of a process looks.

    Attributes:
        narrowings: How often the shards were halved; 0 where it meets no rivals.
        first: The first of its shards, a multiple of how many they are.
        calm: How many passes it has met no rival.
    """

    narrowings: int = field(default=0, init=False)
    first: int = field(default=0, init=False)
    calm: int = field(default=0, init=False)

    @property
    def shards(self) -> range:
        """Those that a pass looks at."""
        return range(self.first, self.first + self._width)

    @property
    def lanes(self) -> int:
        """How many of the earliest lanes a page has; no more than are served where it is alone."""
        return CLAIM_RUNS_MAX if self.narrowings else CLAIM_LANES_MAX

    def meets(self, other: ClaimPlace) -> bool:
        """Whether both look at one shard."""
        mine, theirs = self.shards, other.shards
        return mine.start < theirs.stop and theirs.start < mine.stop

    def go_on(self) -> None:
        """Comes to the next shards; after the last ones, to the first."""
        self.first = (self.first + self._width) % LANE_SHARDS

    def settle(self, *, served: int, rivals: int, below: Callable[[int], float]) -> None:
        """Moves away from rivals, and returns once there are none.

        Args:
            served: How many lanes were asked for something.
            rivals: How many of them somebody else had just served.
            below: A random number from 0 up to a bound.
        """
        if 4 * rivals > served:
            self.calm = 0
            # Among many rivals a pass is dear: whoever loses most of one goes far at once.
            further = NARROWINGS_MAX if 2 * rivals > served else self.narrowings + 1
            self._narrow_to(min(further, NARROWINGS_MAX), at=int(below(LANE_SHARDS)))
        elif self.narrowings:
            self.calm += 1
            if self.calm >= CALM_PASSES:
                self.widen()

    def widen(self) -> None:
        """Looks at twice as many shards, its own among them."""
        self.calm = 0
        self._narrow_to(max(0, self.narrowings - 1), at=self.first)

    @property
    def _width(self) -> int:
        return LANE_SHARDS >> self.narrowings

    def _narrow_to(self, narrowings: int, *, at: int) -> None:
        self.narrowings = narrowings
        self.first = at - at % self._width


@define(eq=False)
class ClaimPlaces:
    """The places of the passes of one process: those that run at once are apart where they can."""

    _left: dict[TurnClass, list[ClaimPlace]] = field(factory=dict, init=False)
    _taken: dict[TurnClass, list[ClaimPlace]] = field(factory=dict, init=False)

    def take(self, turn_class: TurnClass) -> ClaimPlace:
        """A place that no other pass has now: the one that was left last, or a new one."""
        left = self._left.get(turn_class)
        place = left.pop() if left else ClaimPlace()
        taken = self._taken.setdefault(turn_class, [])
        apart = [other for other in taken if other.narrowings]
        for _ in range(1 << place.narrowings):
            if not any(place.meets(other) for other in apart):
                break
            place.go_on()
        taken.append(place)
        return place

    def leave(self, turn_class: TurnClass, place: ClaimPlace) -> None:
        """Keeps a place for the next pass; one without rivals needs no keeping."""
        self._taken[turn_class].remove(place)
        if place.narrowings:
            place.go_on()
            self._left.setdefault(turn_class, []).append(place)
