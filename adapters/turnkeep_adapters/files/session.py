"""A session: a store from its opening to its closing, with its handles, threads and view."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import TypeVar

from attrs import define, field

from turnkeep_adapters.files.checkpoint import Checkpoint
from turnkeep_adapters.files.desk import Desk, Outcomes, Reading, Request
from turnkeep_adapters.files.disk import Disk
from turnkeep_adapters.files.extending import Extending
from turnkeep_adapters.files.following import Following
from turnkeep_adapters.files.home import Home
from turnkeep_adapters.files.looking import Looking
from turnkeep_adapters.files.opening import open_home
from turnkeep_adapters.files.serving import Serving
from turnkeep_adapters.files.settings import FilesSettings
from turnkeep_adapters.files.tidying import Tidying
from turnkeep_adapters.files.trouble import unavailable
from turnkeep_adapters.files.waiting import Waiting
from turnkeep_adapters.files.writing import Writer
from turnkeep_adapters.memory.changes import Wait
from turnkeep_ports.clock import Clock, Deadline
from turnkeep_ports.errors import OutcomeUnknown, Unavailable
from turnkeep_ports.store import Durability, Mark

A = TypeVar("A")


@define(eq=False, kw_only=True)
class Session:
    """An open store. Event loops of any thread may leave requests; one thread serves them.

    Attributes:
        thread: Where requests are served.
    """

    home: Home
    thread: ThreadPoolExecutor
    serving: Serving
    tidying: Tidying
    waiting: Waiting
    _due: asyncio.AbstractEventLoop | None = field(default=None, init=False)
    _ended: bool = field(default=False, init=False)
    _glances: set[asyncio.AbstractEventLoop] = field(factory=set, init=False)

    @classmethod
    def open(
        cls,
        path: str,
        *,
        disk: Disk,
        clock: Clock,
        wall_clock: Callable[[], datetime],
        settings: FilesSettings,
        thread: ThreadPoolExecutor,
    ) -> Session:
        """Opens or makes the store, and reads it; called in its thread.

        Raises:
            Unsupported: A store may not be in this directory.
            Corrupt: Something is missing or damaged.
            SchemaTooNew: A newer release wrote it.
            Unavailable: A system call failed.
        """
        home, form = open_home(disk, path, syncs=settings.durability is Durability.POWER)
        try:
            waiting = Waiting(clock=clock, poll_seconds=settings.poll_seconds)
            following = Following(home, form, on_segment=waiting.happened)
            tidying = Tidying(
                home=home,
                store_id=form.store_id,
                following=following,
                compaction_bytes=settings.compaction_bytes,
                wall_clock=wall_clock,
            )
            looking = Looking(home=home, following=following, wall_clock=wall_clock)
            session = cls(
                home=home,
                thread=thread,
                serving=_serving(looking, tidying, settings),
                tidying=tidying,
                waiting=waiting,
            )
            session.begin()
        except BaseException:
            home.close()
            raise
        return session

    @property
    def desk(self) -> Desk:
        """Where requests wait."""
        return self.serving.desk

    def begin(self) -> None:
        """Reads the log, and tries what may be tried where the directory can be written to.

        Raises:
            Unsupported: The file system does not keep links apart.
            Corrupt: Something is missing or damaged.
            SchemaTooNew: A newer release wrote it.
            Unavailable: A system call failed.
        """
        try:
            self.serving.looking.following.begin()
        except OSError as error:
            raise unavailable("reading the log", error) from error
        self.tidying.sweep()
        try:
            self.serving.writer.probe()
        except Unavailable:
            # A directory that can only be read serves reads; a write will try again.
            self.serving.writer.probed = False

    def leave(self, request: Request[A]) -> None:
        """Leaves a request of the running loop, and sees to it that it is served.

        What a loop leaves in one turn is served together: the thread begins after it.
        """
        self.desk.leave(request)
        # A due serve takes what was left before it begins. One of another loop would do as well,
        # but a loop may have to know that a thread works for it.
        if self._due is not request.loop:
            self._due = request.loop
            request.loop.call_soon(self._begin_serving, request.loop)

    def _begin_serving(self, loop: asyncio.AbstractEventLoop) -> None:
        # Callers wait for their answers, which the serving thread sends itself.
        try:
            _ = loop.run_in_executor(self.thread, self._serve)
        except RuntimeError:
            self._refuse()

    def glance(self) -> None:
        """Asks for a look for the running loop, unless one is on its way."""
        loop = asyncio.get_running_loop()
        if loop in self._glances:
            return
        request = Reading(deadline=None, ask=lambda view, now: now)
        self._glances.add(loop)
        request.answer.add_done_callback(self._glanced)
        self.leave(request)

    async def ask(self, request: Request[A]) -> A:
        """Leaves a request and waits for its answer, until its deadline.

        Raises:
            TurnkeepError: What the serving thread found.
            Unavailable: The deadline came, and nothing was or will be written.
            OutcomeUnknown: The deadline came, and a write was handed over.
        """
        timer = None
        if request.deadline is not None:
            timer = request.deadline.clock.call_at(
                request.deadline.at, partial(self._give_up, request)
            )
        self.leave(request)
        try:
            return await request.answer
        except asyncio.CancelledError:
            self.desk.withdraw(request)
            raise
        finally:
            if timer is not None:
                timer.cancel()

    async def scrub(self, first: Checkpoint, second: Checkpoint, deadline: Deadline) -> None:
        """Writes two checkpoints and removes what is older, in the tidying thread.

        Raises:
            Unavailable: A step failed.
            OutcomeUnknown: It did not end before the deadline.
        """
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self.tidying.thread, self.tidying.scrub, first, second)
        ended: asyncio.Future[None] = loop.create_future()
        timer = deadline.clock.call_at(deadline.at, partial(_end, ended))
        work.add_done_callback(partial(_end, ended))
        try:
            await ended
        finally:
            timer.cancel()
        if not work.done():
            raise OutcomeUnknown("it did not end before the deadline")
        try:
            work.result()
        except OSError as error:
            raise unavailable("scrubbing the store", error) from error

    async def wait(self, wait: Wait, since: Mark, timeout_seconds: float) -> None:
        """Returns when something may have changed since a mark, or the time is up.

        Raises:
            InvalidValue: It is no mark.
        """
        await self.waiting.wait(wait, since, timeout_seconds, glance=self.glance)

    async def close(self) -> None:
        """Ends what runs and closes all handles; those who wait are woken."""
        self.waiting.close()
        if self.home.disk.process_id() != self.home.process:
            # A forked child has no threads of its parent's.
            self.home.close()
            return
        loop = asyncio.get_running_loop()
        self._begin_serving(loop)  # what was left before is not left behind
        await asyncio.shield(loop.run_in_executor(self.thread, self.end))

    def end(self) -> None:
        """Ends what runs and closes all handles; called in the serving thread."""
        self._ended = True
        self.tidying.close()
        self.home.close()
        self.thread.shutdown(wait=False)

    def _give_up(self, request: Request[A]) -> None:
        """Ends a caller's waiting at its deadline."""
        if request.answer.done():
            return
        why = "it did not answer before the deadline"
        proven = self.desk.withdraw(request) or isinstance(request, Reading)
        request.answer.set_exception(Unavailable(why) if proven else OutcomeUnknown(why))

    def _serve(self) -> None:
        if self._ended:  # the numbers of the handles may be another file's by now
            self._refuse()
            return
        self._due = None
        self.serving.serve()

    def _refuse(self) -> None:
        self._due = None
        self.serving.refuse(Unavailable("the store is not open", retryable=False))

    def _glanced(self, answer: asyncio.Future[datetime]) -> None:
        self._glances.discard(answer.get_loop())
        # Whoever is woken or times out reads, and meets the error then.
        if not answer.cancelled():
            answer.exception()


def _serving(looking: Looking, tidying: Tidying, settings: FilesSettings) -> Serving:
    outcomes = Outcomes()
    writer = Writer(
        looking=looking,
        extending=Extending(following=looking.following, bucket_segments=settings.bucket_segments),
        settings=settings,
        outcomes=outcomes,
        on_written=tidying.consider,
    )
    return Serving(desk=Desk(), looking=looking, writer=writer, outcomes=outcomes)


def _end(ended: asyncio.Future[None], work: asyncio.Future[None] | None = None) -> None:
    if not ended.done():
        ended.set_result(None)
    elif work is not None and not work.cancelled():
        # Nobody waits for it any more.
        work.exception()
