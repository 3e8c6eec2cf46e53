"""A deadlock: every task waits, and nothing is left that could wake one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import AsyncGeneratorType, CodeType, CoroutineType, FrameType, GeneratorType

from attrs import field, frozen

from turnkeep_domain.errors import TurnkeepError


@frozen
class Deadlock(TurnkeepError):
    """Nothing can ever run again on a virtual loop.

    Attributes:
        waiting: The tasks by name, each with the chain of functions in which it waits.
        due_seconds: How far off the next timer is, which only `VirtualClock.advance` could
            reach; None where no timer waits.
    """

    code = "deadlock"
    sentence = "nothing can run any more{error.hint}: {error.listed}"

    waiting: tuple[str, ...] = field()
    due_seconds: float | None = field(default=None)

    @property
    def hint(self) -> str:
        """What the author of a test run by hand may have forgotten."""
        if self.due_seconds is None:
            return ""
        return f" until time is advanced by {self.due_seconds:g} s"

    @property
    def listed(self) -> str:
        """What waits, in one line."""
        return "; ".join(self.waiting) or "no task is left"


def waiting_tasks(loop: asyncio.AbstractEventLoop) -> tuple[str, ...]:
    """The unfinished tasks of a loop, by name, and where each of them waits."""
    tasks = sorted(asyncio.all_tasks(loop), key=lambda task: task.get_name())
    return tuple(f"{task.get_name()} in {_place(task)}" for task in tasks)


def _place(task: asyncio.Task[object]) -> str:
    return " > ".join(_chain(task.get_coro())) or "code that cannot be seen"


def _chain(awaited: object) -> Iterator[str]:
    while True:
        match awaited:
            case CoroutineType(cr_frame=frame, cr_code=code, cr_await=deeper):
                pass
            case AsyncGeneratorType(ag_frame=frame, ag_code=code, ag_await=deeper):
                pass
            case GeneratorType(gi_frame=frame, gi_code=code, gi_yieldfrom=deeper):
                pass
            case _:
                return
        yield _spot(code, frame)
        awaited = deeper


def _spot(code: CodeType, frame: FrameType | None) -> str:
    # A module's name, never its file: paths of the machine are nobody's business.
    if frame is None:
        return code.co_qualname
    return f"{frame.f_globals.get('__name__', '?')}.{code.co_qualname}:{frame.f_lineno}"
