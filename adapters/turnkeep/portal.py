"""A portal: one thread with an event loop of its own, into which other threads call.

It stands on `asyncio` alone. A library (`anyio` has a portal, too) would bring the thread and the
way in, which is the small part. What is decided here is what a durable keep needs of both: an
interrupted caller cancels its call; a keep that closes tells every caller; a fork, and a call from
the portal itself, are refused instead of waited for; nobody waits for a loop that died; a signal
handler may call, or close, wherever it has interrupted its thread.

The last is why there is no lock: the interrupted frame could hold it while its handler waits for
the portal's thread, and that for the lock. What both sides touch is changed in single steps of the
interpreter: a flag that is set, a set that is added to or popped from, a list that is popped.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from threading import Thread, current_thread
from typing import Any, Final, Generic, TypeVar

from attrs import define, field

from turnkeep.outcomes import Outcome
from turnkeep.portal_errors import CalledFromPortal, KeepClosed, KeepForked

T = TypeVar("T")
K_co = TypeVar("K_co", covariant=True)

_UNWIND_SECONDS: Final = 5.0
"""How long an interrupted caller waits for its call to unwind."""


def _nobody_asks() -> None:
    """What follows a call of which nobody but its caller wants to know."""


@define(eq=False)
class Call(Generic[T]):
    """One piece of work for the portal, and its outcome, for which a thread may wait.

    Attributes:
        ended: Called once the outcome is told, by the thread that tells it.
    """

    work: Coroutine[object, object, T]
    ended: Callable[[], object] = _nobody_asks
    outcome: Outcome[T] = field(factory=Outcome, init=False)
    _task: asyncio.Task[T] | None = field(default=None, init=False)

    def begin(self, over: Callable[[Call[T], asyncio.Task[T]], object]) -> None:
        """Begins the work; in the loop's thread, which is told when it is over."""
        self._task = asyncio.get_running_loop().create_task(self.work)
        self._task.add_done_callback(lambda task: over(self, task))

    def cancel(self) -> asyncio.Task[T] | None:
        """Cancels the work, and gives the task that unwinds; in the loop's thread."""
        if self._task is not None:
            self._task.cancel()
        return self._task

    def refuse(self, reason: BaseException) -> None:
        """Tells the caller that nobody will do the work, or see to its end."""
        if self._task is None:
            self.work.close()
        if not self.outcome.told:
            self.outcome.fail(reason)
            self.ended()

    def tell(self, task: asyncio.Task[T], *, closing: bool) -> None:
        """Tells what the work has come to.

        Args:
            task: That of the work, which is done.
            closing: Whether the portal closes, which is why work is cancelled then.
        """
        if self.outcome.told:
            return
        if task.cancelled():
            self.outcome.fail(KeepClosed() if closing else _cancellation(task))
        elif (error := task.exception()) is not None:
            self.outcome.fail(error)
        else:
            self.outcome.answer(task.result())
        self.ended()


def _cancellation(task: asyncio.Task[T]) -> asyncio.CancelledError:
    """With what a task was cancelled, its message included."""
    try:
        task.result()
    except asyncio.CancelledError as cancelled:
        return cancelled
    raise AssertionError("the task was cancelled")


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
    # Each has an outcome of its own kind. Callers add to the first; the second is the loop's alone.
    _submitted: set[Call[Any]] = field(factory=set, init=False)
    _begun: set[Call[Any]] = field(factory=set, init=False)
    _opened: Outcome[K_co] = field(factory=Outcome, init=False)
    _ended: Outcome[None] = field(factory=Outcome, init=False)
    # Three steps: no call is accepted, none begins, none is answered by the loop.
    _closing: bool = field(default=False, init=False)
    _left: bool = field(default=False, init=False)
    _over: bool = field(default=False, init=False)
    # At most one; whoever pops it tells it.
    _failures: list[BaseException] = field(factory=list, init=False)
    _leave: asyncio.Event = field(factory=asyncio.Event, init=False)
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
        self._closing = True
        self.soon(self._leave.set)
        self._ended.wait()
        if (failure := self._taken_failure()) is not None:
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
            Exception: What the work raised; `asyncio.CancelledError`, which is none, where it was
                cancelled while the portal stays open.
        """
        call = Call(work)
        try:
            self.submit(call)
            call.outcome.wait()
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
            if self._closing:
                raise KeepClosed
        except (CalledFromPortal, KeepClosed, KeepForked) as refusal:
            call.refuse(refusal)
            return
        self._submitted.add(call)
        # The caller's context variables (a trace, for example) go along.
        self.soon(partial(self._begin, call))
        self._refuse_late(call)

    def abandon(self, call: Call[T]) -> None:
        """Cancels a call that was submitted, and waits a moment until it has unwound."""
        self.soon(partial(self._cancel, call))
        self._refuse_late(call)
        call.outcome.wait(_UNWIND_SECONDS)

    def soon(self, step: Callable[[], object]) -> None:
        """Takes a step in the portal's thread, if that still runs, and in this process."""
        # A forked process shares the way in, and would wake the loop of the other.
        if self._process != os.getpid():
            return
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(step)

    def require_elsewhere(self) -> None:
        """Refuses a caller for whom the portal cannot work.

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

    def _begin(self, call: Call[T]) -> None:
        """Begins a call; in the loop's thread."""
        self._submitted.discard(call)
        if self._left:
            call.refuse(KeepClosed())
        if not call.outcome.told:
            self._begun.add(call)
            call.begin(self._finish)

    def _finish(self, call: Call[T], task: asyncio.Task[T]) -> None:
        self._begun.discard(call)
        call.tell(task, closing=self._closing)

    def _cancel(self, call: Call[T]) -> None:
        """Cancels a call whose caller has left, also before it has begun; in the loop's thread."""
        if call.cancel() is None:
            self._submitted.discard(call)
            call.refuse(KeepClosed())

    def _refuse_late(self, call: Call[T]) -> None:
        """Tells the caller himself, where the loop may have ended before it saw the call."""
        if self._over:
            self._submitted.discard(call)
            call.refuse(KeepClosed())

    def _taken_failure(self) -> BaseException | None:
        # Popped at once: whoever looked first could be interrupted by another who tells it, too.
        with suppress(IndexError):
            return self._failures.pop()
        return None

    def _give_up(self) -> None:
        """Ends the thread of an opening that failed or was interrupted."""
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
            self._failures.append(error)
        finally:
            self._end()

    async def _stand(self) -> None:
        if self._closing:
            return
        self._main = asyncio.current_task()
        try:
            async with self.opening() as entered:
                self._opened.answer(entered)
                await self._leave.wait()
        finally:
            await self._cancel_all()

    async def _cancel_all(self) -> None:
        self._closing = self._left = True
        tasks = [task for call in self._begun if (task := call.cancel()) is not None]
        if tasks:
            await asyncio.wait(tasks)

    def _end(self) -> None:
        """Leaves nobody waiting, however the loop has ended."""
        self._closing = self._left = self._over = True
        # A caller who adds one from now on sees that it is over, and tells himself.
        while self._submitted:
            with suppress(KeyError):
                self._submitted.pop().refuse(KeepClosed())
        while self._begun:
            self._begun.pop().refuse(KeepClosed())
        if not self._opened.told:
            self._opened.fail(self._taken_failure() or KeepClosed())
        self._ended.answer(None)
