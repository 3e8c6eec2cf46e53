"""Silence: a sink that drops every count."""

from __future__ import annotations

from attrs import frozen

from turnkeep_ports.telemetry import Counter


@frozen
class SilentTelemetry:
    """Telemetry for a host that listens to none."""

    def count(self, collection: str, counter: Counter, amount: int) -> None:
        """Does nothing."""
        del collection, counter, amount
