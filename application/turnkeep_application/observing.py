"""Observing: telling an observer what use cases, handlers and updates come to.

Whatever the observer raises is logged, and changes nothing. What an update changes is noted for
every use case that it is a part of, in the context of the task that asked for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextvars import ContextVar
from typing import Final, TypeAlias, TypeVar

from attrs import define, field

from turnkeep_domain.decisions import Refused
from turnkeep_domain.events import Event
from turnkeep_ports.observer import Observer, Outcome, Span

T = TypeVar("T")

_LOG: Final = logging.getLogger("turnkeep")

Step: TypeAlias = Callable[[], Coroutine[object, object, T]]


@define(eq=False)
class UseCase:
    """A use case, or a handler, under way: what its updates have come to so far.

    Attributes:
        updates: Whether it has tried to change anything.
        changed: Whether it has changed anything.
    """

    within: UseCase | None
    updates: bool = field(default=False, init=False)
    changed: bool = field(default=False, init=False)

    def note(self, *, changed: bool) -> None:
        """Takes notice of an update, for itself and for what it is a part of."""
        self.updates = True
        self.changed = self.changed or changed
        if self.within is not None:
            self.within.note(changed=changed)

    @property
    def outcome(self) -> Outcome:
        """How it came out, if it was not refused."""
        if self.changed:
            return Outcome.CHANGED
        return Outcome.UNCHANGED if self.updates else Outcome.ANSWERED


_CASE: Final[ContextVar[UseCase | None]] = ContextVar("turnkeep_use_case", default=None)


def tell_update(
    observer: Observer,
    collection: str,
    outcome: Outcome,
    *,
    attempts: int,
    events: Sequence[Event],
) -> None:
    """Tells of an update that has ended; never raises."""
    case = _CASE.get()
    if case is not None:
        case.note(changed=outcome is Outcome.CHANGED)
    try:
        observer.updated(collection, outcome, attempts=attempts, events=events)
    except Exception:  # noqa: BLE001 - a sink of any make must not cost a decision
        _LOG.warning("the telemetry sink failed to note an update", exc_info=True)


def code_of(reason: object) -> str | None:
    """The stable code of a refusal or an error: its class's, never a word of a host's."""
    code = getattr(type(reason), "code", None)
    return code if isinstance(code, str) else None


async def told(
    step: Step[T], begin: Callable[[], Span], *, named: Callable[[Exception], str | None] = code_of
) -> T:
    """Takes a step within a span; answers and raises what the step does."""
    within = _CASE.get()
    case = UseCase(within)
    span = _begun(begin)
    _CASE.set(case)
    outcome, code = Outcome.FAILED, None
    try:
        answer = await step()
        if isinstance(answer, Refused):
            outcome, code = Outcome.REFUSED, code_of(answer.reason)
        else:
            outcome = case.outcome
    except asyncio.CancelledError:
        outcome = Outcome.CANCELLED
        raise
    except Exception as error:
        code = named(error)
        raise
    except BaseException:
        # What no handler is to catch, and the exits of the interpreter.
        outcome = Outcome.LEFT
        raise
    finally:
        _CASE.set(within)
        _end(span, outcome, code)
    return answer


def _begun(begin: Callable[[], Span]) -> Span | None:
    try:
        return begin()
    except Exception:  # noqa: BLE001 - a sink of any make must not cost an answer
        _LOG.warning("the telemetry sink failed to begin a span", exc_info=True)
        return None


def _end(span: Span | None, outcome: Outcome, code: str | None) -> None:
    if span is None:
        return
    try:
        span.end(outcome, code)
    except Exception:  # noqa: BLE001 - a sink of any make must not cost an answer
        _LOG.warning("the telemetry sink failed to end a span", exc_info=True)
