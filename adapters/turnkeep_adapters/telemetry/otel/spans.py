"""A span: one use case, or one call of a handler, as OpenTelemetry records it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextvars import Token
from typing import Final, Self

from attrs import define, field
from opentelemetry import context as contexts
from opentelemetry import metrics, trace

from turnkeep_ports.observer import Outcome

OUTCOME: Final = "turnkeep.outcome"
REFUSAL: Final = "turnkeep.refusal"
ERROR_TYPE: Final = "error.type"
_OTHER: Final = "_OTHER"
"""What the semantic conventions call an error that the instrumentation has no name for."""


@define(eq=False, kw_only=True)
class OpenSpan:
    """A span that is current until it ends; it is timed, too.

    Attributes:
        about: What the duration is told with, besides how it ended.
    """

    span: trace.Span
    about: Mapping[str, str]
    duration: metrics.Histogram
    _token: Token[contexts.Context] = field(alias="token")
    _began: float = field(factory=time.perf_counter, init=False)

    @classmethod
    def begun(
        cls,
        span: trace.Span,
        *,
        about: Mapping[str, str],
        duration: metrics.Histogram,
        within: contexts.Context | None,
    ) -> Self:
        """The span, made the current one; of the context given, or of the present one."""
        token = contexts.attach(trace.set_span_in_context(span, within))
        return cls(span=span, about=about, duration=duration, token=token)

    def end(self, outcome: Outcome, code: str | None) -> None:
        """Ends the span, and puts back the context that it was begun in."""
        seconds = time.perf_counter() - self._began
        ended = _ended(outcome, code)
        self.span.set_attributes(ended)
        if outcome is Outcome.FAILED:
            self.span.set_status(trace.StatusCode.ERROR)
        # A coroutine that nobody awaits any more is closed in whatever context that happens.
        if trace.get_current_span() is self.span:
            contexts.detach(self._token)
        self.span.end()
        self.duration.record(seconds, {**self.about, **ended})


def _ended(outcome: Outcome, code: str | None) -> dict[str, str]:
    ended = {OUTCOME: outcome.value}
    if outcome is Outcome.REFUSED and code is not None:
        ended[REFUSAL] = code
    if outcome is Outcome.FAILED:
        ended[ERROR_TYPE] = code or _OTHER
    return ended
