"""A chronicle: what the event log tells of the runs of one tenant, folded event by event."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from attrs import define, field, frozen

FINAL: Final = frozenset({"completed", "failed", "cancelled"})
_CLAIMED: Final = "run.claimed"
_SUBMITTED: Final = "run.submitted"
# Events that tell of something beside the run's own state.
_ASIDE: Final = frozenset({"run.routed", "run.effect_settled", "run.effect_uncertain"})
# From which states an event may come.
_STEPS: Final = {
    _CLAIMED: frozenset({"queued"}),
    "run.blocked": frozenset({"running"}),
    "run.resumed": frozenset({"blocked"}),
    "run.requeued": frozenset({"running", "needs_operator"}),
    "run.cancel_requested": frozenset({"running"}),
    "run.cancelled": frozenset({"queued", "blocked", "needs_operator", "cancel_requested"}),
    "run.completed": frozenset({"running"}),
    "run.failed": frozenset({"running", "needs_operator"}),
    "run.needs_operator": frozenset({"running"}),
}


@frozen(kw_only=True)
class Fact:
    """An event of a run, in plain values.

    Attributes:
        run: The id of the run.
        thread: Its scope in one text.
        at: When; None of an event that cannot be read, whose kind says why.
        version: The run's, after it.
        status: The run's state after it.
        epoch: Of a claim, the fence that it took.
        cursor: Its place in the log.
    """

    run: str
    thread: str
    kind: str
    at: datetime | None
    version: int
    status: str
    epoch: int | None
    cursor: bytes = field(repr=False)


@frozen
class Gap:
    """Events were trimmed away before they could be read."""


@define
class Told:
    """One run, as its events tell it.

    Attributes:
        status: Where they lead.
        claims: How often it was claimed.
        requeued: How often a claim of it ended early, and it went back to the queue.
        disorder: What is wrong with the order of its events, if anything is.
    """

    status: str = "absent"
    claims: int = 0
    requeued: int = 0
    disorder: str | None = None
    _version: int = 0
    _at: datetime | None = None

    def take(self, fact: Fact) -> None:
        """Folds one event more."""
        wrong = self._wrong(fact)
        if self.disorder is None:
            self.disorder = wrong
        self._at, self._version = fact.at or self._at, fact.version
        if fact.kind not in _ASIDE:
            self.status = fact.status
        self.claims += fact.kind == _CLAIMED
        self.requeued += fact.kind == "run.requeued"

    def _wrong(self, fact: Fact) -> str | None:
        if self._at is not None and fact.at is not None and fact.at < self._at:
            return f"{fact.kind} is older than the event before"
        if fact.version < self._version:
            return f"{fact.kind} at version {fact.version} after {self._version}"
        if fact.kind in _ASIDE:
            return None
        if fact.kind == _SUBMITTED:
            return None if self.status == "absent" else f"{fact.kind} where it was {self.status}"
        if fact.kind not in _STEPS:
            return f"an event that says nothing ({fact.kind})"
        if self.status not in _STEPS[fact.kind]:
            return f"{fact.kind} where it was {self.status}"
        return None


@define
class Chronicle:
    """What the event log tells of every run, and of every thread.

    Attributes:
        events: How many were read.
        runs: What is told of each run, by its id.
        disorder: What is wrong with the log as a whole, if anything is.
        overlaps: Where a run was submitted or claimed before the one before it had ended.
    """

    events: int = 0
    runs: dict[str, Told] = field(factory=dict, repr=False)
    disorder: str | None = None
    overlaps: list[str] = field(factory=list)
    _cursor: bytes | None = None
    _active: dict[str, str] = field(factory=dict, repr=False)
    _fences: dict[str, int] = field(factory=dict, repr=False)

    def take(self, fact: Fact | Gap) -> None:
        """Folds one event more, in the order of the log."""
        if isinstance(fact, Gap):
            self.disorder = "events were trimmed before they were read"
            return
        if fact.cursor == self._cursor:
            self.disorder = "two events have one cursor"
        self._cursor = fact.cursor
        self.events += 1
        self._guard(fact)
        self.runs.setdefault(fact.run, Told()).take(fact)

    def _guard(self, fact: Fact) -> None:
        """One run of a thread at any time, and no fence twice."""
        active = self._active.get(fact.thread)
        if active not in (None, fact.run):
            self.overlaps.append(f"{fact.kind} of {fact.run} while {active} was active")
        if fact.epoch is not None:
            if fact.epoch <= self._fences.get(fact.thread, 0):
                self.overlaps.append(f"{fact.run} was claimed under an old fence")
            self._fences[fact.thread] = fact.epoch
        if fact.kind in _ASIDE:
            return
        if fact.status in FINAL:
            self._active.pop(fact.thread, None)
        else:
            self._active[fact.thread] = fact.run
