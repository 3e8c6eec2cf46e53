"""A look: the moment at which a process knows all that was committed before it, and the time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from attrs import define, field

from turnkeep_adapters.files.following import Following
from turnkeep_adapters.files.home import Home
from turnkeep_adapters.files.trouble import unavailable
from turnkeep_adapters.files.view import BEGINNING
from turnkeep_domain.instants import require_instant


@define(kw_only=True)
class Looking:
    """Looks into one log. Used by one thread at a time.

    Attributes:
        now: The last time that was told.
    """

    home: Home
    following: Following
    wall_clock: Callable[[], datetime]
    now: datetime = field(default=BEGINNING)

    def look(self) -> None:
        """Catches up with the log, and proves that the store may be used.

        Raises:
            TurnkeepError: What to tell whoever waits; nothing was written.
        """
        self.home.require_usable()
        try:
            self.following.catch_up()
        except OSError as error:
            raise unavailable("reading the log", error) from error

    def time(self) -> datetime:
        """The wall clock's time; where it went back, the last that was told or written."""
        now = self.wall_clock()
        require_instant("wall clock", now)
        self.now = max(self.now, now, self.following.view.head.time)
        return self.now
