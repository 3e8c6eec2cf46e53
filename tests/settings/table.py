"""The table of settings in the documents: `python -m tests.settings.table` writes it anew."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from enum import Enum
from typing import Final

from tests.architecture.tree import TOP
from turnkeep import Settings
from turnkeep.environment import Environment, Variable
from turnkeep.settings import ELSEWHERE, PREFIX

PAGE: Final = TOP / "docs" / "settings.md"
BEGIN: Final = "<!-- written by `python -m tests.settings.table` -->\n"
ENTRY: Final = re.compile(r"^    (?P<field>\w+): (?P<text>.+(?:\n {8}.+)*)", re.MULTILINE)
NOWHERE: Final = Environment(texts={}, elsewhere=ELSEWHERE)


def known() -> Iterator[Variable]:
    """Every variable, once, under the name that it is read by."""
    seen: set[str] = set()
    for variable in NOWHERE.variables(Settings, PREFIX):
        if variable.name not in seen:
            seen.add(variable.name)
            yield variable


def table() -> str:
    """The rows of all variables, each with the words of its class."""
    rows = ["| variable | default | what it is |", "| --- | --- | --- |"]
    rows += [f"| `{each.name}` | {_shown(each.standard)} | {_meaning(each)} |" for each in known()]
    return "\n".join([*rows, ""])


def page() -> str:
    """The page with the table in its place."""
    before, _, _ = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return f"{before}{BEGIN}\n{table()}"


def _meaning(variable: Variable) -> str:
    doc = inspect.getdoc(variable.of) or ""
    entries = {found["field"]: found["text"] for found in ENTRY.finditer(doc)}
    return " ".join(entries[variable.field].split()).replace("|", "\\|")


def _shown(standard: object) -> str:
    match standard:
        case bool():
            return f"`{str(standard).lower()}`"
        case Enum():
            return f"`{standard.value}`"
        case None:
            return "`none`"
        case tuple() | frozenset():
            return ", ".join(sorted(_shown(each) for each in standard))
        case _:
            return f"`{standard}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
