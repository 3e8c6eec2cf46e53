"""A holding: one process's use of a lease as a lock, renewed while it lasts.

What a holder may still do is judged by its own monotonic clock, from before the call that gave it
the tenure: so it stops early rather than late, whatever the store's clock and the way to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final, Protocol

from attrs import define, field, frozen

from turnkeep_application.errors import Contended
from turnkeep_application.lease_settings import LeaseSettings
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import TurnkeepError
from turnkeep_domain.leases.lease import TenureReleased
from turnkeep_domain.leases.refusals import AcquireRefusal, Held, HolderRefusal
from turnkeep_domain.leases.tenancy import Tenancy
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope
from turnkeep_ports.clock import Clock, Deadline, Timer
from turnkeep_ports.errors import OutcomeUnknown, Unavailable
from turnkeep_ports.ids import Ids
from turnkeep_ports.randomness import Random

_RENEWALS: Final = 3
_AGAIN: Final = 12
_MARGIN: Final = 10


@frozen
class LeaseHeld(TurnkeepError):
    """Others held the lease for as long as its caller was willing to wait; nothing was done."""

    code = "held"
    retryable = True
    sentence = "the lease is held by others: try again later"


@define(eq=False)
class Holding:
    """A tenure that is being renewed.

    Attributes:
        fence: Above those of all holders before; goes with whatever is written elsewhere.
        lost: Set when the tenure can no longer be relied on, a tenth of its time before the end.
    """

    fence: int
    lost: asyncio.Event = field(factory=asyncio.Event, repr=False)

    @property
    def is_lost(self) -> bool:
        """Whether the block has to stop."""
        return self.lost.is_set()


class LeaseCommands(Protocol):
    """The use cases of leases, of which a hold is made; `Leases` has their contracts."""

    @property
    def clock(self) -> Clock:
        """By which it is judged how long a tenure may be relied on."""
        ...

    @property
    def random(self) -> Random:
        """Where the jitter of its pauses comes from."""
        ...

    @property
    def ids(self) -> Ids:
        """Where its request ids come from."""
        ...

    @property
    def settings(self) -> LeaseSettings:
        """Its pauses."""
        ...

    async def acquire(
        self,
        scope: Scope,
        name: str,
        *,
        holder: str,
        request_id: RequestId,
        ttl_seconds: float | None = None,
    ) -> Tenancy | Refused[AcquireRefusal]:
        """Begins a tenure."""
        ...

    async def renew(
        self,
        scope: Scope,
        name: str,
        *,
        holder: str,
        fence: int,
        ttl_seconds: float | None = None,
    ) -> Tenancy | Refused[HolderRefusal]:
        """Lets a tenure last longer."""
        ...

    async def release(
        self, scope: Scope, name: str, *, holder: str, fence: int
    ) -> TenureReleased | Refused[HolderRefusal]:
        """Gives a tenure back."""
        ...


@define(kw_only=True, eq=False)
class LeaseHold:
    """One `hold`, from the first try to the release.

    Attributes:
        leases: The use cases that it is made of.
        patience_seconds: How long it tries.
    """

    leases: LeaseCommands
    scope: Scope
    name: str
    holder: str
    ttl_seconds: float
    patience_seconds: float
    _timer: Timer | None = field(default=None, init=False)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[Holding]:
        """As `Leases.hold` promises."""
        began, tenancy = await self._acquired()
        holding = Holding(tenancy.fence)
        self._rely_on(holding, began)
        renewing = asyncio.ensure_future(self._renew(holding))
        try:
            yield holding
        finally:
            renewing.cancel()
            with suppress(asyncio.CancelledError):
                await renewing
            if self._timer is not None:
                self._timer.cancel()
            # It is vacant at its deadline in any case, and what the block raised matters more.
            with suppress(TurnkeepError):
                await self.leases.release(
                    self.scope, self.name, holder=self.holder, fence=tenancy.fence
                )

    async def _acquired(self) -> tuple[float, Tenancy]:
        """The tenure, and when, by this host's clock, it was asked for at the latest."""
        clock, settings = self.leases.clock, self.leases.settings
        until = Deadline.after(clock, self.patience_seconds)
        request, began = self._request(), clock.monotonic()
        while True:
            failure: TurnkeepError
            try:
                answer = await self.leases.acquire(
                    self.scope,
                    self.name,
                    holder=self.holder,
                    request_id=request,
                    ttl_seconds=self.ttl_seconds,
                )
            except (Contended, OutcomeUnknown, Unavailable) as error:
                # The same request again: it may have been granted.
                failure = error
            else:
                match answer:
                    case Tenancy():
                        if self._reliable_seconds(began) > 0:
                            return began, answer
                        request, began = self._request(), clock.monotonic()
                        continue
                    case Refused(Held()):
                        request, began = self._request(), clock.monotonic()
                        failure = LeaseHeld()
                    case Refused():
                        raise RuntimeError("a request id was minted twice")
            if until.remaining_seconds() <= 0:
                raise failure
            pause = settings.poll_seconds / 2 + self.leases.random.below(settings.poll_seconds)
            await clock.sleep(min(pause, until.remaining_seconds()))

    async def _renew(self, holding: Holding) -> None:
        clock = self.leases.clock
        pause = self.ttl_seconds / _RENEWALS
        while not holding.is_lost:
            await clock.sleep(pause)
            began = clock.monotonic()
            try:
                answer = await self.leases.renew(
                    self.scope,
                    self.name,
                    holder=self.holder,
                    fence=holding.fence,
                    ttl_seconds=self.ttl_seconds,
                )
            except (Contended, OutcomeUnknown, Unavailable):
                pause = self.ttl_seconds / _AGAIN
                continue
            except TurnkeepError:
                holding.lost.set()
                return
            if isinstance(answer, Refused):
                holding.lost.set()
            else:
                self._rely_on(holding, began)
                pause = self.ttl_seconds / _RENEWALS

    def _rely_on(self, holding: Holding, began: float) -> None:
        """Lets the holding be lost when the tenure that was asked for at `began` nears its end."""
        if self._timer is not None:
            self._timer.cancel()
        clock = self.leases.clock
        when = clock.monotonic() + self._reliable_seconds(began)
        self._timer = clock.call_at(when, holding.lost.set)

    def _reliable_seconds(self, began: float) -> float:
        """How long a tenure that was asked for then may still be relied on."""
        end = began + self.ttl_seconds * (1 - 1 / _MARGIN)
        return max(0.0, end - self.leases.clock.monotonic())

    def _request(self) -> RequestId:
        return RequestId(self.leases.ids.commit_id().hex())
