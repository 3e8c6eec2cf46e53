"""A judgement: a law of a store, told by a coroutine that pytest runs as a plain test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import wraps
from typing import Final, TypeVar

from turnkeep.testing.harness import Harness

L = TypeVar("L")

_ENDING_SECONDS: Final = 2.0


def law(
    judge: Callable[[L, Harness], Coroutine[object, object, None]],
) -> Callable[[L, Harness], None]:
    """Makes a test of a coroutine method that takes a harness; no plugin is needed.

    The test has an event loop of its own and fails once the harness's `hang_seconds` have passed,
    unless the store blocks the loop itself. Whatever fails carries the law's first docstring line
    as a note, so that a report says which law was broken.
    """

    @wraps(judge)
    def test(self: L, harness: Harness) -> None:
        try:
            _run(judge(self, harness), harness.hang_seconds)
        except Exception as error:
            error.add_note(f"broken law: {(judge.__doc__ or judge.__name__).splitlines()[0]}")
            raise

    return test


def _run(judgement: Coroutine[object, object, None], seconds: float) -> None:
    # Not asyncio.Runner: its end waits for ever for a task that swallows its cancellation.
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(_judged(judgement, seconds))
    finally:
        loop.close()


async def _judged(judgement: Coroutine[object, object, None], seconds: float) -> None:
    task = asyncio.ensure_future(judgement)
    try:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            raise AssertionError(f"no end within {seconds:g} s, waiting in {_place_of(task)}")
        task.result()
    finally:
        await _end_others()


async def _end_others() -> None:
    """Cancels what a law has left running; what does not end in time is abandoned."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others, timeout=_ENDING_SECONDS)
    loop = asyncio.get_running_loop()
    with suppress(TimeoutError):
        async with asyncio.timeout(_ENDING_SECONDS):
            await loop.shutdown_asyncgens()
            await loop.shutdown_default_executor()


def _place_of(task: asyncio.Task[None]) -> str:
    frame = task.get_stack()[-1]
    return f"{frame.f_code.co_qualname}, line {frame.f_lineno}"
