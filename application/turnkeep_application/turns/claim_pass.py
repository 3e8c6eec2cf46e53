"""A claim pass: what one look at the lanes has given a worker."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from turnkeep_application.reading import Unreadable
from turnkeep_domain.turns.claims import Claim
from turnkeep_domain.turns.lane_ids import LaneId
from turnkeep_domain.turns.run import Run


@frozen(kw_only=True)
class ClaimedRun:
    """A run that a worker was given.

    Attributes:
        claim: What it presents with everything that it does for the run.
        run: As it stood when it was given.
        until: When the claim is over, unless a heartbeat extends it.
        at: The store's now when it was given, by which `until` is to be understood.
    """

    claim: Claim
    run: Run
    until: datetime
    at: datetime


@frozen(kw_only=True)
class ClaimPass:
    """What one pass has granted; it tells every grant, and what else it came upon.

    Attributes:
        granted: Runs that the worker now holds, in the order in which they were due, lane by lane.
        ended: Claims that this token was given before and that have ended since, or are over: of
            a repeated pass alone.
        doubtful: Lanes of which nobody knows what they granted: to be asked again, by the same
            token and as `lanes`.
        unreadable: Runs, lanes or limits that were passed over and left untouched.
    """

    granted: tuple[ClaimedRun, ...]
    ended: tuple[Claim, ...]
    doubtful: tuple[LaneId, ...]
    unreadable: tuple[Unreadable, ...]
