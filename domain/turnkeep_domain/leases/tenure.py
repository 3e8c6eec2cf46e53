"""A tenure: the span of time for which one holder has a right, and the rules of its end.

Whatever is held for a time (a named resource, a run, a claim) shares these rules: it is over at
its deadline, the instant itself included; it is never shortened; and who asks, asks with the
store's now.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import evolve, field, frozen

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant


@frozen(kw_only=True)
class Tenure:
    """Somebody holds something, until a deadline.

    Attributes:
        holder: Who; another process, and a process that was started anew, is another holder.
        until: From this instant on it is over, whether or not that was noted.

    Raises:
        InvalidValue: The deadline is not after the beginning.
    """

    holder: str = field(validator=identifier)
    since: datetime = field(validator=instant)
    until: datetime = field(validator=instant)

    @until.validator
    def _is_after_the_beginning(self, _: object, until: datetime) -> None:
        if until <= self.since:
            raise InvalidValue("until", "must be after since")

    @classmethod
    def begun(cls, *, holder: str, ttl: timedelta, now: datetime) -> Tenure:
        """A tenure that begins now and lasts `ttl`."""
        return cls(holder=holder, since=now, until=now + ttl)

    def is_over(self, now: datetime) -> bool:
        """Whether its deadline has come."""
        return self.until <= now

    def renewed(self, *, ttl: timedelta, now: datetime, at_most: datetime | None = None) -> Tenure:
        """The tenure that lasts `ttl` from now, yet never past `at_most`, and is never shorter."""
        until = now + ttl if at_most is None else min(now + ttl, at_most)
        return evolve(self, until=max(self.until, until))
