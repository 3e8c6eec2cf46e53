"""An instrument: a counter or a histogram of OpenTelemetry, with its name, unit and boundaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Self

from attrs import frozen
from opentelemetry import metrics

from turnkeep_ports.telemetry import Counter

COUNTED: Final[Mapping[Counter, tuple[str, str, str]]] = {
    Counter.UPDATES: ("turnkeep.updates", "{update}", "Updates that began"),
    Counter.ATTEMPTS: ("turnkeep.update.attempts", "{attempt}", "Attempts of updates"),
    Counter.CONFLICTS: ("turnkeep.update.conflicts", "{attempt}", "Attempts that lost a race"),
    Counter.BUSY: ("turnkeep.update.busy", "{attempt}", "Attempts that met a taken lock"),
    Counter.LATE: ("turnkeep.update.late", "{attempt}", "Attempts whose deadline had come"),
    Counter.UNAVAILABLE: (
        "turnkeep.update.unavailable",
        "{attempt}",
        "Attempts that the store did not serve",
    ),
    Counter.NO_OPS: ("turnkeep.update.no_ops", "{update}", "Updates that stored nothing"),
    Counter.DOUBTS_LANDED: (
        "turnkeep.update.doubts_landed",
        "{commit}",
        "Commits of unknown fate that were found to have landed",
    ),
    Counter.DOUBTS_DEAD: (
        "turnkeep.update.doubts_dead",
        "{commit}",
        "Commits of unknown fate that were proven never to land",
    ),
    Counter.DOUBTS_OPEN: (
        "turnkeep.update.doubts_open",
        "{commit}",
        "Commits whose fate was unknown when their update ended",
    ),
    Counter.FENCES: ("turnkeep.update.fences", "{commit}", "Commits that only ended a doubt"),
    Counter.EXHAUSTED: (
        "turnkeep.update.exhausted",
        "{update}",
        "Updates that ran out of attempts or time",
    ),
    Counter.PAUSED_MS: ("turnkeep.update.paused", "s", "Time between attempts"),
    Counter.ROUNDS: ("turnkeep.rounds", "{round}", "Rounds that took several updates"),
    Counter.FOLDED: (
        "turnkeep.round.folded",
        "{update}",
        "Updates that shared a commit with others",
    ),
    Counter.IMPATIENT: (
        "turnkeep.round.impatient",
        "{attempt}",
        "Attempts that waited no longer for the commits of others",
    ),
    Counter.RECALLED: (
        "turnkeep.update.recalled",
        "{commit}",
        "Commits that were decided on what was last seen",
    ),
}
"""Name, unit and description of what the port counts."""

EVENTS: Final = ("turnkeep.events", "{event}", "Events that were stored")
RESERVED: Final = ("turnkeep.budget.reserved", "1", "Estimates that were reserved")
SPENT: Final = ("turnkeep.budget.spent", "1", "Use that was charged")
OVERRUN: Final = ("turnkeep.budget.overrun", "1", "Use beyond what was reserved")
EFFORT: Final = ("turnkeep.update.effort", "{attempt}", "Attempts that one update took")
DURATION: Final = ("turnkeep.use_case.duration", "s", "How long a use case or a handler took")
AGE: Final = ("turnkeep.lease.age", "s", "Age of a lease's tenure, or a run's claim, at its end")
USED: Final = ("turnkeep.budget.used", "1", "What was used, as a share of what was reserved")

ATTEMPTS_UP_TO: Final[Sequence[float]] = (1, 2, 3, 5, 8, 13, 21, 32)
"""The last one is the most that an update makes by default."""
SECONDS_UP_TO: Final[Sequence[float]] = (
    *(0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1, 2.5, 5, 15, 60, 600),
)
"""15 s is the deadline of an update; minutes are what handlers take."""
AGES_UP_TO: Final[Sequence[float]] = (
    0.1,
    0.5,
    1,
    5,
    15,
    30,
    60,
    90,
    180,
    600,
    1_800,
    3_600,
    14_400,
    86_400,
)
"""90 s is the lease of a run, unless its worker is there to extend it."""
SHARES_UP_TO: Final[Sequence[float]] = (
    0.05,
    0.1,
    0.25,
    0.5,
    0.75,
    0.9,
    1,
    1.1,
    1.25,
    1.5,
    2,
    5,
    10,
)
"""Above 1 lies an over-run."""


@frozen(kw_only=True)
class Instruments:
    """Everything that is measured."""

    counted: Mapping[Counter, metrics.Counter]
    events: metrics.Counter
    reserved: metrics.Counter
    spent: metrics.Counter
    overrun: metrics.Counter
    effort: metrics.Histogram
    duration: metrics.Histogram
    age: metrics.Histogram
    used: metrics.Histogram

    @classmethod
    def of(cls, meter: metrics.Meter) -> Self:
        """The instruments of a meter."""

        def sum_of(name: str, unit: str, description: str) -> metrics.Counter:
            return meter.create_counter(name, unit=unit, description=description)

        def spread_of(
            name: str, unit: str, description: str, boundaries: Sequence[float]
        ) -> metrics.Histogram:
            return meter.create_histogram(
                name,
                unit=unit,
                description=description,
                explicit_bucket_boundaries_advisory=boundaries,
            )

        return cls(
            counted={counter: sum_of(*COUNTED[counter]) for counter in Counter},
            events=sum_of(*EVENTS),
            reserved=sum_of(*RESERVED),
            spent=sum_of(*SPENT),
            overrun=sum_of(*OVERRUN),
            effort=spread_of(*EFFORT, ATTEMPTS_UP_TO),
            duration=spread_of(*DURATION, SECONDS_UP_TO),
            age=spread_of(*AGE, AGES_UP_TO),
            used=spread_of(*USED, SHARES_UP_TO),
        )
