"""An ear: OpenTelemetry's SDK, whose exporters keep in memory what they are given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from attrs import define, field
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader, Metric
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from turnkeep import Observer, open_telemetry

_Point = Any  # the SDK's points differ by instrument, and share their attributes alone
OF_STORE: Final = "turnkeep.store"


@define(eq=False)
class Ear:
    """What Turnkeep has told OpenTelemetry."""

    _spans: InMemorySpanExporter = field(factory=InMemorySpanExporter, init=False)
    _metrics: InMemoryMetricReader = field(factory=InMemoryMetricReader, init=False)
    tracers: TracerProvider = field(factory=lambda: TracerProvider(shutdown_on_exit=False))
    meters: MeterProvider = field(init=False)
    observer: Observer = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self.meters = MeterProvider(metric_readers=[self._metrics], shutdown_on_exit=False)
        self.observer = open_telemetry(tracers=self.tracers, meters=self.meters)

    # ---- spans ----------------------------------------------------------------------------------

    def spans(self, name: str | None = None) -> list[ReadableSpan]:
        """Those that have ended, in that order."""
        ended = self._spans.get_finished_spans()
        return [span for span in ended if name is None or span.name == name]

    def span(self, name: str) -> ReadableSpan:
        """The only one of a name."""
        (found,) = self.spans(name)
        return found

    # ---- metrics --------------------------------------------------------------------------------

    def instruments(self) -> dict[str, Metric]:
        """Every instrument that was used, by name."""
        data = self._metrics.get_metrics_data()
        if data is None:
            return {}
        return {
            metric.name: metric
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def points(self, name: str) -> list[_Point]:
        """What an instrument has, for each set of attributes."""
        metric = self.instruments().get(name)
        return [] if metric is None else list(metric.data.data_points)

    def total(self, name: str, **attributes: str) -> float:
        """The sum of a counter over all sets of attributes that have these."""
        return float(sum(point.value for point in self._matching(name, attributes)))

    def spread(self, name: str, **attributes: str) -> list[HistogramDataPoint]:
        """What a histogram has where these attributes are."""
        return list(self._matching(name, attributes))

    def everything(self) -> Iterator[tuple[str, object]]:
        """Every name and value that was exported, beside times and numbers."""
        for span in self.spans():
            yield "name", span.name
            yield from (span.attributes or {}).items()
            yield "status", span.status.description
            for event in span.events:
                yield "event", event.name
                yield from (event.attributes or {}).items()
            for link in span.links:
                yield from (link.attributes or {}).items()
        for name, metric in self.instruments().items():
            yield "name", name
            for point in metric.data.data_points:
                yield from (point.attributes or {}).items()

    def _matching(self, name: str, attributes: Mapping[str, str]) -> Iterator[_Point]:
        wanted = {f"turnkeep.{key}": value for key, value in attributes.items()}
        for point in self.points(name):
            if wanted.items() <= dict(point.attributes).items():
                yield point
