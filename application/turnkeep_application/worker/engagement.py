"""An engagement: one claimed run, from its journal to the end of its claim."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Final, Self, assert_never

from attrs import define, field

from turnkeep_application.keep import Keep
from turnkeep_application.turns.claim_pass import ClaimedRun
from turnkeep_application.turns.turns import Turns
from turnkeep_application.worker.announcement import Announcement
from turnkeep_application.worker.context import Handler, RunContext
from turnkeep_application.worker.endings import (
    EFFECTS_OPEN,
    Cause,
    Complete,
    Ending,
    Fail,
    GiveBack,
    called_off,
    ending_of_error,
    ending_of_return,
)
from turnkeep_application.worker.exits import HandlerExited, RunLeft
from turnkeep_application.worker.heartbeats import Heartbeats
from turnkeep_application.worker.insistence import Insistence
from turnkeep_application.worker.journal import Journal
from turnkeep_application.worker.lookout import Lookout
from turnkeep_application.worker.observed_handler import handled
from turnkeep_application.worker.racing import first_of
from turnkeep_application.worker.runner import Runner
from turnkeep_application.worker.tenancy import Tenancy
from turnkeep_application.worker.worker_settings import WorkerSettings
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import TurnkeepError
from turnkeep_domain.turns.claims import Relinquishment, RunStanding
from turnkeep_domain.turns.effect import RunEffect
from turnkeep_domain.turns.names import Ref
from turnkeep_domain.turns.refusals import EffectsOpen, EndRefusal, WrongState
from turnkeep_domain.turns.run import Run

_LOG: Final = logging.getLogger("turnkeep.worker")

# The event loop holds tasks weakly; a handler that ignores its cancellation must not vanish.
_ABANDONED: Final[set[asyncio.Task[Ref | None]]] = set()


@define(eq=False, kw_only=True)
class Engagement:
    """A worker's work on one run.

    Attributes:
        lookout: What notices beside the heartbeats that the run was called off.
        draining: Announced when the worker is to end; the handler may go on for a while.
        hurried: Announced when that while is over.
    """

    keep: Keep
    handler: Handler
    run: Run
    tenancy: Tenancy
    lookout: Lookout
    settings: WorkerSettings
    draining: Announcement
    hurried: Announcement
    _insistence: Insistence = field(init=False)
    _heartbeats: Heartbeats = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._insistence = Insistence(clock=self.turns.clock, random=self.turns.random)
        self._heartbeats = Heartbeats(
            turns=self.turns, tenancy=self.tenancy, settings=self.settings
        )

    @classmethod
    def of(
        cls,
        granted: ClaimedRun,
        *,
        sent_at: float,
        keep: Keep,
        handler: Handler,
        lookout: Lookout,
        settings: WorkerSettings,
        draining: Announcement,
        hurried: Announcement,
    ) -> Self:
        """The work on a run that was granted to a request sent at that time."""
        tenancy = Tenancy(
            claim=granted.claim,
            clock=keep.turns.clock,
            fence_seconds=settings.fence_seconds,
            parting_seconds=settings.parting_seconds,
        )
        tenancy.acknowledge(sent_at=sent_at, until=granted.until, at=granted.at)
        return cls(
            keep=keep,
            handler=handler,
            run=granted.run,
            tenancy=tenancy,
            lookout=lookout,
            settings=settings,
            draining=draining,
            hurried=hurried,
        )

    @property
    def turns(self) -> Turns:
        """The use cases of its runs."""
        return self.keep.turns

    async def carry_out(self) -> None:
        """Calls the handler, and ends the claim by how that ends; raises nothing of either."""
        await self._held(self._carry_out)

    async def give_back(self) -> None:
        """Ends the claim without the handler, for which its worker has no place."""
        await self._held(lambda: self._tell(GiveBack(Relinquishment.DRAIN, None)))

    async def _held(self, work: Callable[[], Awaitable[None]]) -> None:
        """Does the work while the claim is kept alive."""
        pulse = asyncio.create_task(self._heartbeats.run(), name="turnkeep heartbeats")
        try:
            with self.lookout.over(self._heartbeats), suppress(RunLeft):
                await work()
        except TurnkeepError:
            # The claim expires, and another worker meets the same, or not.
            _LOG.exception("a run was left to expire")
        finally:
            self.tenancy.end()
            pulse.cancel()
            await asyncio.gather(pulse, return_exceptions=True)

    async def _carry_out(self) -> None:
        if self.draining.announced:
            await self._tell(GiveBack(Relinquishment.DRAIN, None))
            return
        try:
            journal = await self._begun()
        except TurnkeepError:
            _LOG.exception("a run could not be begun")
            await self._tell(GiveBack(Relinquishment.ERROR, None))
            return
        if journal is None:
            await self._tell(GiveBack(Relinquishment.DRAIN, None))
            return
        runner = Runner(
            keep=self.keep,
            run=self.run,
            tenancy=self.tenancy,
            journal=journal,
            insistence=self._insistence,
            heartbeats=self._heartbeats,
        )
        context = RunContext.over(runner, draining=self.draining)
        task = asyncio.create_task(self._called(context), name="turnkeep handler")
        cause = await self._ended(task)
        self.tenancy.close()
        if self.tenancy.over.announced:
            self._note(task)
            return
        await self._tell(_ending(task, cause))

    async def _begun(self) -> Journal | None:
        """What the handler is to find; None where the run was called off before it was begun.

        Where nobody journals, that the handler is called is stored before it is.
        """
        allowed = self.tenancy.require_standing
        entries: tuple[RunEffect, ...] = ()
        # A run counts what is journaled, and most have nothing to read: they are claimed once.
        if self.run.counters.effects:
            entries = await self._insistence.until_answered(
                lambda: self.turns.journal(self.run.address), allowed=allowed
            )
        if not self.run.policy.journaled:
            started = await self._insistence.until_answered(
                lambda: self.turns.start(self.tenancy.claim), allowed=allowed
            )
            match started:
                case Refused(WrongState()):
                    return None
                case Refused():
                    self.tenancy.lose()
                    raise RunLeft
                case _:
                    pass
        return Journal.of(self.run.journal, entries)

    async def _called(self, context: RunContext) -> Ref | None:
        call = partial(_called, self.handler, context)
        return await handled(self.keep.observer, self.run.address, call)

    async def _ended(self, task: asyncio.Task[Ref | None]) -> Cause:
        """Waits until the handler has ended, or makes it end; what made it."""
        tenancy = self.tenancy
        try:
            await first_of(
                tenancy.over.wait(), tenancy.must_go.wait(), self.hurried.wait(), task=task
            )
        except asyncio.CancelledError:
            task.cancel()
            raise
        if task.done():
            return Cause.ITSELF
        if tenancy.over.announced:
            cause = Cause.OVER
        else:
            cause = Cause.CALLED_OFF if tenancy.must_go.announced else Cause.DRAIN
        # A handler whose own call ended the claim is unwinding already.
        if cause is not Cause.OVER or tenancy.lost:
            task.cancel()
        await self._unwound(task)
        return cause

    async def _unwound(self, task: asyncio.Task[Ref | None]) -> None:
        for _ in range(2):
            await asyncio.wait((task,), timeout=self.settings.unwind_seconds)
            if task.done():
                return
            task.cancel()
        _LOG.error("a handler ignores its cancellation, and is left alone")
        self.tenancy.lose()
        _ABANDONED.add(task)
        task.add_done_callback(_forget)

    def _note(self, task: asyncio.Task[Ref | None]) -> None:
        # Asked for in any case, or the event loop would report it as overlooked.
        raised = task.done() and not task.cancelled() and task.exception() is not None
        if self.tenancy.lost:
            _LOG.warning("a claim was lost, and its handler ended")
        elif task.done() and not task.cancelled() and not raised:
            _LOG.error("a handler swallowed RunLeft; what it did since was refused")

    async def _tell(self, ending: Ending) -> None:
        """Ends the claim. Once the worker drains, it is tried for a short time only."""
        if self.tenancy.cancelling.announced:
            ending = called_off(ending)
        patience_seconds = self.settings.unwind_seconds if self.draining.announced else None
        try:
            async with asyncio.timeout(patience_seconds):
                answer = await self._told(ending)
                match answer:
                    case Refused(EffectsOpen()):
                        # Steps were left to themselves: only an operator can find out.
                        await self._told(Fail(EFFECTS_OPEN, None))
                    case _:
                        pass
        except TimeoutError:
            _LOG.warning("a run could not be given back in time, and is left to expire")

    async def _told(self, ending: Ending) -> RunStanding | Refused[EndRefusal]:
        return await self._insistence.until_answered(
            self._request(ending), allowed=self.tenancy.require_standing
        )

    def _request(
        self, ending: Ending
    ) -> Callable[[], Awaitable[RunStanding | Refused[EndRefusal]]]:
        turns, claim = self.turns, self.tenancy.claim
        match ending:
            case Complete(result_ref):
                return lambda: turns.complete(claim, result_ref=result_ref)
            case Fail(category, effect):
                return lambda: turns.fail(claim, category=category, effect=effect)
            case GiveBack(reason, redo):
                return lambda: turns.relinquish(claim, reason=reason, redo=redo)
            case _:
                assert_never(ending)


def _forget(task: asyncio.Task[Ref | None]) -> None:
    _ABANDONED.discard(task)
    if not task.cancelled():
        task.exception()


async def _called(handler: Handler, context: RunContext) -> Ref | None:
    """Calls the handler within its own task, whatever calling it may raise."""
    try:
        return await handler(context)
    except SystemExit as error:
        # As it is, it would end the event loop, and with it every run that the worker has.
        raise HandlerExited(error.code) from error


def _ending(task: asyncio.Task[Ref | None], cause: Cause) -> Ending:
    error = asyncio.CancelledError() if task.cancelled() else task.exception()
    if error is None:
        return ending_of_return(task.result())
    if cause is Cause.ITSELF and not isinstance(error, TurnkeepError):
        _LOG.error("a handler raised", exc_info=error)
    return ending_of_error(error, cause)
