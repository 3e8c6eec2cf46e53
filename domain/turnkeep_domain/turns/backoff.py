"""A backoff: how long a run rests after a claim of it was lost."""

from __future__ import annotations

from datetime import timedelta

from attrs import field, frozen

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.kinds import of_kind


@frozen(kw_only=True)
class Backoff:
    """A pause that doubles with every claim that is lost in a row.

    Attributes:
        first: The pause after the first loss.
        most: What no pause exceeds, jitter apart.
        jitter: Drawn by the caller, from 0 to below 1: which part of the pause is added to it, so
            that runs that were lost together do not return together.
    """

    first: timedelta = field(validator=of_kind(timedelta))
    most: timedelta = field(validator=of_kind(timedelta))
    jitter: float = field(validator=of_kind(int, float))

    def __attrs_post_init__(self) -> None:
        if not timedelta(0) <= self.first <= self.most:
            raise InvalidValue("backoff", "must begin at 0 or more, and not above its most")
        if not 0 <= self.jitter < 1:
            raise InvalidValue("jitter", "must be from 0 to below 1")

    def after(self, lost: int) -> timedelta:
        """The pause after the `lost`-th loss in a row, counted from 1."""
        # The exponent is bounded, for a host may allow any number of losses.
        pause = min(self.first * (1 << min(lost - 1, 20)), self.most)
        return pause + pause * self.jitter
