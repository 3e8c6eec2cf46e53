"""A wish: what an operator types of accounts, amounts, periods and people, read exactly."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Final

from turnkeep import (
    AccountRef,
    Calendar,
    CalendarUnit,
    Ceiling,
    Dimension,
    InvalidValue,
    Lifetime,
    Limits,
    Period,
    Rolling,
)
from turnkeep_adapters.cli.asking import Unclear

_NANO: Final = Decimal(10) ** 9
_UNITS_MS: Final = {"m": 60_000, "h": 3_600_000, "d": 86_400_000}
_SPAN: Final = re.compile(r"([1-9][0-9]{0,8})([mhd])")
_WHOLE: Final = re.compile(r"[0-9]{1,19}")


def account_of(text: str) -> AccountRef:
    """The account that `level:id/id` names.

    Raises:
        Unclear: It names none.
    """
    try:
        return AccountRef.parse(text)
    except InvalidValue as error:
        raise Unclear(
            "an account is its level and ids: tenant:acme, user:acme/ada, agent:acme/ada/scout"
        ) from error


def amount_of(dimension: Dimension, text: str) -> int:
    """An amount of a dimension; of money, `$` and a decimal number are dollars.

    Raises:
        Unclear: It is no whole number, or a part of a nano-dollar.
    """
    if dimension is Dimension.USD_NANO and text.startswith("$"):
        return _nano(text[1:])
    if not _WHOLE.fullmatch(text):
        raise Unclear(f"an amount of {dimension.value} is a whole number")
    return int(text)


def _nano(dollars: str) -> int:
    try:
        nano = Decimal(dollars) * _NANO
        whole = int(nano)
    except (InvalidOperation, OverflowError, ValueError) as error:
        raise Unclear("dollars are written as $12 or $0.25") from error
    if whole != nano or whole < 0:
        raise Unclear("dollars are not negative and have nine decimal digits at most")
    return whole


def ceiling_of(text: str) -> tuple[Dimension, Ceiling]:
    """A ceiling: `dimension=max`, then `,warn=bp` and `,pause=bp` where they are wanted.

    Raises:
        Unclear: It is none.
    """
    first, *rest = text.split(",")
    name, _, amount = first.partition("=")
    try:
        dimension = Dimension(name)
    except ValueError as error:
        names = ", ".join(each.value for each in Dimension)
        raise Unclear(f"a ceiling names one of {names}") from error
    thresholds: dict[str, int] = {}
    for part in rest:
        which, _, basis_points = part.partition("=")
        if which not in ("warn", "pause") or not _WHOLE.fullmatch(basis_points):
            raise Unclear("thresholds are written as warn=7500 and pause=9000, in basis points")
        thresholds[f"{which}_bp"] = int(basis_points)
    return dimension, Ceiling.of(amount_of(dimension, amount), **thresholds)


def period_of(text: str) -> Period:
    """A period: `lifetime`, `rolling:24h`, or `day`, `week` or `month` with `:` and a zone.

    Raises:
        Unclear: It is none.
    """
    word, _, rest = text.partition(":")
    if text == "lifetime":
        return Lifetime()
    span = _SPAN.fullmatch(rest)
    if word == "rolling" and span is not None:
        return Rolling(int(span[1]) * _UNITS_MS[span[2]])
    try:
        return Calendar(rest or "UTC", CalendarUnit(word))
    except ValueError as error:
        raise Unclear(
            "a period is lifetime, rolling:90m, rolling:24h, rolling:30d,"
            " or day, week or month, as in month:Europe/Vienna"
        ) from error


def limits_of(period: str, ceilings: tuple[str, ...]) -> Limits:
    """The limits of a period and its ceilings.

    Raises:
        Unclear: Some of it is none, or names a dimension twice.
    """
    pairs = [ceiling_of(text) for text in ceilings]
    if len({dimension for dimension, _ in pairs}) != len(pairs):
        raise Unclear("each dimension has one ceiling")
    return Limits.of(period_of(period), dict(pairs))
