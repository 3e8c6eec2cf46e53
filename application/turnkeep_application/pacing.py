"""Pacing: how often an update tries, how long it pauses, and when it gives up."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import ge, gt, le

from turnkeep_domain.errors import InvalidValue
from turnkeep_ports.randomness import Random


@frozen(kw_only=True)
class Pacing:
    """The bounds of one update.

    Attributes:
        attempts_max: Loads that may lead to a commit, 1 to 1,000.
        deadline_seconds: For the whole update, pauses included, at most an hour.
        reserve_seconds: The end of the deadline in which no commit starts; it serves the load
            that resolves a commit of unknown fate.
        pause_first_seconds: The delay before the second attempt, at most a minute; it doubles.
        pause_max_seconds: Where doubling ends, at most a minute.
    """

    attempts_max: int = field(default=32, validator=[ge(1), le(1_000)])
    deadline_seconds: float = field(default=15.0, validator=[gt(0), le(3_600)])
    reserve_seconds: float = field(default=0.5, validator=ge(0))
    pause_first_seconds: float = field(default=0.002, validator=[ge(0), le(60)])
    pause_max_seconds: float = field(default=0.050, validator=[ge(0), le(60)])

    def __attrs_post_init__(self) -> None:
        if self.reserve_seconds >= self.deadline_seconds:
            raise InvalidValue("reserve", "must be shorter than the deadline")

    def pause_seconds(self, number: int, random: Random) -> float:
        """The pause after attempt `number` (from 0): a doubling delay plus full jitter below it."""
        delay = min(self.pause_first_seconds * 2.0**number, self.pause_max_seconds)
        return delay + random.below(delay)
