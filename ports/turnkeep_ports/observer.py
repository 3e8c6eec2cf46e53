"""An observer: a telemetry sink that is told of use cases and of updates, too, as they end."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Protocol, Self, runtime_checkable

from turnkeep_domain.events import Event
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_ports.telemetry import Telemetry


class Outcome(Enum):
    """How a use case, a handler or an update came out."""

    CHANGED = "changed"  # something was stored
    UNCHANGED = "unchanged"  # it might have stored something, and had nothing to
    ANSWERED = "answered"  # it only read
    REFUSED = "refused"  # the rules forbid it
    FAILED = "failed"  # it raised an error
    CANCELLED = "cancelled"
    LEFT = "left"  # a handler whose claim ended first: at a gate, or because it was lost


class Span(Protocol):
    """What an observer has open for one use case. It ends once, in the task that began it."""

    def end(self, outcome: Outcome, code: str | None) -> None:
        """Notes how it came out.

        Args:
            outcome: In one word.
            code: Of the refusal, or of Turnkeep's error; None where there is neither.
        """
        ...


@runtime_checkable
class Observer(Telemetry, Protocol):
    """A sink that is told more. No method may block; what one raises is logged, and harms nothing.

    What it is handed holds ids and amounts, and never a payload. An observer that exports what it
    learns must leave ids out: there is no bound on how many there are.
    """

    def of_store(self, kind: str) -> Self:
        """The same observer for a kind of store.

        Args:
            kind: ``"memory"``, ``"files"``, ``"postgres"``, or ``"composite"`` for several.
        """
        ...

    def begin(self, use_case: str) -> Span:
        """A use case begins in the current task.

        Args:
            use_case: ``<service>.<method>``, one of those that a keep has.
        """
        ...

    def begin_handler(self, run: RunAddress) -> Span:
        """A handler is called for a claimed run, in a task of its own that nobody asked for."""
        ...

    def updated(
        self, collection: str, outcome: Outcome, *, attempts: int, events: Sequence[Event]
    ) -> None:
        """An update has ended, in the task that asked for it.

        Args:
            collection: Of its first key.
            outcome: `CHANGED`, `UNCHANGED`, `REFUSED`, `FAILED` or `CANCELLED`.
            attempts: How many it took, 0 where there was no time for one.
            events: What was stored of what it told; nothing unless that is certain.
        """
        ...
