"""A tally: amounts of the dimensions, each at its dimension's place.

They are kept as rows of whole numbers, for an account sums up hundreds of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import add
from typing import Self

from attrs import field, frozen

from turnkeep_domain.budgets.bounds import is_amount
from turnkeep_domain.budgets.dimensions import COUNTERS, DIMENSIONS, GAUGES, Dimension
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.kinds import require_kind


def _amounts(what: str, amounts: object, count: int) -> None:
    if type(amounts) is not tuple or len(amounts) != count or not all(map(is_amount, amounts)):
        raise InvalidValue(what, f"must be {count} whole numbers from 0 to 2^63 - 1")


@frozen
class Tally:
    """An amount of each of the eight dimensions.

    Attributes:
        amounts: In canonical order of the dimensions.
    """

    amounts: tuple[int, ...] = field()

    @amounts.validator
    def _is_whole(self, _: object, amounts: tuple[int, ...]) -> None:
        _amounts("tally", amounts, len(DIMENSIONS))

    @classmethod
    def of(cls, amounts: Mapping[Dimension, int]) -> Self:
        """The tally of these amounts; what is not named is 0.

        Raises:
            InvalidValue: A key is no dimension, or a value no amount.
        """
        require_dimensions("tally", amounts)
        return cls(_row(amounts, DIMENSIONS))

    def __getitem__(self, dimension: Dimension) -> int:
        return self.amounts[DIMENSIONS.index(dimension)]

    @property
    def is_empty(self) -> bool:
        """Whether every amount is 0."""
        return not any(self.amounts)

    @property
    def counters(self) -> Usage:
        """What of it can be charged."""
        return Usage(self.amounts[: len(COUNTERS)])

    def as_mapping(self) -> dict[Dimension, int]:
        """The amounts that are not 0."""
        return _named(self.amounts)


@frozen
class Usage:
    """An amount of each of the six counters: what work has used up.

    Attributes:
        amounts: In canonical order of the counters.
    """

    amounts: tuple[int, ...] = field()

    @amounts.validator
    def _is_whole(self, _: object, amounts: tuple[int, ...]) -> None:
        _amounts("usage", amounts, len(COUNTERS))

    @classmethod
    def of(cls, amounts: Mapping[Dimension, int]) -> Self:
        """The usage of these amounts; what is not named is 0.

        Raises:
            InvalidValue: A key is no counter, or a value no amount.
        """
        require_dimensions("usage", amounts)
        if any(amount and dimension in GAUGES for dimension, amount in amounts.items()):
            raise InvalidValue("usage", "must name counters alone")
        return cls(_row(amounts, COUNTERS))

    @classmethod
    def nothing(cls) -> Self:
        """No use of anything."""
        return cls((0,) * len(COUNTERS))

    def __getitem__(self, dimension: Dimension) -> int:
        return 0 if dimension.is_gauge else self.amounts[COUNTERS.index(dimension)]

    def or_more(self, other: Usage) -> Usage:
        """The greater amount of each counter."""
        return Usage(tuple(map(max, self.amounts, other.amounts)))

    def beyond(self, other: Usage) -> Usage:
        """By how much each counter passes the other's; 0 where it does not."""
        return Usage(
            tuple([max(0, m - n) for m, n in zip(self.amounts, other.amounts, strict=True)])
        )

    def plus(self, other: Usage) -> Usage | Dimension:
        """Both together; or the first counter whose sum is no amount any more."""
        sums = tuple(map(add, self.amounts, other.amounts))
        for counter, amount in zip(COUNTERS, sums, strict=True):
            if not is_amount(amount):
                return counter
        return Usage(sums)

    def as_mapping(self) -> dict[Dimension, int]:
        """The amounts that are not 0."""
        return _named(self.amounts)


def require_dimensions(what: str, amounts: object) -> None:
    """Refuses what is no mapping from dimensions.

    Raises:
        InvalidValue: It is none; nothing of it is repeated.
    """
    require_kind(what, amounts, Mapping)
    for dimension in amounts:  # type: ignore[attr-defined]  # it is a mapping
        require_kind(what, dimension, Dimension)


def faulty_amount(amounts: Mapping[Dimension, int], *, gauges: bool) -> Dimension | None:
    """The first dimension whose value is no amount, or that is a gauge where none may be.

    Raises:
        InvalidValue: A key is no dimension.
    """
    require_dimensions("amounts", amounts)
    faulty = [
        dimension
        for dimension, amount in amounts.items()
        if not is_amount(amount) or (amount and dimension.is_gauge and not gauges)
    ]
    return min(faulty, key=DIMENSIONS.index, default=None)


def _row(amounts: Mapping[Dimension, int], dimensions: tuple[Dimension, ...]) -> tuple[int, ...]:
    # By what is named: mostly one or two, and each look for a member of an enumeration costs.
    row = [0] * len(dimensions)
    for dimension, amount in amounts.items():
        if dimension in dimensions:
            row[dimensions.index(dimension)] = amount
    return tuple(row)


def _named(amounts: tuple[int, ...]) -> dict[Dimension, int]:
    return {
        dimension: amount for dimension, amount in zip(DIMENSIONS, amounts, strict=False) if amount
    }
