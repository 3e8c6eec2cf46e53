"""A figure: two sides measured in turns in one run, and their ratio to a goal.

Absolute times are printed, never compared.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from enum import Enum
from typing import TypeAlias, assert_never

from attrs import field, frozen
from attrs.validators import instance_of, min_len


class Unit(Enum):
    """What is counted."""

    SECONDS = "seconds"
    BYTES = "bytes"


@frozen(kw_only=True)
class Side:
    """One side of a ratio.

    Attributes:
        name: What was measured.
        rounds: The seconds that one operation took on average, for each round in order; or the
            bytes that it took.
        unit: Which of them; the same on both sides of a ratio.
    """

    name: str
    rounds: tuple[float, ...] = field(validator=[instance_of(tuple), min_len(1)])
    unit: Unit = Unit.SECONDS

    @property
    def seconds(self) -> float:
        """The median of the rounds, in its unit."""
        return statistics.median(self.rounds)


@frozen
class AtMost:
    """A goal for costs: our time may be so many times the peer's."""

    limit: float

    def ratio(self, ours: float, peer: float) -> float:
        """How often the peer's time fits into ours."""
        return ours / peer

    def is_met(self, ratio: float) -> bool:
        """Whether a ratio reaches the goal."""
        return ratio <= self.limit


@frozen
class AtLeast:
    """A goal for throughput: our rate must be so many times the peer's."""

    limit: float

    def ratio(self, ours: float, peer: float) -> float:
        """Our rate as a multiple of the peer's, from the seconds of one operation."""
        return peer / ours

    def is_met(self, ratio: float) -> bool:
        """Whether a ratio reaches the goal."""
        return ratio >= self.limit


Goal: TypeAlias = AtMost | AtLeast


@frozen(kw_only=True)
class Ratio:
    """What was measured against what, and how far apart they may be.

    Attributes:
        name: Which of the figure's ratios it is; empty where there is only one.
        ours: Turnkeep's side.
        peer: The side that it is measured against.
    """

    name: str
    ours: Side
    peer: Side
    goal: Goal

    @property
    def value(self) -> float:
        """The ratio of the medians."""
        return self.goal.ratio(self.ours.seconds, self.peer.seconds)

    @property
    def spread(self) -> tuple[float, float]:
        """The least and the greatest ratio of a round: how noisy the machine was."""
        rounds = [
            self.goal.ratio(ours, peer)
            for ours, peer in zip(self.ours.rounds, self.peer.rounds, strict=True)
        ]
        return min(rounds), max(rounds)

    @property
    def is_met(self) -> bool:
        """Whether the goal is reached."""
        return self.goal.is_met(self.value)

    def line(self) -> str:
        """The ratio as a line of the table."""
        match self.goal:
            case AtMost(limit):
                sign, shown = "<=", _cost
            case AtLeast(limit):
                sign, shown = ">=", _rate
            case _:
                assert_never(self.goal)
        verdict = "met" if self.is_met else "missed"
        least, greatest = self.spread
        return (
            f"{self.name:<26} {self.value:6.2f}x (goal {sign} {limit:g}x, {verdict};"
            f" rounds {least:.2f} to {greatest:.2f})  {shown(self.ours)} against {shown(self.peer)}"
        )

    def facts(self) -> dict[str, object]:
        """The ratio for programs."""
        bound = "at_most" if isinstance(self.goal, AtMost) else "at_least"
        return {
            "name": self.name,
            "ratio": self.value,
            bound: self.goal.limit,
            "is_met": self.is_met,
            "ours": _facts(self.ours),
            "peer": _facts(self.peer),
        }


@frozen(kw_only=True)
class Figure:
    """What one benchmark found.

    Attributes:
        number: Its name in the documents, for example ``"P8"``.
        ratios: None where all of it was left out.
        remarks: What must be known to read them, for example what was left out, and why.
    """

    number: str
    title: str
    ratios: tuple[Ratio, ...]
    remarks: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """The figure as lines of the table."""
        told = [*(ratio.line() for ratio in self.ratios), *self.remarks]
        return [f"{self.number}  {line}" for line in told]

    def facts(self) -> dict[str, object]:
        """The figure for programs."""
        return {
            "number": self.number,
            "title": self.title,
            "ratios": [ratio.facts() for ratio in self.ratios],
            "remarks": self.remarks,
        }


@frozen(kw_only=True)
class Benchmark:
    """How a figure is measured, and in how many rounds of both sides."""

    measure: Callable[[int], Figure]
    rounds: int
    rounds_quick: int


def _facts(side: Side) -> dict[str, object]:
    return {"name": side.name, side.unit.value: side.seconds, "rounds": side.rounds}


def _cost(side: Side) -> str:
    match side.unit:
        case Unit.SECONDS:
            return f"{side.name}: {side.seconds * 1e6:.1f} us"
        case Unit.BYTES:
            return f"{side.name}: {side.seconds:,.0f} bytes"
    assert_never(side.unit)


def _rate(side: Side) -> str:
    return f"{side.name}: {1 / side.seconds:,.0f}/s"
