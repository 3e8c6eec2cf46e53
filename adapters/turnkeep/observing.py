"""Observing: what a host hands to `open_keep`, so that OpenTelemetry is told of its keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from turnkeep.extras import MissingExtra
from turnkeep_ports.observer import Observer

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

_API: Final = "opentelemetry"


def open_telemetry(
    *, tracers: TracerProvider | None = None, meters: MeterProvider | None = None
) -> Observer:
    """An observer that hands spans and metrics to OpenTelemetry (extra ``otel``).

    It uses the API alone. What exports them, and whether anything does, the host decides by the
    SDK that it sets up. No id, scope, text or payload is told.

    Args:
        tracers: Where spans go; None for the global provider.
        meters: Where metrics go; None for the global provider.

    Raises:
        MissingExtra: The extra is not installed.
    """
    try:
        # The base install has no OpenTelemetry, and must be able to say so.
        from turnkeep_adapters.telemetry.otel.open_telemetry import OpenTelemetry  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != _API:
            raise
        raise MissingExtra("otel") from error
    return OpenTelemetry.of(tracers=tracers, meters=meters)
