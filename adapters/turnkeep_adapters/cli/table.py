"""A table: rows of short texts in columns, for a terminal or a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from turnkeep_adapters.cli.doctor.place import shown

_GAP: Final = "  "
_CELL_MAX: Final = 60


def lines(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The lines of a table; the last column may be as wide as it likes.

    Whatever cells hold is shown as a terminal may show it, and cut where it is long.
    """
    shortened = [[_short(cell) for cell in row] for row in rows]
    table = [list(heads), *shortened]
    widths = [max(len(row[at]) for row in table) for at in range(len(heads))]
    for row in table:
        padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield _GAP.join(padded).rstrip()


def _short(cell: str) -> str:
    plain = shown(cell)
    return plain if len(plain) <= _CELL_MAX else f"{plain[: _CELL_MAX - 3]}..."
