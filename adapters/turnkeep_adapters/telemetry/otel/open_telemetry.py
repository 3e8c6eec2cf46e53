"""OpenTelemetry: spans of use cases and handlers, and metrics of everything that is counted.

Attributes are words of Turnkeep's own, a few hundred in all: a collection, a use case, an outcome,
a code, a kind of event, a dimension, a kind of store. No id, no scope, no text and no payload is
ever one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Final, Self

from attrs import evolve, field, frozen
from opentelemetry import context as contexts
from opentelemetry import metrics, trace

from turnkeep_adapters.telemetry.otel.instruments import Instruments
from turnkeep_adapters.telemetry.otel.ledger import COLLECTION, STORE, Ledger
from turnkeep_adapters.telemetry.otel.recollection import Recollection
from turnkeep_adapters.telemetry.otel.spans import OUTCOME, OpenSpan
from turnkeep_domain.events import Event
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.events import RunSubmitted
from turnkeep_ports.observer import Outcome
from turnkeep_ports.telemetry import Counter

USE_CASE: Final = "turnkeep.use_case"
ATTEMPTS: Final = "turnkeep.attempts"
HANDLER: Final = "handler"
_SCOPE: Final = "turnkeep"
_MILLISECONDS: Final = 1_000


@frozen(kw_only=True)
class OpenTelemetry:
    """An observer that hands everything to OpenTelemetry's API. Any thread may use it.

    Where the host has set up no SDK, the API drops it all.
    """

    _tracer: trace.Tracer = field(alias="tracer")
    _instruments: Instruments = field(alias="instruments")
    _ledger: Ledger = field(alias="ledger", repr=False)
    _submitters: Recollection[str, trace.SpanContext] = field(
        alias="submitters", factory=Recollection, repr=False
    )
    _about: Mapping[str, str] = field(alias="about", factory=dict)

    @classmethod
    def of(
        cls,
        *,
        tracers: trace.TracerProvider | None = None,
        meters: metrics.MeterProvider | None = None,
    ) -> Self:
        """An observer over these providers; over the global ones unless given."""
        release = version("turnkeep")
        meter = metrics.get_meter(_SCOPE, release, meters)
        instruments = Instruments.of(meter)
        return cls(
            tracer=trace.get_tracer(_SCOPE, release, tracers),
            instruments=instruments,
            ledger=Ledger(instruments=instruments),
        )

    def of_store(self, kind: str) -> Self:
        """The same, and every attribute set names the kind of store, too."""
        return evolve(self, about={**self._about, STORE: kind})

    def count(self, collection: str, counter: Counter, amount: int) -> None:
        """Adds to a counter; a time is told in seconds."""
        told = amount / _MILLISECONDS if counter is Counter.PAUSED_MS else amount
        self._instruments.counted[counter].add(told, {**self._about, COLLECTION: collection})

    def begin(self, use_case: str) -> OpenSpan:
        """Begins a span within the host's current one."""
        about = {**self._about, USE_CASE: use_case}
        span = self._tracer.start_span(f"turnkeep.{use_case}", attributes=about)
        return self._begun(span, about, None)

    def begin_handler(self, run: RunAddress) -> OpenSpan:
        """Begins a trace, for nobody waits for it; it has a link to who submitted the run.

        The submitter is known where it was the same process, not long ago.
        """
        about = {**self._about, USE_CASE: HANDLER}
        submitter = self._submitters.find(run.id)
        root = contexts.Context()
        span = self._tracer.start_span(
            f"turnkeep.{HANDLER}",
            root,
            kind=trace.SpanKind.CONSUMER,
            attributes=about,
            links=() if submitter is None else (trace.Link(submitter),),
        )
        return self._begun(span, about, root)

    def updated(
        self, collection: str, outcome: Outcome, *, attempts: int, events: Sequence[Event]
    ) -> None:
        """Records what an update took, in the metrics and in the current span."""
        told = {**self._about, COLLECTION: collection, OUTCOME: outcome.value}
        self._instruments.effort.record(attempts, told)
        span = trace.get_current_span()
        span.add_event("turnkeep.update", {**told, ATTEMPTS: attempts})
        for event in events:
            if isinstance(event, RunSubmitted) and span.get_span_context().is_valid:
                self._submitters.keep(event.run, span.get_span_context())
            self._ledger.take(event, self._about)

    def _begun(
        self, span: trace.Span, about: Mapping[str, str], within: contexts.Context | None
    ) -> OpenSpan:
        duration = self._instruments.duration
        return OpenSpan.begun(span, about=about, duration=duration, within=within)
