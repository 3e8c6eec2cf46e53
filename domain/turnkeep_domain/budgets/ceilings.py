"""A ceiling: the most that may be held and spent of one dimension in one window."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Self

from attrs import field, frozen
from attrs.validators import optional

from turnkeep_domain.budgets.bounds import BASIS_POINTS, is_amount, require_amount
from turnkeep_domain.budgets.dimensions import DIMENSIONS, Dimension
from turnkeep_domain.budgets.periods import PERIODS, Period, fault_of
from turnkeep_domain.budgets.tallies import require_dimensions
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.kinds import of_kind


@frozen(kw_only=True)
class Ceiling:
    """How much of one dimension may be held and spent, and from which part on that is told.

    Thresholds are in basis points of `max`: 1 to 10,000, the warning not above the pause. A gauge
    has no pause, for waiting frees it.

    Attributes:
        max: 0 to 2^63 - 1; 0 means nothing.
        warn_bp: From this part on a reservation carries a warning; None: never.
        pause_bp: From this part on a reservation needs somebody's approval; None: never.
    """

    max: int = field(validator=of_kind(int))
    warn_bp: int | None = field(validator=optional(of_kind(int)))
    pause_bp: int | None = field(validator=optional(of_kind(int)))

    @classmethod
    def of(cls, max: int, *, warn_bp: int | None = None, pause_bp: int | None = None) -> Self:
        """A ceiling, without the thresholds that are not named."""
        return cls(max=max, warn_bp=warn_bp, pause_bp=pause_bp)

    def fault(self, dimension: Dimension) -> str | None:
        """The field that makes it no ceiling of a dimension; None where nothing does."""
        if not is_amount(self.max):
            return "max"
        for name, threshold in (("warn_bp", self.warn_bp), ("pause_bp", self.pause_bp)):
            if threshold is not None and not _is_threshold(threshold):
                return name
        if self.pause_bp is not None and dimension.is_gauge:
            return "pause_bp"
        both = self.warn_bp is not None and self.pause_bp is not None
        return "warn_bp" if both and self.warn_bp > self.pause_bp else None  # type: ignore[operator]  # both are there

    def is_passed_by(self, total: int) -> bool:
        """Whether so much is more than may be."""
        return total > self.max

    def pauses(self, total: int) -> bool:
        """Whether so much needs an approval."""
        return self.pause_bp is not None and total * BASIS_POINTS >= self.max * self.pause_bp

    def warns(self, total: int) -> bool:
        """Whether so much is worth a warning."""
        return self.warn_bp is not None and total * BASIS_POINTS >= self.max * self.warn_bp

    def least_max(self, total: int) -> int:
        """The smallest `max` under which so much neither passes the ceiling nor pauses."""
        if self.pause_bp is None:
            return total
        return max(total, total * BASIS_POINTS // self.pause_bp + 1)


def _is_threshold(basis_points: int) -> bool:
    return type(basis_points) is int and 1 <= basis_points <= BASIS_POINTS


@frozen
class Limits:
    """What an account may hold and spend in each window; a dimension without ceiling is unlimited.

    Attributes:
        ceilings: In canonical order of the dimensions, each named once.

    Raises:
        InvalidValue: A field is of another kind, or the ceilings are not in order.
    """

    period: Period = field(validator=of_kind(*PERIODS))
    ceilings: tuple[tuple[Dimension, Ceiling], ...] = field(validator=of_kind(tuple))

    @ceilings.validator
    def _are_in_order(self, _: object, ceilings: tuple[object, ...]) -> None:
        if not all(map(_is_pair, ceilings)):
            raise InvalidValue("ceilings", "must be pairs of a dimension and its ceiling")
        require_in_order("ceilings", [dimension for dimension, _ in self.ceilings])

    @classmethod
    def of(cls, period: Period, ceilings: Mapping[Dimension, Ceiling]) -> Self:
        """The limits of these ceilings, whatever their order.

        Raises:
            InvalidValue: A key is no dimension, or a value no ceiling.
        """
        require_dimensions("ceilings", ceilings)
        named = [(name, ceilings[name]) for name in DIMENSIONS if name in ceilings]
        return cls(period, tuple(named))

    def fault(self) -> str | None:
        """The field that breaks a rule, as a path; None where they can be kept."""
        field = fault_of(self.period)
        if field is not None:
            return f"period.{field}"
        for dimension, ceiling in self.ceilings:
            field = ceiling.fault(dimension)
            if field is not None:
                return f"{dimension.value}.{field}"
        return None


@frozen(kw_only=True)
class StandingCeiling:
    """A ceiling as an account keeps it.

    Attributes:
        since: The limit revision that set it.
    """

    dimension: Dimension = field(validator=of_kind(Dimension))
    ceiling: Ceiling = field(validator=of_kind(Ceiling))
    since: int = field()

    @since.validator
    def _is_a_revision(self, _: object, since: int) -> None:
        require_amount("since", since, least=1)

    @ceiling.validator
    def _can_be_kept(self, _: object, ceiling: Ceiling) -> None:
        fault = ceiling.fault(self.dimension)
        if fault is not None:
            raise InvalidValue(fault, "must be within the bounds of a ceiling")


def _is_pair(pair: object) -> bool:
    match pair:
        case (Dimension(), Ceiling()):
            return type(pair) is tuple
        case _:
            return False


def require_in_order(what: str, dimensions: list[Dimension]) -> None:
    """Refuses dimensions that are not in canonical order, or named twice.

    Raises:
        InvalidValue: They are.
    """
    places = [DIMENSIONS.index(dimension) for dimension in dimensions]
    if not all(earlier < later for earlier, later in pairwise(places)):
        raise InvalidValue(what, "must be in the order of the dimensions, each named once")
