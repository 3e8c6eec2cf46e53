"""Telemetry: what the update loop counts, told to whoever listens."""

from __future__ import annotations

from enum import Enum
from typing import Protocol


class Counter(Enum):
    """What is counted, per collection of the command's first key."""

    UPDATES = "updates"
    ATTEMPTS = "attempts"
    CONFLICTS = "conflicts"
    BUSY = "busy"
    LATE = "late"
    UNAVAILABLE = "unavailable"
    NO_OPS = "no_ops"
    DOUBTS_LANDED = "doubts_landed"
    DOUBTS_DEAD = "doubts_dead"
    DOUBTS_OPEN = "doubts_open"
    FENCES = "fences"
    EXHAUSTED = "exhausted"
    PAUSED_MS = "paused_ms"
    ROUNDS = "rounds"  # that took several commands; under the collection of the first one
    FOLDED = "folded"  # commands that shared a commit with others
    IMPATIENT = "impatient"  # attempts that waited no longer for the commits of others
    RECALLED = "recalled"  # commits that were decided on what was last seen


class Telemetry(Protocol):
    """A sink of counts. It must not block; what it raises is logged and changes no answer."""

    def count(self, collection: str, counter: Counter, amount: int) -> None:
        """Adds `amount` (1, or milliseconds for `PAUSED_MS`) to a counter."""
        ...
