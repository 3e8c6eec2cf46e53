"""A portal: one thread with an event loop of its own, into which other threads call.

It stands on `asyncio` alone. A library (`anyio` has a portal, too) would bring the thread and the
way in, which is the small part. What is decided here is what a durable keep needs of both: an
interrupted caller cancels its call; a keep that closes tells every caller; a fork, and a call from
the portal itself, are refused instead of waited for; nobody waits for a loop that died.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from concurrent import futures
from contextlib import AbstractAsyncContextManager, suppress
from threading import Event, RLock, Thread, current_thread
from typing import Any, Final, Generic, TypeVar

from attrs import define, field

from turnkeep.portal_errors import CalledFromPortal, KeepClosed, KeepForked

T = TypeVar("T")
K_co = TypeVar("K_co", covariant=True)

_UNWIND_SECONDS: Final = 5.0
"""How long an interrupted caller waits for its call to unwind."""


@define(eq=False)
class Call(Generic[T]):
    """One piece of work for the portal, and its outcome, for which a thread may wait."""

    work: Coroutine[object, object, T]
    outcome: futures.Future[T] = field(factory=futures.Future, init=False)
    _task: asyncio.Task[T] | None = field(default=None, init=False)

    def begin(self, ended: Callable[[Call[T]], None]) -> None:
        """Begins the work; in the loop's thread."""
        task = asyncio.get_running_loop().create_task(self.work)
        self._task = task

        def tell(_: object) -> None:
            ended(self)
            self._tell(task)

        task.add_done_callback(tell)

    def cancel(self) -> asyncio.Task[T] | None:
        """Cancels the work, and gives the task that unwinds; in the loop's thread."""
        if self._task is not None:
            self._task.cancel()
        return self._task

    def fail(self) -> None:
        """Tells the caller that nobody will do the work; once the loop has ended."""
        if self._task is None:
            self.work.close()
        with suppress(futures.InvalidStateError):
            self.outcome.set_exception(KeepClosed())

    def _tell(self, task: asyncio.Task[T]) -> None:
        if task.cancelled():
            self.outcome.set_exception(KeepClosed())
        elif (error := task.exception()) is not None:
            self.outcome.set_exception(error)
        else:
            self.outcome.set_result(task.result())


@define(eq=False)
class Portal(Generic[K_co]):
    """An async context manager that stands open in a thread of its own.

    Any number of threads may call at once. The thread is a daemon: a portal that nobody closes does
    not keep the interpreter from ending.

    Attributes:
        opening: Makes what is entered when the portal opens, and left when it closes.
    """

    opening: Callable[[], AbstractAsyncContextManager[K_co]]
    _process: int = field(factory=os.getpid, init=False)
    # A signal handler may call while its thread is calling.
    _lock: RLock = field(factory=RLock, init=False)
    # Each has an outcome of its own kind.
    _calls: set[Call[Any]] = field(factory=set, init=False)
    _opened: futures.Future[K_co] = field(factory=futures.Future, init=False)
    _closing: bool = field(default=False, init=False)
    _failure: BaseException | None = field(default=None, init=False)
    _leave: asyncio.Event = field(factory=asyncio.Event, init=False)
    _ended: Event = field(factory=Event, init=False)
    _main: asyncio.Task[None] | None = field(default=None, init=False)
    _loop: asyncio.AbstractEventLoop = field(init=False)
    _thread: Thread = field(init=False)

    def open(self) -> K_co:
        """Starts the thread, and gives what it has entered. Once for each portal.

        Raises:
            Exception: What entering raised; the thread has ended.
        """
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._serve, name="turnkeep portal", daemon=True)
        try:
            self._thread.start()
            return self._opened.result()
        except BaseException:
            self._give_up()
            raise

    def close(self) -> None:
        """Leaves what was entered, cancels the calls that are still under way, ends the thread.

        Several threads may close it, and more than once; each returns when it is closed. In a
        forked process nothing is done.

        Raises:
            CalledFromPortal: The portal's own thread cannot wait for its end.
            Exception: What leaving raised; told once.
        """
        if self._process != os.getpid():
            return
        self._require_another_thread()
        with self._lock:
            self._closing = True
            self.soon(self._leave.set)
        self._ended.wait()
        with self._lock:
            failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    @property
    def usable(self) -> bool:
        """Whether the portal is open, and this process the one that opened it."""
        return not self._closing and self._process == os.getpid()

    def call(self, work: Coroutine[object, object, T]) -> T:
        """Does a piece of work in the portal, and waits for it.

        Interrupted (by Ctrl-C, for example), it cancels the work, waits a moment until that has
        unwound, and raises the interruption.

        Raises:
            KeepClosed: The portal is closed, or was closed meanwhile.
            CalledFromPortal: The caller runs in the portal.
            KeepForked: The portal was opened in another process.
            Exception: What the work raised.
        """
        call = Call(work)
        try:
            self.submit(call)
            futures.wait((call.outcome,))
        except BaseException:
            self.abandon(call)
            raise
        try:
            return call.outcome.result()
        finally:
            del call  # the error refers to this frame

    def ask(self, question: Callable[[], T]) -> T:
        """Calls a function in the portal's thread, and waits for its answer, like `call`."""

        async def answer() -> T:
            return question()

        return self.call(answer())

    def submit(self, call: Call[T]) -> None:
        """Has a call begun, and does not wait; a refusal is the outcome of the call."""
        try:
            self.require_elsewhere()
            with self._lock:
                if self._closing:
                    raise KeepClosed
                self._calls.add(call)
                # The caller's context variables (a trace, for example) go along.
                self._loop.call_soon_threadsafe(call.begin, self._forget)
        except (CalledFromPortal, KeepClosed, KeepForked) as refusal:
            call.work.close()
            call.outcome.set_exception(refusal)

    def abandon(self, call: Call[T]) -> None:
        """Cancels a call that was submitted, and waits a moment until it has unwound."""
        self.soon(call.cancel)
        futures.wait((call.outcome,), timeout=_UNWIND_SECONDS)

    def soon(self, step: Callable[[], object]) -> None:
        """Takes a step in the portal's thread, if that still runs, and in this process."""
        # A forked process shares the way in, and would wake the loop of the other.
        if self._process != os.getpid():
            return
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(step)

    def require_elsewhere(self) -> None:
        """Refuses a caller for whom the portal cannot work, before any lock is taken.

        Raises:
            CalledFromPortal: It would wait for itself.
            KeepForked: The thread is in another process.
        """
        if self._process != os.getpid():
            raise KeepForked
        self._require_another_thread()

    def _require_another_thread(self) -> None:
        # Compared by themselves: the number of a thread that has ended is given to another.
        if current_thread() is self._thread:
            raise CalledFromPortal

    def _forget(self, call: Call[T]) -> None:
        with self._lock:
            self._calls.discard(call)

    def _give_up(self) -> None:
        """Ends the thread of an opening that failed or was interrupted."""
        with self._lock:
            self._closing = True
        self.soon(self._retreat)
        # One that has not begun finds by itself that it is not wanted any more.
        if self._thread.ident is not None:
            self._ended.wait()

    def _retreat(self) -> None:
        if self._main is not None:
            self._main.cancel()

    def _serve(self) -> None:
        """What the thread does."""
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._stand())
        except BaseException as error:  # noqa: BLE001 - told to whoever opens or closes
            self._failure = error
        finally:
            self._end()

    async def _stand(self) -> None:
        if self._closing:
            return
        self._main = asyncio.current_task()
        try:
            async with self.opening() as entered:
                self._opened.set_result(entered)
                await self._leave.wait()
        finally:
            await self._cancel_all()

    async def _cancel_all(self) -> None:
        with self._lock:
            self._closing = True
            calls = list(self._calls)
        tasks = [task for call in calls if (task := call.cancel()) is not None]
        if tasks:
            await asyncio.wait(tasks)

    def _end(self) -> None:
        """Leaves nobody waiting, however the loop has ended."""
        with self._lock:
            self._closing = True
            left = list(self._calls)
            self._calls.clear()
        for call in left:
            call.fail()
        if not self._opened.done():
            failure, self._failure = self._failure, None
            self._opened.set_exception(failure or KeepClosed())
        self._ended.set()
