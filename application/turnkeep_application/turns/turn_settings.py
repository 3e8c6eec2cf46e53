"""Settings of turns: the bounds and times that a host may choose."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from attrs import field, frozen
from attrs.validators import ge, gt, le

from turnkeep_domain.turns.backoff import Backoff
from turnkeep_domain.turns.limits import (
    BACKOFF_SECONDS_MAX,
    BACKOFF_SECONDS_MIN,
    CANCEL_GRACE_SECONDS,
    CHECKPOINT_HOURS,
    LEASE_SECONDS,
    RETIREMENT_DAYS,
)
from turnkeep_ports.randomness import Random

RUNS_PAGE_MAX: Final = 200
WAIT_SECONDS_DEFAULT: Final = 30.0
_DAY_SECONDS: Final = 86_400


@frozen(kw_only=True)
class TurnSettings:
    """The bounds of the use cases of turns.

    Every host of one store should have the same times; where they differ, each claim has those of
    the host that made or extended it.

    Attributes:
        lease_seconds: How long a claim lasts unless a heartbeat extends it, 1 to 86,400; 90 unless
            set.
        cancel_grace_seconds: How long a worker may go on after a cancel was requested, 1 to
            86,400; 60 unless set.
        backoff_seconds_min: How long a run waits after a first loss or error, 0.01 to 3,600; 1
            unless set. It doubles with each further one in a row, plus jitter.
        backoff_seconds_max: The longest such wait, jitter left out, to 86,400; 60 unless set.
        page: How many runs, events or entries a listing answers where the caller names no limit.
        poll_seconds: How long a wait sleeps at most before it looks again.
        retirement_days: How long ended runs, and what their handlers journaled, are kept.
        checkpoint_hours: How long checkpoints are kept after the end of their run.
    """

    lease_seconds: float = field(default=float(LEASE_SECONDS), validator=[ge(1), le(_DAY_SECONDS)])
    cancel_grace_seconds: float = field(
        default=float(CANCEL_GRACE_SECONDS), validator=[ge(1), le(_DAY_SECONDS)]
    )
    backoff_seconds_min: float = field(
        default=float(BACKOFF_SECONDS_MIN), validator=[ge(0.01), le(3_600)]
    )
    backoff_seconds_max: float = field(
        default=float(BACKOFF_SECONDS_MAX), validator=[ge(0.01), le(_DAY_SECONDS)]
    )
    page: int = field(default=50, validator=[ge(1), le(RUNS_PAGE_MAX)])
    poll_seconds: float = field(default=1.0, validator=[gt(0), le(60)])
    retirement_days: float = field(default=float(RETIREMENT_DAYS), validator=[ge(1), le(36_500)])
    checkpoint_hours: float = field(default=float(CHECKPOINT_HOURS), validator=[ge(1), le(876_000)])

    @property
    def lease(self) -> timedelta:
        """How long a claim lasts."""
        return timedelta(seconds=self.lease_seconds)

    @property
    def cancel_grace(self) -> timedelta:
        """How long a worker may go on after a cancel was requested."""
        return timedelta(seconds=self.cancel_grace_seconds)

    @property
    def retirement(self) -> timedelta:
        """How long ended runs are kept."""
        return timedelta(days=self.retirement_days)

    @property
    def checkpoint_retention(self) -> timedelta:
        """How long checkpoints are kept after the end of their run."""
        return timedelta(hours=self.checkpoint_hours)

    def backoff(self, random: Random) -> Backoff:
        """How long a run waits after a loss, with jitter drawn for one command."""
        return Backoff(
            first=timedelta(seconds=self.backoff_seconds_min),
            most=timedelta(seconds=self.backoff_seconds_max),
            jitter=random.below(1.0),
        )
