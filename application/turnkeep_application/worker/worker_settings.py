"""Settings of a worker: how often it looks, how long it believes, and how it leaves."""

from __future__ import annotations

from typing import Final

from attrs import field, frozen
from attrs.validators import ge, gt, le

from turnkeep_domain.errors import InvalidValue

HEARTBEAT_SECONDS: Final = 30.0
FENCE_SECONDS: Final = 75.0
POLL_SECONDS: Final = 1.0
LOOK_SECONDS: Final = 5.0
SWEEP_SECONDS: Final = 15.0
DRAIN_SECONDS: Final = 25.0
UNWIND_SECONDS: Final = 5.0
PARTING_SECONDS: Final = 2.0
SWEEP_RECORDS: Final = 100


@frozen(kw_only=True)
class WorkerSettings:
    """The times of a worker; all in seconds of its own monotonic clock.

    Attributes:
        poll_seconds: How long it sleeps at most, jitter apart, before it looks for runs again.
        look_seconds: How long it takes at most, jitter apart, until it looks whether a run that it
            has was called off; where the store hints, it is about a quarter of a second.
        sweep_seconds: How often it tidies what time or a crash has left of runs, jitter apart; the
            other services of the keep come every fourth time.
        sweep_records: How many records of each kind one sweep deals with at most.
        heartbeat_seconds: How often it extends each of its claims.
        fence_seconds: For how long after it has sent a heartbeat that was answered well it believes
            that it still has the claim. Shorter than the lease, so that a worker stops before
            another begins.
        drain_seconds: How long handlers may go on once it drains.
        unwind_seconds: How long a handler that was cancelled, or has lost its run, may take to
            unwind; and how long a draining worker tries to give a run back.
        parting_seconds: How long before a run's `cancel_by` its handler is cancelled, so that the
            end can still be told.

    Raises:
        InvalidValue: The fence is not longer than the pause between two heartbeats.
    """

    poll_seconds: float = field(default=POLL_SECONDS, validator=[ge(0.01), le(60)])
    look_seconds: float = field(default=LOOK_SECONDS, validator=[ge(0.01), le(3_600)])
    sweep_seconds: float = field(default=SWEEP_SECONDS, validator=[ge(0.05), le(3_600)])
    sweep_records: int = field(default=SWEEP_RECORDS, validator=[ge(1), le(500)])
    heartbeat_seconds: float = field(default=HEARTBEAT_SECONDS, validator=[ge(0.05), le(3_600)])
    fence_seconds: float = field(default=FENCE_SECONDS, validator=[gt(0), le(86_400)])
    drain_seconds: float = field(default=DRAIN_SECONDS, validator=[ge(0), le(86_400)])
    unwind_seconds: float = field(default=UNWIND_SECONDS, validator=[gt(0), le(600)])
    parting_seconds: float = field(default=PARTING_SECONDS, validator=[ge(0), le(60)])

    def __attrs_post_init__(self) -> None:
        if self.fence_seconds <= self.heartbeat_seconds:
            raise InvalidValue("fence_seconds", "must be longer than heartbeat_seconds")

    def require_below(self, lease_seconds: float) -> None:
        """Refuses a fence that a lease does not outlast.

        Raises:
            InvalidValue: Another worker could begin while this one still believes.
        """
        if self.fence_seconds >= lease_seconds:
            raise InvalidValue("fence_seconds", "must be shorter than the lease")
