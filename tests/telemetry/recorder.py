"""A recorder: an observer that keeps whatever it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Self

from attrs import define, field

from turnkeep_adapters.telemetry.tallies import Tallies
from turnkeep_domain.events import Event
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_ports.observer import Outcome
from turnkeep_ports.telemetry import Counter


@define(eq=False)
class Recorder:
    """What use cases and updates have come to, in the order in which they ended."""

    cases: list[tuple[str, Outcome, str | None]] = field(factory=list, init=False)
    updates: list[tuple[str, Outcome, int, tuple[str, ...]]] = field(factory=list, init=False)
    waited: asyncio.Event = field(factory=asyncio.Event, init=False)
    begun: list[str] = field(factory=list, init=False)
    store: str | None = field(default=None, init=False)
    tallies: Tallies = field(factory=Tallies, init=False)

    def of_store(self, kind: str) -> Self:
        self.store = kind
        return self

    def count(self, collection: str, counter: Counter, amount: int) -> None:
        self.tallies.count(collection, counter, amount)

    def of(self, collection: str, counter: Counter) -> int:
        return self.tallies.of(collection, counter)

    def begin(self, use_case: str) -> RecordedSpan:
        self.begun.append(use_case)
        if use_case == "turns.wait":
            self.waited.set()
        return RecordedSpan(self, use_case)

    def begin_handler(self, run: RunAddress) -> RecordedSpan:
        return self.begin("handler")

    def updated(
        self, collection: str, outcome: Outcome, *, attempts: int, events: Sequence[Event]
    ) -> None:
        kinds = tuple(event.kind for event in events)
        self.updates.append((collection, outcome, attempts, kinds))

    def last(self, use_case: str) -> tuple[Outcome, str | None]:
        """How a use case came out the last time."""
        return next((how, code) for name, how, code in reversed(self.cases) if name == use_case)


@define(eq=False)
class RecordedSpan:
    recorder: Recorder
    name: str

    def end(self, outcome: Outcome, code: str | None) -> None:
        self.recorder.cases.append((self.name, outcome, code))
