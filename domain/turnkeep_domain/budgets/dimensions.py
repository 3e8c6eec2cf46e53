"""A dimension: one of the eight things that a budget counts, each in its own unit."""

from __future__ import annotations

from enum import Enum
from typing import Final


class Dimension(Enum):
    """What is counted, in canonical order: six counters, then two gauges.

    A counter is used up: what is spent of it is charged to a window of time. A gauge is occupied
    for a while: it counts what is held now, whatever the window, and is never charged.
    """

    USD_NANO = "usd_nano"
    INPUT_TOKENS = "input_tokens"
    OUTPUT_TOKENS = "output_tokens"
    WALL_CLOCK_MS = "wall_clock_ms"
    OUTPUT_BYTES = "output_bytes"
    EGRESS_BYTES = "egress_bytes"
    PROCESSES = "processes"
    CONCURRENCY_SLOTS = "concurrency_slots"

    @property
    def is_gauge(self) -> bool:
        """Whether it is occupied, not used up."""
        return self in GAUGES


DIMENSIONS: Final = tuple(Dimension)
"""All, in canonical order: the place of an amount in a tally is the place of its dimension here."""

COUNTERS: Final = DIMENSIONS[:6]
GAUGES: Final = DIMENSIONS[6:]
