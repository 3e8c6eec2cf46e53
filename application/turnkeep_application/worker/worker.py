"""A worker: it claims runs, calls the host's handler for each, and tells the store how they end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from types import TracebackType
from typing import Final, Self

from attrs import define, field
from attrs.validators import ge, instance_of, is_callable, le

from turnkeep_application.keep import Keep
from turnkeep_application.turns.claim_pass import ClaimedRun
from turnkeep_application.worker.announcement import Announcement
from turnkeep_application.worker.context import Handler
from turnkeep_application.worker.engagement import Engagement
from turnkeep_application.worker.intake import EVERYWHERE, Intake
from turnkeep_application.worker.lookout import Lookout
from turnkeep_application.worker.places import Places
from turnkeep_application.worker.racing import first_of
from turnkeep_application.worker.sweeps import Sweeps
from turnkeep_application.worker.worker_settings import WorkerSettings
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import require_identifier
from turnkeep_domain.scope import ScopePrefix
from turnkeep_domain.turns.policy import TurnClass

CONCURRENCY: Final = 8
CONCURRENCY_MAX: Final = 1_000


def _in_order(classes: Iterable[TurnClass]) -> tuple[TurnClass, ...]:
    return tuple(dict.fromkeys(classes))


@define(eq=False)
class Worker:
    """Carries out runs of one store, several at once, until it is told to drain.

    One loop claims runs for the free places, woken by the store's hints or by a poll; sweeps run
    beside it, over runs and now and then over the other services of the keep; every claim has a
    heartbeat of its own, and one lookout notices which of the runs were called off. A run that is
    lost is cancelled before another worker begins it. A worker serves once:
    `await worker.run()`, or

        async with Worker(keep, handler):
            ...

    Attributes:
        keep: Whose runs, and what their handlers may ask of besides.
        handler: Carries out one run; it is called anew for each claim.
        concurrency: How many handlers run at once, 1 to 1,000.
        classes: Which queues, the first one first.
        prefix: Only runs under this prefix; None for all.
        holder: The name under which it claims, for events and views; a random one unless given. It
            needs not be unique.
        settings: Its times. They suit a lease of 90 s; a shorter one needs shorter ones.

    Raises:
        InvalidValue: A value is out of bounds, or the lease does not outlast the fence.
    """

    keep: Keep = field(validator=instance_of(Keep))
    handler: Handler = field(validator=is_callable())
    concurrency: int = field(
        default=CONCURRENCY, kw_only=True, validator=[instance_of(int), ge(1), le(CONCURRENCY_MAX)]
    )
    classes: tuple[TurnClass, ...] = field(
        default=(TurnClass.INTERACTIVE, TurnClass.BACKGROUND), kw_only=True, converter=_in_order
    )
    prefix: ScopePrefix | None = field(default=None, kw_only=True)
    holder: str = field(default="", kw_only=True)
    settings: WorkerSettings = field(factory=WorkerSettings, kw_only=True)
    _draining: Announcement = field(factory=Announcement, init=False, repr=False)
    _hurried: Announcement = field(factory=Announcement, init=False, repr=False)
    _places: Places = field(init=False, repr=False)
    _lookout: Lookout = field(init=False, repr=False)
    _begun: bool = field(default=False, init=False, repr=False)
    _beside: asyncio.Task[None] | None = field(default=None, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self.settings.require_below(self.keep.turns.settings.lease_seconds)
        if not self.classes:
            raise InvalidValue("classes", "must name one at least")
        if not self.holder:
            self.holder = f"worker-{self.keep.turns.ids.commit_id().hex()}"
        require_identifier("holder", self.holder)
        self._places = Places(self.concurrency)
        self._lookout = Lookout(
            turns=self.keep.turns, prefix=self.prefix or EVERYWHERE, settings=self.settings
        )

    @property
    def draining(self) -> bool:
        """Whether it was told to end."""
        return self._draining.announced

    def drain(self) -> None:
        """Tells it to end: it claims no more, and gives its handlers `drain_seconds`.

        Those that have not ended by then are cancelled, and their runs given back. Called once
        more, it does not wait for them. It may be called from a signal handler of the event loop.
        """
        if self._draining.announced:
            self._hurried.announce()
        self._draining.announce()

    async def run(self) -> None:
        """Works until it has drained. Cancelled, it gives its runs back at once, then ends.

        Errors of the store are borne with: they cost time, and are logged as warnings by the logger
        `turnkeep.worker`. Errors of a handler end its run, and are logged there, too.

        Raises:
            RuntimeError: It was run before.
        """
        if self._begun:
            raise RuntimeError("a worker serves once")
        self._begun = True
        sweeps = asyncio.create_task(
            Sweeps(keep=self.keep, settings=self.settings).run(), name="turnkeep sweeps"
        )
        intake = asyncio.create_task(self._intake().run(), name="turnkeep intake")
        lookout = asyncio.create_task(self._lookout.run(), name="turnkeep lookout")
        beside = (sweeps, intake, lookout)
        try:
            await first_of(
                asyncio.wait(beside, return_when=asyncio.FIRST_COMPLETED), self._draining.wait()
            )
        except asyncio.CancelledError:
            self._hurried.announce()
            raise
        finally:
            self._draining.announce()
            try:
                await self._left(sweeps, intake)
            finally:
                # Handlers that are given time to end may still be called off.
                lookout.cancel()
                await asyncio.wait((lookout,))
        for task in beside:
            if task.done() and not task.cancelled():
                task.result()

    async def __aenter__(self) -> Self:
        """Begins to work beside the block."""
        self._beside = asyncio.create_task(self.run(), name="turnkeep worker")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Drains, and returns when it has ended; at once where the block was left by an error."""
        self.drain()
        if error is not None:
            self.drain()
        if self._beside is not None:
            await self._beside

    async def _left(self, sweeps: asyncio.Task[None], intake: asyncio.Task[None]) -> None:
        """Ends everything.

        A pass that is under way may end by itself, so that what it is granted is given back. It has
        as long as the handlers have: until the drain is over, and then to unwind.
        """
        clock = self.keep.turns.clock
        sweeps.cancel()
        try:
            await first_of(
                self._idle(sweeps, intake),
                self._hurried.wait(),
                clock.sleep(self.settings.drain_seconds),
            )
            self._hurried.announce()
            await first_of(clock.sleep(self.settings.unwind_seconds), task=intake)
        finally:
            intake.cancel()
        await self._idle(sweeps, intake)

    async def _idle(self, sweeps: asyncio.Task[None], intake: asyncio.Task[None]) -> None:
        """Returns when nothing is under way any more; the intake first, for it takes places."""
        await asyncio.wait((sweeps, intake))
        await self._places.until_empty()

    def _intake(self) -> Intake:
        return Intake(
            turns=self.keep.turns,
            holder=self.holder,
            classes=self.classes,
            prefix=self.prefix,
            settings=self.settings,
            places=self._places,
            engage=self._engage,
            draining=self._draining,
        )

    def _engage(self, granted: ClaimedRun, sent_at: float) -> None:
        engagement = Engagement.of(
            granted,
            sent_at=sent_at,
            keep=self.keep,
            handler=self.handler,
            lookout=self._lookout,
            settings=self.settings,
            draining=self._draining,
            hurried=self._hurried,
        )
        # What was granted in doubt may be more than there is room for.
        roomy = self._places.free > 0
        self._places.take(engagement.carry_out() if roomy else engagement.give_back())
