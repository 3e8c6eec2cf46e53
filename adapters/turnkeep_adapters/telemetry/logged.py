"""Logged telemetry: use cases and updates as lines of Python's logging, at debug level."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Final, Self

from attrs import define, evolve, field, frozen

from turnkeep_domain.events import Event
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_ports.observer import Outcome
from turnkeep_ports.telemetry import Counter

_LOG: Final = logging.getLogger("turnkeep.telemetry")
_MILLISECONDS: Final = 1_000
# The line of the update tells these already.
_TOLD: Final = frozenset({Counter.UPDATES, Counter.ATTEMPTS, Counter.NO_OPS})


@frozen
class LoggedTelemetry:
    """Telemetry for whoever debugs a host: the logger is `turnkeep.telemetry`.

    Lines hold words of Turnkeep's own and numbers: no id, no scope, no text of a host's. Where the
    level is above debug, nothing is put together.
    """

    _store: str = field(default="", alias="store")

    def of_store(self, kind: str) -> Self:
        """The same; its lines name the kind of store, too."""
        return evolve(self, store=f"{kind} ")

    def count(self, collection: str, counter: Counter, amount: int) -> None:
        """Notes what does not happen in every update."""
        if counter not in _TOLD and _LOG.isEnabledFor(logging.DEBUG):
            _LOG.debug("%s%s: %s +%d", self._store, collection, counter.value, amount)

    def begin(self, use_case: str) -> LoggedSpan:
        """Begins to time a use case."""
        return LoggedSpan(f"{self._store}{use_case}")

    def begin_handler(self, run: RunAddress) -> LoggedSpan:
        """Begins to time a handler."""
        del run
        return LoggedSpan(f"{self._store}handler")

    def updated(
        self, collection: str, outcome: Outcome, *, attempts: int, events: Sequence[Event]
    ) -> None:
        """Notes an update, and the kinds of what it tells."""
        if _LOG.isEnabledFor(logging.DEBUG):
            kinds = ", ".join(event.kind for event in events) or "nothing told"
            _LOG.debug(
                "%s%s: %s after %d attempts, %s",
                self._store,
                collection,
                outcome.value,
                attempts,
                kinds,
            )


@define(eq=False)
class LoggedSpan:
    """A use case that is being timed."""

    name: str
    _began: float = field(factory=time.perf_counter, init=False)

    def end(self, outcome: Outcome, code: str | None) -> None:
        """Notes how it ended, and after how long."""
        if _LOG.isEnabledFor(logging.DEBUG):
            spent = (time.perf_counter() - self._began) * _MILLISECONDS
            why = "" if code is None else f" ({code})"
            _LOG.debug("%s: %s%s in %.1f ms", self.name, outcome.value, why, spent)
