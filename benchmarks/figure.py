"""A figure: two sides measured in one run, and their ratio. Absolute times are never compared."""

from __future__ import annotations

from attrs import asdict, field, frozen
from attrs.validators import instance_of


@frozen(kw_only=True)
class Side:
    """One side of a figure.

    Attributes:
        name: What was measured.
        seconds: The median time of one operation.
    """

    name: str
    seconds: float


@frozen(kw_only=True)
class Figure:
    """What was measured against what, and how far apart they may be.

    Attributes:
        number: Its name in the documents, for example ``"P8"``.
        ours: Turnkeep's side.
        peer: The side that it is measured against.
        at_most: The goal for the ratio of the times.
    """

    number: str
    title: str
    ours: Side = field(validator=instance_of(Side))
    peer: Side = field(validator=instance_of(Side))
    at_most: float

    @property
    def ratio(self) -> float:
        """How often the peer's time fits into ours."""
        return self.ours.seconds / self.peer.seconds

    @property
    def is_met(self) -> bool:
        """Whether the goal is reached."""
        return self.ratio <= self.at_most

    def line(self) -> str:
        """The figure as a line of the table."""
        verdict = "met" if self.is_met else "missed"
        sides = f"{_time(self.ours)} against {_time(self.peer)}"
        return f"{self.number}  {self.ratio:5.2f}x (goal <= {self.at_most:g}x, {verdict})  {sides}"

    def facts(self) -> dict[str, object]:
        """The figure for programs."""
        return {**asdict(self), "ratio": self.ratio, "is_met": self.is_met}


def _time(side: Side) -> str:
    return f"{side.name}: {side.seconds * 1e6:.1f} us"
