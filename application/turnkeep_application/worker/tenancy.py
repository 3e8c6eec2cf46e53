"""A tenancy: one claim, for as long as its worker may rely on it.

What the store says of a lease is in the store's time; what a worker may believe is in its own. It
counts from the moment at which it *sent* the last heartbeat that was answered well, so that it
stops before the store lets another begin, however long answers take.
"""

from __future__ import annotations

from datetime import datetime

from attrs import define, field

from turnkeep_application.worker.announcement import Announcement
from turnkeep_application.worker.exits import RunLeft
from turnkeep_domain.turns.claims import Claim
from turnkeep_ports.clock import Clock, Timer


@define(eq=False, kw_only=True)
class Tenancy:
    """A claim in flight.

    Attributes:
        claim: What is presented with everything that is written.
        clock: The worker's.
        fence_seconds: For how long one good answer is believed.
        parting_seconds: How long before `cancel_by` the handler is to go.
        over: Announced once the claim has ended or is no longer believed in.
        cancelling: Announced once the run is known to be called off.
        must_go: Announced when `cancel_by` is as near as `parting_seconds`.
    """

    claim: Claim
    clock: Clock
    fence_seconds: float
    parting_seconds: float
    over: Announcement = field(factory=Announcement, init=False)
    cancelling: Announcement = field(factory=Announcement, init=False)
    must_go: Announcement = field(factory=Announcement, init=False)
    _good_until: float = field(default=0.0, init=False)
    _gone_by: float | None = field(default=None, init=False)
    _cancel_by: datetime | None = field(default=None, init=False)
    _open: bool = field(default=True, init=False)
    _lost: bool = field(default=False, init=False)
    _timers: list[Timer] = field(factory=list, init=False, repr=False)

    @property
    def cancel_by(self) -> datetime | None:
        """When the run is called off, by the store's clock; None unless that is known."""
        return self._cancel_by

    @property
    def stands(self) -> bool:
        """Whether the claim may still be used to write."""
        if not self.over.announced and self.clock.monotonic() >= self._good_until:
            self.lose()
        return not self.over.announced

    @property
    def lost(self) -> bool:
        """Whether it is over because the store said so, or has not been heard for too long."""
        return self._lost

    def remaining_seconds(self) -> float:
        """How long the handler may go on as things stand; a heartbeat makes it longer."""
        if not self.stands:
            return 0.0
        until = self._good_until if self._gone_by is None else min(self._good_until, self._gone_by)
        return max(0.0, until - self.clock.monotonic())

    def acknowledge(self, *, sent_at: float, until: datetime, at: datetime) -> None:
        """Believes in the claim anew.

        Args:
            sent_at: When the request was sent, by the worker's clock.
            until: When the lease ends, by the store's clock.
            at: The store's time when it answered, which is not before the request was sent.
        """
        lease_seconds = (until - at).total_seconds()
        good_until = sent_at + min(self.fence_seconds, lease_seconds)
        if not self.over.announced and good_until > self._good_until:
            self._good_until = good_until
            self._set_timers()

    def call_off(self, *, sent_at: float, cancel_by: datetime, at: datetime) -> None:
        """Announces that the run is to be cancelled; the arguments are as of `acknowledge`."""
        self._cancel_by = cancel_by
        left_seconds = (cancel_by - at).total_seconds() - self.parting_seconds
        self._gone_by = sent_at + max(0.0, left_seconds)
        self.cancelling.announce()
        if not self.over.announced:
            self._set_timers()

    def close(self) -> None:
        """The handler has left: its context writes nothing more, the worker may."""
        self._open = False

    def end(self) -> None:
        """The claim's end is stored."""
        self._finish()

    def lose(self) -> None:
        """The claim is no longer the worker's, or no longer known to be."""
        if not self.over.announced:
            self._lost = True
        self._finish()

    def require_open(self) -> None:
        """Lets a context go on.

        Raises:
            RunLeft: The claim has ended or is not believed in, or the handler has left.
        """
        if not self._open:
            raise RunLeft
        self.require_standing()

    def require_standing(self) -> None:
        """Lets the worker go on.

        Raises:
            RunLeft: The claim has ended or is not believed in.
        """
        if not self.stands:
            raise RunLeft

    def _finish(self) -> None:
        self._open = False
        self.over.announce()
        self._clear_timers()

    def _set_timers(self) -> None:
        self._clear_timers()
        self._timers.append(self.clock.call_at(self._good_until, self.lose))
        if self._gone_by is not None:
            self._timers.append(self.clock.call_at(self._gone_by, self.must_go.announce))

    def _clear_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
