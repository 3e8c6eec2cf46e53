"""A step: one numbered SQL file that takes the schema from one number to the next."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import Final

from attrs import field, frozen

NEWEST: Final = 6
"""The schema that this release works with."""

_PACKAGE: Final = "turnkeep_adapters.postgres"
_DIRECTORY: Final = "migrations"


@frozen
class Step:
    """One migration.

    Attributes:
        number: From 1 on, without a gap.
        name: What it brings.
        sql: What the server is told.
    """

    number: int
    name: str
    sql: str = field(repr=False)

    @property
    def digest(self) -> bytes:
        """Its content's SHA-256; a step that was applied is never changed."""
        return hashlib.sha256(self.sql.encode()).digest()


def all_steps() -> tuple[Step, ...]:
    """Every step that this release knows, in order."""
    found = [
        Step(int(number), name, file.read_text(encoding="utf-8"))
        for file in files(_PACKAGE).joinpath(_DIRECTORY).iterdir()
        if file.name.endswith(".sql")
        for number, _, name in [file.name.removesuffix(".sql").partition("_")]
    ]
    return tuple(sorted(found, key=lambda step: step.number))
