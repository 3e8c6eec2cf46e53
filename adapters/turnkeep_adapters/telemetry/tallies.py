"""Tallies: counts kept in memory, for tests and demonstrations to read."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock

from attrs import define, field

from turnkeep_ports.telemetry import Counter


@define(eq=False)
class Tallies:
    """What was counted so far; any thread may count and read.

    It holds one number for each collection and counter that was ever counted, and nothing else.
    """

    _amounts: dict[tuple[str, Counter], int] = field(factory=dict, init=False)
    _lock: Lock = field(factory=Lock, init=False, repr=False)

    def count(self, collection: str, counter: Counter, amount: int) -> None:
        """Adds `amount` to a counter."""
        with self._lock:
            self._amounts[collection, counter] = self.of(collection, counter) + amount

    def of(self, collection: str, counter: Counter) -> int:
        """How much a collection has counted; 0 where nothing was."""
        return self._amounts.get((collection, counter), 0)

    def total(self, counter: Counter) -> int:
        """How much all collections have counted together."""
        amounts = self.snapshot()
        return sum(amount for (_, counted), amount in amounts.items() if counted is counter)

    def snapshot(self) -> Mapping[tuple[str, Counter], int]:
        """Every count of one moment, in a mapping of the caller's own."""
        with self._lock:
            return dict(self._amounts)
