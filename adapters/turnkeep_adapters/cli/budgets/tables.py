"""A table: budgets for people, one line a dimension, with a bar."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from turnkeep import AccountView, Dimension, DimensionView, GateView
from turnkeep_adapters.cli.budgets.facts import of_period
from turnkeep_adapters.cli.doctor.place import shown

BAR_CELLS: Final = 20
_WIDE: Final = 160
_WHOLE_BP: Final = 10_000
_NANO: Final = 10**9


def print_accounts(views: Sequence[AccountView]) -> None:
    """Prints accounts, and of each what has a ceiling, was spent or is held."""
    table = Table("account", "period", "dimension", "", "spent", "held", "ceiling", "used")
    for column in table.columns[4:]:
        column.justify = "right"
    console = _console()
    for view in views:
        name = shown(view.account.path)
        period = "" if view.period is None else shown(of_period(view.period))
        lines = [each for each in view.dimensions if _is_worth_a_line(each)]
        for each in lines:
            table.add_row(*map(Text, [name, period]), *_cells(each, console))
            name = period = ""
        if not lines:
            said = "unmetered" if view.metered_since is None else "nothing yet"
            table.add_row(*map(Text, [name, period, said]))
    console.print(table)
    for view in views:
        if not view.is_resolvable:
            console.print(
                Text(f"The zone of {shown(view.account.path)} is not known on this machine.")
            )


def print_gates(views: Sequence[GateView]) -> None:
    """Prints gates, each with what answers it."""
    table = Table("account", "gate", "dimension", "asked", "ceiling", "passes with", "until (UTC)")
    for view in views:
        gate = view.gate
        dimension = gate.dimension
        table.add_row(
            *map(
                Text,
                [
                    shown(gate.account.path),
                    shown(gate.id),
                    dimension.value,
                    amount(dimension, gate.figures.total),
                    amount(dimension, gate.figures.limit),
                    amount(dimension, gate.least_max),
                    f"{gate.expires_at:%Y-%m-%d %H:%M}",
                ],
            )
        )
    _console().print(table)


def amount(dimension: Dimension, number: int) -> str:
    """An amount for people: money in dollars, without a loss."""
    if dimension is not Dimension.USD_NANO:
        return f"{number:,}"
    whole, nano = divmod(number, _NANO)
    return f"${whole:,}.{f'{nano:09}'.rstrip('0').ljust(2, '0')}"


def bar(view: DimensionView, *, marks: str) -> str:
    """What is spent, held and left of a ceiling, in three marks; empty where there is none."""
    if view.ceiling is None:
        return ""
    whole = max(view.ceiling.max, 1)
    spent = min(BAR_CELLS, view.spent * BAR_CELLS // whole)
    taken = min(BAR_CELLS, -(-(view.spent + view.reserved) * BAR_CELLS // whole))
    if view.ceiling.max == 0:
        spent = taken = BAR_CELLS
    return marks[0] * spent + marks[1] * (taken - spent) + marks[2] * (BAR_CELLS - taken)


def _cells(view: DimensionView, console: Console) -> Iterable[Text]:
    dimension = view.dimension
    plain = not console.encoding.startswith("utf")
    used = "" if view.utilisation_bp is None else f"{view.utilisation_bp / 100:.1f}%"
    limit = "" if view.ceiling is None else amount(dimension, view.ceiling.max)
    style = _style(view)
    yield Text(dimension.value)
    yield Text(bar(view, marks="#=." if plain else "█▒░"), style=style)
    yield Text(amount(dimension, view.spent))
    yield Text(amount(dimension, view.reserved))
    yield Text(limit)
    yield Text(used, style=style)


def _style(view: DimensionView) -> str:
    ceiling, used = view.ceiling, view.utilisation_bp
    if ceiling is None:
        return ""
    if used is None or used >= _WHOLE_BP:
        return "red"
    thresholds = [each for each in (ceiling.warn_bp, ceiling.pause_bp) if each is not None]
    return "yellow" if any(used >= each for each in thresholds) else "green"


def _is_worth_a_line(view: DimensionView) -> bool:
    return view.ceiling is not None or bool(view.spent or view.reserved)


def _console() -> Console:
    # A pipe has no width; what is read by a program or a pager must not be cut.
    width = None if sys.stdout.isatty() else _WIDE
    return Console(width=width, highlight=False)
