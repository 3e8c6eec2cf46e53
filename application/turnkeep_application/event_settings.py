"""Settings of the event log: the bounds that a host may choose."""

from __future__ import annotations

from typing import Final

from attrs import field, frozen
from attrs.validators import ge, gt, le, optional

KEEP_SECONDS_DEFAULT: Final[int | None] = 30 * 24 * 60 * 60
KEEP_SECONDS_MAX: Final = 3_660 * 24 * 60 * 60


@frozen(kw_only=True)
class EventSettings:
    """The bounds of the use cases.

    Attributes:
        keep_seconds: How old an event becomes before it is trimmed, an hour to ten years; 30 days
            unless set. None keeps all.
        trim_pages: How many pages of 500 events one call of `trim` examines, 1 to 1,000.
        poll_seconds: How long a follower sleeps at most before it looks again, up to a minute.
    """

    keep_seconds: int | None = field(
        default=KEEP_SECONDS_DEFAULT, validator=optional([ge(3_600), le(KEEP_SECONDS_MAX)])
    )
    trim_pages: int = field(default=20, validator=[ge(1), le(1_000)])
    poll_seconds: float = field(default=1.0, validator=[gt(0), le(60)])
