"""A tally: the counters of one update, under the collection of its first key."""

from __future__ import annotations

import logging
from typing import Final

from attrs import frozen

from turnkeep_ports.telemetry import Counter, Telemetry

_LOG: Final = logging.getLogger("turnkeep")


@frozen
class Tally:
    """Counts for one collection; a broken sink is logged and changes no answer."""

    telemetry: Telemetry
    collection: str

    def count(self, counter: Counter, amount: int = 1) -> None:
        """Adds to a counter; never raises."""
        try:
            self.telemetry.count(self.collection, counter, amount)
        except Exception:  # noqa: BLE001 - a sink of any make must not cost a decision
            _LOG.warning("the telemetry sink failed to count %s", counter.value, exc_info=True)
