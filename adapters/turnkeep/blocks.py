"""A block: an async context manager that a thread enters and leaves while it stands in a portal.

One task enters and leaves it, as the async `with` would. What the block raised goes through it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from contextlib import AbstractAsyncContextManager
from queue import SimpleQueue
from types import TracebackType
from typing import Final, Generic, TypeVar

from attrs import define, field

from turnkeep.outcomes import Outcome
from turnkeep.portal import Call, Portal
from turnkeep.portal_errors import KeepClosed

A = TypeVar("A")
B_co = TypeVar("B_co", covariant=True)
T = TypeVar("T")
V = TypeVar("V")


class _End:
    """What follows the last item."""


_END: Final = _End()


@define(eq=False)
class Block(Generic[A, B_co]):
    """A context manager for threads.

    The keep may close while the block runs: then leaving raises `KeepClosed`, unless the block has
    raised something itself.
    """

    _portal: Portal[object]
    _manager: AbstractAsyncContextManager[A]
    _face: Callable[[A], B_co]
    _entered: Outcome[A] = field(factory=Outcome, init=False)
    _left: asyncio.Event = field(factory=asyncio.Event, init=False)
    _error: BaseException | None = field(default=None, init=False)
    _call: Call[bool] | None = field(default=None, init=False)

    def __enter__(self) -> B_co:
        """Enters it, and gives what the block works with.

        Raises:
            RuntimeError: It was entered before.
        """
        if self._call is not None:
            raise RuntimeError("a block is entered once")
        self._call = call = Call(self._stand(), self._tell_entering)
        try:
            self._portal.submit(call)
            self._entered.wait()
        except BaseException:
            self._portal.abandon(call)
            raise
        return self._face(self._entered.result())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> bool:
        """Leaves it; answers whether it took the error of the block for itself."""
        call = self._call
        if call is None:
            raise RuntimeError("a block is left after it was entered")
        self._portal.require_elsewhere()
        self._error = error
        try:
            self._portal.soon(self._left.set)
            call.outcome.wait()
        except BaseException:
            self._portal.abandon(call)
            raise
        try:
            return call.outcome.result()
        except KeepClosed:
            if error is None:
                raise
            return False
        finally:
            if error is not None:
                # It has passed through the portal, which tells its reader nothing.
                error.__traceback__ = trace

    async def _stand(self) -> bool:
        try:
            async with self._manager as entered:
                self._entered.answer(entered)
                await self._left.wait()
                if self._error is not None:
                    raise self._error
        except BaseException as raised:
            # A loop must never see an interruption that was meant for another thread.
            if raised is not self._error:
                raise
            return False
        return self._error is not None

    def _tell_entering(self) -> None:
        if self._call is not None and not self._entered.told:
            self._entered.fail(self._call.outcome.error or KeepClosed())


def iterated(portal: Portal[object], items: AsyncIterator[T]) -> Generator[T, None, None]:
    """The items of an async iterator, each awaited in the portal when it is asked for.

    Closing the generator closes the iterator, where it can be closed.
    """

    async def next_one() -> T | _End:
        return await anext(items, _END)

    try:
        while not isinstance(item := portal.call(next_one()), _End):
            yield item
    finally:
        aclose = getattr(items, "aclose", None)
        if aclose is not None and portal.usable:
            portal.call(aclose())


def telling(
    portal: Portal[object],
    work: Callable[[Callable[[V], object]], Coroutine[object, object, T]],
    tell: Callable[[V], object],
) -> T:
    """Does a piece of work that tells something as it goes; the caller's thread is told.

    So `tell` may block, and may call the keep. Where it raises, the work is cancelled.
    """
    told = SimpleQueue[V | _End]()
    call = Call(work(told.put), lambda: told.put(_END))
    try:
        portal.submit(call)
        while not isinstance(item := told.get(), _End):
            tell(item)
    except BaseException:
        portal.abandon(call)
        raise
    return call.outcome.result()
