"""Randomness: where jitter comes from, injected so that tests can choose it."""

from __future__ import annotations

from typing import Protocol


class Random(Protocol):
    """A source of jitter; no secret depends on it."""

    def below(self, bound: float) -> float:
        """A number in [0, bound); 0 for a bound of 0."""
        ...
