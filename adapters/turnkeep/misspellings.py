"""A misspelling: a name that is so near one which is known that it was hardly chosen by itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

FAULTS_MAX: Final = 2
"""How many letters may be missing, too many, wrong or swapped with the next; case is no fault."""


def meant(name: str, known: Iterable[str]) -> str | None:
    """The known name that is nearest to another, the first of equals; None where none is near."""
    nearest = min(known, key=lambda each: _faults(name.upper(), each.upper()), default=None)
    if nearest is None or _faults(name.upper(), nearest.upper()) > FAULTS_MAX:
        return None
    return nearest


def _faults(name: str, known: str) -> int:
    """How many single faults make one of two names of the other; just too many, where it is far."""
    if abs(len(name) - len(known)) > FAULTS_MAX:
        return FAULTS_MAX + 1
    before: list[int] = []
    row = list(range(len(known) + 1))
    for at, letter in enumerate(name, start=1):
        above, row, earlier = row, [at], before
        for column, other in enumerate(known, start=1):
            faults = min(above[column] + 1, row[-1] + 1, above[column - 1] + (letter != other))
            swapped = at > 1 and column > 1 and name[at - 2 : at] == other + known[column - 2]
            if swapped and letter != other:
                faults = min(faults, earlier[column - 2] + 1)
            row.append(faults)
        before = above
    return row[-1]
