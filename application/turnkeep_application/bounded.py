"""A bounded await: it ends at the deadline, whatever the awaited call does about it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Final, TypeVar

from turnkeep_ports.clock import Deadline

T = TypeVar("T")

# The event loop holds tasks weakly; a call that ignores its cancellation must not vanish halfway.
_ABANDONED: Final[set[asyncio.Task[object]]] = set()


class DeadlinePassed(Exception):
    """The deadline came before the call had answered; the call was cancelled."""


async def bounded(call: Coroutine[object, object, T], deadline: Deadline) -> T:
    """Awaits a call, at most until the deadline.

    The call runs in a task of its own, so that one that swallows its cancellation cannot hold its
    caller: at the deadline it is cancelled and left alone. When the caller is cancelled, the call
    is cancelled too and may clean up until the deadline.

    Raises:
        DeadlinePassed: The call had not answered in time; what it did is not known.
    """
    task = asyncio.ensure_future(call)
    try:
        await _first_of(task, deadline)
    except asyncio.CancelledError:
        task.cancel()
        try:
            await _first_of(task, deadline)
        finally:
            _abandon(task)
        raise
    except BaseException:  # the caller's coroutine is closed
        _abandon(task)
        raise
    if not task.done():
        _abandon(task)
        raise DeadlinePassed
    if task.cancelled():
        raise RuntimeError("a call cancelled itself")
    return task.result()


async def _first_of(task: asyncio.Task[T], deadline: Deadline) -> None:
    """Returns when the task is done or the deadline has come."""
    woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def wake(_: object = None) -> None:
        if not woken.done():
            woken.set_result(None)

    task.add_done_callback(wake)
    timer = deadline.clock.call_at(deadline.at, wake)
    try:
        await woken
    finally:
        timer.cancel()
        task.remove_done_callback(wake)


def _abandon(task: asyncio.Task[T]) -> None:
    task.cancel()
    _ABANDONED.add(task)
    task.add_done_callback(_forget)


def _forget(task: asyncio.Task[T]) -> None:
    _ABANDONED.discard(task)
    if not task.cancelled():
        task.exception()  # retrieved, so that the event loop does not report it as overlooked
